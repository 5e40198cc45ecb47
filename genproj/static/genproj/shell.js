// What stands around every page: rail, queue tray, connection, notices, verbs on generations.

import { call, Problem } from "./http.js";
import { bind, overlay } from "./keys.js";
import { onGeneration, refresh, refreshAll, settlePictures } from "./live.js";
import { all, cookie, copy, memory, one, tick, toast } from "./ui.js";
import "./notices.js";
import "./wire.js";

const tray = one("#tray");
const pill = one("#pill");

function foldRail() {
  const root = document.documentElement;
  const folded = root.dataset.rail !== "folded";
  root.dataset.rail = folded ? "folded" : "";
  one("#fold").setAttribute("aria-expanded", String(!folded));
  cookie("rail", folded ? "folded" : "open");
}

/** @param {boolean} open @param {boolean} [focus] */
async function showTray(open, focus = true) {
  pill.setAttribute("aria-expanded", String(open));
  sessionStorage.setItem("tray", open ? "1" : "");
  if (open) {
    tray.dataset.live = "/queue/tray/?part=list";
    tray.dataset.on = "generation video";
    tray.hidden = false;
    await refresh(tray);
    if (focus) one("[data-close]", tray)?.focus();
  } else {
    const held = tray.contains(document.activeElement);
    tray.hidden = true;
    delete tray.dataset.live;
    if (held || focus) pill.focus();
  }
}

/** A verb on a generation, without leaving the page. @param {SubmitEvent} event */
async function onVerb(event) {
  const form = /** @type {HTMLFormElement} */ (event.target);
  const verb = form.dataset?.act;
  if (!verb) return;
  event.preventDefault();
  const button = /** @type {HTMLButtonElement | null} */ (form.querySelector("button"));
  if (button) button.disabled = true;
  try {
    const answer = await call("POST", new URL(form.action).pathname, new FormData(form));
    const undo = verb === "delete" ? { label: "Undo", act: () => restore(form) } : undefined;
    const open = verb === "retry" ? { label: "Open", act: () => { location.href = answer.url; } } : undefined;
    toast(answer.said, undo || open);
    refreshAll();
  } catch (problem) {
    toast(problem instanceof Problem ? problem.message : "That did not work.");
  }
  if (button) button.disabled = false;
}

/** @param {HTMLFormElement} form */
async function restore(form) {
  const body = new FormData(form);
  body.set("act", "restore");
  await call("POST", new URL(form.action).pathname, body);
  toast("Restored.");
  refreshAll();
}

/** @param {HTMLElement} button a star on a tile */
export async function star(button) {
  const id = button.closest("[data-artifact]")?.getAttribute("data-artifact");
  if (!id) return;
  const wanted = button.getAttribute("aria-pressed") !== "true";
  button.setAttribute("aria-pressed", String(wanted));
  try {
    await call("PATCH", `artifacts/${id}/`, { starred: wanted });
  } catch (problem) {
    button.setAttribute("aria-pressed", String(!wanted));
    toast(/** @type {Error} */ (problem).message);
  }
}

/** @param {MouseEvent} event */
async function onClick(event) {
  const target = /** @type {HTMLElement} */ (event.target);
  for (const menu of all("details.menu[open]")) if (!menu.contains(target)) menu.open = false;
  const copied = /** @type {HTMLElement | null} */ (target.closest("[data-copy]"));
  if (copied) copy(one(copied.dataset.copy)?.textContent || "");
  const starred = /** @type {HTMLElement | null} */ (target.closest(".tile .star"));
  if (starred) star(starred);
  const link = /** @type {HTMLAnchorElement | null} */ (target.closest("a[data-open]"));
  if (link && !event.defaultPrevented && event.button === 0 && !event.ctrlKey && !event.metaKey && !event.shiftKey && !link.closest(".picking")) {
    event.preventDefault();
    const { open } = await import("./lightbox.js");
    open(link.href);
  }
}

/** @param {KeyboardEvent} event */
function onEscape(event) {
  if (event.key !== "Escape") return;
  const menu = one("details.menu[open]");
  if (menu) { menu.open = false; one("summary", menu).focus(); return; }
  if (!tray.hidden && (tray.contains(document.activeElement) || document.activeElement === document.body)) showTray(false);
}

/** The title and the page's icon count what was finished while nobody looked. */
function countUnseen() {
  const title = document.title;
  const sign = one("link[rel=icon]");
  const plain = sign.href;
  const shows = Boolean(one("[data-live], #tiles"));
  const seen = () => !document.hidden && shows;
  const paint = () => {
    if (seen()) memory.set("unseen", []);
    const count = memory.get("unseen", []).length;
    document.title = count ? `(${count}) ${title}` : title;
    const href = count ? new URL(`/badge/${Math.min(count, 10)}.svg`, location.href).href : plain;
    if (sign.href !== href) sign.href = href;
  };
  onGeneration((generation, before) => {
    if (before?.state !== "pending" || generation.state === "pending" || generation.state === "cancelled") return;
    if (!seen()) memory.set("unseen", [...new Set([...memory.get("unseen", []), generation.id])]);
    paint();
  });
  document.addEventListener("visibilitychange", paint);
  window.addEventListener("storage", paint);
  paint();
}

one("#fold")?.addEventListener("click", foldRail);
one("#show-keys")?.addEventListener("click", overlay);
pill.addEventListener("click", (/** @type {MouseEvent} */ event) => {
  if (event.ctrlKey || event.metaKey) return;
  event.preventDefault();
  showTray(tray.hidden);
});
tray.addEventListener("click", (/** @type {MouseEvent} */ event) => {
  if (/** @type {HTMLElement} */ (event.target).closest("[data-close]")) showTray(false);
});
document.addEventListener("submit", onVerb);
document.addEventListener("click", onClick);
document.addEventListener("keydown", onEscape);
if (sessionStorage.getItem("tray")) showTray(true, false);
bind("everywhere", "[", "Fold the menu", foldRail);
bind("everywhere", "t", "Open the queue tray", () => showTray(tray.hidden));
settlePictures(document.body);
countUnseen();
tick();
setInterval(tick, 1000);
