// Saves and copies in the browser alone: nothing is asked of the server.
const BLANK = /^[=+\-@\t\r]/;  // a spreadsheet would read such a text as a formula

function csv(columns, rows) {
  const cell = (value) => {
    if (value === null || value === undefined) return "";
    const text = typeof value === "string" && BLANK.test(value) ? `'${value}` : String(value);
    return /[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  };
  return [columns, ...rows].map((row) => row.map(cell).join(",")).join("\n") + "\n";
}

function json(columns, rows) {
  return JSON.stringify(rows.map((row) => Object.fromEntries(columns.map((name, i) => [name, row[i]]))), null, 1);
}

function save(name, type, text) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([text], { type }));
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}

export default function (component) {
  const { parentElement, data } = component;
  const find = (selector) => parentElement.querySelector(selector);
  const said = (words) => { find(".said").textContent = words; };

  // Plotly is a module of the page and not a global; its own hidden button is the public way to it.
  function savePicture(format) {
    const plot = document.querySelector(`.st-key-${data.picture} .js-plotly-plot`);
    const button = plot?.querySelector(".modebar-btn");
    if (!button) return said("The figure is not drawn yet.");
    const { width, height } = plot.getBoundingClientRect();
    plot._context.toImageButtonOptions = { format, filename: data.file, width, height, scale: format === "png" ? 2 : 1 };
    const shown = plot.layout.paper_bgcolor;  // transparent on the page; a saved picture needs the page's colour
    plot.layout.paper_bgcolor = getComputedStyle(find(".keep")).getPropertyValue("--st-background-color") || shown;
    button.click();
    plot.layout.paper_bgcolor = shown;
    said(`Saved as ${data.file}.${format}`);
  }

  async function copy(text) {
    const field = find(".text");
    try {
      await navigator.clipboard.writeText(text);
      field.hidden = true;
      said("Copied");
    } catch {  // plain http, or the frame of a host: the text stands there to be copied by hand
      field.hidden = false;
      field.value = text;
      field.select();
      said("Press Ctrl+C to copy");
    }
  }

  const acts = [
    ...(data.picture ? [["SVG", () => savePicture("svg")], ["PNG", () => savePicture("png")]] : []),
    ["CSV", () => { save(`${data.file}.csv`, "text/csv", csv(data.columns, data.rows)); said(`Saved as ${data.file}.csv`); }],
    ["JSON", () => { save(`${data.file}.json`, "application/json", json(data.columns, data.rows)); said(`Saved as ${data.file}.json`); }],
    ["Copy link", () => copy(`${location.origin}${location.pathname}${location.search}${data.anchor ? `#${data.anchor}` : ""}`)],
    ...data.copies.map(({ label, text }) => [label, () => copy(text)]),
  ];
  find(".text").setAttribute("aria-label", "Text to copy");
  const buttons = acts.map(([label, act]) => {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = label;
    button.onclick = act;
    return button;
  });
  find(".acts").replaceChildren(...buttons);
}
