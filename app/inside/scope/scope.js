// One slider over the passes moves every picture. A run's colour is blue, that of the run beside it orange.

const scopes = new WeakMap();
const ORDER = ["state", "change", "singular", "tokens", "wrote", "attention", "path", "distance"];
const WIDE = ["tokens"];
const LATER_MS = 500;  // after the last move of the slider, the page's link follows

function floats(text) {
  const bytes = Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
  return new Float32Array(bytes.buffer);
}

function unpacked(run) {
  const attention = Uint8Array.from(atob(run.attention), (c) => c.charCodeAt(0));
  return { ...run, states: floats(run.states), tokenKeys: floats(run.token_keys), corrections: floats(run.corrections), attention };
}

class Scope {
  constructor(parent) {
    this.root = parent.querySelector(".scope");
    this.slider = this.root.querySelector(".pass");
    this.tip = this.root.querySelector(".tip");
    this.live = this.root.querySelector(".live");
    this.scratch = document.createElement("canvas");
    this.probe = new Probe((text, x, y) => this.tell(text, x, y));
    this.token = null;
    this.slider.oninput = () => this.go(Number(this.slider.value));
    this.resize = new ResizeObserver(() => { if (this.runs) this.draw(); });
  }

  show(data, setState) {
    this.setState = setState;
    this.resize.observe(this.root);
    const same = this.given === JSON.stringify(data.runs);
    this.moves ??= data.heard;
    if (!same) {
      this.given = JSON.stringify(data.runs);
      this.runs = data.runs.map(unpacked);
      this.words = data.words;
      this.build();
    }
    // Until the page has heard of the slider's last move, it speaks of what was before.
    if (!same || data.heard >= this.moves) this.at = Math.min(data.at, this.last);
    this.draw();
  }

  get last() { return Math.max(...this.runs.map((run) => run.passes)); }

  build() {
    const { pictures } = this.words;
    this.root.classList.toggle("two", this.runs.length > 1);
    this.root.querySelector(".slide-name").textContent = this.words.pass;
    this.slider.max = String(this.last);
    this.canvases = {};
    this.said = {};
    this.order = ORDER.filter((name) => pictures[name]);  // a model may hide some
    const panels = this.order.map((name) => {
      const panel = document.createElement("div"), title = document.createElement("p"), notice = document.createElement("p");
      const canvas = document.createElement("canvas"), said = document.createElement("p");
      panel.className = WIDE.includes(name) ? "picture wide" : "picture";
      panel.dataset.name = name;
      [title.textContent, notice.textContent] = pictures[name];
      title.className = "name";
      notice.className = "notice";
      said.className = "said";
      canvas.tabIndex = 0;
      canvas.setAttribute("role", "img");
      panel.append(title, notice, canvas, said);
      this.canvases[name] = canvas;
      this.said[name] = said;
      return panel;
    });
    this.root.querySelector(".pictures").replaceChildren(...panels);
    const first = this.runs[0], place = first.strength[first.passes - 1] ?? [0];
    if (this.token === null || this.token >= first.tokens.length) this.token = place.indexOf(Math.max(...place));
  }

  go(pass) {
    this.at = pass;
    this.moves += 1;
    this.draw();
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.setState?.("moved", { pass: this.at, moves: this.moves }), LATER_MS);
  }

  // The pass of a run that stands at the slider: a shorter run stays at its end.
  passOf(run) { return Math.min(this.at, run.passes) - 1; }

  tell(text, x = 0, y = 0) {
    const { tip } = this;
    tip.hidden = !text;
    if (!text) return;
    tip.textContent = text;
    if (this.root.contains(this.root.getRootNode().activeElement)) this.live.textContent = text;
    const home = this.root.getBoundingClientRect();
    tip.style.left = `${Math.max(4, Math.min(x - home.left - tip.offsetWidth / 2, home.width - tip.offsetWidth - 4))}px`;
    tip.style.top = `${y - home.top + 8}px`;
  }

  draw() {
    if (!this.root.clientWidth) return;
    this.slider.value = String(this.at);
    const now = `${this.at} of ${this.last}`;
    this.root.querySelector(".now").textContent = now;
    this.slider.setAttribute("aria-valuetext", `${this.words.pass} ${now}`);
    const marks = {
      state: (c) => this.drawState(c), change: (c) => this.drawChange(c), singular: (c) => this.drawSingular(c),
      tokens: (c) => this.drawTokens(c), wrote: (c) => this.drawWrote(c), attention: (c) => this.drawAttention(c),
      path: (c) => this.drawPath(c), distance: (c) => this.drawDistance(c),
    };
    for (const name of this.order) {
      const canvas = this.canvases[name], [title] = this.words.pictures[name];
      this.probe.set(canvas, marks[name](canvas));
      const told = name === "wrote" ? this.toldWrote() : this.runs.map((run) => this.told(run, name)).filter(Boolean);
      this.said[name].textContent = told.join(" ");
      canvas.setAttribute("aria-label", `${title}. ${told.join(" ")} Arrow keys read out a value.`);
    }
  }

  told(run, name) {
    const sentence = run.said[this.passOf(run)][name];
    return sentence && this.runs.length > 1 ? `${run.name}: ${sentence}` : sentence;
  }

  // A table of numbers in colours: key down, value across. A cell is at most twice as wide as it is high.
  map(ctx, box, rows, columns, value, scale, told, unit, name, isShare = false) {
    const { scratch } = this;
    label(ctx, [name], box.x, box.y - 0.8 * unit, box.w, INK.dim, "left");
    const high = Math.min(box.h / rows, box.w / columns), wide = Math.min(box.w / columns, 2 * high), w = wide * columns, h = high * rows;
    scratch.width = columns;
    scratch.height = rows;
    const paint = scratch.getContext("2d"), image = paint.createImageData(columns, rows);
    for (let i = 0; i < rows * columns; i++) {
      const level = 4 * Math.max(1, Math.min(255, Math.round(128 + (127 * value(i)) / scale)));
      for (let channel = 0; channel < 4; channel++) image.data[4 * i + channel] = COLOURS[level + channel];
    }
    paint.putImageData(image, 0, 0);
    ctx.imageSmoothingEnabled = false;
    ctx.drawImage(scratch, box.x, box.y, w, h);
    const size = box.y + h + 0.9 * unit;
    const most = scale.toPrecision(2), range = isShare ? [`0 to ${Math.round(100 * scale)} %`] : [`−${most} to +${most}`, `±${most}`];
    label(ctx, range, box.x, size, Math.max(w, 5 * unit), INK.dim, "left");
    return Array.from({ length: rows * columns }, (_, i) => {
      const row = Math.floor(i / columns), column = i % columns;
      return mark(box.x + column * wide, box.y + row * high, wide, high, () => told(row, column, value(i)));
    });
  }

  boxes(w, h, unit, n) {
    const gap = 10, each = (w - gap * (n - 1)) / n;
    return Array.from({ length: n }, (_, i) => ({ x: i * (each + gap), y: 1.6 * unit, w: each, h: h - 3.4 * unit }));
  }

  drawState(canvas) {
    const { ctx, w, h, unit } = fit(canvas), { runs } = this, [one, two] = runs;
    const alike = two && one.keys === two.keys && one.values === two.values;
    const scale = Math.max(...runs.map((run) => run.scale)), places = this.boxes(w, h, unit, two ? 3 : 1);
    const at = (run) => (i) => run.states[(this.passOf(run) + 1) * run.keys * run.values + i];
    const cell = (what) => (row, column, value) => `${what}, key ${row + 1}, value ${column + 1}: ${value.toFixed(3)}`;
    const marks = runs.flatMap((run, i) => this.map(ctx, places[i], run.keys, run.values, at(run), scale, cell(run.name), unit, run.name));
    if (!two) return marks;
    if (!alike) { label(ctx, [this.words.other_shape, "no difference"], places[2].x, places[2].y + unit, places[2].w, INK.dim, "left"); return marks; }
    const difference = (i) => at(one)(i) - at(two)(i);
    return [...marks, ...this.map(ctx, places[2], one.keys, one.values, difference, scale, cell("difference"), unit, "difference")];
  }

  drawChange(canvas) {
    const { ctx, w, h, unit } = fit(canvas), scale = Math.max(...this.runs.map((run) => run.change_scale));
    const places = this.boxes(w, h, unit, this.runs.length);
    return this.runs.flatMap((run, i) => {
      const size = run.keys * run.values, n = this.passOf(run);
      const value = (j) => run.states[(n + 1) * size + j] - run.states[n * size + j];
      return this.map(ctx, places[i], run.keys, run.values, value, scale, (row, column, v) => `${run.name}, key ${row + 1}, value ${column + 1}: changed by ${v.toFixed(3)}`, unit, run.name);
    });
  }

  axes(ctx, w, h, unit, most, x) {
    const left = 3.2 * unit, base = h - 1.5 * unit, top = 0.8 * unit;
    const y = (value) => base - (value / most) * (base - top);
    for (const share of [0, 1]) {
      line(ctx, [[left, y(share * most)], [w - 4, y(share * most)]], INK.line, 1, share ? [2, 4] : []);
      label(ctx, [share ? most.toPrecision(2) : "0"], left - 4, y(share * most), left, INK.dim, "right");
    }
    label(ctx, [x], w - 4, h - 0.5 * unit, w - left, INK.dim, "right");
    return { left, base, top, y };
  }

  drawSingular(canvas) {
    const { ctx, w, h, unit } = fit(canvas), all = this.runs.flatMap((run) => run.singular.flat());
    const { left, base, y } = this.axes(ctx, w, h, unit, Math.max(1e-6, ...all), "singular value, by rank");
    const n = Math.max(...this.runs.map((run) => run.singular[0].length)), step = (w - left - 8) / n, bar = (0.7 * step) / this.runs.length;
    ctx.globalAlpha = 0.25;
    this.runs[0].singular.forEach((values) => line(ctx, values.map((value, i) => [left + (i + 0.5) * step, y(value)]), INK.accent, 1));
    ctx.globalAlpha = 1;
    return this.runs.flatMap((run, r) => run.singular[this.passOf(run)].map((value, i) => {
      const x = left + (i + 0.15) * step + r * bar;
      ctx.fillStyle = SERIES[r];
      ctx.fillRect(x, y(value), bar, base - y(value));
      return mark(x, y(value), bar, base - y(value), `${run.name}: singular value ${i + 1} is ${value.toFixed(3)}`);
    }));
  }

  drawTokens(canvas) {
    const { ctx, w, h, unit } = fit(canvas), run = this.runs[0], n = this.passOf(run), names = run.tokens;
    const left = 6.4 * unit, step = (w - left - 4) / names.length, middle = h * 0.5, foot = h - 2.2 * unit;
    const most = Math.max(1, ...run.strength.flat()), high = middle - 1.2 * unit;
    label(ctx, ["keeps of S", "keeps"], left - 6, middle - high / 2, left, INK.dim, "right");
    label(ctx, ["writes with", "writes"], left - 6, (middle + foot) / 2, left, INK.dim, "right");
    const marks = names.map((name, i) => {
      const x = left + i * step, keeps = run.decay[n][i], strength = run.strength[n][i], width = Math.max(1, step - 1);
      if (i === this.token) { ctx.fillStyle = INK.tile; ctx.fillRect(x - 0.5, 0, step, h); }
      ctx.fillStyle = SERIES[2];
      ctx.fillRect(x, middle - high * keeps, width, high * keeps);
      ctx.fillStyle = INK.accent;
      const down = ((foot - middle - 4) * strength) / most;
      ctx.fillRect(x, middle + 4, width, down);
      if (ctx.measureText(name).width < step || i === this.token) label(ctx, [name], x + step / 2, h - 0.9 * unit, 4 * unit, INK.text);
      const told = () => this.runs.map((each) => {
        const pass = this.passOf(each), own = each.decay[pass][i];
        return own === undefined ? "" : `${this.runs.length > 1 ? `${each.name}: ` : ""}keeps ${(100 * own).toFixed(1)} % of S, writes with ${each.strength[pass][i].toFixed(2)}`;
      }).filter(Boolean).join("; ");
      return mark(x, 0, step, h, () => `${name} at place ${i + 1} ${told()}`, () => { this.token = i; this.draw(); });
    });
    line(ctx, [[left, middle + 2], [w, middle + 2]], INK.line);
    return marks;
  }

  wroteOf(run) {
    const n = this.passOf(run), t = Math.min(this.token, run.tokens.length - 1);
    const k = run.tokenKeys.subarray((n * run.tokens.length + t) * run.keys), u = run.corrections.subarray((n * run.tokens.length + t) * run.values);
    return { t, value: (i) => k[Math.floor(i / run.values)] * u[i % run.values] };
  }

  drawWrote(canvas) {
    const { ctx, w, h, unit } = fit(canvas), places = this.boxes(w, h, unit, this.runs.length);
    return this.runs.flatMap((run, i) => {
      const { t, value } = this.wroteOf(run);
      return this.map(ctx, places[i], run.keys, run.values, value, run.change_scale, (row, column, v) => `${run.tokens[t]} wrote ${v.toFixed(3)} at key ${row + 1}, value ${column + 1}`, unit, `${run.tokens[t]} at place ${t + 1}`);
    });
  }

  toldWrote() {
    return this.runs.map((run) => {
      const { t, value } = this.wroteOf(run);
      let most = 0;
      for (let i = 0; i < run.keys * run.values; i++) if (Math.abs(value(i)) > Math.abs(value(most))) most = i;
      const who = this.runs.length > 1 ? `${run.name}: ` : "";
      return `${who}${run.tokens[t]} at place ${t + 1} wrote most at key ${Math.floor(most / run.values) + 1}, value ${(most % run.values) + 1}: ${value(most).toFixed(2)}.`;
    });
  }

  drawAttention(canvas) {
    const { ctx, w, h, unit } = fit(canvas), places = this.boxes(w, h, unit, this.runs.length);
    return this.runs.flatMap((run, i) => {
      if (!run.attended) { label(ctx, ["no attention layer"], w / 2, h / 2, w, INK.dim); return []; }
      const rows = run.tokens.length, columns = run.attended, start = this.passOf(run) * rows * columns;
      const name = (column) => run.tokens[column - columns + rows] ?? "an earlier token";
      const value = (j) => run.attention[start + j] / 255;
      return this.map(ctx, places[i], rows, columns, value, run.attention_scale, (row, column, v) => `${run.tokens[row]} (${row + 1}) looks at ${name(column)} (${column + 1}) with ${(100 * v).toFixed(0)} %`, unit, run.name, true);
    });
  }

  // S on the left, h on the right; runs that share a plane are drawn into one box, the others one below the other.
  drawPath(canvas) {
    const { ctx, w, h, unit } = fit(canvas), { runs } = this;
    return ["state", "h"].flatMap((which, i) => {
      const planes = runs[0].path[which].shared ? [runs] : runs.map((run) => [run]), high = h / planes.length;
      return planes.flatMap((sharing, r) => {
        const top = r * high + (1 + 1.3 * sharing.length) * unit;
        const box = { x: (i * w) / 2 + 8, y: top, w: w / 2 - 20, h: (r + 1) * high - top - 0.8 * unit };
        return this.drawPlane(ctx, box, sharing, which, unit);
      });
    });
  }

  drawPlane(ctx, box, sharing, which, unit) {
    const name = which === "state" ? "S" : "h", all = sharing.flatMap((run) => run.path[which].points), marks = [];
    const [least, most] = [Math.min, Math.max].map((of) => [0, 1].map((axis) => of(...all.map((point) => point[axis]))));
    const spread = Math.max(1e-9, most[0] - least[0], most[1] - least[1]), side = Math.min(box.w, box.h);
    const place = (point) => [box.x + ((point[0] - least[0]) / spread) * side, box.y + ((point[1] - least[1]) / spread) * side];
    sharing.forEach((run, index) => {
      const r = this.runs.indexOf(run), { points, distance } = run.path[which], colour = this.runs.length > 1 ? SERIES[r] : INK.dim;
      const row = box.y - (1.3 * (sharing.length - index) + 0.3) * unit;
      label(ctx, [`${name}: ${run.name}`, `${name}: run ${r + 1}`, name], box.x, row, box.w, colour, "left");
      const places = points.map(place), [startX, startY] = place(sharing[0].path[which].points[0]);
      const startsApart = !index || Math.hypot(places[0][0] - startX, places[0][1] - startY) > 1.5 * unit;
      this.drawWay(ctx, places, r, this.passOf(run) + 1, startsApart, unit);
      points.forEach((point, pass) => {
        const [x, y] = place(point), off = `${(100 * distance[pass]).toFixed(0)} % of the final size from the end`;
        marks.push(mark(x - 4, y - 4, 8, 8, `${name}, ${run.name}, ${pass ? `after pass ${pass}` : "at the start"}: ${off}`, pass ? () => this.go(pass) : null));
      });
    });
    return marks;
  }

  // One run's way; that of the run beside it is dashed, its dots are open. Two starts at one place have one name.
  drawWay(ctx, places, r, now, namesStart, unit) {
    const colour = this.runs.length > 1 ? SERIES[r] : INK.dim;
    line(ctx, places, this.runs.length > 1 ? colour : INK.line, 1.5, r ? [4, 3] : []);
    places.forEach(([x, y], pass) => {
      const isNow = pass === now, size = isNow ? 5 : 2.5;
      disc(ctx, x, y, size, isNow ? SERIES[r] : colour);
      if (r) disc(ctx, x, y, size - 1.5, INK.dark);
      const [aside, align] = r && pass ? [-8, "right"] : [8, "left"];
      if (isNow || (pass === 0 && namesStart)) label(ctx, [pass ? String(pass) : "start"], x + aside, y + (pass ? -0.5 : 0.8) * unit, 4 * unit, INK.text, align);
    });
  }

  drawDistance(canvas) {
    const { ctx, w, h, unit } = fit(canvas), marks = [];
    const most = Math.max(0.01, ...this.runs.flatMap((run) => [...run.path.state.distance, ...run.path.h.distance]));
    const { left, y } = this.axes(ctx, w, h, unit, most, "pass; solid S, dashed h");
    const x = (pass) => left + 8 + (pass * (w - left - 20)) / Math.max(1, this.last);
    this.runs.forEach((run, r) => {
      for (const [which, dash] of [["state", []], ["h", [4, 3]]]) {
        const { distance } = run.path[which];
        line(ctx, distance.map((value, pass) => [x(pass), y(value)]), SERIES[r], 2, dash);
        const now = this.passOf(run) + 1;
        disc(ctx, x(now), y(distance[now]), 4, SERIES[r]);
        distance.forEach((value, pass) => marks.push(mark(x(pass) - 5, y(value) - 5, 10, 10, `${which === "state" ? "S" : "h"}, ${run.name}, after pass ${pass}: ${(100 * value).toFixed(1)} % from the end`)));
      }
    });
    return marks;
  }

  stop() { this.resize.disconnect(); }
}

export default function (component) {
  const { parentElement, data, setStateValue } = component;
  let scope = scopes.get(parentElement);
  if (!scope) {
    scope = new Scope(parentElement);
    scopes.set(parentElement, scope);
  }
  scope.show(data, setStateValue);
  return () => scope.stop();
}
