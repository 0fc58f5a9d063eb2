// Rule 110: the answered row beside the true space-time diagram; a card is rows of cells.

function cells(ctx, text, x, y, size, wrong = [], alpha = 1) {
  const gap = size > 6 ? 1 : 0;
  ctx.globalAlpha = alpha;
  for (let i = 0; i < text.length; i++) {
    ctx.fillStyle = text[i] === "1" ? INK.one : INK.zero;
    ctx.fillRect(x + i * size, y, size - gap, size - gap);
  }
  ctx.globalAlpha = 1;
  for (const i of wrong) cross(ctx, x + i * size, y, size - gap);
}

// Left: the row after each pass of this sleep. Right: the true rows. A line joins pass and nearest true row.
function drawRows(canvas, run, frame) {
  const { ctx, w, h } = fit(canvas);
  const shown = [];
  const win = frame.state < 0 ? -1 : run.pass_window[frame.state];
  run.pass_window.forEach((at, i) => { if (at === win && i <= frame.state) shown.push(i); });
  const row = (frame.state >= 0 && run.woken[frame.state]) ? run.woken[frame.state].row : Math.min(frame.window, run.picture.truth.length - 1);
  const truth = run.picture.truth[row], width = truth[0].length;
  const narrow = w < 380, gutter = narrow ? 18 : 30, between = narrow ? 26 : 34, top = 18;
  const size = Math.max(3, Math.min((w - gutter - between - (narrow ? 22 : 32)) / (2 * width), (h - top) / Math.max(truth.length, 5), 15));
  const lines = Math.max(1, Math.floor((h - top) / size)), passes = shown.slice(-lines);
  const right = gutter + width * size + between;
  const font = ctx.font;
  label(ctx, ["after pass"], gutter, 7, 120, INK.dim, "left");
  label(ctx, [`true rows of row ${row + 1}`], right, 7, 160, INK.dim, "left");
  ctx.font = `${Math.max(8, Math.min(12, size))}px system-ui, sans-serif`;
  const every = size < 9 ? Math.ceil(9 / size) : 1;
  truth.forEach((text, step) => {
    const y = top + step * size;
    if (y + size > h) return;
    cells(ctx, text, right, y, size, [], step === run.picture.steps ? 1 : 0.62);
    if (step % every === 0 || step === run.picture.steps)
      label(ctx, [`t${step}`], right + width * size + 6, y + size / 2, 60, step === run.picture.steps ? INK.text : INK.dim, "left");
  });
  const asked = top + run.picture.steps * size;
  if (asked + size <= h) { ctx.strokeStyle = INK.accent; ctx.lineWidth = 1.5; ctx.strokeRect(right - 2, asked - 1.5, width * size + 3, size + 2); }
  passes.forEach((state, place) => {
    const woken = run.woken[state], y = top + place * size, current = state === frame.state;
    if (!woken) return;
    cells(ctx, woken.cells, gutter, y, size, woken.wrong, current ? 1 : 0.75);
    label(ctx, [`${shown.indexOf(state) + 1}`], gutter - 6, y + size / 2, gutter - 6, current ? INK.text : INK.dim, "right");
    if (!current) return;
    const near = top + woken.reached * size + size / 2, from = gutter + width * size + 3;
    if (woken.reached < truth.length && near < h) {
      line(ctx, [[from, y + size / 2], [from + 12, y + size / 2], [right - 14, near], [right - 6, near]], INK.accent, 1.5);
      ctx.beginPath(); ctx.moveTo(right - 3, near); ctx.lineTo(right - 10, near - 4); ctx.lineTo(right - 10, near + 4);
      ctx.fillStyle = INK.accent; ctx.fill();
    }
  });
  ctx.font = font;
}

// The answer with its crosses, how sure each cell is (a bar), and the truth under it.
function drawRowsCard(canvas, card, revealed) {
  const width = card.rows[0].cells.length, tall = 62;
  canvas.style.height = `${card.rows.length * tall}px`;
  const { ctx, w } = fit(canvas);
  const gutter = 46, size = Math.min(20, (w - gutter) / width);
  card.rows.forEach((row, index) => {
    const y = index * tall;
    label(ctx, [row.asked], 0, y + size / 2, gutter - 4, INK.dim, "left");
    label(ctx, ["truth"], 0, y + 1.5 * size + 22, gutter - 4, INK.dim, "left");
    if (revealed) {
      cells(ctx, row.cells, gutter, y, size, row.wrong);
      row.confidence.forEach((p, i) => {
        ctx.fillStyle = INK.gone;
        ctx.fillRect(gutter + i * size, y + size + 3, size - 1, 14);
        ctx.fillStyle = row.wrong.includes(i) ? INK.wrong : INK.accent;
        ctx.fillRect(gutter + i * size, y + size + 17 - 14 * p, size - 1, 14 * p);
      });
    } else {
      ctx.strokeStyle = INK.line;
      for (let i = 0; i < width; i++) ctx.strokeRect(gutter + i * size + 0.5, y + 0.5, size - 2, size - 2);
    }
    cells(ctx, row.truth, gutter, y + size + 22, size, [], 0.62);
  });
}

register("rows", drawRows, {
  card: drawRowsCard,
  token: (text) => (text === "1" ? INK.one : text === "0" ? INK.zero : "#2b4d72"),
  layout: "row",
});
