// Depo: the graph and the grid start x hops.

function drawHops(canvas, run, frame) {
  const { ctx, w, h, unit } = fit(canvas);
  const { picture } = run, woken = frame.state >= 0 ? run.woken[frame.state] : null;
  const stacked = w < 1.05 * h;
  const side = stacked ? Math.min(w, h * 0.5) : Math.min(h, w * 0.52);
  const ring = drawRing(ctx, picture, frame, woken, (stacked ? w - side : 0) / 2, stacked ? 0 : (h - side) / 2, side, unit);
  const grid = stacked ? [0, side + unit, w, h - side - unit] : [side + 2 * unit, 0, w - side - 2 * unit, h];
  return [...ring, ...drawGrid(ctx, picture, woken, ...grid, unit)];
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
  const hops = path.length - 1, start = nodes[path[0]].name;
  label(ctx, [`${count(hops, "hop")} from ${start}?`, `${hops} from ${start}?`], middle, centre - 1.4 * unit, room, INK.warm);
  if (woken) {
    const said = woken.answer < 0 ? "unknown" : nodes[woken.answer].name;
    label(ctx, [`answer now: ${said}`, said], middle, centre, room, INK.text);
    const verdict = woken.correct ? "right" : woken.answer < 0 ? "not yet" : "× wrong";
    label(ctx, [verdict], middle, centre + 1.4 * unit, room, woken.correct ? INK.right : woken.answer < 0 ? INK.dim : INK.wrong);
  } else if (frame.kind === "token") label(ctx, ["asked after the last sleep", "asked at the end"], middle, centre, room, INK.dim);
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

// A row a start (in the order of the path from the asked start), a column a hop.
function drawGrid(ctx, picture, woken, left, top, w, h, unit) {
  const { nodes, path } = picture, n = nodes.length;
  const hops = woken ? woken.grid.length / n : Math.max(path.length - 1, picture.hops_max);
  const gutter = 3.4 * unit, head = 3.2 * unit;
  const tall = Math.min(2 * unit, (h - head) / n), wide = Math.min(3 * unit, (w - gutter - 4) / hops), size = Math.min(tall, 1.8 * unit, wide);
  const every = Math.ceil(1.05 * unit / tall), marks = [];
  label(ctx, ["right for every start and number of hops", "every start, 1 to 8 hops", "starts × hops"], left, top + 0.65 * unit, w, INK.dim, "left");
  for (let hop = 0; hop < hops; hop++) label(ctx, [`+${hop + 1}`, String(hop + 1)], left + gutter + hop * wide + wide / 2, top + 2.2 * unit, wide, INK.dim);
  picture.order.forEach((start, row) => {
    const y = top + head + row * tall;
    if (row % every === 0) label(ctx, [nodes[start].name, shortName(nodes, start)], left + gutter - 8, y + tall / 2, gutter - 8, start === path[0] ? INK.warm : INK.dim, "right");
    for (let hop = 0; hop < hops; hop++) {
      const how = woken ? woken.grid[start * hops + hop] : "";
      const x = left + gutter + hop * wide;
      ctx.fillStyle = how === "r" ? INK.right : INK.tile;
      ctx.globalAlpha = how ? 1 : 0.4;
      ctx.fillRect(x, y, wide - 2, tall - 2);
      ctx.globalAlpha = 1;
      if (how === "w") cross(ctx, x + (wide - size) / 2, y + (tall - size) / 2 - 1, size);
      if (how === "u") disc(ctx, x + wide / 2 - 1, y + tall / 2 - 1, 1.6, INK.dim);
      if (start === path[0] && hop === path.length - 2) { ctx.strokeStyle = INK.warm; ctx.lineWidth = 2; ctx.strokeRect(x, y, wide - 2, tall - 2); }
      const said = { r: "right", w: "wrong", u: "“unknown”" }[how] ?? "not asked yet";
      marks.push(mark(x, y, wide, tall, () => `${count(hop + 1, "hop")} from ${nodes[start].name}: ${said}`));
    }
  });
  return marks;
}

register("hops", drawHops, { narrow: 250 });
