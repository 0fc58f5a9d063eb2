// Puts a page's last link in place of its bare address, without a new entry in the history; and tells of Back and Forward.
const EMBED = /^embed(_options)?$/i;
const listeners = new WeakMap();
const parts = (search) => [...new URLSearchParams(search)].filter(([name]) => !EMBED.test(name)).sort().join("&");

export default function (component) {
  const { parentElement, data, setTriggerValue } = component;
  const isHere = () => location.pathname.split("/").pop() === data.page;
  window.removeEventListener("popstate", listeners.get(parentElement), true);
  // First of all who listen: the page is asked again only after it has been told why. A link within a page is no way back.
  const told = () => { if (isHere() && parts(location.search) !== parts(data.now)) setTriggerValue("back", true); };
  window.addEventListener("popstate", told, true);
  listeners.set(parentElement, told);
  // The visitor may be on another page by now, or have changed something else.
  if (isHere() && parts(location.search) === parts(data.given)) replace(data);
  return () => window.removeEventListener("popstate", told, true);
}

function replace({ search }) {
  if (search === null) return;
  const kept = [...new URLSearchParams(location.search)].filter(([name]) => EMBED.test(name));
  const url = new URL(location.href);
  url.search = new URLSearchParams([...new URLSearchParams(search), ...kept]);
  if (url.href !== location.href) history.replaceState(history.state, "", url);
}
