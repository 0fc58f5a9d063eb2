// What the model holds: S, one head large and the others small to pick from, and how much each pass changed S.

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

function headName(run, head) {
  const heads = run.states.shape[2], layer = run.states.layers[Math.floor(head / heads)];
  return `layer ${layer}, head ${(head % heads) + 1}`;
}

// Where the large map and the small ones stand: side by side, or one above the other where the panel is high.
function statePlaces(run, w, h, unit, foot) {
  const [, layers, heads, rows, columns] = run.states.shape, n = layers * heads, gap = 3, top = 1.4 * unit;
  const high = h > 1.25 * w;
  const cell = Math.max(1, Math.min(((high ? h * 0.66 : h) - top - foot) / rows, ((high ? w : w * 0.62) - 4) / columns));
  const big = { x: 1, y: top, w: cell * columns, h: cell * rows };
  const box = high
    ? { x: 2, y: big.y + big.h + foot + 6, w: w - 4, h: h - big.y - big.h - foot - 8 }
    : { x: big.x + big.w + 12, y: top, w: w - big.x - big.w - 12, h: h - top - 2 };
  let across = 1, small = 0;
  for (let c = 1; c <= n; c++) {  // the arrangement with the largest small maps
    const size = Math.min((box.w / c - gap) / columns, (box.h / Math.ceil(n / c) - gap) / rows);
    if (size > small) { small = size; across = c; }
  }
  const thumbs = Array.from({ length: n }, (_, head) => ({
    x: box.x + (head % across) * (small * columns + gap), y: box.y + Math.floor(head / across) * (small * rows + gap),
    w: small * columns, h: small * rows,
  }));
  return { big, thumbs };
}

// `mix` runs from the state before this event (0) to the state after it (1).
function drawStates(canvas, run, frame, mix, bytes, scratch, picked, pick, open) {
  const { ctx, w, h, unit } = fit(canvas);
  const [, layers, heads, rows, columns] = run.states.shape, n = layers * heads, map = rows * columns;
  if (!n) { label(ctx, ["S was never written"], w / 2, h / 2, w, INK.dim); return []; }
  if (frame.replaced === "other") { label(ctx, ["S of another run: not drawn", "another run's S"], w / 2, h / 2, w, INK.dim); return []; }
  const isZero = frame.replaced === "zero", before = frame.kind === "pass" ? frame.state - 1 : frame.state;
  const value = (state, i) => (state < 0 ? 128 : bytes[state * n * map + i]);
  const after = (i) => (isZero ? 128 : value(frame.state, i));
  scratch.width = columns;
  scratch.height = rows;
  const paint = scratch.getContext("2d"), image = paint.createImageData(columns, rows);
  ctx.imageSmoothingEnabled = false;
  const draw = (head, place) => {
    for (let i = 0; i < map; i++) {
      const from = value(before, head * map + i), to = after(head * map + i);
      const level = Math.round(from + (to - from) * mix) * 4;
      for (let channel = 0; channel < 4; channel++) image.data[4 * i + channel] = COLOURS[level + channel];
    }
    paint.putImageData(image, 0, 0);
    ctx.drawImage(scratch, place.x, place.y, place.w, place.h);
  };
  const foot = 1.5 * unit, { big, thumbs } = statePlaces(run, w, h, unit, foot);
  const name = headName(run, picked);
  label(ctx, isZero ? ["S was wiped: every number is 0", "S was wiped"] : [`${name}: keys down, values across`, name], 0, 0.6 * unit, w, INK.text, "left");
  draw(picked, big);
  thumbs.forEach((place, head) => {
    draw(head, place);
    if (head === picked) { ctx.strokeStyle = INK.text; ctx.lineWidth = 1.5; ctx.strokeRect(place.x - 1, place.y - 1, place.w + 2, place.h + 2); }
  });
  drawScale(ctx, run, big, unit);
  const number = (i) => ((after(picked * map + i) - 128) / 127) * run.states.scale;
  const cells = Array.from({ length: map }, (_, i) => {
    const key = Math.floor(i / columns), val = i % columns, sx = big.w / columns, sy = big.h / rows;
    return mark(big.x + val * sx, big.y + key * sy, sx, sy, () => `${headName(run, picked)}: key ${key + 1}, value ${val + 1}: ${number(i).toFixed(2)}${open ? ". Click to look inside." : ""}`, open);
  });
  const norm = (head) => (frame.state < 0 || isZero ? 0 : run.norm[frame.state].flat()[head]);
  return [...cells, ...thumbs.map((place, head) => mark(place.x, place.y, place.w, place.h, () => `${headName(run, head)}: size |S| ${norm(head).toFixed(1)}. Click to enlarge.`, () => pick(head)))];
}

// The colours' scale under the large map.
function drawScale(ctx, run, big, unit) {
  const y = big.y + big.h + 0.85 * unit, most = run.states.scale.toPrecision(2), bar = Math.max(12, Math.min(80, big.w - 6.4 * unit));
  const x = big.x + (big.w - bar) / 2;
  for (let i = 0; i < bar; i++) {
    const level = Math.round(1 + (i / (bar - 1)) * 254) * 4;
    ctx.fillStyle = `rgb(${COLOURS[level]} ${COLOURS[level + 1]} ${COLOURS[level + 2]})`;
    ctx.fillRect(x + i, y - 3, 1, 6);
  }
  label(ctx, [`−${most}`], x - 5, y, 4 * unit, INK.dim, "right");
  label(ctx, [`+${most}`], x + bar + 5, y, 4 * unit, INK.dim, "left");
}

// Drift over the passes of this sleep: the mean over all heads bold, each head faint, the activations h dashed.
function drawDrift(canvas, run, frame) {
  const { ctx, w, h, unit } = fit(canvas);
  const left = 2.6 * unit, right = 6, top = 0.7 * unit, base = h - 1.5 * unit;
  const most = Math.max(0.01, ...run.drift.flat(2), ...run.h_drift);
  const longest = Math.max(1, ...run.frames.map((each) => each.of));
  const step = (w - left - right - 10) / Math.max(1, longest - 1);
  const x = (pass) => left + 6 + (pass - 1) * step, y = (value) => base - (value / most) * (base - top);
  for (const share of [0, 1]) {
    line(ctx, [[left, y(share * most)], [w - right, y(share * most)]], INK.line, 1, share ? [2, 4] : []);
    label(ctx, [share ? most.toFixed(most < 10 ? 1 : 0) : "0"], left - 4, y(share * most), left, INK.dim, "right");
  }
  const every = Math.ceil(longest / Math.max(1, Math.floor((w - left) / (1.8 * unit))));
  for (let pass = 1; pass <= longest; pass += every) label(ctx, [String(pass)], x(pass), h - 0.6 * unit, 3 * unit, INK.dim);
  const shown = passesOf(run, frame);
  const flat = shown.map((i) => run.drift[i].flat()), mean = flat.map((all) => all.reduce((sum, value) => sum + value, 0) / all.length);
  const curve = (values, colour, width, dash = []) => {
    if (values.length) line(ctx, values.map((value, i) => [x(i + 1), y(value)]), colour, width, dash);
  };
  ctx.globalAlpha = 0.3;
  (flat[0] ?? []).forEach((_, head) => curve(flat.map((all) => all[head]), INK.accent, 0.8));
  ctx.globalAlpha = 1;
  curve(shown.map((i) => run.h_drift[i]), INK.dim, 1.3, [4, 3]);
  curve(mean, INK.accent, 2.2);
  mean.forEach((value, i) => disc(ctx, x(i + 1), y(value), i === mean.length - 1 ? 3.5 : 2, INK.accent));
  const heads = (i) => flat[i].map((value, head) => `${head + 1}: ${value.toFixed(2)}`).join(", ");
  return shown.map((state, i) => mark(x(i + 1) - step / 2, 0, step, h, () => `Pass ${i + 1} changed S by ${mean[i].toFixed(2)} of its size, and h by ${run.h_drift[state].toFixed(2)}. ${flat[i].length > 8 ? "" : `Head ${heads(i)}`}`));
}

// The passes of the sleep that is going on, up to this event.
function passesOf(run, frame) {
  if (frame.state < 0) return [];
  const now = run.pass_window[frame.state];
  return run.pass_window.map((_, i) => i).filter((i) => run.pass_window[i] === now && i <= frame.state);
}
