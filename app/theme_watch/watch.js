// No event tells of a change of theme, by the menu or by the system: the page's background is looked at.
export default function (component) {
  const { parentElement, setTriggerValue } = component;
  const background = () => getComputedStyle(parentElement.host ?? parentElement).getPropertyValue("--st-background-color");
  let seen = background();
  const timer = setInterval(() => {
    const now = background();
    if (now === seen) return;
    seen = now;
    setTriggerValue("scheme", now);
  }, 500);
  return () => clearInterval(timer);
}
