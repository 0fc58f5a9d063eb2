// One clock over the frames of a run: play, pause, step, scrub, speed; text for every frame.

const players = new WeakMap();

class Player {
  constructor(parent) {
    this.root = parent.querySelector(".theatre");
    const find = (selector) => this.root.querySelector(selector);
    this.el = {
      phase: find(".phase-name"), detail: find(".phase-detail"), badge: find(".badge"), say: find(".say"),
      scrub: find(".scrub"), frame: find(".frame"), play: find(".b-play"), speed: find(".speed"), tip: find(".tip"),
      cards: find(".cards"), lane: find(".c-lane"), states: find(".c-states"), drift: find(".c-drift"),
      woken: find(".c-woken"), statesUnit: find(".states-unit"), wokenUnit: find(".woken-unit"),
    };
    this.functions = [...this.root.querySelectorAll(".functions li")];
    this.scratch = document.createElement("canvas");
    this.reduced = window.matchMedia("(prefers-reduced-motion: reduce)");
    this.index = 0;
    this.playing = false;
    this.request = 0;
    this.listen(find);
    this.resize = new ResizeObserver(() => { if (this.run) this.draw(1); });  // at width 0 `draw` waits
    // A run starts when it can be seen: on a phone the theatre may be below the fold.
    this.sight = new IntersectionObserver((entries) => {
      if (this.waiting && entries.some((entry) => entry.isIntersecting)) { this.waiting = false; this.play(); }
    });
  }

  listen(find) {
    find(".b-home").onclick = () => this.go(0);
    find(".b-back").onclick = () => this.go(this.index - 1);
    find(".b-next").onclick = () => this.go(this.index + 1);
    find(".b-end").onclick = () => this.go(this.last);
    this.el.play.onclick = () => this.toggle();
    this.el.scrub.oninput = () => this.go(Number(this.el.scrub.value));
    this.el.lane.onclick = (event) => {
      const box = this.el.lane.getBoundingClientRect(), { at } = laneScale(this.run, box.width);
      const off = this.run.frames.map((frame) => Math.abs(at(frame.x) - (event.clientX - box.left)));
      this.go(off.indexOf(Math.min(...off)));
    };
    this.root.onkeydown = (event) => this.key(event);
    for (const term of this.root.querySelectorAll(".term")) {
      term.onmouseenter = term.onfocus = () => this.tip(term);
      term.onmouseleave = term.onblur = () => { this.el.tip.hidden = true; };
    }
  }

  // Keys act only while focus is in the player; the scrubber, the menu and buttons keep their own.
  key(event) {
    const kind = event.target.tagName;
    if (event.key === "Escape") this.el.tip.hidden = true;
    if (kind === "SELECT" || event.altKey || event.ctrlKey || event.metaKey) return;
    if (event.key === " " && kind === "BUTTON") return;
    if (event.key !== " " && kind === "INPUT") return;
    const act = {
      " ": () => this.toggle(), ArrowRight: () => this.go(this.index + 1), ArrowLeft: () => this.go(this.index - 1),
      Home: () => this.go(0), End: () => this.go(this.last),
    }[event.key];
    if (!act) return;
    event.preventDefault();
    act();
  }

  tip(term) {
    const { tip } = this.el, text = this.run && this.run.terms[term.dataset.term];
    if (!text) return;
    tip.textContent = text;
    tip.hidden = false;
    const home = this.root.getBoundingClientRect(), box = term.getBoundingClientRect();
    tip.style.left = `${Math.max(12, Math.min(box.left - home.left, home.width - tip.offsetWidth - 12))}px`;
    tip.style.top = `${box.bottom - home.top + 6}px`;
  }

  // A new run starts from its beginning; the same run again (the page reran) goes on where it was.
  show(run) {
    if (!run || !run.frames || !run.frames.length) return;
    const isNew = !this.run || this.run.id !== run.id;
    this.resize.observe(this.root);
    this.sight.observe(this.el.lane);
    this.run = run;
    this.last = run.frames.length - 1;
    if (!isNew) { this.wake(); return; }
    this.bytes = Uint8Array.from(atob(run.states.data), (c) => c.charCodeAt(0));
    this.el.badge.textContent = run.badge;
    const picture = PICTURES[run.picture.kind];
    this.root.dataset.picture = run.picture.kind;
    this.root.dataset.layout = picture.layout;
    this.root.style.setProperty("--narrow", `${picture.narrow}px`);
    this.el.woken.setAttribute("aria-label", run.picture.label);
    this.el.statesUnit.textContent = run.states.scale ? "one scale for all passes" : "";
    this.el.scrub.max = String(this.last);
    this.notes = run.frames.reduce((all, f) => [...all, { ...(all[all.length - 1] ?? {}), ...f.functions }], []);
    const longest_s = Math.max(1e-9, ...run.contenders.map((c) => (c.rows.length ? c.sleep_s + c.wake_s : 0)));
    this.el.cards.replaceChildren(...run.contenders.map((contender) => makeCard(contender, picture, longest_s)));
    this.enter(0);
    this.pause();
    this.waiting = !this.reduced.matches;
    this.sight.unobserve(this.el.lane);
    this.sight.observe(this.el.lane);  // asks again whether it is in sight
  }

  play() {
    if (this.index >= this.last) this.enter(0);
    this.playing = true;
    this.entered = performance.now();
    this.mark();
    this.wake();
  }

  pause() {
    this.playing = false;
    this.mark();
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
    this.mark();
    this.enter(Math.max(0, Math.min(this.last, index)));
    this.wake();
  }

  mark() {
    this.root.classList.toggle("playing", this.playing);
    this.el.play.setAttribute("aria-label", this.playing ? "Pause" : this.index >= this.last ? "Play again" : "Play");
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
    if (mix >= 0) drawStates(this.el.states, this.run, this.run.frames[this.index], mix, this.bytes, this.scratch);
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

  draw(mix) {
    if (!this.root.clientWidth) return;  // on its way in or out of the page
    const frame = this.run.frames[this.index];
    drawLane(this.el.lane, this.run, this.index);
    drawStates(this.el.states, this.run, frame, mix, this.bytes, this.scratch);
    drawDrift(this.el.drift, this.run, frame);
    const picture = PICTURES[this.run.picture.kind];
    picture.draw(this.el.woken, this.run, frame);
    const done = frame.kind === "answer";
    [...this.el.cards.children].forEach((card, i) => revealCard(card, this.run.contenders[i], picture, done));
  }

  words() {
    if (!this.run) return;
    const { run, el, index } = this, frame = run.frames[index];
    const asleep = frame.kind === "sleep" || frame.kind === "pass";
    this.root.dataset.phase = asleep ? "asleep" : "awake";
    el.phase.textContent = asleep ? "Asleep" : frame.kind === "evict" ? "Waking" : "Awake";
    const window = `window ${frame.window + 1}`;
    el.detail.textContent = {
      token: `reading ${window}`, sleep: `falling asleep over ${window}`, pass: `pass ${frame.pass} of ${frame.of}`,
      evict: frame.cleared, answer: "one ordinary pass answers",
    }[frame.kind];
    // While it plays, the tokens of a window share one sentence: a screen reader is not flooded.
    const sentence = this.playing && frame.kind === "token" ? `Awake: the tokens of ${window} are read into the KV cache.` : frame.say;
    if (el.say.textContent !== sentence) el.say.textContent = sentence;
    el.frame.textContent = `event ${index + 1} of ${run.frames.length}`;
    el.scrub.value = String(index);
    el.scrub.setAttribute("aria-valuetext", `Event ${index + 1} of ${run.frames.length}: ${el.phase.textContent}, ${el.detail.textContent}`);
    for (const item of this.functions) {
      const note = this.notes[index][item.dataset.function];
      item.querySelector("em").textContent = note ?? "";
      item.classList.toggle("on", note !== undefined);
      item.classList.toggle("now", item.dataset.function in frame.functions);
    }
    const woken = frame.state >= 0 ? run.woken[frame.state] : null;
    el.wokenUnit.textContent = woken ? woken.unit : "";
    this.mark();
  }

  stop() {
    cancelAnimationFrame(this.request);
    this.request = 0;
    this.resize.disconnect();
    this.sight.disconnect();
  }
}

function element(tag, className, text = "") {
  const made = document.createElement(tag);
  made.className = className;
  made.textContent = text;
  return made;
}

// Time bars share one scale over all cards: grey asleep, blue awake.
function makeCard(contender, picture, longest_s) {
  const card = element("div", "card");
  card.append(element("p", "card-title", contender.title), element("p", "note", contender.note));
  if (!contender.rows.length) {
    card.append(element("p", "note missing", contender.missing));
    return card;
  }
  const bars = element("div", "bars");
  const slept = element("i", "slept"), woke = element("i", "woke");
  slept.style.width = `${(95 * contender.sleep_s) / longest_s}%`;
  woke.style.width = `${(95 * contender.wake_s) / longest_s}%`;
  bars.append(slept, woke);
  card.append(...makeAnswer(contender, picture), element("p", "verdict"));
  if (contender.whole) card.append(element("p", "whole"));
  card.append(element("p", "cost"), bars);
  return card;
}

// A picture may draw its answers; a name or a number is written, with how sure the model is as a bar.
function makeAnswer(contender, picture) {
  if (picture.card) {
    const canvas = element("canvas", "c-card");
    canvas.setAttribute("role", "img");
    return [canvas];
  }
  return contender.rows.map((row) => {
    const line = element("div", "answer");
    const sure = element("i", "sure");
    sure.style.width = `${100 * (row.confidence[0] ?? 0)}%`;
    line.append(element("span", "asked", row.asked), element("b", "said"), element("span", "truth", `truth ${row.truth}`), sure);
    return line;
  });
}

function revealCard(card, contender, picture, revealed) {
  const verdict = card.querySelector(".verdict"), canvas = card.querySelector("canvas");
  if (!verdict) return;
  verdict.textContent = revealed ? contender.verdict : "Not awake yet";
  verdict.className = `verdict ${revealed && contender.right !== null ? (contender.right ? "right" : "wrong") : "pending"}`;
  card.querySelector(".cost").textContent = revealed ? `${contender.cost}; ${contender.least_of} ${contender.least.toFixed(2)}` : "";
  if (contender.whole) card.querySelector(".whole").textContent = revealed ? contender.whole : "";
  card.querySelector(".bars").style.visibility = revealed ? "visible" : "hidden";
  card.querySelectorAll(".answer").forEach((line, i) => {
    line.querySelector(".said").textContent = revealed ? contender.rows[i].answer : "…";
    line.classList.toggle("wrong", revealed && !contender.rows[i].right);
    line.classList.toggle("revealed", revealed);
  });
  if (!canvas) return;
  canvas.setAttribute("aria-label", revealed ? `${contender.title}: ${contender.verdict}` : `${contender.title}: not answered yet`);
  picture.card(canvas, contender, revealed);
}

export default function (component) {
  const { parentElement, data } = component;
  let player = players.get(parentElement);
  if (!player) {
    player = new Player(parentElement);
    players.set(parentElement, player);
  }
  player.show(data);
  return () => player.stop();
}
