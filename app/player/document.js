// A text: which of it is read, held in the KV cache and evicted; and what the answer would begin with after each pass
// of this sleep.

const PROSE = { size: 14, tall: 20 };

function drawWords(canvas, run, frame) {
  const { ctx, w, h } = fit(canvas);
  const below = drawBegins(ctx, run, frame, w, h * 0.45);
  drawProse(ctx, run.picture, frame, below + 12, w, h - below - 12);
}

// The first token of the answer after each pass, with its probability as a bar; returns where the bars end.
function drawBegins(ctx, run, frame, w, most) {
  const win = frame.state < 0 ? -1 : run.pass_window[frame.state];
  const shown = run.pass_window.map((at, i) => i).filter((i) => run.pass_window[i] === win && i <= frame.state);
  label(ctx, ["the answer would begin with"], 8, 8, w - 16, INK.dim, "left");
  const tall = 22, lines = Math.max(1, Math.floor((most - 22) / tall)), passes = shown.slice(-lines);
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
  return 20 + Math.min(lines, Math.max(...run.frames.map((f) => f.of), 1)) * tall;
}

// Bright in the KV cache, struck through once evicted, faint before it is read; underlined where it tells the answer.
function drawProse(ctx, picture, frame, top, w, h) {
  const { texts, needed } = picture;
  label(ctx, [needed.length ? "the page: what is underlined tells the answer" : "the document"], 8, top + 8, w - 16, INK.dim, "left");
  ctx.font = `${PROSE.size}px system-ui, sans-serif`;
  const places = setProse(ctx, texts, w - 16), tells = new Set(needed);
  const lines = Math.max(1, Math.floor((h - 24) / PROSE.tall)), last = places.length ? places[places.length - 1].line : 0;
  const looked = frame.kind === "answer" && needed.length ? needed[0] : Math.max(0, frame.read - 1);
  const first = Math.max(0, Math.min(last - lines + 1, places[looked].line - Math.floor(lines / 2)));
  places.forEach(({ text, x, line: at, wide }, i) => {
    if (at < first || at >= first + lines || !text) return;
    const where = stage(frame, i), y = top + 30 + (at - first) * PROSE.tall;
    ctx.globalAlpha = where === "ahead" ? 0.4 : 1;
    if (frame.kind === "token" && i === frame.read - 1) {
      ctx.fillStyle = INK.zero;
      ctx.fillRect(8 + x - 1, y - 9, wide + 2, 18);
    }
    ctx.fillStyle = where === "held" ? INK.text : "#8e9ab3";
    ctx.textAlign = "left";
    ctx.fillText(text, 8 + x, y);
    if (where === "gone") line(ctx, [[8 + x, y], [8 + x + wide, y]], "#8e9ab3", 1);
    if (tells.has(i)) line(ctx, [[8 + x, y + 9], [8 + x + wide, y + 9]], INK.warm, 2);
    ctx.globalAlpha = 1;
  });
  ctx.font = FONT;
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

register("words", drawWords);
