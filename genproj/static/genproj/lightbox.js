// A picture on the whole screen, under its own address, over the page it was opened from.

import { part } from "./http.js";
import { bind } from "./keys.js";
import { inspect, remove } from "./picture.js";
import { make, one, say, toast } from "./ui.js";

/** @type {HTMLDialogElement} */
const dialog = one("#lightbox") || make("dialog", { class: "lightbox", id: "lightbox", "aria-label": "Picture" });
if (!dialog.isConnected) document.body.append(dialog);
const holder = make("div", { class: "holder" });
dialog.append(holder);
const home = location.href;
const title = document.title;
let pushed = false;
let turn = 0;
let bare = innerWidth < 800;

const viewer = () => one(".viewer", dialog);

/** @param {string} id */
const tileOf = (id) => one(`.tile[data-artifact="${id}"]`);

/** The neighbour on the page, or else the one that the server knows. @param {"before" | "after"} way */
function neighbour(way) {
  const id = viewer()?.dataset.artifact;
  let tile = tileOf(id);
  do {
    tile = way === "before" ? tile?.previousElementSibling : tile?.nextElementSibling;
  } while (tile && (!tile.dataset?.artifact || tile.hidden));
  const next = tile?.dataset.artifact || viewer()?.dataset[way];
  if (!next) return "";
  return one("a[data-open]", tile || undefined)?.dataset.open === next
    ? one("a[data-open]", tile).href
    : `${location.pathname.replace(/[0-9a-f-]{36}/, next)}${location.search}`;
}

/** @param {string} href */
async function show(href) {
  const mine = ++turn;
  const url = new URL(href, location.href);
  url.searchParams.set("part", "viewer");
  try {
    const content = await part(url.href);
    if (mine !== turn) return;
    holder.replaceChildren(content);
  } catch {
    toast("That picture is not here any more.");
    return;
  }
  viewer().classList.toggle("bare", bare);
  one("[data-do=inspect]", dialog).setAttribute("aria-pressed", String(!bare));
  if (!dialog.open) dialog.showModal();
  inspect(viewer());
  one(".stage", dialog).focus();
  document.dispatchEvent(new CustomEvent("lightbox:shown", { detail: { id: viewer().dataset.artifact } }));
  const image = one(".stage img", dialog);
  document.title = image?.alt ? `${image.alt} – Genproj` : title;
  say(image?.alt || "");
}

/** @param {string} href */
export async function open(href) {
  history.pushState({ lightbox: true }, "", href);
  pushed = true;
  await show(href);
}

/** @param {"before" | "after"} way */
async function go(way) {
  const href = neighbour(way);
  if (!href) return;
  history.replaceState({ lightbox: true }, "", href);
  await show(href);
}

function close() {
  if (pushed) history.back();
  else leave();
}

function leave() {
  const id = viewer()?.dataset.artifact;
  turn += 1;
  pushed = false;
  dialog.close();
  holder.replaceChildren();
  document.body.append(one("#toasts"));
  document.title = title;
  one("a", tileOf(id) || undefined)?.focus?.();
  document.dispatchEvent(new CustomEvent("lightbox:left", { detail: { id } }));
}

function toggleInspector() {
  bare = !bare;
  viewer().classList.toggle("bare", bare);
  one("[data-do=inspect]", dialog).setAttribute("aria-pressed", String(!bare));
}

/** @param {string} what */
const press = (what) => one(`[data-do="${what}"]`, dialog)?.click();

async function trash() {
  const id = viewer().dataset.artifact;
  const href = neighbour("after") || neighbour("before");
  if (!(await remove(id))) return;
  if (href) { history.replaceState({ lightbox: true }, "", href); await show(href); } else close();
}

dialog.addEventListener("cancel", (event) => { event.preventDefault(); close(); });
dialog.addEventListener("click", (event) => {
  const what = /** @type {HTMLElement} */ (event.target).closest("[data-do]")?.getAttribute("data-do");
  if (what === "close") close();
  if (what === "inspect") toggleInspector();
  if (what === "before" || what === "after") go(what);
  if (what === "trash") trash();
});
window.addEventListener("popstate", () => {
  if (history.state?.lightbox) { pushed = true; show(location.href); } else if (dialog.open) { leave(); if (location.href !== home) location.reload(); }
});

bind("lightbox", "ArrowLeft", "Newer picture", () => go("before"));
bind("lightbox", "ArrowRight", "Older picture", () => go("after"));
bind("lightbox", "i", "Details", toggleInspector);
bind("lightbox", "z | + | -", "Full size, fit", () => press("zoom"));
bind("lightbox", "f", "Star", () => press("star"));
bind("lightbox", "p", "Use the prompt", () => press("prompt"));
bind("lightbox", "s", "Use the seed", () => press("seed"));
bind("lightbox", "Shift+R", "Remix", () => press("remix"));
bind("lightbox", "Shift+D", "Download", () => press("download"));
bind("lightbox", "Delete | Backspace", "Move to the trash", trash);
