// Depo: the graph and the grid start x hops.

function drawHops(canvas, run, frame) {
  const { ctx, w, h } = fit(canvas);
  const { picture } = run, woken = frame.state >= 0 ? run.woken[frame.state] : null;
  const stacked = w < 620;
  const side = stacked ? Math.min(w, h * 0.46) : Math.min(h, w * 0.52);
  drawRing(ctx, picture, frame, woken, (stacked ? w - side : 0) / 2, stacked ? 0 : (h - side) / 2, side);
  if (stacked) drawGrid(ctx, picture, woken, 0, side + 14, w, h - side - 14);
  else drawGrid(ctx, picture, woken, side + 34, 0, w - side - 34, h);
}

function drawRing(ctx, picture, frame, woken, left, top, side) {
  windowKey(ctx, picture.edges, left, top + 8, left + side);
  const r = 13, box = side - 2 * r - 30, at = (node) => [left + r + 6 + node.x * (side - 2 * r - 12), top + 22 + r + node.y * box];
  const { nodes, path } = picture, onPath = new Set(path.slice(0, -1).map((from, i) => `${from}>${path[i + 1]}`));
  for (const edge of picture.edges) {
    const where = stage(frame, edge.token), asked = onPath.has(`${edge.from}>${edge.to}`);
    if (where === "ahead" && !asked) continue;
    const from = at(nodes[edge.from]), to = at(nodes[edge.to]);
    ctx.globalAlpha = where === "gone" ? 0.32 : where === "ahead" ? 0.0 : 1;
    const colour = WINDOWS[edge.window % WINDOWS.length], dash = DASHES[edge.window % DASHES.length];
    if (edge.from === edge.to) {
      ctx.beginPath(); ctx.arc(from[0] + r, from[1] - r, 8, 0, 7); ctx.strokeStyle = colour; ctx.lineWidth = 2; ctx.stroke();
    } else if (where !== "ahead") arrow(ctx, from, to, colour, 2.2, dash, r, r + 2);
    ctx.globalAlpha = 1;
    // The path stands beside its edges, read or not: it is the question.
    if (asked && edge.from !== edge.to) line(ctx, [from, to], "rgb(246 215 122 / .38)", 9);
  }
  nodes.forEach((node, i) => {
    const [x, y] = at(node), isStart = i === path[0], isEnd = i === path[path.length - 1], said = woken && woken.answer === i;
    ctx.beginPath(); ctx.arc(x, y, r, 0, 7);
    ctx.fillStyle = isStart ? INK.warm : said ? (woken.correct ? INK.right : "#a8480f") : path.includes(i) ? "#4a4a35" : INK.zero;
    ctx.fill();
    if (isEnd || said) { ctx.strokeStyle = said && !woken.correct ? INK.wrong : INK.warm; ctx.lineWidth = 2.5; ctx.stroke(); }
    label(ctx, [node.name, node.name.slice(0, 3), node.name.slice(0, 1)], x, y + 0.5, 2 * r - 3, isStart || (said && woken.correct) ? "#10182a" : INK.text);
  });
  const hops = path.length - 1, middle = left + side / 2, centre = top + 22 + r + box / 2;
  const room = side * 0.5;
  label(ctx, [`${hops} hop${hops > 1 ? "s" : ""} from ${nodes[path[0]].name}?`, `${hops} from ${nodes[path[0]].name}?`], middle, centre - 18, room, INK.warm);
  if (woken) {
    const said = woken.answer < 0 ? "unknown" : nodes[woken.answer].name;
    label(ctx, [`answer now: ${said}`, said], middle, centre, room, INK.text);
    label(ctx, [woken.correct ? "right" : woken.answer < 0 ? "not yet" : "× wrong"], middle, centre + 18, room, woken.correct ? INK.right : woken.answer < 0 ? INK.dim : INK.wrong);
  } else if (frame.kind === "token") label(ctx, ["asked after the last sleep"], middle, centre, room, INK.dim);
}

// A row a start (in the order of the path from the asked start), a column a hop.
function drawGrid(ctx, picture, woken, left, top, w, h) {
  const { nodes, path } = picture, n = nodes.length;
  const hops = woken ? woken.grid.length / n : Math.max(path.length - 1, picture.hops_max);
  const gutter = 44, head = 40;
  const tall = Math.min(22, (h - head) / n), wide = Math.min(34, (w - gutter - 4) / hops), size = Math.min(tall, 22);
  label(ctx, ["every start × every number of hops", "starts × hops"], left, top + 8, w, INK.dim, "left");
  for (let hop = 0; hop < hops; hop++) label(ctx, [`+${hop + 1}`, String(hop + 1)], left + gutter + hop * wide + wide / 2, top + 28, wide, INK.dim);
  picture.order.forEach((start, row) => {
    const y = top + head + row * tall;
    label(ctx, [nodes[start].name, nodes[start].name.slice(0, 5), nodes[start].name.slice(0, 2)], left + gutter - 8, y + tall / 2, gutter - 8, start === path[0] ? INK.warm : INK.dim, "right");
    for (let hop = 0; hop < hops; hop++) {
      const how = woken ? woken.grid[start * hops + hop] : "";
      const x = left + gutter + hop * wide;
      ctx.fillStyle = how === "r" ? INK.right : INK.zero;
      ctx.globalAlpha = how ? 1 : 0.4;
      ctx.fillRect(x, y, wide - 2, tall - 2);
      ctx.globalAlpha = 1;
      if (how === "w") cross(ctx, x + (wide - size) / 2, y + (tall - size) / 2 - 1, size);
      if (how === "u") { ctx.beginPath(); ctx.arc(x + wide / 2 - 1, y + tall / 2 - 1, 1.6, 0, 7); ctx.fillStyle = INK.dim; ctx.fill(); }
      if (start === path[0] && hop === path.length - 2) { ctx.strokeStyle = INK.warm; ctx.lineWidth = 2; ctx.strokeRect(x, y, wide - 2, tall - 2); }
    }
  });
}

register("hops", drawHops, { narrow: 760 });
