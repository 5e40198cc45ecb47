// The bell: how much is unread, a panel with the newest, and a word when something new is told.

import { call } from "./http.js";
import { refresh, refreshAll } from "./live.js";
import { mention, one, toast } from "./ui.js";

const POLL = 5000;
/** A notice that is older when it comes was missed while the page slept: it is counted, not told. */
const NEWS = 30_000;
const PAUSE = 800;

const bell = one("#bell");
const panel = one("#bells");
// What is read in one tab is read in all.
const tabs = new BroadcastChannel("genproj:notices");
let polling = 0;

/** @param {boolean} open @param {boolean} [focus] whether the focus goes with it */
async function show(open, focus = true) {
  bell.setAttribute("aria-expanded", String(open));
  if (open) {
    panel.dataset.live = `${new URL(bell.href).pathname}?part=list`;
    panel.dataset.on = "notice";
    panel.hidden = false;
    await refresh(panel);
    if (focus && !panel.hidden) (one("li.new a", panel) || one("li a", panel) || one("[data-close]", panel))?.focus();
  } else {
    const held = panel.contains(document.activeElement);
    panel.hidden = true;
    delete panel.dataset.live;
    if (held && focus) bell.focus();
  }
}

/** @param {SubmitEvent} event */
async function markAll(event) {
  const form = /** @type {HTMLFormElement} */ (event.target);
  if (!("read" in form.dataset)) return;
  event.preventDefault();
  try {
    await call("POST", "notices/read/", {});
    if (!panel.hidden) one("[data-close]", panel)?.focus(); // its button goes away
    refreshAll("notice");
    tabs.postMessage("read");
    mention("All notices are marked as read.");
  } catch (problem) {
    toast(/** @type {Error} */ (problem).message);
  }
}

/** The arrows walk through the list. @param {KeyboardEvent} event */
function onKey(event) {
  if (event.key === "Escape") {
    event.stopPropagation();
    show(false);
    return;
  }
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (!step) return;
  const lines = [...panel.querySelectorAll("li a")];
  const place = lines.indexOf(/** @type {any} */ (document.activeElement));
  event.preventDefault();
  lines[Math.min(lines.length - 1, Math.max(0, place + step))]?.focus();
}

/** @param {{id: string, title: string, url: string, created_at: string}} notice */
function tell({ id, title, url, created_at: at }) {
  if (Date.now() - Date.parse(at) > NEWS) return;
  const { pathname } = new URL(url, location.href);
  const isHere = pathname === location.pathname || one(`[data-film="${CSS.escape(pathname.split("/")[2] || "-")}"]`);
  if (isHere) mention(title);
  else toast(title, { label: "Open", act: () => { location.href = `${bell.href}${id}/`; } });
}

bell.addEventListener("click", (/** @type {MouseEvent} */ event) => {
  if (event.ctrlKey || event.metaKey || event.shiftKey || event.button) return;
  event.preventDefault();
  show(panel.hidden);
});
bell.addEventListener("keydown", (/** @type {KeyboardEvent} */ event) => {
  if (event.key === "Escape" && !panel.hidden) show(false);
});
panel.addEventListener("keydown", onKey);
panel.addEventListener("click", (/** @type {MouseEvent} */ event) => {
  if (/** @type {HTMLElement} */ (event.target).closest("[data-close]")) show(false);
});
document.addEventListener("click", (event) => {
  const target = /** @type {HTMLElement} */ (event.target);
  if (!panel.hidden && target.isConnected && !panel.contains(target) && !bell.contains(target)) show(false, false);
});
document.addEventListener("submit", markAll);
// A moment later: what it is about may be on its way to this very page.
document.addEventListener("notice:created", (event) => { setTimeout(tell, PAUSE, /** @type {CustomEvent} */ (event).detail.notice); });
tabs.addEventListener("message", () => refreshAll("notice"));
// Without a socket nothing is announced: what is unread is asked for instead.
document.addEventListener("connection", (event) => {
  const { state } = /** @type {CustomEvent} */ (event).detail;
  if (state === "live") {
    clearInterval(polling);
    polling = 0;
  } else {
    polling ||= window.setInterval(() => refreshAll("notice"), POLL);
  }
});
