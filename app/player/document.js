// A text: the document as prose, and what the answer would begin with after each pass of this sleep.

function drawWords(canvas, run, frame) {
  const { ctx, w, h, unit } = fit(canvas);
  const begins = drawBegins(ctx, run, frame, w, h * 0.45, unit);
  return [...begins.marks, ...drawProse(ctx, run.picture, frame, begins.below + unit, w, h - begins.below - unit, unit)];
}

// The first token of the answer after each pass, with its probability as a bar; says where the bars end.
function drawBegins(ctx, run, frame, w, most, unit) {
  const shown = passesOf(run, frame), tall = 1.7 * unit, lines = Math.max(1, Math.floor((most - 1.7 * unit) / tall));
  const passes = shown.slice(-lines), from = 14 * unit, bar = Math.max(40, w - from - 5 * unit);
  label(ctx, ["the answer would begin with"], 8, 0.65 * unit, w - 16, INK.dim, "left");
  const marks = passes.map((state, place) => {
    const woken = run.woken[state], y = 2.3 * unit + place * tall, pass = shown.indexOf(state) + 1;
    label(ctx, [`pass ${pass}`], 8, y, 5 * unit, INK.dim, "left");
    label(ctx, [woken.begins, "…"], 5.5 * unit, y, 8.2 * unit, state === frame.state ? INK.text : INK.dim, "left");
    ctx.fillStyle = INK.gone;
    ctx.fillRect(from, y - 5, bar, 10);
    ctx.fillStyle = INK.accent;
    ctx.fillRect(from, y - 5, bar * woken.sure, 10);
    label(ctx, [woken.sure.toFixed(2)], from + 6 + bar, y, 4 * unit, INK.dim, "left");
    return mark(0, y - tall / 2, w, tall, () => `After pass ${pass} the answer would begin with “${woken.begins}”, ${Math.round(100 * woken.sure)} % sure`);
  });
  return { marks, below: 1.5 * unit + Math.min(lines, Math.max(...run.frames.map((f) => f.of), 1)) * tall };
}

register("words", drawWords);
