// Puts a page's last link in place of its bare address, without a new entry in the history; and tells of Back and Forward.
const EMBED = /^embed(_options)?$/i, BACK = "back";
// A browser without `navigation` may tell too late: then Back is lost where it is pressed before an act has been drawn.
const [moves, MOVED] = window.navigation ? [window.navigation, "currententrychange"] : [window, "popstate"];
const listeners = new WeakMap();
let isTelling = false; // that the visitor went back: for as long as Streamlit takes to ask for the page
const params = (search) => [...new URLSearchParams(search)];
const parts = (search) => params(search).filter(([name]) => !EMBED.test(name) && name !== BACK).sort().join("&");

export default function (component) {
  const { parentElement, data } = component;
  if (data.leads_to) return lead(data.leads_to);
  const isHere = () => location.pathname.split("/").pop() === data.page;
  moves.removeEventListener(MOVED, listeners.get(parentElement));
  // Before Streamlit hears of it: what it then asks of the page says so itself. A link within a page is no way back.
  const tell = ({ navigationType = "traverse" }) => {
    if (navigationType !== "traverse") return forget();
    if (!isHere() || location.hash) return;
    isTelling = true;
    replace([...params(location.search), [BACK, "1"]]);
    setTimeout(() => { isTelling = false; forget(); });
  };
  forget();
  moves.addEventListener(MOVED, tell);
  listeners.set(parentElement, tell);
  // The visitor may be on another page by now, or have changed something else.
  if (isHere() && parts(location.search) === parts(data.given)) settle(data);
  return () => moves.removeEventListener(MOVED, tell);
}

// Streamlit asks for the page of an address that the visitor went back to; this is told as such a way back.
function lead(path) {
  const url = new URL(location.href);
  if (url.pathname.endsWith(`/${path}`)) return; // it was sent there, and Streamlit has not answered yet
  url.pathname = url.pathname.replace(/\/?$/, `/${path}`);
  history.replaceState(null, "", url);
  window.dispatchEvent(new PopStateEvent("popstate"));
}

// Streamlit may write the address that it was asked with a second time, when two ways back follow each other quickly.
function forget() {
  const named = params(location.search), others = named.filter(([name]) => name !== BACK);
  if (!isTelling && others.length < named.length) replace(others);
}

function settle({ search }) {
  if (search !== null) replace([...params(search), ...params(location.search).filter(([name]) => EMBED.test(name))]);
}

function replace(named) {
  const url = new URL(location.href);
  url.search = new URLSearchParams(named);
  if (url.href !== location.href) history.replaceState(history.state, "", url);
}
