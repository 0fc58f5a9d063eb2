// A document as lines of prose: which of it is read, held in the KV cache and cleared.

// Bright in the KV cache, struck through once cleared, faint before it is read; underlined where it tells the answer.
function drawProse(ctx, picture, frame, top, w, h, unit) {
  const { texts, needed } = picture, size = 1.12 * unit, tall = 1.6 * unit;
  label(ctx, [needed.length ? "the page: what is underlined tells the answer" : "the document"], 8, top + 0.65 * unit, w - 16, INK.dim, "left");
  ctx.font = type(size);
  const places = setProse(ctx, texts, w - 16), tells = new Set(needed), marks = [];
  const lines = Math.max(1, Math.floor((h - 1.9 * unit) / tall)), last = places.length ? places[places.length - 1].line : 0;
  const looked = frame.kind === "answer" && needed.length ? needed[0] : Math.max(0, frame.read - 1);
  const first = Math.max(0, Math.min(last - lines + 1, places[looked].line - Math.floor(lines / 2)));
  places.forEach(({ text, x, line: at, wide }, i) => {
    if (at < first || at >= first + lines || !text) return;
    const where = stage(frame, i), y = top + 2.4 * unit + (at - first) * tall, under = 0.72 * unit;
    ctx.globalAlpha = where === "ahead" ? 0.4 : 1;
    if (frame.kind === "token" && i === frame.read - 1) {
      ctx.fillStyle = INK.tile;
      ctx.fillRect(8 + x - 1, y - under, wide + 2, 2 * under);
    }
    ctx.fillStyle = where === "held" ? INK.text : "#8e9ab3";
    ctx.textAlign = "left";
    ctx.fillText(text, 8 + x, y);
    if (where === "gone") line(ctx, [[8 + x, y], [8 + x + wide, y]], "#8e9ab3", 1);
    if (tells.has(i)) line(ctx, [[8 + x, y + under], [8 + x + wide, y + under]], INK.warm, 2);
    ctx.globalAlpha = 1;
    const said = { ahead: "not read yet", held: "in the cache", gone: "cleared" }[where];
    marks.push(mark(8 + x, y - under, wide, 2 * under, () => `Token ${i + 1}, “${text}”: ${said}${tells.has(i) ? ", tells the answer" : ""}`));
  });
  return marks;
}

// Where each token stands in lines of this width. A line breaks at a new line of the text and before a word, which is
// a token that begins with white space and those that go on from it; what is wider than a line breaks anywhere.
function setProse(ctx, texts, width) {
  const words = [];
  for (const text of texts) {
    if (!words.length || /^\s/.test(text)) words.push([]);
    words[words.length - 1].push({ text: text.trimStart(), gap: /^[^\S\n]/.test(text), breaks: text.split("\n").length - 1 });
  }
  const places = [], space = ctx.measureText(" ").width, wide = (token) => ctx.measureText(token.text).width;
  let x = 0, at = 0;
  for (const word of words) {
    const whole = word.reduce((sum, token) => sum + wide(token), 0);
    if (x && x + space + whole > width && whole <= width) { at += 1; x = 0; }
    for (const token of word) {
      if (token.breaks) { at += token.breaks; x = 0; }
      if (x && token.gap) x += space;
      if (x && x + wide(token) > width) { at += 1; x = 0; }
      places.push({ text: token.text, x, line: at, wide: wide(token) });
      x += wide(token);
    }
  }
  return places;
}
