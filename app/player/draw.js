// Drawing only: each function paints one canvas from the payload (`run`) at one frame. No state is kept here.

const INK = {
  text: "#eef2fa", dim: "#b3bfd4", line: "#3b4966", accent: "#56b4e9", wrong: "#ff8a4c", right: "#3fd0a4",
  one: "#e3eaf6", zero: "#34425f", gone: "#232d42", warm: "#f6d77a",
};
const SERIES = ["#56B4E9", "#E69F00", "#1dbf92", "#CC79A7", "#F0E442", "#ff8a4c"];
const FONT = "12px system-ui, sans-serif";

// Kind -> how a run of that kind is drawn. Each picture's script calls `register` for the kinds that it draws:
//   draw(canvas, run, frame)        the picture "if woken now"
//   card(canvas, contender, shown)  an answer among those compared, where it is drawn and not written
//   token(text)                     a token's colour on the time line, where it does not depend on its place
//   layout                          "beside" S and drift, as tall as both (the usual), or in one "row" with them
//   narrow                          the picture's height on a narrow screen, in pixels
const PICTURES = {};

function register(kind, draw, { card = null, token = null, layout = "beside", narrow = 436 } = {}) {
  PICTURES[kind] = { draw, card, token, layout, narrow };
}

function fit(canvas) {
  const ratio = Math.min(window.devicePixelRatio || 1, 2);
  const w = canvas.clientWidth, h = canvas.clientHeight;
  if (canvas.width !== Math.round(w * ratio) || canvas.height !== Math.round(h * ratio)) {
    canvas.width = Math.round(w * ratio);
    canvas.height = Math.round(h * ratio);
  }
  const ctx = canvas.getContext("2d");
  ctx.setTransform(ratio, 0, 0, ratio, 0, 0);
  ctx.clearRect(0, 0, w, h);
  ctx.font = FONT;
  ctx.textBaseline = "middle";
  return { ctx, w, h };
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

// The longest of the texts that fits, or nothing: no label is ever cut off.
function label(ctx, texts, x, y, width, colour, align = "center") {
  const text = texts.find((candidate) => ctx.measureText(candidate).width <= width);
  if (text === undefined) return;
  ctx.fillStyle = colour;
  ctx.textAlign = align;
  ctx.fillText(text, x, y);
}

function cross(ctx, x, y, size) {
  const r = size * 0.3, cx = x + size / 2, cy = y + size / 2;
  for (const [colour, width] of [["#10182a", 4], [INK.wrong, 2]]) {
    line(ctx, [[cx - r, cy - r], [cx + r, cy + r]], colour, width);
    line(ctx, [[cx + r, cy - r], [cx - r, cy + r]], colour, width);
  }
}

function laneScale(run, w) {
  const left = 30, right = 8;
  const slot = (w - left - right) / run.slots;
  return { slot, at: (x) => left + x * slot };
}

// A token's colour: its picture's choice, or blue, and a darker blue in a part that is not the visitor's own.
function tokenFill(run, place) {
  const { token } = PICTURES[run.picture.kind];
  if (token) return token(run.tokens[place]);
  const part = (run.picture.parts ?? []).find((each) => place >= each.start && place < each.stop);
  return part && !part.own ? "#26344f" : "#2f5680";
}

// Tokens under their window brackets, the KV cache below them, and now.
function drawLane(canvas, run, index) {
  const { ctx, w, h } = fit(canvas);
  const { slot, at } = laneScale(run, w);
  const frame = run.frames[index];
  const top = 24, cell = Math.max(14, Math.min(20, slot)), base = h - 8, roof = top + cell + 20;
  const most = Math.max(1, ...run.frames.flatMap((f) => f.kv));
  const level = (n) => base - (n / most) * (base - roof);

  for (const sleep of run.sleeps) {
    ctx.fillStyle = "rgb(0 0 0 / .3)";
    ctx.fillRect(at(sleep.start), 0, (sleep.stop - sleep.start) * slot, h);
    bracket(ctx, at(run.token_slots[sleep.first]), at(run.token_slots[sleep.last - 1] + 1), 15);
    const middle = (run.token_slots[sleep.first] + run.token_slots[sleep.last - 1] + 1) / 2;
    const room = (sleep.last - sleep.first) * slot - 8;
    label(ctx, [`window ${sleep.window + 1}`, `w${sleep.window + 1}`, `${sleep.window + 1}`], at(middle), 7, room, INK.dim);
    const wide = (sleep.stop - sleep.start) * slot - 4, centre = at((sleep.start + sleep.stop) / 2);
    label(ctx, [`asleep, N = ${sleep.passes}`, "asleep", "z"], centre, 7, wide, INK.dim);
  }
  const answer = run.slots - run.answer_slot;
  label(ctx, ["answer", "?"], at(run.answer_slot + answer / 2), 7, answer * slot, INK.dim);

  run.tokens.forEach((token, i) => {
    const x = at(run.token_slots[i]), seen = i < frame.read, gone = i < frame.dropped;
    const box = Math.max(2, slot - 1.5);
    const fill = tokenFill(run, i);
    ctx.fillStyle = !seen ? "transparent" : gone ? INK.gone : fill;
    ctx.fillRect(x, top, box, cell);
    if (!seen) { ctx.strokeStyle = INK.line; ctx.lineWidth = 1; ctx.strokeRect(x + 0.5, top + 0.5, box - 1, cell - 1); }
    if (seen) label(ctx, [token], x + box / 2, top + cell / 2 + 1, box, gone ? "#8e9ab3" : fill === INK.one ? "#10182a" : INK.text);
    if (gone) line(ctx, [[x, top + cell / 2], [x + box, top + cell / 2]], "#8e9ab3", 1.5);
  });

  // Where the boxes are too narrow for their tokens, the parts of a window are named over them.
  for (const part of slot < 16 ? run.picture.parts ?? [] : []) {
    const x = at(run.token_slots[part.start]), room = at(run.token_slots[part.stop - 1] + 1) - x;
    if (frame.read > part.start) label(ctx, [part.name], x + room / 2, top + cell + 8, room, INK.dim);
  }

  ctx.textAlign = "right";
  ctx.fillStyle = INK.dim;
  ctx.fillText(String(most), 24, level(most));
  ctx.fillText("0", 24, base - 4);
  line(ctx, [[30, level(most)], [w - 8, level(most)]], INK.line, 1, [3, 4]);
  line(ctx, [[30, base], [w - 8, base]], INK.line);

  for (let layer = 0; layer < run.attention_layers; layer++) {
    const lift = layer * 2.5, points = [[at(0), base - lift]];
    for (let i = 0; i <= index; i++) {
      const f = run.frames[i], x = at(f.kind === "token" ? f.x + 0.5 : f.x);
      points.push([x, points[points.length - 1][1]], [x, level(f.kv[layer] ?? 0) - lift]);
    }
    points.push([at(frame.x), points[points.length - 1][1]]);
    if (layer === 0) {
      ctx.beginPath();
      points.forEach(([x, y], i) => (i ? ctx.lineTo(x, y) : ctx.moveTo(x, y)));
      ctx.lineTo(points[points.length - 1][0], base);
      ctx.lineTo(at(0), base);
      ctx.fillStyle = "rgb(86 180 233 / .2)";
      ctx.fill();
    }
    line(ctx, points, SERIES[layer % SERIES.length], 2);
  }

  for (const sleep of run.sleeps) {
    run.frames.forEach((f, i) => {
      if (f.kind === "sleep" && f.x === sleep.start + 0.25 && i <= index) trigger(ctx, at(sleep.start), roof, sleep, slot);
    });
  }
  run.frames.forEach((f, i) => {
    if (f.kind !== "pass") return;
    ctx.beginPath();
    ctx.arc(at(f.x), top + cell / 2, i === index ? 5 : Math.min(3, slot / 3), 0, 7);
    ctx.fillStyle = i <= index ? INK.accent : INK.line;
    ctx.fill();
  });
  if (frame.kind === "answer") {
    ctx.fillStyle = INK.warm;
    ctx.fillRect(at(run.answer_slot) + 3, top, answer * slot - 6, cell);
    label(ctx, ["one pass", "1"], at(run.answer_slot + answer / 2), top + cell / 2 + 1, answer * slot - 8, "#10182a");
  }
  line(ctx, [[at(frame.x), 18], [at(frame.x), base]], INK.text, 1);
}

function bracket(ctx, from, to, y) {
  line(ctx, [[from + 0.5, y + 5], [from + 0.5, y], [to - 1.5, y], [to - 1.5, y + 5]], INK.dim);
}

function trigger(ctx, x, y, sleep, slot) {
  ctx.beginPath();
  ctx.moveTo(x - 5, y - 10); ctx.lineTo(x + 5, y - 10); ctx.lineTo(x, y - 2);
  ctx.fillStyle = INK.warm;
  ctx.fill();
  label(ctx, [sleep.reason], x + 9, y - 9, (sleep.stop - sleep.start) * slot - 10, INK.warm, "left");
}

// Blue is positive, orange negative, nothing is dark: one scale for the whole run.
function diverging() {
  const table = new Uint8ClampedArray(256 * 4);
  for (let i = 0; i < 256; i++) {
    const signed = Math.max(-1, (i - 128) / 127), amount = Math.pow(Math.abs(signed), 0.7);
    const to = signed < 0 ? [240, 165, 30] : [100, 190, 240];
    [22, 29, 45].forEach((from, channel) => { table[4 * i + channel] = from + (to[channel] - from) * amount; });
    table[4 * i + 3] = 255;
  }
  return table;
}
const COLOURS = diverging();

// Where each map stands. A few heads have a name each; many stand in blocks, one a layer.
const FEW_HEADS = 12;

function statePlaces(ctx, run, w, h, norms) {
  const [, layers, heads, rows, columns] = run.states.shape, n = layers * heads;
  const places = [];
  if (n <= FEW_HEADS) {
    let across = heads, cell = 0;
    for (let c = 1; c <= n; c++) {  // the arrangement with the largest maps
      const size = Math.min((w - (c - 1) * 10) / (c * columns), (h / Math.ceil(n / c) - 20) / rows);
      if (size > cell) { cell = size; across = c; }
    }
    const wide = cell * columns, tall = cell * rows, step = Math.min((w + 10) / across, wide + 26);
    const offset = (w - (across - 1) * step - wide) / 2;
    for (let m = 0; m < n; m++) {
      const x = offset + (m % across) * step, y = Math.floor(m / across) * (tall + 20), layer = Math.floor(m / heads);
      const name = layers > 1 ? `${run.states.layers[layer]}.${(m % heads) + 1}` : `${(m % heads) + 1}`;
      const strength = `|S| ${norms[m].toFixed(1)}`, room = Math.min(step - 6, w - x);
      label(ctx, [`head ${name}  ${strength}`, `${name}  ${strength}`, `head ${name}`, name], x, y + 8, room, INK.dim, "left");
      places.push([x, y + 16, wide, tall]);
    }
    return places;
  }
  const block = h / layers, gap = 4;
  let across = 1, cell = 0;
  for (let c = 1; c <= heads; c++) {
    const size = Math.min((w - (c - 1) * gap) / (c * columns), ((block - 18) / Math.ceil(heads / c) - gap) / rows);
    if (size > cell) { cell = size; across = c; }
  }
  const wide = cell * columns, tall = cell * rows, step = Math.min((w - wide) / Math.max(1, across - 1), wide + 12);
  for (let m = 0; m < n; m++) {
    const layer = Math.floor(m / heads), head = m % heads, top = layer * block;
    if (!head) {
      const mean = norms.slice(m, m + heads).reduce((sum, norm) => sum + norm, 0) / heads;
      const many = `${heads} heads`, strength = `mean |S| ${mean.toFixed(1)}`, name = `layer ${run.states.layers[layer]}`;
      label(ctx, [`${name}: ${many}, ${strength}`, `${name}: ${many}`, name], 0, top + 8, w, INK.dim, "left");
    }
    places.push([(head % across) * step, top + 17 + Math.floor(head / across) * (tall + gap), wide, tall]);
  }
  return places;
}

function drawStates(canvas, run, frame, mix, bytes, scratch) {
  const { ctx, w, h } = fit(canvas);
  const [, layers, heads, rows, columns] = run.states.shape, n = layers * heads, foot = 18;
  if (!n) return;
  const norms = frame.state < 0 ? new Array(n).fill(0) : run.norm[frame.state].flat();
  const map = rows * columns, size = n * map;
  const value = (state, i) => (state < 0 ? 128 : bytes[state * size + i]);
  scratch.width = columns; scratch.height = rows;
  const paint = scratch.getContext("2d");
  const image = paint.createImageData(columns, rows);
  ctx.imageSmoothingEnabled = false;
  statePlaces(ctx, run, w, h - foot, norms).forEach(([x, y, wide, tall], m) => {
    for (let i = 0; i < map; i++) {
      const from = value(frame.state - 1, m * map + i), to = value(frame.state, m * map + i);
      const level = Math.round(from + (to - from) * mix) * 4;
      for (let channel = 0; channel < 4; channel++) image.data[4 * i + channel] = COLOURS[level + channel];
    }
    paint.putImageData(image, 0, 0);
    ctx.drawImage(scratch, x, y, wide, tall);
  });
  const bar = Math.min(120, w / 3), x = (w - bar) / 2;
  for (let i = 0; i < bar; i++) {
    const level = Math.round(1 + (i / (bar - 1)) * 254) * 4;
    ctx.fillStyle = `rgb(${COLOURS[level]} ${COLOURS[level + 1]} ${COLOURS[level + 2]})`;
    ctx.fillRect(x + i, h - 9, 1, 6);
  }
  label(ctx, [`−${run.states.scale.toPrecision(2)}`], x - 6, h - 5, 60, INK.dim, "right");
  label(ctx, [`+${run.states.scale.toPrecision(2)}`], x + bar + 6, h - 5, 60, INK.dim, "left");
}

// One line a head, this sleep bright and earlier sleeps faint; dashed is the hidden stream h. Of many heads, each
// layer's mean is bold and named, and the heads are faint in its colour.
function drawDrift(canvas, run, frame) {
  const { ctx, w, h } = fit(canvas);
  const left = 30, right = 10, top = 24, base = h - 20;
  const most = Math.max(0.01, ...run.drift.flat(2), ...run.h_drift);
  const longest = Math.max(1, ...run.frames.map((f) => f.of));
  const x = (pass) => left + 8 + ((pass - 1) / Math.max(1, longest - 1)) * (w - left - right - 12);
  const y = (value) => base - (value / most) * (base - top);
  for (const share of [0, 0.5, 1]) {
    line(ctx, [[left, y(share * most)], [w - right, y(share * most)]], INK.line, 1, share ? [2, 4] : []);
    label(ctx, [(share * most).toFixed(most < 1 ? 2 : 1)], left - 5, y(share * most), left, INK.dim, "right");
  }
  const every = Math.ceil(longest / Math.max(1, Math.floor((w - 50) / 22)));
  for (let pass = 1; pass <= longest; pass++) {
    if ((pass - 1) % every === 0) label(ctx, [String(pass)], x(pass), h - 8, 30, INK.dim);
  }
  const now = frame.state < 0 ? -1 : run.pass_window[frame.state];
  const starts = run.pass_window.map((win, i) => i - run.pass_window.indexOf(win) + 1);
  const curve = (read, colour, width, dash, win, alpha) => {
    const points = [];
    run.pass_window.forEach((at, i) => { if (at === win && i <= frame.state) points.push([x(starts[i]), y(read(i))]); });
    ctx.globalAlpha = alpha;
    if (points.length) line(ctx, points, colour, width, dash);
    for (const [px, py] of points) { ctx.beginPath(); ctx.arc(px, py, width + 0.6, 0, 7); ctx.fillStyle = colour; ctx.fill(); }
    ctx.globalAlpha = 1;
  };
  const layers = (run.drift[0] ?? []).map((layer, l) => ({ l, name: run.states.layers[l], heads: layer.length }));
  const heads = layers.flatMap(({ l, heads: n }) => Array.from({ length: n }, (_, head) => ({ l, head })));
  const many = heads.length > FEW_HEADS;
  const read = (one) => (i) => {
    const drifts = run.drift[i][one.l];
    return one.head === undefined ? drifts.reduce((sum, value) => sum + value, 0) / drifts.length : drifts[one.head];
  };
  if (many && now >= 0) for (const one of heads) curve(read(one), SERIES[one.l % SERIES.length], 0.7, [], now, 0.25);
  const lines = many ? layers.map(({ l }) => ({ l })) : heads;
  // Every line is named: the shorter form where the longer one does not fit in one line.
  const forms = many
    ? [["", (one) => `layer ${run.states.layers[one.l]} mean`], ["", (one) => `layer ${run.states.layers[one.l]}`]]
    : layers.length > 1
      ? [["", (one) => `L${run.states.layers[one.l]}h${one.head + 1}`], ["", (one) => `${run.states.layers[one.l]}·${one.head + 1}`]]
      : [["", (one) => `head ${one.head + 1}`], ["head ", (one) => `${one.head + 1}`]];
  const size = (name) => ctx.measureText(name).width + 9;
  const length = ([title, name]) => lines.reduce((sum, one) => sum + size(name(one)), title ? size(title) : 0);
  const [title, name] = forms.find((form) => length(form) <= w - left) ?? forms[forms.length - 1];
  let legend = left + 4;
  if (title) { label(ctx, [title], legend, 8, 90, INK.dim, "left"); legend += size(title); }
  lines.forEach((one, place) => {
    const colour = SERIES[place % SERIES.length], dash = place < SERIES.length ? [] : [1.5, 2.5]; // a colour's second head is dotted
    for (let win = 0; win <= now; win++) curve(read(one), colour, 1.8, dash, win, win === now ? 1 : 0.22);
    label(ctx, [name(one)], legend, 7, 120, colour, "left");
    line(ctx, [[legend, 15], [legend + size(name(one)) - 9, 15]], colour, 1.8, dash);
    legend += size(name(one));
  });
  if (now >= 0) curve((i) => run.h_drift[i], INK.dim, 1.2, [4, 3], now, 1);
}
