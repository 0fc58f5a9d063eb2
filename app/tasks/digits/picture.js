// Digits: the ring of images, read patch by patch and struck out, the jumps, and the grid start x jumps.

const ROWS = 8, COLUMNS = 6;

function drawJumps(canvas, run, frame) {
  const { ctx, w, h, unit } = fit(canvas);
  const { picture } = run, woken = frame.state >= 0 ? run.woken[frame.state] : null;
  const stacked = w < 1.05 * h;
  const side = stacked ? Math.min(w, h - 7 * unit) : Math.min(h, w * 0.55);
  const ring = drawImages(ctx, picture, frame, woken, (stacked ? w - side : 0) / 2, 0, side, unit);
  const grid = stacked ? [0, side + unit, w, h - side - unit] : [side + 1.5 * unit, 0, w - side - 1.5 * unit, h];
  // On a phone only the start that is asked about, so that the player's buttons stay in sight.
  const starts = stacked ? [picture.path[0]] : picture.images.map((_, start) => start);
  return [...ring, ...drawAnswers(ctx, picture, woken, starts, ...grid, unit)];
}

function drawImages(ctx, picture, frame, woken, left, top, side, unit) {
  const { images, path } = picture, n = images.length, before = path.slice(0, -1);
  const pixel = Math.max(2, Math.floor(side * 0.17 / ROWS)), tall = pixel * ROWS, wide = pixel * COLUMNS;
  const reach = side / 2 - 2 * unit - tall / 2, cx = left + side / 2, cy = top + side / 2;
  const away = (i) => [Math.sin(2 * Math.PI * i / n), -Math.cos(2 * Math.PI * i / n)];
  const at = (i) => [Math.round(cx + reach * away(i)[0]), Math.round(cy + reach * away(i)[1])];
  before.forEach((from, step) => drawJump(ctx, at(from), at(path[step + 1]), from === path[step + 1], tall));
  images.forEach((image, i) => {
    const [x, y] = at(i);
    drawImage(ctx, image, frame, x - wide / 2, y - tall / 2, pixel);
    const isStart = i === path[0], isEnd = i === path[path.length - 1];
    if (isStart || isEnd) {
      ctx.strokeStyle = isStart ? INK.warm : woken ? (woken.correct ? INK.right : INK.wrong) : INK.accent;
      ctx.lineWidth = 2.5;
      ctx.strokeRect(x - wide / 2 - 3, y - tall / 2 - 3, wide + 6, tall + 6);
    }
    // Outside the ring, where no jump leads; an image that the way leaves also says how far it jumps.
    const [dx, dy] = away(i), most = Math.max(Math.abs(dx), Math.abs(dy)), leaves = before.includes(i);
    const named = leaves ? [`#${i + 1} +${image.digit}`, `#${i + 1}`] : [`#${i + 1}`];
    label(ctx, named, x + (dx / most) * (wide / 2 + 1.9 * unit), y + (dy / most) * (tall / 2 + 1.1 * unit), 3.4 * unit, leaves ? INK.warm : INK.dim);
  });
  drawQuestion(ctx, picture, frame, woken, cx, cy, 2 * (reach - wide), unit);
  return images.map((image, i) => { const [x, y] = at(i); return mark(x - wide / 2, y - tall / 2, wide, tall, () => imageText(picture, frame, i)); });
}

// From one image to another; a digit that stays is a loop.
function drawJump(ctx, from, to, stays, tall) {
  if (!stays) return arrow(ctx, from, to, INK.warm, 2, [], 0.6 * tall, 0.65 * tall);
  ctx.beginPath(); ctx.arc(from[0] + 0.45 * tall, from[1] + 0.55 * tall, 0.2 * tall, 0, 7);
  ctx.strokeStyle = INK.warm; ctx.lineWidth = 2; ctx.stroke();
}

// Only the patches that were read are seen; what is cleared is dimmed and struck out.
function drawImage(ctx, { pixels, first }, frame, x, y, size) {
  const wide = COLUMNS * size, tall = ROWS * size, gone = stage(frame, first) === "gone", held = frame.read > first;
  ctx.globalAlpha = gone ? 0.4 : 1;
  ctx.fillStyle = INK.tile;
  ctx.fillRect(x, y, wide, tall);
  for (let place = 0; place < pixels.length; place++) {
    const row = Math.floor(place / COLUMNS), column = place % COLUMNS, patch = 2 * Math.floor(row / 2) + Math.floor(column / 3);
    if (pixels[place] !== "1" || frame.read <= first + patch) continue;
    ctx.fillStyle = INK.zero;
    ctx.fillRect(x + column * size, y + row * size, size, size);
  }
  ctx.globalAlpha = 1;
  if (gone) line(ctx, [[x - 3, y + tall + 3], [x + wide + 3, y - 3]], INK.wrong, 2);
  else if (!held) { ctx.strokeStyle = INK.line; ctx.lineWidth = 1; ctx.strokeRect(x + 0.5, y + 0.5, wide - 1, tall - 1); }
}

// In the middle of the ring, on a dark ground that no jump crosses.
function drawQuestion(ctx, { path }, frame, woken, x, y, room, unit) {
  const jumps = path.length - 1, from = `#${path[0] + 1}`, asked = count(jumps, "jump"), wide = Math.min(room, 10 * unit);
  ctx.fillStyle = "rgb(16 24 42 / .88)";
  ctx.beginPath(); ctx.roundRect(x - wide / 2, y - 2.3 * unit, wide, 4.6 * unit, 6); ctx.fill();
  const texts = jumps ? [`${asked} from ${from}?`, `${asked}?`] : [`which digit is ${from}?`, `${from}?`];
  const said = woken && { answer: woken.answer, verdict: woken.correct ? "right" : "× wrong", ink: woken.correct ? INK.right : INK.wrong };
  drawAsked(ctx, texts, frame, said, x, y, room, unit);
}

function imageText({ images }, frame, i) {
  const { digit, first } = images[i], n = images.length, to = (i + digit) % n;
  const where = { ahead: "not read yet", held: "in the cache", gone: "cleared" }[stage(frame, first)];
  return `Image ${i + 1} shows ${digit} and leads to image ${to + 1} (${where})`;
}

// In each square the digit that would be answered, a row for each of the starts.
function drawAnswers(ctx, picture, woken, starts, left, top, w, h, unit) {
  const { path } = picture, columns = picture.jumps_max + 1, alone = starts.length === 1 ? `#${starts[0] + 1}` : "";
  const cell = (row, column) => {
    const start = starts[row], place = start * columns + column, said = woken ? woken.said[place] : "", right = woken ? woken.right[place] : false;
    const verdict = woken ? `${said}, ${right ? "right" : "wrong"}` : "not asked yet";
    return {
      fill: right ? INK.right : INK.tile, known: woken !== null, text: `${count(column, "jump")} from image ${start + 1}: ${verdict}`,
      draw: (x, y, wide, tall) => {
        if (woken) label(ctx, right ? [said] : [`× ${said}`, said], x + wide / 2 - 1, y + tall / 2, wide - 4, right ? INK.dark : INK.wrong);
      },
    };
  };
  return drawGrid(ctx, {
    titles: alone ? [`the answer from ${alone}, by number of jumps`, `answer from ${alone}`]
      : ["the answer for every start and number of jumps", "answer by start and jumps", "start × jumps"],
    heads: Array.from({ length: columns }, (_, jumps) => (jumps ? [`+${jumps}`] : ["digit", "+0"])),
    names: starts.map((start) => [`#${start + 1}`]),
    asked: { row: starts.indexOf(path[0]), column: path.length - 1 }, cell,
  }, { gutter: 2.4, tallest: 2.4, widest: 3.4 }, left, top, w, h, unit);
}

register("jumps", drawJumps, { narrow: 330 });
