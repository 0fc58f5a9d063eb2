// No event tells of a change of theme, by the menu or by the system: the page's background is looked at.
export default function (component) {
  const { parentElement, setTriggerValue } = component;
  const background = () => getComputedStyle(parentElement.host ?? parentElement).getPropertyValue("--st-background-color");
  let seen = background();
  const timer = setInterval(() => {
    const now = background();
    if (seen && now && now !== seen) setTriggerValue("scheme", now);
    seen = now || seen;  // empty until the page's styles are there
  }, 500);
  return () => clearInterval(timer);
}
