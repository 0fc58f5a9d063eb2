// A button an image. The row is one stop of the Tab key; the arrow keys go from image to image.
const STEPS = { ArrowRight: 1, ArrowLeft: -1, Home: -Infinity, End: Infinity };
const COLUMNS = 6, ROWS = 8;

function paint(canvas, pixels) {
  canvas.width = COLUMNS;
  canvas.height = ROWS;
  const ctx = canvas.getContext("2d");
  [...pixels].forEach((pixel, place) => {
    ctx.fillStyle = pixel === "1" ? "#e3eaf6" : "#10182a";
    ctx.fillRect(place % COLUMNS, Math.floor(place / COLUMNS), 1, 1);
  });
}

export default function (component) {
  const { parentElement, data, setTriggerValue } = component;
  const group = parentElement.querySelector(".starts");
  group.setAttribute("aria-label", data.label);
  while (group.children.length > data.looks.length) group.lastChild.remove();
  while (group.children.length < data.looks.length) {
    const button = document.createElement("button");
    button.type = "button";
    button.append(document.createElement("canvas"));
    group.append(button);
  }
  const buttons = [...group.children];
  buttons.forEach((button, place) => {
    const { pixels, digit } = data.looks[place];
    paint(button.firstChild, pixels);
    button.tabIndex = place === data.start ? 0 : -1;
    button.setAttribute("aria-pressed", String(place === data.start));
    button.setAttribute("aria-label", `Image ${place + 1}: the digit ${digit}`);
    button.title = `Start from image ${place + 1}`;
    button.onkeydown = (event) => {
      if (!(event.key in STEPS)) return;
      event.preventDefault();
      buttons[Math.max(0, Math.min(buttons.length - 1, place + STEPS[event.key]))].focus();
    };
    button.onclick = () => {
      buttons.forEach((each, i) => each.setAttribute("aria-pressed", String(i === place)));
      setTriggerValue("start", place);
    };
  });
}
