// Toggle buttons, one a cell. The whole row is sent, so that quick clicks cannot be lost between reruns.
export default function (component) {
  const { parentElement, data, setTriggerValue } = component;
  const group = parentElement.querySelector(".cells");
  group.setAttribute("aria-label", data.label);
  while (group.children.length > data.row.length) group.lastChild.remove();
  while (group.children.length < data.row.length) {
    const button = document.createElement("button");
    button.type = "button";
    group.append(button);
  }
  [...group.children].forEach((button, index) => {
    const paint = (cell) => {
      button.textContent = cell;
      button.setAttribute("aria-pressed", String(cell === "1"));
      button.setAttribute("aria-label", `Cell ${index + 1}: ${cell}`);
    };
    paint(data.row[index]);
    button.onclick = () => {
      paint(button.textContent === "1" ? "0" : "1");
      setTriggerValue("row", [...group.children].map((each) => each.textContent).join(""));
    };
  });
}
