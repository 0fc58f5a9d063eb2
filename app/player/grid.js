// What is asked, and the answers to every such question: what pictures of "so many steps from a start" share.

// Three lines: what is asked, what it would say, and whether that is right. Before it has slept, when it will be asked.
function drawAsked(ctx, texts, frame, said, x, y, room, unit) {
  label(ctx, texts, x, y - 1.4 * unit, room, INK.warm);
  if (said) {
    label(ctx, [`${frame.replaced ? "before" : "answer now"}: ${said.answer}`, said.answer], x, y, room, INK.text);
    label(ctx, [said.verdict], x, y + 1.4 * unit, room, said.ink);
  } else if (frame.kind === "token") label(ctx, ["asked after the last sleep", "asked at the end"], x, y, room, INK.dim);
}

// A row a start, a column a number of steps. Each of `titles`, `heads` and `names` is a list of texts, the longest first;
// `asked` is the visitor's question. `cell(row, column)` tells a square's `fill`, whether it is `known`, its `text` for
// the pointer, and `draw`, which writes into it at its left, top, width and height. Sizes are in units of the type.
function drawGrid(ctx, { titles, heads, names, asked, cell }, { gutter, tallest, widest }, left, top, w, h, unit) {
  const from = left + gutter * unit, head = 3.2 * unit, marks = [];
  const tall = Math.min(tallest * unit, (h - head) / names.length), wide = Math.min(widest * unit, (w - gutter * unit - 4) / heads.length);
  const every = Math.ceil(1.05 * unit / tall);  // where the rows are low, only some are named
  label(ctx, titles, left, top + 0.65 * unit, w, INK.dim, "left");
  heads.forEach((texts, column) => label(ctx, texts, from + (column + 0.5) * wide, top + 2.2 * unit, wide, INK.dim));
  names.forEach((texts, row) => {
    const y = top + head + row * tall, room = gutter * unit - 8;
    if (row % every === 0) label(ctx, texts, from - 8, y + tall / 2, room, row === asked.row ? INK.warm : INK.dim, "right");
    heads.forEach((_, column) => {
      const x = from + column * wide, { fill, known, text, draw } = cell(row, column);
      ctx.globalAlpha = known ? 1 : 0.4;
      ctx.fillStyle = fill;
      ctx.fillRect(x, y, wide - 2, tall - 2);
      ctx.globalAlpha = 1;
      draw(x, y, wide, tall);
      if (row === asked.row && column === asked.column) { ctx.strokeStyle = INK.warm; ctx.lineWidth = 2; ctx.strokeRect(x, y, wide - 2, tall - 2); }
      marks.push(mark(x, y, wide, tall, () => text));
    });
  });
  return marks;
}
