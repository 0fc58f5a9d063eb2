// The cycle so far lives here until it is closed: only then does the page hear of it.
export default function (component) {
  const { parentElement, data, setTriggerValue } = component;
  const find = (selector) => parentElement.querySelector(selector);
  const nodes = find(".nodes");
  let order = [];
  const buttons = data.names.map((name) => {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = name;
    button.onclick = () => { if (!order.includes(name)) order.push(name); paint(); };
    return button;
  });
  nodes.replaceChildren(...buttons);

  function paint() {
    buttons.forEach((button, index) => button.setAttribute("aria-pressed", String(order.includes(data.names[index]))));
    const missing = data.least - order.length;
    const closing = missing > 0 ? ` → … (${missing} more)` : ` → ${order[0]}`;
    find(".chain").textContent = order.length ? order.join(" → ") + closing : "No node clicked yet.";
    find(".undo").disabled = find(".clear").disabled = !order.length;
    find(".close").disabled = missing > 0;
  }
  find(".undo").onclick = () => { order.pop(); paint(); };
  find(".clear").onclick = () => { order = []; paint(); };
  find(".close").onclick = () => setTriggerValue("order", order);
  paint();
}
