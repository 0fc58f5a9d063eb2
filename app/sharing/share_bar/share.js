// The link of what is on screen, its place in the run included, and the stage as a picture.
const bars = new WeakMap();
const KEPT = /^(view|lock|embed|embed_options)$/i;  // how a page is looked at goes on into the link
const INNER = "/~/+/";  // where some hosts serve the app inside a frame of theirs

class Bar {
  constructor(parent) {
    this.root = parent.querySelector(".share");
    this.copy = this.add("button", "copy");
    this.png = this.add("button", "png");
    this.field = this.add("input", "link");
    this.note = this.add("p", "note");
    this.copy.type = this.png.type = "button";
    Object.assign(this.field, { readOnly: true, hidden: true });
    this.note.setAttribute("role", "status");
    this.field.onfocus = () => this.field.select();
    this.copy.onclick = () => this.copyLink();
    this.png.onclick = () => this.savePicture();
  }

  add(tag, name) {
    const made = Object.assign(document.createElement(tag), { className: name });
    this.root.append(made);
    return made;
  }

  show(data) {
    const { texts } = data;
    if (JSON.stringify(data.link) !== JSON.stringify(this.data?.link)) this.say("");
    this.data = data;
    this.copy.textContent = texts.copy;
    this.png.textContent = texts.picture;
    this.field.setAttribute("aria-label", texts.by_hand);
  }

  say(text, link = "") {
    this.note.textContent = text;
    this.field.hidden = !link;
    this.field.value = link;
  }

  // The player says on the page's root element where it stands.
  link() {
    const here = new URL(location.href), { stageEvent, stageSpeed } = document.documentElement.dataset;
    here.pathname = here.pathname.replace(INNER, "/");
    const place = findStage() ? { event: stageEvent, speed: stageSpeed === "1" ? undefined : stageSpeed } : {};
    const looks = [...here.searchParams].filter(([name]) => KEPT.test(name));
    const asked = Object.entries({ ...this.data.link, ...place }).filter(([, value]) => value !== undefined);
    here.search = new URLSearchParams([...asked, ...looks]);
    here.hash = "";
    return here.href;
  }

  async copyLink() {
    const link = this.link(), { copied, by_hand: byHand } = this.data.texts;
    try {
      await navigator.clipboard.writeText(link);  // undefined on plain http, refused in some hosts' frames
      this.say(copied);
    } catch {
      this.say(byHand, link);
      this.field.focus();
    }
  }

  async savePicture() {
    const stage = findStage(), blob = stage && (await pictureOf(stage, this.data.caption));
    if (!blob) { this.say(this.data.texts.no_picture); return; }
    const url = URL.createObjectURL(blob);
    Object.assign(document.createElement("a"), { href: url, download: `${this.data.file}.png` }).click();
    setTimeout(() => URL.revokeObjectURL(url), 10000);
    this.say("");
  }
}

export default function (component) {
  const { parentElement, data } = component;
  if (!bars.has(parentElement)) bars.set(parentElement, new Bar(parentElement));
  bars.get(parentElement).show(data);
}
