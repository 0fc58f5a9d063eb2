// Depo: the graph and the grid start x hops.

function drawHops(canvas, run, frame) {
  const { ctx, w, h, unit } = fit(canvas);
  const { picture } = run, woken = frame.state >= 0 ? run.woken[frame.state] : null;
  const stacked = w < 1.05 * h;
  const side = stacked ? Math.min(w, h * 0.5) : Math.min(h, w * 0.52);
  const ring = drawRing(ctx, picture, frame, woken, (stacked ? w - side : 0) / 2, stacked ? 0 : (h - side) / 2, side, unit);
  const grid = stacked ? [0, side + unit, w, h - side - unit] : [side + 2 * unit, 0, w - side - 2 * unit, h];
  return [...ring, ...drawHopGrid(ctx, picture, woken, ...grid, unit)];
}

function drawRing(ctx, picture, frame, woken, left, top, side, unit) {
  windowKey(ctx, picture.edges, left, top + 0.65 * unit, left + side, unit);
  const { nodes, path } = picture, r = Math.min(1.15 * unit, side / 17), box = side - 2 * r - 2 * unit;
  const at = (node) => [left + r + 4 + node.x * (side - 2 * r - 8), top + 1.6 * unit + r + node.y * box];
  const onPath = new Set(path.slice(0, -1).map((from, i) => `${from}>${path[i + 1]}`));
  for (const edge of picture.edges) {
    const where = stage(frame, edge.token), asked = onPath.has(`${edge.from}>${edge.to}`);
    if (where === "ahead" && !asked) continue;
    const from = at(nodes[edge.from]), to = at(nodes[edge.to]);
    ctx.globalAlpha = where === "gone" ? 0.32 : where === "ahead" ? 0 : 1;
    const colour = WINDOWS[edge.window % WINDOWS.length], dash = DASHES[edge.window % DASHES.length];
    if (edge.from === edge.to) {
      ctx.beginPath(); ctx.arc(from[0] + r, from[1] - r, 0.6 * r, 0, 7); ctx.strokeStyle = colour; ctx.lineWidth = 2; ctx.stroke();
    } else if (where !== "ahead") arrow(ctx, from, to, colour, 2.2, dash, r, r + 2);
    ctx.globalAlpha = 1;
    // The path stands beside its edges, read or not: it is the question.
    if (asked && edge.from !== edge.to) line(ctx, [from, to], "rgb(246 215 122 / .38)", 0.7 * r);
  }
  const names = ringNames(ctx, nodes, 2 * r);
  nodes.forEach((node, i) => {
    const [x, y] = at(node), isStart = i === path[0], isEnd = i === path[path.length - 1], said = woken && woken.answer === i;
    ctx.beginPath(); ctx.arc(x, y, r, 0, 7);
    ctx.fillStyle = isStart ? INK.warm : said ? (woken.correct ? INK.right : "#a8480f") : path.includes(i) ? "#4a4a35" : INK.tile;
    ctx.fill();
    if (isEnd || said) { ctx.strokeStyle = said && !woken.correct ? INK.wrong : INK.warm; ctx.lineWidth = 2.5; ctx.stroke(); }
    label(ctx, [names[i]], x, y + 0.5, 2 * r, isStart || (said && woken.correct) ? INK.dark : INK.text);
  });
  drawQuestion(ctx, picture, frame, woken, left + side / 2, top + 1.6 * unit + r + box / 2, side * 0.55, unit);
  return nodes.map((node, i) => { const [x, y] = at(node); return mark(x - r, y - r, 2 * r, 2 * r, () => nodeText(picture, frame, i)); });
}

// In the middle of the ring: what is asked, and what it would say.
function drawQuestion(ctx, { nodes, path }, frame, woken, middle, centre, room, unit) {
  const hops = path.length - 1, start = nodes[path[0]].name, isUnknown = woken && woken.answer < 0;
  const verdict = woken && (woken.correct ? "right" : isUnknown ? "not yet" : "× wrong"), ink = isUnknown ? INK.dim : INK.wrong;
  const said = woken && { answer: isUnknown ? "unknown" : nodes[woken.answer].name, verdict, ink: woken.correct ? INK.right : ink };
  drawAsked(ctx, [`${count(hops, "hop")} from ${start}?`, `${hops} from ${start}?`], frame, said, middle, centre, room, unit);
}

// Every name at the same length: the longest at which all of them fit and still differ.
function ringNames(ctx, nodes, room) {
  const longest = Math.max(...nodes.map((node) => node.name.length));
  for (let n = longest; n > 0; n--) {
    const names = nodes.map((node) => node.name.slice(0, n));
    if (new Set(names).size === nodes.length && names.every((name) => ctx.measureText(name).width <= room)) return names;
  }
  return nodes.map((_, i) => shortName(nodes, i));
}

// Every name cut to the shortest length at which all of them differ.
function shortName(nodes, i) {
  const longest = Math.max(...nodes.map((node) => node.name.length));
  for (let n = 1; n <= longest; n++) {
    if (new Set(nodes.map((node) => node.name.slice(0, n))).size === nodes.length) return nodes[i].name.slice(0, n);
  }
  return nodes[i].name;
}

function nodeText({ nodes, edges }, frame, i) {
  const edge = edges.find((each) => each.from === i);
  const where = edge && { ahead: "not read yet", held: "in the cache", gone: "cleared" }[stage(frame, edge.token)];
  return edge ? `${nodes[i].name} → ${nodes[edge.to].name}, told in window ${edge.window + 1} (${where})` : nodes[i].name;
}

// Every start, in the order of the path from the asked one, and every number of hops.
function drawHopGrid(ctx, picture, woken, left, top, w, h, unit) {
  const { nodes, path, order } = picture, hops = woken ? woken.grid.length / nodes.length : Math.max(path.length - 1, picture.hops_max);
  const cell = (row, column) => {
    const how = woken ? woken.grid[order[row] * hops + column] : "";
    const said = { r: "right", w: "wrong", u: "“unknown”" }[how] ?? "not asked yet";
    return {
      fill: how === "r" ? INK.right : INK.tile, known: how !== "", text: `${count(column + 1, "hop")} from ${nodes[order[row]].name}: ${said}`,
      draw: (x, y, wide, tall) => {
        const size = Math.min(tall, 1.8 * unit, wide);
        if (how === "w") cross(ctx, x + (wide - size) / 2, y + (tall - size) / 2 - 1, size);
        if (how === "u") disc(ctx, x + wide / 2 - 1, y + tall / 2 - 1, 1.6, INK.dim);
      },
    };
  };
  return drawGrid(ctx, {
    titles: ["right for every start and number of hops", "every start, 1 to 8 hops", "starts × hops"],
    heads: Array.from({ length: hops }, (_, hop) => [`+${hop + 1}`, String(hop + 1)]),
    names: order.map((start) => [nodes[start].name, shortName(nodes, start)]),
    asked: { row: order.indexOf(path[0]), column: path.length - 2 }, cell,
  }, { gutter: 3.4, tallest: 2, widest: 3 }, left, top, w, h, unit);
}

register("hops", drawHops, { narrow: 250 });
