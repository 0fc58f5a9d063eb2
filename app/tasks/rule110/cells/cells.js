// Toggle buttons, one a cell. The whole row is sent, so that quick clicks cannot be lost between reruns.
// Until the page has heard of the last click, it speaks of the row as it was before: the visitor's own row stays.
// The row is one stop of the Tab key; the arrow keys go from cell to cell.
const clicks = new WeakMap();
const STEPS = { ArrowRight: 1, ArrowLeft: -1, Home: -Infinity, End: Infinity };

export default function (component) {
  const { parentElement, data, setTriggerValue } = component;
  const group = parentElement.querySelector(".cells");
  if (!clicks.has(group)) clicks.set(group, data.heard);
  const isHeard = data.heard >= clicks.get(group);
  group.setAttribute("aria-label", data.label);
  while (group.children.length > data.row.length) group.lastChild.remove();
  while (group.children.length < data.row.length) {
    const button = document.createElement("button");
    button.type = "button";
    group.append(button);
  }
  const cells = [...group.children];
  const reach = (index) => cells.forEach((each, i) => { each.tabIndex = i === index ? 0 : -1; });
  reach(Math.max(0, cells.findIndex((each) => each.matches(":focus"))));
  cells.forEach((button, index) => {
    const paint = (cell) => {
      button.textContent = cell;
      button.setAttribute("aria-pressed", String(cell === "1"));
      button.setAttribute("aria-label", `Cell ${index + 1}: ${cell}`);
    };
    if (isHeard || !button.textContent) paint(data.row[index]);
    button.onfocus = () => reach(index);
    button.onkeydown = (event) => {
      if (!(event.key in STEPS)) return;
      event.preventDefault();
      cells[Math.max(0, Math.min(cells.length - 1, index + STEPS[event.key]))].focus();
    };
    button.onclick = () => {
      paint(button.textContent === "1" ? "0" : "1");
      clicks.set(group, clicks.get(group) + 1);
      setTriggerValue("clicked", { row: cells.map((each) => each.textContent).join(""), clicks: clicks.get(group) });
    };
  });
}
