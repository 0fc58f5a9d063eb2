// A text: what the answer would begin with after each pass of this sleep, and how sure the model is of it.

function drawWords(canvas, run, frame) {
  const { ctx, w, h } = fit(canvas);
  const win = frame.state < 0 ? -1 : run.pass_window[frame.state];
  const shown = run.pass_window.map((at, i) => i).filter((i) => run.pass_window[i] === win && i <= frame.state);
  label(ctx, ["the answer would begin with"], 8, 8, w - 16, INK.dim, "left");
  const tall = 22, lines = Math.max(1, Math.floor((h - 22) / tall)), passes = shown.slice(-lines);
  passes.forEach((state, place) => {
    const woken = run.woken[state], y = 30 + place * tall, bar = Math.max(40, w - 260);
    label(ctx, [`pass ${shown.indexOf(state) + 1}`], 8, y, 60, INK.dim, "left");
    label(ctx, [woken.begins, "…"], 70, y, 110, state === frame.state ? INK.text : INK.dim, "left");
    ctx.fillStyle = INK.gone;
    ctx.fillRect(190, y - 5, bar, 10);
    ctx.fillStyle = INK.accent;
    ctx.fillRect(190, y - 5, bar * woken.sure, 10);
    label(ctx, [woken.sure.toFixed(2)], 196 + bar, y, 50, INK.dim, "left");
  });
}
