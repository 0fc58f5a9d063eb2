// Eight patterns: three bits in a row, and the bit that takes the middle one's place. A dark square is 1.
export default function ({ parentElement, data }) {
  const list = parentElement.querySelector(".rule");
  list.setAttribute("aria-label", data.label);
  const square = (bit, x, y) => {
    const rect = document.createElementNS("http://www.w3.org/2000/svg", "rect");
    for (const [name, value] of Object.entries({ x, y, width: 14, height: 14 })) rect.setAttribute(name, value);
    rect.setAttribute("class", bit === "1" ? "one" : "zero");
    return rect;
  };
  list.replaceChildren(...data.patterns.map(([three, below]) => {
    const item = document.createElement("li"), svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
    svg.setAttribute("viewBox", "-.5 -.5 45 31");
    svg.setAttribute("role", "img");
    svg.setAttribute("aria-label", `${three} gives ${below}`);
    svg.append(...[...three].map((bit, i) => square(bit, 15 * i, 0)), square(below, 15, 16));
    item.append(svg);
    return item;
  }));
}
