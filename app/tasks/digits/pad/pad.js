// The drawing lives here until it is used: only then does the page hear of it.
const kept = new WeakMap(); // what a mounted pad is busy with, across reruns of the page

function paint(canvas, pixels, columns, rows) {
  canvas.width = columns;
  canvas.height = rows;
  const ctx = canvas.getContext("2d");
  [...pixels].forEach((pixel, place) => {
    ctx.fillStyle = pixel === "1" ? "#e3eaf6" : "#10182a";
    ctx.fillRect(place % columns, Math.floor(place / columns), 1, 1);
  });
}

function made(parent, tag, count) {
  while (parent.children.length > count) parent.lastChild.remove();
  while (parent.children.length < count) {
    const each = document.createElement(tag);
    if (tag === "button") each.type = "button";
    parent.append(each);
  }
  return [...parent.children];
}

export default function (component) {
  const { parentElement, data, setTriggerValue } = component;
  const find = (selector) => parentElement.querySelector(selector);
  const { looks, rows, columns } = data, state = kept.get(parentElement) ?? { place: 0, reach: 0 };
  kept.set(parentElement, state);
  const places = made(find(".places"), "button", looks.length), digits = made(find(".take"), "button", 10);
  const options = made(find(".digit"), "option", 10), pixels = made(find(".grid"), "button", rows * columns);
  find(".grid").style.gridTemplateColumns = `repeat(${columns}, max-content)`;
  const shown = () => pixels.map((each) => (each.getAttribute("aria-pressed") === "true" ? "1" : "0")).join("");
  const put = (place, value) => pixels[place].setAttribute("aria-pressed", String(value === "1"));
  const reach = (place) => { state.reach = place; pixels.forEach((each, i) => { each.tabIndex = i === place ? 0 : -1; }); };

  function choose(place) {
    state.place = place;
    places.forEach((each, i) => each.setAttribute("aria-pressed", String(i === place)));
    find(".take-said").textContent = `Image ${place + 1}: take another image of the digit`;
    find(".draw-said").textContent = `Or draw image ${place + 1}:`;
    find(".take").setAttribute("aria-label", find(".take-said").textContent);
    [...looks[place].pixels].forEach((value, i) => put(i, value));
    find(".digit").value = String(looks[place].digit);
  }

  places.forEach((button, place) => {
    if (!button.firstChild) button.append(document.createElement("canvas"));
    paint(button.firstChild, looks[place].pixels, columns, rows);
    button.setAttribute("aria-label", `Image ${place + 1}: the digit ${looks[place].digit}`);
    button.onclick = () => choose(place);
  });
  digits.forEach((button, digit) => {
    button.textContent = String(digit);
    button.onclick = () => setTriggerValue("taken", { place: state.place, digit });
  });
  options.forEach((option, digit) => { option.value = option.textContent = String(digit); });
  pixels.forEach((button, place) => {
    const row = Math.floor(place / columns), column = place % columns;
    button.setAttribute("aria-label", `Row ${row + 1}, column ${column + 1}`);
    const turn = () => put(place, button.getAttribute("aria-pressed") === "true" ? "0" : "1");
    button.onfocus = () => reach(place);
    button.onkeydown = (event) => {
      const [down, right] = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] }[event.key] ?? [0, 0];
      if (!down && !right) return;
      event.preventDefault();
      const y = Math.max(0, Math.min(rows - 1, row + down)), x = Math.max(0, Math.min(columns - 1, column + right));
      pixels[y * columns + x].focus();
    };
    // A pointer draws a stroke: every pixel that it goes over becomes what the first one became.
    button.onpointerdown = (event) => {
      event.preventDefault();
      turn();
      state.stroke = button.getAttribute("aria-pressed") === "true" ? "1" : "0";
      button.focus();
    };
    button.onclick = (event) => { if (event.detail === 0) turn(); };
  });
  find(".grid").onpointermove = (event) => {
    if (!event.buttons) return;
    const over = pixels.indexOf(event.target.getRootNode().elementFromPoint(event.clientX, event.clientY));
    if (over >= 0 && state.stroke) put(over, state.stroke);
  };
  find(".clear").onclick = () => pixels.forEach((_, place) => put(place, "0"));
  find(".use").onclick = () => setTriggerValue("drawn", { place: state.place, pixels: shown(), digit: Number(find(".digit").value) });
  reach(state.reach);
  // A rerun of the page that brings no other images leaves a drawing as far as it has come.
  const brought = JSON.stringify(looks);
  if (brought !== state.brought || !pixels[0].hasAttribute("aria-pressed")) choose(state.place);
  state.brought = brought;
}
