// Puts a page's last link in place of its bare address, without a new entry in the history.
const EMBED = /^embed(_options)?$/i;

export default function (component) {
  const { page, search } = component.data;
  if (search === null || location.pathname.split("/").pop() !== page) return;  // the visitor is on another page by now
  const kept = [...new URLSearchParams(location.search)].filter(([name]) => EMBED.test(name));
  const url = new URL(location.href);
  url.search = new URLSearchParams([...new URLSearchParams(search), ...kept]);
  if (url.href !== location.href) history.replaceState(history.state, "", url);
}
