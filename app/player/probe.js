// Every canvas answers: a pointer over it, or the arrow keys while it has focus, read out the nearest mark's value.

const NEAR = 12; // pixels around a mark in which it still answers

class Probe {
  // `tell(text, x, y)` shows a value at a place of the window; `tell("")` hides it.
  constructor(tell) {
    this.tell = tell;
    this.marks = new Map();
    this.chosen = new Map();
  }

  set(canvas, marks = []) {
    if (!this.marks.has(canvas)) this.listen(canvas);
    this.marks.set(canvas, marks);
  }

  listen(canvas) {
    canvas.onpointermove = canvas.onpointerdown = (event) => this.show(canvas, this.at(canvas, event));
    canvas.onpointerleave = canvas.onblur = () => this.tell("");
    canvas.onclick = (event) => this.at(canvas, event)?.pick?.();
    canvas.onkeydown = (event) => this.key(canvas, event);
  }

  at(canvas, event) {
    const box = canvas.getBoundingClientRect(), x = event.clientX - box.left, y = event.clientY - box.top;
    const off = (each) => Math.hypot(Math.max(each.x - x, 0, x - each.x - each.w), Math.max(each.y - y, 0, y - each.y - each.h));
    let nearest = null, least = NEAR;
    for (const each of this.marks.get(canvas)) {
      const distance = off(each);
      if (distance < least) { nearest = each; least = distance; }
    }
    return nearest;
  }

  show(canvas, found) {
    if (!found) { this.tell(""); return; }
    const box = canvas.getBoundingClientRect(), text = typeof found.text === "function" ? found.text() : found.text;
    this.tell(text, box.left + Math.max(0, found.x) + found.w / 2, box.top + found.y + Math.min(found.h, 28));
  }

  // The nearest mark in the arrow's direction, seen from the centre of the one that was read last.
  key(canvas, event) {
    const way = { ArrowRight: [1, 0], ArrowLeft: [-1, 0], ArrowDown: [0, 1], ArrowUp: [0, -1] }[event.key];
    const marks = this.marks.get(canvas), now = marks[this.chosen.get(canvas) ?? -1];
    if (event.key === "Enter" && now?.pick) { event.preventDefault(); event.stopPropagation(); now.pick(); return; }
    if (!way || !marks.length || event.altKey || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    event.stopPropagation();
    const next = now ? this.next(marks, now, way) : 0;
    this.chosen.set(canvas, next);
    this.show(canvas, marks[next]);
  }

  next(marks, now, [dx, dy]) {
    const middle = (each) => [each.x + each.w / 2, each.y + each.h / 2], [x, y] = middle(now);
    let nearest = marks.indexOf(now), least = Infinity;
    marks.forEach((each, place) => {
      const [ex, ey] = middle(each), along = (ex - x) * dx + (ey - y) * dy, aside = Math.abs((ex - x) * dy) + Math.abs((ey - y) * dx);
      if (along > 0.5 && along + 3 * aside < least) { nearest = place; least = along + 3 * aside; }
    });
    return nearest;
  }
}
