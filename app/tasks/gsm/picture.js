// GSM: variables by depth, with the value each would get.

function drawValues(canvas, run, frame) {
  const { ctx, w, h } = fit(canvas);
  const { picture } = run, woken = frame.state >= 0 ? run.woken[frame.state] : null;
  const { nodes } = picture;
  windowKey(ctx, picture.edges, 0, 8, w);
  const deepest = Math.max(...nodes.map((node) => node.depth)), last = Math.max(...nodes.map((node) => node.row));
  // Depth runs to the right, or down where the screen is narrow.
  const down = w < 560, top = 30;
  const along = (down ? h - top : w) / (deepest + 1), across = (down ? w : h - top) / (last + 1);
  const boxW = Math.min(down ? across - 6 : along - 22, 86), boxH = Math.min(down ? along - 18 : across - 6, 42);
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
    label(ctx, [edge.change], (a[0] + b[0]) / 2 + (down ? 12 : 0), (a[1] + b[1]) / 2 - (down ? 0 : 9), 30, INK.text);
  }
  const told = new Map(picture.edges.map((edge) => [edge.to, edge.token]));
  nodes.forEach((node, i) => {
    const [x, y] = at(node), how = woken ? woken.how[i] : "", value = woken ? woken.values[i] : "";
    const isRead = frame.read > (told.get(i) ?? -1) && (told.has(i) || frame.kind !== "token");
    ctx.globalAlpha = isRead ? 1 : 0.4;
    ctx.fillStyle = how === "r" ? INK.right : INK.zero;
    ctx.beginPath(); ctx.roundRect(x - boxW / 2, y - boxH / 2, boxW, boxH, 6); ctx.fill();
    const equals = picture.equals !== null && value === picture.equals;
    if (node.asked || node.needed || equals) { ctx.strokeStyle = INK.warm; ctx.lineWidth = node.asked || equals ? 3 : 1.3; ctx.stroke(); }
    const ink = how === "r" ? "#10182a" : INK.text, two = boxH >= 34;
    const written = value === "" ? "" : how === "w" ? `× ${value}` : value;
    label(ctx, [node.name, node.name.slice(-4), node.name.slice(-3)], x, two || written ? y - boxH / 4 + 1 : y, boxW - 4, ink);
    ctx.font = `600 ${two ? 15 : 12}px system-ui, sans-serif`;
    label(ctx, [written, value], x, y + boxH / 4, boxW - 4, how === "w" ? INK.wrong : ink);
    ctx.font = FONT;
    ctx.globalAlpha = 1;
  });
}

register("values", drawValues, { narrow: 560 });
