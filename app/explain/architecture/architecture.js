// The model in one drawing, left to right: tokens, the layers, the answer; the loop of sleep above, memory below.

function drawArchitecture(root, { layers, parts, sentences }) {
  const made = JSON.stringify(layers);
  if (root.dataset.layers === made) return;
  root.dataset.layers = made;
  root.architecture = { parts, sentences };
  const layerWide = 150, gap = 34, ends = 92, top = 46, tall = 54;
  const width = 2 * ends + layers.length * (layerWide + gap) + gap, height = 196;
  const svg = (tag, attributes, text) => {
    const node = document.createElementNS("http://www.w3.org/2000/svg", tag);
    for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
    if (text !== undefined) node.textContent = text;
    return node;
  };
  const group = (name, ...children) => {
    const node = svg("g", { class: `part ${name}` });
    node.append(...children);
    return node;
  };
  const box = (x, y, w, h) => svg("rect", { class: "shape", x, y, width: w, height: h, rx: 8 });
  const arrow = (from, to, y) => [
    svg("path", { class: "shape", d: `M${from} ${y}H${to - 6}` }),
    svg("path", { class: "fill", d: `M${to} ${y}l-9 -5v10z` }),
  ];
  const middle = top + tall / 2, first = ends + gap;
  const canvas = svg("svg", { viewBox: `0 0 ${width} ${height}`, role: "img" });
  const names = layers.map((kind) => (kind === "attention" ? "attention with a KV cache" : "fast weights S"));
  canvas.setAttribute("aria-label", `The model: tokens, then ${layers.length} layers in this order: ${names.join(", ")}; then the answer. While asleep, the last layer's output goes back into the first layer.`);

  const token = (i) => svg("rect", { class: "fill", x: 14 + i * 16, y: middle - 7, width: 12, height: 14, rx: 2 });
  canvas.append(group("tokens", ...[0, 1, 2, 3].map(token), svg("text", { x: 44, y: middle + 30 }, "tokens"), ...arrow(84, first - 4, middle)));

  layers.forEach((kind, place) => {
    const x = first + place * (layerWide + gap), centre = x + layerWide / 2, below = top + tall + 22;
    const title = kind === "attention" ? "attention" : "fast weights";
    const on = place === layers.length - 1 ? "answer" : kind;
    canvas.append(group(kind, box(x, top, layerWide, tall), svg("text", { x: centre, y: middle + 5 }, title)));
    canvas.append(group(on, ...arrow(x + layerWide, x + layerWide + gap - 4, middle)));
    const link = svg("path", { class: "shape", d: `M${centre} ${top + tall}v22` });
    if (kind === "attention") {
      const pair = (i) => [0, 1].map((row) => svg("rect", { class: "fill", x: x + 18 + i * 19, y: below + 7 + row * 14, width: 13, height: 9, rx: 2 }));
      canvas.append(group("cache", link, box(x + 10, below, layerWide - 20, 38), ...[0, 1, 2, 3, 4, 5].flatMap(pair)));
      canvas.append(group("cache", svg("text", { x: centre, y: below + 58 }, "KV cache")));
    } else {
      const cell = (i) => svg("rect", { class: "shape", x: centre - 24 + (i % 4) * 12, y: below - 5 + Math.floor(i / 4) * 12, width: 12, height: 12 });
      canvas.append(group("state", svg("path", { class: "shape", d: `M${centre} ${top + tall}v17` }), ...Array.from({ length: 16 }, (_, i) => cell(i))));
      canvas.append(group("state", svg("text", { x: centre, y: below + 58 }, "S, fixed size")));
    }
  });

  const last = first + layers.length * (layerWide + gap) - gap;
  canvas.append(group("answer", svg("text", { x: last + gap + 40, y: middle + 5 }, "answer")));
  const back = `M${last - 20} ${top - 4}V24a8 8 0 0 0 -8 -8H${first + 28}a8 8 0 0 0 -8 8V${top - 10}`;
  canvas.append(group("loop", svg("path", { class: "shape", d: back }), svg("path", { class: "fill", d: `M${first + 20} ${top - 2}l-5 -9h10z` }),
    svg("text", { x: (first + last) / 2, y: 36 }, "asleep: N passes")));

  const said = document.createElement("p");
  said.className = "said";
  root.replaceChildren(canvas, said);
}

// Acts: read, full, asleep, clear, answer. `sentence` takes the place of the act's own.
function lightArchitecture(root, act, sentence = root.architecture.sentences[act] ?? "") {
  const { parts } = root.architecture;
  root.dataset.act = act;
  for (const part of root.querySelectorAll(".part")) {
    part.classList.toggle("lit", (parts[act] ?? []).some((name) => part.classList.contains(name)));
  }
  const said = root.querySelector(".said");
  if (said.textContent !== sentence) said.textContent = sentence;
}
