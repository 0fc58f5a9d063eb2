// GSM: variables by depth, with the value each would get.

function drawValues(canvas, run, frame) {
  const { ctx, w, h, unit } = fit(canvas);
  const { picture } = run, woken = frame.state >= 0 ? run.woken[frame.state] : null;
  const { nodes } = picture;
  const keyEnd = windowKey(ctx, picture.edges, 0, 0.65 * unit, w, unit);
  if (nodes.some((node) => node.truth === "?")) {
    label(ctx, ["? is “unknown”, and right where a variable is never told", "? is “unknown”", "?: unknown"], w - 4, 0.65 * unit, w - keyEnd, INK.dim, "right");
  }
  const deepest = Math.max(...nodes.map((node) => node.depth)), last = Math.max(...nodes.map((node) => node.row));
  // Depth runs to the right, or down where the screen is narrow.
  const down = w < 1.05 * h, top = 1.8 * unit;
  const along = (down ? h - top : w) / (deepest + 1), across = (down ? w : h - top) / (last + 1);
  const boxW = Math.min(down ? across - 6 : along - 1.6 * unit, 7 * unit), boxH = Math.min(down ? along - 1.4 * unit : across - 6, 3.5 * unit);
  const at = (node) => {
    const a = (node.depth + 0.5) * along, b = (node.row + 0.5) * across;
    return down ? [b, top + a] : [a, top + b];
  };
  for (const edge of picture.edges) {
    if (edge.from < 0 || frame.read <= edge.token) continue;
    const from = at(nodes[edge.from]), to = at(nodes[edge.to]);
    const a = down ? [from[0], from[1] + boxH / 2] : [from[0] + boxW / 2, from[1]], b = down ? [to[0], to[1] - boxH / 2] : [to[0] - boxW / 2, to[1]];
    if (edge.needed) line(ctx, [a, b], "rgb(246 215 122 / .38)", 9);
    ctx.globalAlpha = stage(frame, edge.token) === "gone" ? 0.35 : 1;
    arrow(ctx, a, b, WINDOWS[edge.window % WINDOWS.length], 2, DASHES[edge.window % DASHES.length], 0, 1);
    ctx.globalAlpha = 1;
    label(ctx, [edge.change], (a[0] + b[0]) / 2 + (down ? unit : 0), (a[1] + b[1]) / 2 - (down ? 0 : 0.7 * unit), 2.6 * unit, INK.text);
  }
  const told = new Map(picture.edges.map((edge) => [edge.to, edge.token]));
  nodes.forEach((node, i) => {
    const [x, y] = at(node), how = woken ? woken.how[i] : "", value = woken ? woken.values[i] : "";
    const isRead = frame.read > (told.get(i) ?? -1) && (told.has(i) || frame.kind !== "token");
    ctx.globalAlpha = isRead ? 1 : 0.4;
    ctx.fillStyle = how === "r" ? INK.right : INK.tile;
    ctx.beginPath(); ctx.roundRect(x - boxW / 2, y - boxH / 2, boxW, boxH, 6); ctx.fill();
    const equals = picture.equals !== null && value === picture.equals;
    if (node.asked || node.needed || equals) { ctx.strokeStyle = INK.warm; ctx.lineWidth = node.asked || equals ? 3 : 1.3; ctx.stroke(); }
    const ink = how === "r" ? INK.dark : INK.text, two = boxH >= 2.6 * unit;
    const written = value === "" ? "" : how === "w" ? `× ${value}` : value === "?" ? "unknown" : value;
    label(ctx, [node.name, node.name.slice(-4), node.name.slice(-3)], x, two || written ? y - boxH / 4 + 1 : y, boxW - 4, ink);
    for (const size of written === "" ? [] : two ? [1.2, 1, 0.8] : [1, 0.8]) {  // as large as the box has room for
      ctx.font = type(size * unit, "600");
      if (label(ctx, [written, value], x, y + boxH / 4, boxW - 2, how === "w" ? INK.wrong : ink)) break;
    }
    ctx.font = type(unit);
    ctx.globalAlpha = 1;
  });
  return nodes.map((node, i) => { const [x, y] = at(node); return mark(x - boxW / 2, y - boxH / 2, boxW, boxH, () => variableText(picture, woken, i)); });
}

function variableText({ nodes, edges }, woken, i) {
  const edge = edges.find((each) => each.to === i), from = edge && edge.from >= 0 ? `${nodes[edge.from].name} ${edge.change}` : "a number";
  const told = edge ? `${nodes[i].name} is ${from}, told in window ${edge.window + 1}` : `${nodes[i].name} is never told, so “unknown” is right`;
  const said = woken && { r: `now said right: ${woken.values[i]}`, w: `now said wrong: ${woken.values[i]}`, u: "now said “unknown”" }[woken.how[i]];
  return said ? `${told}; ${said}` : told;
}

register("values", drawValues, { narrow: 250 });
