// A box, an arrow with the unit's name, a box, and so on; texts are set as text.
const MOST_LINKS = 6;

export default function ({ parentElement, data }) {
  const root = parentElement.querySelector(".chain");
  root.setAttribute("aria-label", data.label);
  const part = (name, text) => {
    const made = document.createElement("span");
    made.className = name;
    made.textContent = text;
    return made;
  };
  const shown = Math.min(data.count, MOST_LINKS), gap = data.count > MOST_LINKS ? Math.floor(shown / 2) : -1;
  const parts = [part("box", data.start)];
  for (let i = 0; i < shown; i++) {
    parts.push(part("link", i === gap ? `… ${data.count - shown + 1} ${data.unit}s …` : `${data.unit} →`));
    parts.push(part(i === shown - 1 ? "box asked" : "box", i === shown - 1 ? "?" : "·"));
  }
  if (!data.count) parts.push(part("box asked", "?"));
  root.replaceChildren(...parts);
}
