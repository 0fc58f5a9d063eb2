// One clock over the frames of a run: play, pause, step, scrub, speed, acts; text for every frame.

const players = new WeakMap();
const onPage = new Set(); // the players that are mounted: page-level keys go to the first in sight
const NOTHING = "body, [data-testid=stMain], [data-testid=stApp], .stApp"; // what has focus when nothing has
const TYPED = "input:not([type=checkbox], [type=radio], [type=range]), textarea, select, [contenteditable=true]"; // takes letters
const FULL = "Window full", DRAWN = "run drawn";
const ROOM_LEAST = 450, ROOM_BELOW = 24;

// What has the focus, also inside a component.
function focusedNow() {
  let focused = document.activeElement;
  while (focused?.shadowRoot?.activeElement) focused = focused.shadowRoot.activeElement;
  return focused;
}

class Player {
  constructor(parent) {
    this.root = parent.querySelector(".theatre");
    const find = (selector) => this.root.querySelector(selector);
    this.find = find;
    this.el = {
      where: find(".where"), badge: find(".badge"), say: find(".say"), live: find(".live"), stale: find(".stale"),
      scrub: find(".scrub"), frame: find(".frame"), play: find(".b-play"), speed: find(".speed"), tip: find(".tip"),
      cards: find(".cards"), strip: find(".c-strip"), states: find(".c-states"), drift: find(".c-drift"),
      woken: find(".c-woken"), wokenUnit: find(".woken-unit"), pips: find(".pips"), pass: find(".pass"),
      present: find(".b-present"), chance: find(".chance"), inside: find(".b-inside"),
    };
    this.functions = [...this.root.querySelectorAll(".functions li")];
    this.acts = [...this.root.querySelectorAll(".acts button")];
    this.full = find("[data-act=full]"); // named by what makes this window's sleep begin
    this.scratch = document.createElement("canvas");
    this.probe = new Probe((text, x, y) => this.tell(text, x, y));
    this.reduced = window.matchMedia("(prefers-reduced-motion: reduce)");
    this.index = this.head = this.request = 0;
    this.playing = false;
    this.onPageKey = (event) => this.pageKey(event);
    this.onPageSpace = (event) => this.pageSpace(event);
    this.onPageClick = (event) => { this.clicked = event.detail ? focusedNow() : null; };  // a click by keyboard has no detail
    this.onResize = () => this.place();
    this.listen();
    this.resize = new ResizeObserver(() => { this.place(); if (this.run) this.draw(1); });  // at width 0 `draw` waits
    // A run starts when it can be seen: on a phone the theatre may be below the fold.
    this.sight = new IntersectionObserver((entries) => {
      this.inSight = entries[entries.length - 1].isIntersecting;
      if (this.waiting && this.inSight) { this.waiting = false; this.play(); }
    });
  }

  listen() {
    const { find } = this;
    find(".b-home").onclick = () => this.go(0);
    find(".b-back").onclick = () => this.go(this.index - 1);
    find(".b-next").onclick = () => this.go(this.index + 1);
    find(".b-end").onclick = () => this.go(this.last);
    find(".b-act").onclick = () => this.nextAct();
    this.el.play.onclick = () => this.toggle();
    this.el.inside.onclick = () => this.lookInside();
    this.el.present.onclick = () => this.present(!this.isPresenting);
    this.el.scrub.oninput = () => this.go(Number(this.el.scrub.value));
    this.root.onkeydown = (event) => this.key(event);
    for (const button of this.acts) button.onclick = () => this.goToAct(button.dataset.act);
    for (const term of this.root.querySelectorAll("[data-term]")) {
      term.onmouseenter = term.onfocus = () => this.explain(term);
      term.onmouseleave = term.onblur = () => this.tell("");
    }
  }

  get isFirst() {
    return [...onPage].find((each) => each.isPresenting || each.inSight) === this;
  }

  // The player's keys also act while nothing on the page has focus, and its letters wherever none are typed.
  pageKey(event) {
    const focused = focusedNow(), isLetter = ["n", "f"].includes(event.key.toLowerCase());
    if (event.defaultPrevented || !this.isFirst || !focused) return;
    if (focused.matches(NOTHING) || (isLetter && !focused.matches(TYPED))) this.key(event);
  }

  // A click leaves the focus on what was clicked. There the space bar is the player's, before a button hears it.
  pageSpace(event) {
    const focused = focusedNow();
    if (event.key === "Tab") this.clicked = null;
    if (event.key !== " " || !focused || focused !== this.clicked || focused.matches(TYPED) || !this.isFirst || !this.run) return;
    event.preventDefault();
    event.stopPropagation();
    focused.blur();
    this.clicked = null;
    this.toggle();
  }

  // The scrubber, the menu and buttons keep their own keys.
  key(event) {
    const kind = event.target.tagName;
    if (event.key === "Escape") { this.tell(""); if (this.isPresenting) this.present(false); }
    if (event.defaultPrevented || kind === "SELECT" || event.altKey || event.ctrlKey || event.metaKey || !this.run) return;
    if (event.key === " " && kind === "BUTTON") return;
    if (kind === "INPUT" && !["n", "f", " "].includes(event.key.toLowerCase())) return;
    const act = {
      " ": () => this.toggle(), arrowright: () => this.go(this.index + 1), arrowleft: () => this.go(this.index - 1),
      home: () => this.go(0), end: () => this.go(this.last), n: () => this.nextAct(), f: () => this.present(!this.isPresenting),
    }[event.key.toLowerCase()];
    if (!act) return;
    event.preventDefault();
    act();
  }

  explain(term) {
    const text = this.run && this.run.terms[term.dataset.term], box = term.getBoundingClientRect();
    if (text) this.tell(text, box.left + box.width / 2, box.bottom - 4, true);
  }

  // A value or a term's meaning beside its place. Values are also said where a screen reader listens.
  tell(text, x = 0, y = 0, isTerm = false) {
    const { tip } = this.el;
    tip.hidden = !text;
    if (!text) return;
    tip.textContent = text;
    if (!isTerm && this.root.contains(this.root.getRootNode().activeElement)) this.el.live.textContent = text;
    const home = this.root.getBoundingClientRect();
    tip.style.left = `${Math.max(8, Math.min(x - home.left - tip.offsetWidth / 2, home.width - tip.offsetWidth - 8))}px`;
    const below = y - home.top + 10, above = below - tip.offsetHeight - 40;
    tip.style.top = `${below + tip.offsetHeight > home.height && above > 0 ? above : below}px`;
  }

  // A new run starts from its beginning; the same run again (the page reran) goes on where it was.
  show(data, setState, setTrigger) {
    this.setState = setState;
    this.setTrigger = setTrigger;
    if (!data || !data.run || !data.run.frames.length) return;
    this.attach();
    this.follow(data);
    const { run, start } = data, isNew = !this.run || this.run.id !== run.id, asked = JSON.stringify(start);
    const isMoved = asked !== this.asked;
    this.asked = asked;
    if (isNew) this.load(run);
    else this.run = run;
    this.opensInside = data.inside && run.states.layers.length > 0;
    this.el.inside.hidden = !this.opensInside;
    this.drawModel(data.architecture);
    this.root.classList.toggle("is-stale", Boolean(data.stale));
    this.el.stale.hidden = !data.stale;
    this.el.stale.textContent = data.stale;
    if (!isNew && !isMoved) { this.wake(); return; }
    if (start.speed) this.el.speed.value = String(start.speed);
    this.enter(this.placeOf(start));
    this.pause();
    this.wake();  // a run that stands still also fades in what its event wrote
    this.waiting = !this.reduced.matches && !start.paused;
    this.sight.unobserve(this.el.strip);
    this.sight.observe(this.el.strip);  // asks again whether it is in sight
  }

  attach() {
    if (onPage.has(this)) return;
    onPage.add(this);
    document.addEventListener("keydown", this.onPageKey);
    document.addEventListener("keydown", this.onPageSpace, true);
    document.addEventListener("click", this.onPageClick, true);  // some of the page's buttons stop theirs
    window.addEventListener("resize", this.onResize);
    this.resize.observe(this.root);
    const block = this.root.getRootNode().host?.closest("[data-testid=stMainBlockContainer]");
    if (block) this.resize.observe(block);  // what stands above the stage may grow
    this.sight.observe(this.el.strip);
    this.place();
  }

  // What the page asks of the view. Until the page has heard what the visitor did last, it speaks of what was before.
  follow({ view, locked }) {
    this.root.classList.toggle("locked", locked);
    if (this.viewTold !== undefined && this.viewTold !== view) return;
    this.viewTold = undefined;
    if (view === this.viewSeen) return;
    this.viewSeen = view;
    if (this.isPresenting !== (view === "present")) this.present(view === "present", false);
  }

  load(run) {
    this.run = run;
    this.isUndrawn = true;
    this.last = run.frames.length - 1;
    this.bytes = Uint8Array.from(atob(run.states.data), (c) => c.charCodeAt(0));
    const heads = run.states.shape[1] * run.states.shape[2];
    if (this.head >= heads) this.head = 0;
    this.el.badge.textContent = this.el.badge.title = run.badge;
    const picture = PICTURES[run.picture.kind];
    this.root.dataset.picture = run.picture.kind;
    this.root.classList.toggle("wide", picture.wide);
    this.root.style.setProperty("--narrow", `${picture.narrow}px`);
    this.el.woken.setAttribute("aria-label", `${run.picture.label}. Arrow keys read out a value.`);
    this.el.scrub.max = String(this.last);
    this.el.chance.textContent = ["× wrong", "bar: how sure", run.chance].filter(Boolean).join(" · ");
    this.find(".compression").textContent = run.memory.compression;
    this.find(".drift-note").textContent = run.drift_note.said;
    this.find(".memory").setAttribute("aria-label", run.memory.scale);
    for (const bar of this.root.querySelectorAll(".memory .bar")) bar.title = run.memory.scale;
    this.find(".functions").hidden = run.bare;
    this.notes = run.frames.reduce((all, f) => [...all, { ...(all[all.length - 1] ?? {}), ...f.functions }], []);
    this.el.cards.replaceChildren(...run.contenders.map((contender) => makeCard(contender, picture)));
    this.el.cards.parentElement.hidden = !run.contenders.length;
  }

  // The model's layers, drawn once for a model; `words` lights the parts of each act.
  drawModel(model) {
    const root = this.find(".architecture"), asked = JSON.stringify(model);
    root.hidden = !model;
    if (model && asked !== this.modelDrawn) drawArchitecture(root, model);
    this.modelDrawn = asked;
  }

  // Where a link or a lesson asks to begin: an event's number, or an act, its window and pass.
  placeOf({ event, act, window: win = 0, pass = 1 }) {
    if (event !== undefined) return Math.max(0, Math.min(this.last, event));
    if (!act) return 0;
    const fits = (f) => f.act === act && (act === "answer" || f.window === win) && (act !== "asleep" || f.pass === Math.min(pass, f.of));
    return Math.max(0, this.run.frames.findIndex(fits));
  }

  play() {
    if (this.index >= this.last) this.enter(0);
    this.playing = true;
    this.entered = performance.now();
    this.words();
    this.wake();
  }

  pause() {
    this.playing = false;
    this.words();
  }

  toggle() {
    this.waiting = false;
    if (this.playing) this.pause();
    else this.play();
  }

  go(index) {
    this.waiting = false;
    this.playing = false;
    this.enter(Math.max(0, Math.min(this.last, index)));
    this.wake();
  }

  // On to the beginning of the next act, playing on if it plays.
  nextAct() {
    const { frames } = this.run, part = (f) => `${f.act} ${f.window}`;
    const next = frames.findIndex((f, i) => i > this.index && part(f) !== part(frames[this.index]));
    this.waiting = false;
    this.enter(next < 0 ? this.last : next);
    this.wake();
  }

  // An act of the window that is going on.
  goToAct(act) {
    const { frames } = this.run, here = frames[this.index].window;
    const found = frames.findIndex((f) => f.act === act && (act === "answer" || f.window === here));
    if (found >= 0) this.go(found);
    this.tell("");
  }

  // The page Inside opens at this head and pass.
  lookInside() {
    const { run } = this, { layers, shape } = run.states, heads = shape[2], state = Math.max(0, run.frames[this.index].state);
    const window = run.pass_window[state], pass = run.pass_window.slice(0, state + 1).filter((each) => each === window).length;
    this.setTrigger?.("inside", { layer: layers[Math.floor(this.head / heads)], head: (this.head % heads) + 1, window: window + 1, pass });
  }

  pick(head) {
    this.head = head;
    this.draw(1);
  }

  // The stage alone fills the window: it goes to the top layer, above everything else of the page.
  present(isOn, isTold = true) {
    this.isPresenting = isOn;
    this.root.classList.toggle("present", isOn);
    if (isOn) {
      this.root.setAttribute("popover", "manual");
      this.root.showPopover?.();
      this.root.focus();
    } else {
      this.root.removeAttribute("popover");
    }
    this.el.present.textContent = isOn ? "Leave" : "Present";
    if (isTold) {
      this.viewTold = isOn ? "present" : "";
      this.setState?.("view", this.viewTold);
    }
    this.place();
    if (this.run) { this.words(); this.draw(1); }
  }

  // The stage takes the room that the window has below what stands above it.
  place() {
    const page = this.root.getRootNode().host?.closest("[data-testid=stMain]");
    const top = this.root.getBoundingClientRect().top + (page?.scrollTop ?? 0);
    const room = window.innerHeight - top - ROOM_BELOW;
    const fits = room >= ROOM_LEAST ? room : Math.max(ROOM_LEAST, Math.min(640, window.innerHeight - 80));
    if (!this.isPresenting) this.root.style.setProperty("--room", `${Math.round(fits)}px`);
  }

  enter(index) {
    this.index = index;
    this.entered = performance.now();
    this.words();
    this.draw(this.reduced.matches ? 1 : 0);
  }

  wake() {
    if (!this.request) this.request = requestAnimationFrame((now) => this.tick(now));
  }

  tick(now) {
    this.request = 0;
    const speed = Number(this.el.speed.value);
    const rest = this.run.frames[this.index].ms / speed;
    if (this.playing && now - this.entered >= rest) {
      if (this.index === this.last) { this.pause(); return; }
      this.advance(now, speed);
    }
    const mix = this.reduced.matches ? 1 : Math.min(1, (now - this.entered) / Math.min(280, rest * 0.7));
    if (mix >= 0) this.drawStates(mix);
    if (this.playing || mix < 1) this.wake();  // nothing moves, and nothing is computed, unless time moves
  }

  // A slow screen skips frames and keeps the time; after a pause of the whole page (a hidden tab) it goes on from where it was.
  advance(now, speed) {
    const length = (index) => this.run.frames[index].ms / speed;
    let index = this.index, behind = Math.min(now - this.entered, length(index) + 1000);
    while (index < this.last && behind >= length(index)) behind -= length(index++);
    this.enter(index);
    this.entered = now - behind;
  }

  drawStates(mix) {
    const frame = this.run.frames[this.index];
    const open = this.opensInside ? () => this.lookInside() : null;
    const marks = drawStates(this.el.states, this.run, frame, mix, this.bytes, this.scratch, this.head, (head) => this.pick(head), open);
    this.probe.set(this.el.states, marks);
  }

  draw(mix) {
    if (!this.root.clientWidth) return;  // on its way in or out of the page
    const { run, el, probe } = this, frame = run.frames[this.index], picture = PICTURES[run.picture.kind];
    probe.set(el.strip, drawStrip(el.strip, run, this.index, (index) => this.go(index)));
    this.drawStates(mix);
    probe.set(el.drift, drawDrift(el.drift, run, frame));
    probe.set(el.woken, picture.draw(el.woken, run, frame));
    [...el.cards.children].forEach((card, i) => {
      const marks = revealCard(card, run.contenders[i], picture, frame.kind === "answer"), canvas = card.querySelector("canvas");
      if (canvas) probe.set(canvas, marks);
    });
    if (this.isUndrawn) performance.mark(DRAWN, { detail: run.badge });  // the browser's tools show when, and tests read it
    this.isUndrawn = false;
  }

  words() {
    if (!this.run) return;
    const { run, el, index } = this, frame = run.frames[index];
    this.root.dataset.phase = frame.act === "asleep" || frame.act === "full" ? "asleep" : "awake";
    this.root.classList.toggle("playing", this.playing);
    document.documentElement.dataset.stageEvent = String(index);  // for whoever copies a link
    document.documentElement.dataset.stageSpeed = el.speed.value;
    el.play.setAttribute("aria-label", this.playing ? "Pause" : index >= this.last ? "Play again" : "Play");
    for (const button of this.acts) {
      if (button.dataset.act === frame.act) button.setAttribute("aria-current", "step");
      else button.removeAttribute("aria-current");
    }
    const model = this.find(".architecture");
    const asleep = run.sleeps.find((sleep) => sleep.window === frame.window), isEarly = asleep && !asleep.is_full;
    this.full.textContent = asleep?.act ?? FULL;
    if (!model.hidden) lightArchitecture(model, frame.act, isEarly && frame.act === "full" ? frame.brief : undefined);
    el.pass.textContent = frame.act === "asleep" ? ` pass ${frame.pass} of ${frame.of}` : "";
    el.pips.replaceChildren(...Array.from({ length: Math.min(frame.of, 24) }, (_, i) => element("i", i < frame.pass ? "done" : "")));
    el.where.textContent = run.windows > 1 ? `window ${frame.window + 1} of ${run.windows}` : "";
    this.say(frame);
    el.frame.textContent = `event ${index + 1} of ${run.frames.length}`;
    el.scrub.value = String(index);
    el.scrub.setAttribute("aria-valuetext", `Event ${index + 1} of ${run.frames.length}: ${frame.brief}`);
    const held = Math.max(0, ...frame.kv), bytes = Math.round((run.memory.window_bytes * held) / Math.max(1, run.memory.most));
    this.find(".cache").style.width = `${(100 * bytes) / run.memory.scale_bytes}%`;
    this.find(".fast").style.width = `${(100 * run.memory.fast_bytes) / run.memory.scale_bytes}%`;
    this.find(".cache-amount").textContent = `${count(held, "token")}, ${kilobytes(bytes)}`;
    this.find(".fast-amount").textContent = kilobytes(run.memory.fast_bytes);
    for (const item of this.functions) {
      const note = this.notes[index][item.dataset.function];
      item.querySelector("em").textContent = note ?? "";
      item.classList.toggle("on", note !== undefined);
      item.classList.toggle("now", item.dataset.function in frame.functions);
    }
    // What is said of the first sleep's drift stands while that sleep is drawn to its end, and gives nothing away before.
    this.find(".drift-note").style.visibility = frame.state === run.drift_note.state ? "" : "hidden";
    const woken = frame.state >= 0 ? run.woken[frame.state] : null;
    el.wokenUnit.textContent = woken ? woken.unit : "";
  }

  // While it plays, one short sentence: on screen for each pass, to a screen reader for each act. Stepped, every event in full.
  say(frame) {
    const sentence = this.playing || this.isPresenting ? frame.brief : frame.say;
    if (this.el.say.textContent !== sentence) this.el.say.textContent = sentence;
    const act = `${frame.act} ${frame.window}`;
    if (this.playing && act === this.saidAct) return;
    this.saidAct = this.playing ? act : "";
    const told = this.playing ? frame.brief : frame.say;
    if (this.el.live.textContent !== told) this.el.live.textContent = told;
  }

  stop() {
    cancelAnimationFrame(this.request);
    this.request = 0;
    onPage.delete(this);
    document.removeEventListener("keydown", this.onPageKey);
    document.removeEventListener("keydown", this.onPageSpace, true);
    document.removeEventListener("click", this.onPageClick, true);
    window.removeEventListener("resize", this.onResize);
    this.resize.disconnect();
    this.sight.disconnect();
  }
}

export default function (component) {
  const { parentElement, data, setStateValue, setTriggerValue } = component;
  let player = players.get(parentElement);
  if (!player) {
    player = new Player(parentElement);
    players.set(parentElement, player);
  }
  player.show(data, setStateValue, setTriggerValue);
  return () => player.stop();
}
