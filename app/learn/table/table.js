// The table, what the visitor writes into it, and the list of things to do; a thing done is found in S itself.

const tables = new WeakMap();
const number = (value) => (Math.abs(value) < 0.005 ? 0 : value).toFixed(2).replace("-", "−");
const colour = (value) => {
  const amount = Math.round(Math.min(1, Math.abs(value)) * 70);
  return amount ? `color-mix(in srgb, ${value > 0 ? "#2c86bc" : "#c97a00"} ${amount}%, transparent)` : "transparent";
};

class Table {
  constructor(root, data, done) {
    Object.assign(this, { root, data, done, step: data.is_done ? data.words.tasks.length : 0, log: [] });
    this.state = Object.values(data.keys).map(() => Object.values(data.values).map(() => 0));
    this.key = Object.keys(data.keys)[0];
    this.value = Object.keys(data.values)[0];
    const { words } = data, find = (name) => root.querySelector(name);
    find(".keys legend").textContent = words.key;
    find(".values legend").textContent = words.value;
    find("caption").textContent = words.caption;
    find(".correct span").textContent = words.correct;
    this.correct = find(".correct input");
    this.choices(find(".keys"), "key", Object.keys(data.keys));
    this.choices(find(".values"), "value", Object.keys(data.values));
    find(".write").onclick = () => this.write();
    this.draw();
    this.say("");
    root.hidden = false;  // no button without a name is ever in sight
  }

  choices(fieldset, what, names) {
    names.forEach((name, place) => {
      const label = document.createElement("label"), input = document.createElement("input");
      Object.assign(input, { type: "radio", name: `${what}s`, value: name, checked: place === 0 });
      input.onchange = () => { this[what] = name; this.changed = []; this.advance(); this.draw(); this.say(""); };
      label.append(input, name);
      fieldset.append(label);
    });
  }

  row(headTag, head, cells, tag = "td") {
    const row = document.createElement("tr"), first = document.createElement(headTag);
    first.textContent = head;
    first.setAttribute("scope", tag === "th" ? "col" : "row");
    row.append(first, ...cells.map((cell) => {
      const made = document.createElement(tag);
      if (tag === "th") made.setAttribute("scope", "col");
      made.textContent = typeof cell === "number" ? number(cell) : cell;
      if (typeof cell === "number") made.style.background = colour(cell);
      return made;
    }));
    return row;
  }

  write() {
    const rule = this.correct.checked ? "delta" : "hebbian", before = this.state;
    this.state = writeState(before, this.data.keys[this.key], this.data.values[this.value], { rule });
    this.changed = this.state.map((row, i) => row.map((cell, j) => Math.abs(cell - before[i][j]) > 1e-9));
    this.log.push({ key: this.key, value: this.value, rule });
    this.advance();
    this.draw();
    this.say(this.data.words.written.replace("{key}", this.key).replace("{value}", this.value));
  }

  get reading() { return readState(this.state, this.data.keys[this.key]); }

  // Whether the next thing to do is done: a pair was written with that rule, or a key is read that was not the last one written.
  advance() {
    const task = this.data.words.tasks[this.step], last = this.log[this.log.length - 1];
    if (!task) return;
    const { key, value, rule } = task;
    const isDone = value ? last && last.key === key && last.value === value && last.rule === rule : this.key === key;
    if (!isDone) return;
    this.step += 1;
    if (value) this.log = [];
    if (this.step === this.data.words.tasks.length) this.done();
  }

  draw() {
    const { data, root } = this, { words } = data;
    const tasks = words.tasks.map((task, place) => {
      const item = document.createElement("li");
      item.className = place < this.step ? "done" : place === this.step ? "now" : "later";
      item.textContent = task.said;
      return item;
    });
    root.querySelector(".tasks").replaceChildren(...tasks);
    root.querySelector(".correct").hidden = !(words.tasks[this.step]?.rule === "delta" || this.step === words.tasks.length);
    root.querySelector(".write").textContent = words.write.replace("{key}", this.key).replace("{value}", this.value);
    const key = data.keys[this.key];
    root.querySelector("thead").replaceChildren(this.row("th", words.corner.replace("{key}", this.key), Object.keys(data.values), "th"));
    const rows = this.state.map((cells, place) => this.row("th", number(key[place]), cells));
    if (this.changed) rows.forEach((row, i) => [...row.querySelectorAll("td")].forEach((cell, j) => cell.classList.toggle("changed", Boolean(this.changed[i]?.[j]))));
    root.querySelector("tbody").replaceChildren(...rows);
    root.querySelector("tfoot").replaceChildren(this.row("th", words.reads.replace("{key}", this.key), this.reading));
  }

  // What the key reads now: the value alone, several at once, or nothing.
  say(before) {
    const names = Object.keys(this.data.values), { words } = this.data;
    const found = this.reading.map((amount, place) => [names[place], amount]).filter(([, amount]) => Math.abs(amount) >= 0.005);
    const list = found.map(([name, amount]) => `${name} ${number(amount)}`).join(", ");
    const said = found.length === 0 ? words.nothing : found.length === 1 ? words.clear : words.blurred;
    this.root.querySelector(".said").textContent = `${before} ${said.replace("{key}", this.key).replace("{list}", list)}`.trim();
  }
}

export default function ({ parentElement, data, setTriggerValue }) {
  const root = parentElement.querySelector(".table");
  if (!tables.has(root)) tables.set(root, new Table(root, data, () => setTriggerValue("done", true)));
}
