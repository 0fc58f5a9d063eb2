// The strip of tokens, window by window, with the KV cache filling and dropping below it, and now.

function stripScale(run, w, unit) {
  const left = w < 560 ? 4.2 * unit : 5.4 * unit, right = 8;
  const slot = (w - left - right) / run.slots;
  return { left, slot, at: (x) => left + x * slot };
}

// A token's colour: its picture's choice, or blue, and a darker blue in a part that is not the visitor's own.
function tokenFill(run, place) {
  const { token } = PICTURES[run.picture.kind];
  if (token) return token(run.tokens[place]);
  const part = (run.picture.parts ?? []).find((each) => place >= each.start && place < each.stop);
  return part && !part.own ? "#26344f" : "#2f5680";
}

// `go` is called with the event whose place is clicked.
function drawStrip(canvas, run, index, go) {
  const { ctx, w, h, unit } = fit(canvas);
  const { left, slot, at } = stripScale(run, w, unit);
  const frame = run.frames[index];
  const top = 1.75 * unit, cell = Math.max(unit * 1.15, Math.min(unit * 1.7, slot, h * 0.2)), base = h - 3;
  const roof = top + cell + unit * 1.35;
  const most = Math.max(1, ...run.frames.flatMap((each) => each.kv));
  const level = (n) => base - (n / most) * (base - roof);

  label(ctx, ["tokens"], left - 8, top + cell / 2, left - 8, INK.dim, "right");
  label(ctx, ["KV cache", "cache"], left - 8, (roof + base) / 2, left - 8, INK.dim, "right");
  for (const sleep of run.sleeps) drawSleep(ctx, run, sleep, at, slot, h, unit);
  const answer = run.slots - run.answer_slot;
  // Between the last sleep's shade and the edge of the canvas, which is a little further than the answer's box.
  const from = at(run.answer_slot) + 4, room = w - 2 - from;
  label(ctx, ["answer"], from + room / 2, 0.6 * unit, room, INK.dim);
  run.tokens.forEach((token, place) => drawToken(ctx, run, frame, place, at(run.token_slots[place]), top, slot, cell, unit));
  // Where the boxes are too narrow for their tokens, the parts of a window are named over them.
  for (const part of slot < unit ? run.picture.parts ?? [] : []) {
    const x = at(run.token_slots[part.start]), room = at(run.token_slots[part.stop - 1] + 1) - x;
    if (frame.read > part.start) label(ctx, [part.name], x + room / 2, top + cell + 0.65 * unit, room, INK.dim);
  }
  line(ctx, [[left, level(most)], [w - 8, level(most)]], INK.line, 1, [3, 4]);
  line(ctx, [[left, base], [w - 8, base]], INK.line);
  drawCache(ctx, run, index, at, level, base, unit);
  // The highest fill is a full window, unless sleep began before or the cache kept more than a window.
  const height = run.sleeps.some((sleep) => sleep.is_full && sleep.last - sleep.first === most) ? "full:" : "at most";
  const names = [`${height} ${count(most, "token")}`, `${height} ${most}`];
  // Beside its line, where nothing crosses it; on a narrow screen inside.
  if (!label(ctx, names, left - 8, roof, left - 8, INK.text, "right")) label(ctx, names, left + 5, roof + 0.75 * unit, 9 * unit, INK.text, "left");
  run.frames.forEach((each, place) => {
    if (each.kind === "pass") disc(ctx, at(each.x), top + cell / 2, place === index ? unit * 0.42 : Math.min(unit / 4, slot / 3), place <= index ? INK.accent : INK.line);
  });
  if (frame.kind === "answer") {
    ctx.fillStyle = INK.warm;
    ctx.fillRect(at(run.answer_slot) + 3, top, answer * slot - 6, cell);
    label(ctx, ["one pass", "1 pass"], at(run.answer_slot + answer / 2), top + cell / 2 + 1, answer * slot - 8, INK.dark);
  }
  // Now; at the answer below its box, whose words it would cross.
  line(ctx, [[at(frame.x), frame.kind === "answer" ? top + cell : 1.3 * unit], [at(frame.x), base]], INK.text, 1.5);
  return stripMarks(run, frame, at, w, h, go);
}

// A sleep's shade, and the bracket over the tokens that it goes over.
function drawSleep(ctx, run, sleep, at, slot, h, unit) {
  ctx.fillStyle = "rgb(0 0 0 / .3)";
  ctx.fillRect(at(sleep.start), 0, (sleep.stop - sleep.start) * slot, h);
  const from = at(run.token_slots[sleep.first]), to = at(run.token_slots[sleep.last - 1] + 1), y = 1.25 * unit;
  line(ctx, [[from + 0.5, y + 5], [from + 0.5, y], [to - 1.5, y], [to - 1.5, y + 5]], INK.dim);
  label(ctx, [`window ${sleep.window + 1}`, `${sleep.window + 1}`], (from + to) / 2, 0.6 * unit, to - from - 8, INK.dim);
  const wide = (sleep.stop - sleep.start) * slot - 4, passes = count(sleep.passes, "pass");
  label(ctx, [`asleep: ${passes}`, "asleep", passes], at((sleep.start + sleep.stop) / 2), 0.6 * unit, wide, INK.dim);
}

// Not read yet is an outline; in the cache it is filled; cleared it is struck out.
function drawToken(ctx, run, frame, place, x, top, slot, cell, unit) {
  const seen = place < frame.read, gone = place < frame.dropped, box = Math.max(2, slot - 1.5), fill = tokenFill(run, place);
  ctx.fillStyle = !seen ? "transparent" : gone ? INK.gone : fill;
  ctx.fillRect(x, top, box, cell);
  if (!seen || fill === INK.one) { ctx.strokeStyle = seen ? INK.dim : INK.line; ctx.lineWidth = 1; ctx.strokeRect(x + 0.5, top + 0.5, box - 1, cell - 1); }
  for (const size of seen && slot > 8 ? [1, 0.78] : []) {  // smaller before it is left out
    ctx.font = type(size * unit);
    if (label(ctx, [run.tokens[place]], x + box / 2, top + cell / 2 + 1, box, gone ? "#8e9ab3" : fill === INK.zero ? INK.dark : INK.text)) break;
  }
  ctx.font = type(unit);
  if (gone) line(ctx, [[x, top + cell / 2], [x + box, top + cell / 2]], "#8e9ab3", 1.5);
}

// How many tokens each attention layer holds: the first is filled; further ones are drawn and named where they differ.
function drawCache(ctx, run, index, at, level, base, unit) {
  const frame = run.frames[index];
  const alike = run.frames.every((each) => each.kv.every((n) => n === each.kv[0]));
  const layers = alike ? 1 : run.attention_layers;
  for (let layer = 0; layer < layers; layer++) {
    const points = [[at(0), base]];
    for (let i = 0; i <= index; i++) {
      const each = run.frames[i], x = at(each.kind === "token" ? each.x + 0.5 : each.x);
      points.push([x, points[points.length - 1][1]], [x, level(each.kv[layer] ?? 0)]);
    }
    points.push([at(frame.x), points[points.length - 1][1]]);
    if (layer === 0) {
      ctx.beginPath();
      points.forEach(([x, y], i) => (i ? ctx.lineTo(x, y) : ctx.moveTo(x, y)));
      ctx.lineTo(points[points.length - 1][0], base);
      ctx.lineTo(at(0), base);
      ctx.fillStyle = "rgb(86 180 233 / .28)";
      ctx.fill();
    }
    line(ctx, points, SERIES[layer % SERIES.length], 2);
    if (!alike) label(ctx, [`attention layer ${layer + 1}`], at(0) + 6, base - (layer + 0.7) * unit * 1.1, 12 * unit, SERIES[layer % SERIES.length], "left");
  }
}

// One mark an event: from halfway to the event before it to halfway to the event after it.
function stripMarks(run, frame, at, w, h, go) {
  return run.frames.map((each, place) => {
    const before = place ? (run.frames[place - 1].x + each.x) / 2 : 0;
    const after = place + 1 < run.frames.length ? (each.x + run.frames[place + 1].x) / 2 : run.slots;
    return mark(at(before), 0, at(after) - at(before), h, () => stripText(run, frame, each), () => go(place));
  });
}

function stripText(run, frame, each) {
  const kept = [...new Set(each.kv)], most = Math.max(0, ...kept);
  const held = `the cache holds ${kept.length > 1 ? `${kept.join(" or ")} tokens` : count(most, "token")}`;
  if (each.kind === "token") {
    const place = each.read - 1, near = run.tokens.slice(Math.max(0, place - 3), place).join(" ");
    const after = run.tokens.slice(place + 1, place + 4).join(" ");
    const where = place >= frame.read ? "not read yet" : place < frame.dropped ? "cleared" : "in the cache";
    return `Token ${each.read}: ${near} [${run.tokens[place]}] ${after} (${where}; then ${held})`;
  }
  if (each.kind === "pass") return `Asleep over window ${each.window + 1}: pass ${each.pass} of ${each.of}; ${held}`;
  const { is_full: isFull, reason } = run.sleeps.find((sleep) => sleep.window === each.window) ?? { is_full: true };
  return { sleep: `${isFull ? `Window ${each.window + 1} is full` : reason}: ${held}`, evict: `After clearing, ${held}`, answer: "Awake: one pass answers" }[each.kind];
}
