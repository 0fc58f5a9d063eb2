// Each token gets a key and a value. Every text is the page's or the visitor's own, and is set as text.
const MOST_WORDS = 40;

function column(token, isRead) {
  const item = document.createElement("li");
  item.className = isRead ? "" : "empty";
  for (const [name, said] of [["token", token ?? "·"], ["key", "k"], ["value", "v"]]) {
    const box = document.createElement("span");
    box.className = isRead || name !== "token" ? name : "token place";
    box.textContent = isRead || name === "token" ? said : "";
    if (name !== "token") box.setAttribute("aria-hidden", "true");
    item.append(box);
  }
  if (!isRead) item.setAttribute("aria-hidden", "true");
  return item;
}

export default function ({ parentElement, data, setTriggerValue }) {
  const root = parentElement.querySelector(".cache"), find = (name) => root.querySelector(`.${name}`);
  const line = find("line"), slide = find("slide"), isTyped = data.kind === "typed";
  const isFirst = root.dataset.kind === undefined;
  root.dataset.kind = data.kind;
  find("name").textContent = data.words.ask;
  for (const name of ["token", "key", "value"]) find(`row-${name}`).textContent = data.words[name];
  slide.max = String(data.goal);
  if (isFirst) slide.value = data.is_full ? String(data.goal) : "0";

  const draw = () => {
    const read = isTyped ? line.value.split(/\s+/).filter(Boolean).slice(0, MOST_WORDS) : data.tokens.slice(0, Number(slide.value));
    const empty = Math.max(0, data.goal - read.length);
    find("strip").replaceChildren(...read.map((token) => column(token, true)), ...Array.from({ length: empty }, () => column(undefined, false)));
    const isFull = read.length >= data.goal;
    root.classList.toggle("full", !isTyped && isFull);
    const said = read.length === 1 ? data.words.one : isTyped || !isFull ? data.words.count : data.words.full;
    find("count").textContent = said.replaceAll("{n}", String(read.length)).replaceAll("{goal}", String(data.goal));
    slide.setAttribute("aria-valuetext", find("count").textContent);
    return isFull;
  };
  const changed = () => {
    if (draw() && !root.dataset.done) {
      root.dataset.done = "yes";
      setTriggerValue("done", true);
    }
  };
  line.oninput = slide.oninput = changed;
  draw();
  root.hidden = false;  // no field without a name is ever in sight
}
