// The stage as one image: its surfaces, canvases and words where they stand on screen, and a caption below.
const MARGIN = 16, CAPTION_PX = 18, MOST_PIXELS = 24e6;
const LEFT_OUT = ".transport, .tip, .live, .hint, button.b-present, select, input, [hidden]";

// The player's own element, in whatever shadow root it is mounted; null where there is none.
function findStage(root = document) {
  const here = root.querySelector("[data-stage], .theatre");
  if (here) return here.querySelector(".stage") ?? here;
  for (const each of root.querySelectorAll("*")) {
    const found = each.shadowRoot && findStage(each.shadowRoot);
    if (found) return found;
  }
  return null;
}

function isShown(element) {
  return !element.closest(LEFT_OUT) && element.checkVisibility?.({ opacityProperty: true, visibilityProperty: true }) !== false;
}

// The colour of the page where the stage has none of its own.
function surfaceOf(element) {
  for (let each = element; each; each = each.parentElement ?? each.getRootNode().host) {
    const { backgroundColor } = getComputedStyle(each);
    if (!isClear(backgroundColor)) return backgroundColor;
  }
  return "#fff";
}

const isClear = (colour) => colour === "transparent" || /, 0\)$|\/ 0\)$/.test(colour);

function drawBoxes(context, stage) {
  for (const element of [stage, ...stage.querySelectorAll("*")]) {
    const style = getComputedStyle(element), box = element.getBoundingClientRect();
    if (element.tagName === "CANVAS" || !box.width || !isShown(element)) continue;
    context.beginPath();
    context.roundRect(box.left, box.top, box.width, box.height, parseFloat(style.borderTopLeftRadius) || 0);
    if (!isClear(style.backgroundColor)) { context.fillStyle = style.backgroundColor; context.fill(); }
    const wide = parseFloat(style.borderTopWidth);
    if (wide && style.borderTopStyle !== "none" && !isClear(style.borderTopColor)) {
      Object.assign(context, { strokeStyle: style.borderTopColor, lineWidth: wide });
      if (!parseFloat(style.borderLeftWidth)) {  // a rule above it, no frame around it
        context.beginPath();
        context.moveTo(box.left, box.top);
        context.lineTo(box.right, box.top);
      }
      context.stroke();
    }
  }
}

// Word by word, so that a line breaks where it breaks on screen.
function drawWords(context, stage) {
  const texts = document.createTreeWalker(stage, NodeFilter.SHOW_TEXT), range = document.createRange();
  context.textBaseline = "middle";
  while (texts.nextNode()) {
    const node = texts.currentNode, style = getComputedStyle(node.parentElement);
    if (!isShown(node.parentElement)) continue;
    context.font = `${style.fontStyle} ${style.fontWeight} ${style.fontSize} ${style.fontFamily}`;
    context.fillStyle = style.color;
    for (const word of node.data.matchAll(/\S+/g)) {
      range.setStart(node, word.index);
      range.setEnd(node, word.index + word[0].length);
      const box = range.getBoundingClientRect();
      if (box.width) context.fillText(word[0], box.left, box.top + box.height / 2);
    }
  }
}

function drawCaption(context, caption, ink, width, top) {
  const lines = [""];
  context.font = `600 ${CAPTION_PX}px sans-serif`;
  context.fillStyle = ink;
  for (const word of caption.split(/\s+/)) {
    const longer = `${lines[lines.length - 1]} ${word}`.trim();
    if (context.measureText(longer).width <= width) lines[lines.length - 1] = longer;
    else lines.push(word);
  }
  lines.slice(0, 3).forEach((line, i) => context.fillText(line, MARGIN, top + (i + 0.6) * CAPTION_PX * 1.4, width));
}

// A PNG, or null where nothing is drawn yet.
async function pictureOf(stage, caption) {
  const box = stage.getBoundingClientRect(), below = caption ? 3 * CAPTION_PX * 1.4 : 0;
  const canvases = [...stage.querySelectorAll("canvas")].filter((each) => each.width && each.height && isShown(each));
  if (!box.width || !canvases.length) return null;
  const [width, height] = [box.width + 2 * MARGIN, box.height + 2 * MARGIN + below];
  const scale = Math.min(2, Math.sqrt(MOST_PIXELS / (width * height)));
  const image = Object.assign(document.createElement("canvas"), { width: width * scale, height: height * scale });
  const context = image.getContext("2d");
  context.scale(scale, scale);
  context.fillStyle = surfaceOf(stage);
  context.fillRect(0, 0, width, height);
  context.save();
  context.translate(MARGIN - box.left, MARGIN - box.top);
  drawBoxes(context, stage);
  for (const canvas of canvases) {
    const place = canvas.getBoundingClientRect();
    context.drawImage(canvas, place.left, place.top, place.width, place.height);
  }
  drawWords(context, stage);
  context.restore();
  drawCaption(context, caption, getComputedStyle(stage).color, box.width, box.height + 2 * MARGIN);
  return new Promise((done) => image.toBlob(done, "image/png"));
}
