// What every picture of a graph shares: an edge's colour and dash, arrows, and the key of windows.

const WINDOWS = ["#56B4E9", "#E69F00", "#CC79A7", "#F0E442"]; // an edge's colour is the window that told it
const DASHES = [[], [7, 4], [2, 3], [9, 3, 2, 3]]; // and so is its dash

// Not read yet, in the KV cache, or evicted.
function stage(frame, token) {
  return frame.read <= token ? "ahead" : frame.dropped > token ? "gone" : "held";
}

function arrow(ctx, [x1, y1], [x2, y2], colour, width, dash, from, to) {
  const length = Math.hypot(x2 - x1, y2 - y1) || 1, ux = (x2 - x1) / length, uy = (y2 - y1) / length;
  const a = [x1 + ux * from, y1 + uy * from], b = [x2 - ux * to, y2 - uy * to], head = 5 + width;
  line(ctx, [a, [b[0] - ux * head * 0.8, b[1] - uy * head * 0.8]], colour, width, dash);
  ctx.beginPath();
  ctx.moveTo(b[0], b[1]);
  ctx.lineTo(b[0] - ux * head - uy * head * 0.5, b[1] - uy * head + ux * head * 0.5);
  ctx.lineTo(b[0] - ux * head + uy * head * 0.5, b[1] - uy * head - ux * head * 0.5);
  ctx.fillStyle = colour;
  ctx.fill();
}

// Returns where it ends.
function windowKey(ctx, edges, x, y, w, unit) {
  const windows = [...new Set(edges.map((edge) => edge.window))].sort((a, b) => a - b);
  const shown = windows.slice(0, WINDOWS.length), wideOf = (name) => ctx.measureText(name).width + 34;
  const isShort = x + shown.reduce((sum, window) => sum + wideOf(`window ${window + 1}`), 0) > w;  // then one word for all
  for (const [place, window] of shown.entries()) {
    const name = isShort && place ? String(window + 1) : `window ${window + 1}`, wide = wideOf(name);
    if (x + wide > w) return x;
    line(ctx, [[x, y], [x + 20, y]], WINDOWS[window % WINDOWS.length], 2.5, DASHES[window % DASHES.length]);
    label(ctx, [name], x + 25, y, 8 * unit, INK.dim, "left");
    x += wide;
  }
  return x;
}
