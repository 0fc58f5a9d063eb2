// The answers side by side: first how often such a run is right, then the one answer of this run.

function element(tag, className, text = "") {
  const made = document.createElement(tag);
  made.className = className;
  made.textContent = text;
  return made;
}

function makeCard(contender, picture) {
  const card = element("div", "card"), title = element("p", "card-title", contender.title);
  card.append(title, element("p", "note", contender.note));
  if (!contender.rows.length) {
    card.append(element("p", "missing", contender.missing));
    return card;
  }
  title.append(element("span", "verdict"));
  card.append(element("p", "headline"), element("p", "measured"), ...makeAnswer(contender, picture), element("p", "luck"), element("p", "cost"));
  return card;
}

// A picture may draw its answers; a name or a number is written, with how sure the model is as a bar.
function makeAnswer(contender, picture) {
  if (picture.card) {
    const canvas = element("canvas", "c-card");
    canvas.setAttribute("role", "img");
    canvas.tabIndex = 0;
    return [canvas];
  }
  return contender.rows.map((row) => {
    const line = element("div", "answer"), bar = element("span", "sureness"), sure = element("i", "sure");
    sure.style.width = `${100 * (row.confidence[0] ?? 0)}%`;
    bar.append(sure);
    line.append(element("span", "asked", row.asked.endsWith("?") ? row.asked : `${row.asked}:`), element("b", "said"), element("span", "truth"), bar, element("span", "percent"));
    return line;
  });
}

// Returns the marks of the card's canvas, if it has one.
function revealCard(card, contender, picture, revealed) {
  if (!contender.rows.length) return [];
  const put = (selector, text) => { card.querySelector(selector).textContent = text; };
  const { right } = contender, canvas = card.querySelector("canvas");
  card.querySelector(".verdict").className = `verdict ${revealed && right !== null ? (right ? "right" : "wrong") : "pending"}`;
  put(".verdict", revealed ? contender.verdict : "not awake yet");
  const whole = revealed ? contender.whole : "";
  put(".headline", whole || contender.measured);
  put(".measured", whole ? contender.measured : "");
  put(".luck", revealed ? contender.luck : "");
  put(".cost", revealed ? `${contender.cost}; ${contender.least_of} ${contender.least.toFixed(2)}` : "");
  card.querySelectorAll(".answer").forEach((line, i) => {
    const row = contender.rows[i], sure = row.confidence[0] ?? 0;
    line.querySelector(".said").textContent = revealed ? row.answer : "…";
    line.querySelector(".truth").textContent = revealed && !row.right ? `truth ${row.truth}` : "";
    line.querySelector(".percent").textContent = revealed ? `${Math.round(100 * sure)} % sure` : "";
    line.classList.toggle("wrong", revealed && !row.right);
    line.classList.toggle("revealed", revealed);
  });
  if (!canvas) return [];
  canvas.setAttribute("aria-label", `${contender.title}: ${revealed ? contender.verdict : "not answered yet"}. Arrow keys read out a value.`);
  return picture.card(canvas, contender, revealed);
}
