// The first value is the one the page opened with: the focus stays where the browser put it.
export default function ({ parentElement, data }) {
  const mark = parentElement.querySelector(".focus");
  const isNew = mark.dataset.value !== undefined && mark.dataset.value !== String(data.value);
  mark.dataset.value = String(data.value);
  if (!isNew) return;
  const target = document.querySelector(`.st-key-${data.target}`);
  if (!target) return;
  target.tabIndex = -1;
  target.style.outline = "none";
  target.style.scrollMarginTop = "5rem";  // the navigation stays above the page
  target.focus({ preventScroll: true });
  target.scrollIntoView({ block: "nearest" });
}
