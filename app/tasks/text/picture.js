// Text: the chain of people with what each hop would be answered, and below it the document.

function drawStory(canvas, run, frame) {
  const { ctx, w, h, unit } = fit(canvas);
  const chain = drawChain(ctx, run, frame, w, unit);
  const top = chain.below + 0.6 * unit;
  return [...chain.marks, ...drawProse(ctx, run.picture, frame, top, w, h - top, unit)];
}

// One box a hop, the start first, in rows; says where the boxes end.
function drawChain(ctx, run, frame, w, unit) {
  const { walk, hops } = run.picture, woken = frame.state >= 0 ? run.woken[frame.state] : null;
  const tall = 2.2 * unit, gap = 1.4 * unit, answers = run.woken.flatMap((each) => (each ? each.answers : []));
  const names = [...new Set([...walk, ...answers])]; // the boxes are as wide in every frame
  const widest = Math.max(...names.map((name) => ctx.measureText(`× ${name}`).width)) + gap + 8;
  const wide = Math.max(widest, Math.min(9 * unit, (w - 16) / walk.length));
  const inRow = Math.max(1, Math.floor((w - 16) / wide));
  label(ctx, ["hop by hop, what S would answer if it woke now", "if it woke now"], 8, 0.65 * unit, w - 16, INK.dim, "left");
  const at = (i) => [8 + (i % inRow) * wide, 1.6 * unit + Math.floor(i / inRow) * (tall + 0.7 * unit)];
  const marks = walk.map((truth, i) => {
    const [x, y] = at(i), said = i && woken ? woken.answers[i - 1] : "", right = i && woken ? woken.right[i - 1] : false;
    if (i % inRow) arrow(ctx, [x - gap + 2, y + tall / 2], [x, y + tall / 2], INK.dim, 1.5, [], 0, 0);
    ctx.fillStyle = right ? INK.right : INK.tile;
    ctx.beginPath(); ctx.roundRect(x, y, wide - gap, tall, 6); ctx.fill();
    if (i === hops) { ctx.strokeStyle = INK.warm; ctx.lineWidth = 3; ctx.stroke(); }
    const written = i === 0 ? truth : said === "" ? "?" : right ? said : `× ${said}`;
    label(ctx, [written], x + (wide - gap) / 2, y + tall / 2, wide - gap - 4, right ? INK.dark : i && said ? INK.wrong : INK.text);
    const verdict = said === "" ? "nothing is asked yet" : right ? `${said}, right` : `${said}, wrong: it is ${truth}`;
    return mark(x, y, wide - gap, tall, () => (i === 0 ? `The question begins with ${truth}` : `${count(i, "hop")}: ${verdict}`));
  });
  return { marks, below: at(walk.length - 1)[1] + tall };
}

register("story", drawStory, { narrow: 300 });
