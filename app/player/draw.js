// What every picture draws with: inks, type, lines, labels, crosses, and the list of pictures. No state is kept here.

const INK = {
  text: "#eef2fa", dim: "#b3bfd4", line: "#3b4966", accent: "#56b4e9", wrong: "#ff8a4c", right: "#3fd0a4",
  one: "#10182a", zero: "#e3eaf6", tile: "#34425f", gone: "#232d42", warm: "#f6d77a", dark: "#10182a",
};
const SERIES = ["#56B4E9", "#E69F00", "#1dbf92", "#CC79A7", "#F0E442", "#ff8a4c"];

// Kind -> how a run of that kind is drawn. Each picture's script calls `register` for the kinds that it draws:
//   draw(canvas, run, frame)        the picture "if it woke now"
//   card(canvas, contender, shown)  an answer among those compared, where it is drawn and not written
//   token(text)                     a token's colour on the strip, where it does not depend on its place
//   wide                            whether the picture needs more than its third of the stage
//   narrow                          the picture's height on a narrow screen, in pixels
// `draw` and `card` return marks: what each place of the canvas says to a pointer or to the arrow keys.
const PICTURES = {};

function register(kind, draw, { card = null, token = null, wide = true, narrow = 300 } = {}) {
  PICTURES[kind] = { draw, card, token, wide, narrow };
}

// A place on a canvas and its value in words; `pick` is called where it is clicked or chosen with Enter.
function mark(x, y, w, h, text, pick = null) {
  return { x, y, w, h, text, pick };
}

const type = (size, weight = "") => `${weight} ${size}px system-ui, sans-serif`.trim();

// A canvas as sharp as the screen; `unit` is the size of its type, which follows the stage.
function fit(canvas) {
  const ratio = Math.min(window.devicePixelRatio || 1, 2);
  const w = canvas.clientWidth, h = canvas.clientHeight;
  if (canvas.width !== Math.round(w * ratio) || canvas.height !== Math.round(h * ratio)) {
    canvas.width = Math.round(w * ratio);
    canvas.height = Math.round(h * ratio);
  }
  const ctx = canvas.getContext("2d"), unit = parseFloat(getComputedStyle(canvas).fontSize);
  ctx.setTransform(ratio, 0, 0, ratio, 0, 0);
  ctx.clearRect(0, 0, w, h);
  ctx.font = type(unit);
  ctx.textBaseline = "middle";
  return { ctx, w, h, unit };
}

function line(ctx, points, colour, width = 1, dash = []) {
  ctx.beginPath();
  points.forEach(([x, y], index) => (index ? ctx.lineTo(x, y) : ctx.moveTo(x, y)));
  ctx.setLineDash(dash);
  ctx.strokeStyle = colour;
  ctx.lineWidth = width;
  ctx.stroke();
  ctx.setLineDash([]);
}

// The longest of the texts that fits, or nothing: no label is ever cut off. Returns how wide it is.
function label(ctx, texts, x, y, width, colour, align = "center") {
  const text = texts.find((candidate) => ctx.measureText(candidate).width <= width);
  if (text === undefined) return 0;
  ctx.fillStyle = colour;
  ctx.textAlign = align;
  ctx.fillText(text, x, y);
  return ctx.measureText(text).width;
}

function cross(ctx, x, y, size) {
  const r = size * 0.3, cx = x + size / 2, cy = y + size / 2, width = Math.max(1.5, size / 8);
  for (const [colour, wide] of [["#10182a", 2.2 * width], [INK.wrong, width]]) {
    line(ctx, [[cx - r, cy - r], [cx + r, cy + r]], colour, wide);
    line(ctx, [[cx + r, cy - r], [cx - r, cy + r]], colour, wide);
  }
}

function disc(ctx, x, y, radius, colour) {
  ctx.beginPath();
  ctx.arc(x, y, radius, 0, 7);
  ctx.fillStyle = colour;
  ctx.fill();
}

// "1 token", "18 tokens", "3 passes".
function count(number, singular) {
  return `${number} ${singular}${number === 1 ? "" : singular.endsWith("s") ? "es" : "s"}`;
}

function kilobytes(bytes) {
  return bytes < 1000 ? `${bytes} bytes` : `${(bytes / 1024).toFixed(bytes < 10240 ? 1 : 0).replace(/\.0$/, "")} KB`;
}
