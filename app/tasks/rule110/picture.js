// Rule 110: the answered row beside the true rows; a card is rows of cells. A 1 is dark on light, as in the editor.

function cells(ctx, text, x, y, size, wrong = [], alpha = 1) {
  const gap = size > 6 ? 1 : 0;
  ctx.globalAlpha = alpha;
  ctx.fillStyle = INK.zero;
  ctx.fillRect(x - gap, y - gap, text.length * size + gap, size + gap);
  ctx.globalAlpha = 1;
  for (let i = 0; i < text.length; i++) {
    ctx.fillStyle = text[i] === "1" ? INK.one : "rgb(16 24 42 / .1)";
    ctx.fillRect(x + i * size, y, size - gap, size - gap);
  }
  for (const i of wrong) cross(ctx, x + i * size, y, size - gap);
}

function cellMarks(text, x, y, size, said) {
  return [...text].map((_, i) => mark(x + i * size, y, size, size, () => said(i)));
}

// The true rows and, beside or below them, the row that it would answer after each pass of this sleep. A line joins the
// newest answer and the true row that is nearest to it.
function drawRows(canvas, run, frame) {
  const { ctx, w, h, unit } = fit(canvas);
  const shown = passesOf(run, frame), woken = frame.state < 0 ? null : run.woken[frame.state];
  const row = woken ? woken.row : Math.min(frame.window, run.picture.truth.length - 1);
  const truth = run.picture.truth[row], most = Math.max(1, ...run.frames.map((each) => each.of));
  const places = rowPlaces(w, h, unit, truth[0].length, truth.length, most);
  return [
    ...drawTruth(ctx, truth, row, run.picture.steps, places, unit),
    ...drawWoken(ctx, run, frame, shown, truth, places, unit),
  ];
}

// Side by side or one above the other: whichever has the larger cells.
function rowPlaces(w, h, unit, width, steps, passes) {
  const gutter = 1.9 * unit, head = 1.5 * unit, between = 1.2 * unit, tail = 1.5 * unit;
  const beside = Math.min((w - 2 * gutter - between - tail) / (2 * width), (h - head - 4) / Math.max(steps, passes));
  const below = Math.min((w - gutter - tail) / width, (h - 2 * head - 8) / (steps + passes));
  const isBelow = below > beside, size = Math.max(3, Math.min(isBelow ? below : beside, 2.2 * unit)), wide = width * size;
  if (isBelow) {
    const x = gutter + (w - gutter - tail - wide) / 2;
    return { size, wide, truth: { x, y: head }, said: { x, y: 2 * head + 4 + steps * size }, isBelow };
  }
  const x = gutter + Math.max(0, (w - 2 * gutter - between - tail - 2 * wide) / 2);
  return { size, wide, said: { x, y: head }, truth: { x: x + wide + between + gutter, y: head }, isBelow };
}

function drawTruth(ctx, truth, row, steps, { size, wide, truth: { x, y } }, unit) {
  const every = Math.ceil((0.95 * unit) / size);
  label(ctx, [`truth: row ${row + 1} after each step`, "truth after each step", "truth"], x, y - 0.8 * unit, wide, INK.dim, "left");
  const marks = truth.flatMap((text, step) => {
    const top = y + step * size, isAsked = step === steps;
    cells(ctx, text, x, top, size, [], isAsked ? 1 : 0.75);
    if (isAsked || (step % every === 0 && steps - step >= every)) label(ctx, [String(step)], x - 6, top + size / 2, 2 * unit, isAsked ? INK.warm : INK.dim, "right");
    return cellMarks(text, x, top, size, (i) => `True row after step ${step}, cell ${i + 1}: ${text[i]}${isAsked ? " (asked)" : ""}`);
  });
  ctx.strokeStyle = INK.warm;
  ctx.lineWidth = 2;
  ctx.strokeRect(x - 2, y + steps * size - 2, wide + 3, size + 3);
  return marks;
}

function drawWoken(ctx, run, frame, shown, truth, { size, wide, said: { x, y }, truth: nearBy, isBelow }, unit) {
  const every = Math.ceil((0.95 * unit) / size), { steps } = run.picture;
  label(ctx, ["its answer after each pass", "answer after pass", "answer"], x, y - 0.8 * unit, wide, INK.dim, "left");
  if (!shown.length) label(ctx, ["nothing yet: it has not slept", "nothing yet"], x, y + 0.8 * unit, wide, INK.dim, "left");
  return shown.flatMap((state, place) => {
    const answer = run.woken[state], top = y + place * size, isNow = state === frame.state, pass = place + 1;
    if (!answer) return [];
    cells(ctx, answer.cells, x, top, size, answer.wrong, isNow ? 1 : 0.8);
    if (isNow || (place % every === 0 && shown.length - 1 - place >= every)) label(ctx, [String(pass)], x - 6, top + size / 2, 2 * unit, isNow ? INK.text : INK.dim, "right");
    if (isNow && answer.reached < truth.length) {
      const near = nearBy.y + answer.reached * size + size / 2, at = top + size / 2;
      if (isBelow) joinAround(ctx, x + wide + 3, at, near, unit);
      else joinAcross(ctx, x + wide + 3, at, nearBy.x - 1.9 * unit, near);
    }
    const note = (i) => (answer.wrong_asked.includes(i) ? `after step ${steps} it is ${truth[steps][i]}` : "as asked");
    return cellMarks(answer.cells, x, top, size, (i) => `If it woke after pass ${pass}, cell ${i + 1} would be ${answer.cells[i]}: ${note(i)}. Least sure cell: ${Math.round(100 * answer.least)} % sure`);
  });
}

function joinAcross(ctx, from, y, to, near) {
  line(ctx, [[from, y], [from + 4, y], [to - 4, near], [to, near]], INK.accent, 1.5);
  tip(ctx, to + 3, near, 1);
}

function joinAround(ctx, from, y, near, unit) {
  line(ctx, [[from, y], [from + 0.9 * unit, y], [from + 0.9 * unit, near], [from + 4, near]], INK.accent, 1.5);
  tip(ctx, from, near, -1);
}

function tip(ctx, x, y, way) {
  ctx.beginPath();
  ctx.moveTo(x, y);
  ctx.lineTo(x - 7 * way, y - 4);
  ctx.lineTo(x - 7 * way, y + 4);
  ctx.fillStyle = INK.accent;
  ctx.fill();
}

// Each answered row with its crosses, and under it how sure each cell is.
function drawRowsCard(canvas, card, revealed) {
  const { ctx, w, h, unit } = fit(canvas);
  const width = card.rows[0].cells.length, tall = h / card.rows.length, gutter = 3.4 * unit;
  const size = Math.min((w - gutter) / width, tall - 7, 1.7 * unit), marks = [];
  card.rows.forEach((row, index) => {
    const y = index * tall;
    label(ctx, [row.asked, String(index + 1)], 0, y + size / 2, gutter - 4, INK.dim, "left");
    if (!revealed) {
      ctx.strokeStyle = INK.line;
      for (let i = 0; i < width; i++) ctx.strokeRect(gutter + i * size + 0.5, y + 0.5, size - 2, size - 2);
      return;
    }
    cells(ctx, row.cells, gutter, y, size, row.wrong);
    row.confidence.forEach((sure, i) => {
      ctx.fillStyle = INK.gone;
      ctx.fillRect(gutter + i * size, y + size + 1, size - 1, 4);
      ctx.fillStyle = row.wrong.includes(i) ? INK.wrong : INK.accent;
      ctx.fillRect(gutter + i * size, y + size + 1, (size - 1) * sure, 4);
    });
    marks.push(...cellMarks(row.cells, gutter, y, size, (i) => `${row.asked}, cell ${i + 1}: says ${row.cells[i]}, truth ${row.truth[i]}, ${Math.round(100 * row.confidence[i])} % sure`));
  });
  return marks;
}

register("rows", drawRows, {
  card: drawRowsCard,
  token: (text) => (text === "1" ? INK.one : text === "0" ? INK.zero : "#2b4d72"),
  wide: false,
});
