// Tells which heading the address names, and brings it into sight once what it heads has been drawn.
const told = new WeakMap();
const DRAWN_MS = 900;

export default function (component) {
  const { parentElement, data, setTriggerValue } = component;
  const tell = () => {
    const name = decodeURIComponent(location.hash.slice(1));
    if (!data.anchors.includes(name) || told.get(parentElement) === name) return;
    told.set(parentElement, name);
    setTriggerValue("named", name);
    setTimeout(() => document.getElementById(name)?.scrollIntoView(), DRAWN_MS);
  };
  const again = () => { told.delete(parentElement); tell(); };
  window.addEventListener("hashchange", again);
  tell();
  return () => window.removeEventListener("hashchange", again);
}
