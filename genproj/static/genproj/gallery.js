// The gallery's hands: one tab stop, arrows between pictures, selection, more when scrolled.

import { part } from "./http.js";
import { bind } from "./keys.js";
import { onGeneration } from "./live.js";
import { act, forget, picked, pick, join, picking, range, wear } from "./selection.js";
import { all, cookie, memory, one } from "./ui.js";
import { Wall } from "./wall.js";

const PHONE = 640;
const AHEAD = 20;
const grid = one("#tiles");
let loading = false;
let stop = "";
/** @type {Wall} */
let wall;

const here = () => {
  const url = new URL(location.href);
  url.searchParams.delete("view");
  return `wall:${url.pathname}${url.search}`;
};
const home = here();
const base = location.href;

/** A link's address from this page's own, which the lightbox may have covered with another. @param {any} link */
const addressOf = (link) => new URL(link.getAttribute("href"), base).href;

/** What a tile is told when it comes into the document. @param {any} tile @param {string} id */
function dress(tile, id) {
  for (const control of all("a, button", tile)) control.tabIndex = id === stop ? 0 : -1;
  wear(tile, id);
}

/** Exactly one picture is a tab stop. @param {string} [id] */
function rove(id = stop) {
  const before = wall.known.get(stop)?.element;
  const place = wall.known.get(id);
  const now = place?.element && !place.gone ? place : wall.shown.find((other) => other.element?.dataset.artifact);
  if (!now) return;
  if (before && before !== now.element) for (const control of all("a, button", before)) control.tabIndex = -1;
  stop = now.id;
  for (const control of all("a, button", now.element)) control.tabIndex = 0;
}

/** The place that holds the focus. */
function focused() {
  const id = document.activeElement?.closest?.("#tiles .tile")?.getAttribute("data-artifact");
  return wall.known.get(id || stop);
}

/** @param {import("./wall.js").Place | undefined} place */
function focus(place) {
  const tile = wall.reveal(place);
  if (!place || !tile) return;
  one("a", tile)?.focus({ preventScroll: true });
  rove(place.id);
  wall.pinned = null;
}

/** @param {number} by @param {KeyboardEvent} [event] */
function along(by, event) {
  const from = focused();
  if (!from) return;
  const next = wall.shown[Math.min(wall.shown.length - 1, Math.max(0, from.order + by))];
  if (event?.shiftKey) range(from.id, next.id);
  focus(next);
}

/** The picture nearest to this one's middle, some rows further. @param {number} rows */
function across(rows) {
  const from = focused();
  if (!from) return;
  const row = wall.rows[Math.min(wall.rows.length - 1, Math.max(0, from.row + rows))];
  const middle = from.left + from.width / 2;
  const off = (/** @type {any} */ place) => Math.abs(place.left + place.width / 2 - middle);
  focus(wall.shown.slice(row.from, row.to).sort((a, b) => off(a) - off(b))[0]);
}

async function more() {
  const link = one("#next [data-more]");
  if (!link || loading) return;
  loading = true;
  link.setAttribute("aria-disabled", "true");
  link.textContent = "Loading";
  const page = addressOf(link);
  const url = new URL(page);
  url.searchParams.set("part", "tiles");
  try {
    const content = await part(url.href);
    one("#next").replaceWith(one("#next", content));
    wall.add(all(".tile", content), page);
    settle();
    watch();
  } catch {
    link.removeAttribute("aria-disabled");
    link.textContent = "Could not load. Try again";
  }
  loading = false;
}

/** Who walks on in the lightbox finds the gallery grown when leaving it. @param {string} id */
async function keepAhead(id) {
  const place = wall.known.get(id);
  if (!grid.dataset.paged && (!place || place.order > wall.shown.length - AHEAD)) await more();
}

/** Whether this is all there is decides how the last row is drawn. */
function settle() {
  wall.whole = !one("#next [data-more]") || Boolean(grid.dataset.paged);
  wall.layout();
}

const eye = new IntersectionObserver((entries) => {
  if (entries.some((entry) => entry.isIntersecting)) more();
}, { rootMargin: "1600px" });

function watch() {
  eye.disconnect();
  const next = one("#next [data-more]");
  if (next && !grid.dataset.paged) eye.observe(one("#next"));
}

/** Stand where one stood before going elsewhere. */
function comeBack() {
  const [entry] = /** @type {PerformanceNavigationTiming[]} */ (performance.getEntriesByType("navigation"));
  if (entry?.type !== "back_forward" || grid.dataset.paged) return;
  const kept = JSON.parse(sessionStorage.getItem(home) || "null");
  const link = one("#next [data-more]");
  if (!kept || !wall.restore(kept, link ? addressOf(link) : "")) return;
  if (link && kept.next) link.href = kept.next;
  if (link && !kept.next) link.remove();
  history.scrollRestoration = "manual";
  settle();
  scrollTo({ top: kept.y, behavior: "instant" });
  wall.render();
  addEventListener("load", () => setTimeout(() => { history.scrollRestoration = "auto"; }), { once: true });
}

function keepPlace() {
  const link = one("#next [data-more]");
  try {
    sessionStorage.setItem(home, JSON.stringify({ ...wall.kept(), next: link ? addressOf(link) : "", y: scrollY }));
  } catch {
    sessionStorage.removeItem(home); // it does not fit: the gallery begins at its beginning
  }
}

function chooseSize() {
  const slider = one("#size");
  const usual = () => innerWidth < PHONE ? 140 : Number(slider.defaultValue);
  slider.value = String(memory.get("tile-size", usual()));
  wall.size = Number(slider.value);
  slider.addEventListener("input", () => {
    wall.size = Number(slider.value);
    memory.set("tile-size", wall.size);
    wall.layout();
  });
}

/** Say how many pictures came since; nothing under the eye moves. */
function countNews() {
  const pill = one("#fresh");
  /** @type {Set<string>} */
  const news = new Set();
  onGeneration((generation) => {
    for (const output of generation.outputs) {
      if (output.type === "success" && !wall?.known.has(output.artifact)) news.add(output.artifact);
    }
    pill.hidden = news.size === 0;
    pill.textContent = `${news.size} new ↑`;
  });
  pill.addEventListener("click", () => { scrollTo(0, 0); location.reload(); });
}

function chooseLayout() {
  for (const link of all("[data-view]")) {
    link.addEventListener("click", (/** @type {MouseEvent} */ event) => {
      event.preventDefault();
      const squares = link.dataset.view === "squares";
      grid?.classList.toggle("squares", squares);
      wall?.layout();
      for (const other of all("[data-view]")) other.removeAttribute("aria-current");
      link.setAttribute("aria-current", "true");
      cookie("tiles", link.dataset.view);
      history.replaceState(history.state, "", link.href);
    });
  }
}

function filterAsOneGoes() {
  const form = one("#filters");
  if (!form) return;
  const opener = one("#open-filters");
  opener.addEventListener("click", () => {
    const open = one("#gallery").classList.toggle("filtering");
    opener.setAttribute("aria-expanded", String(open));
    if (open) one("input", form).focus();
  });
  form.addEventListener("change", () => form.requestSubmit());
  form.addEventListener("submit", (/** @type {SubmitEvent} */ event) => {
    event.preventDefault();
    const kept = [...new FormData(form)].filter(([, value]) => value);
    location.href = `${form.action}?${new URLSearchParams(/** @type {any} */ (kept))}`;
  });
}

/** How many pictures each choice would leave; asked for when the page stands. */
async function countFacets() {
  const form = one("#filters");
  if (!form) return;
  const url = new URL(location.href);
  url.searchParams.delete("cursor");
  url.searchParams.set("part", "facets");
  const counts = await fetch(url).then((answer) => answer.ok ? answer.json() : {}).catch(() => ({}));
  for (const option of all("option[value]:not([value=''])", form)) {
    const count = counts[option.parentElement.name]?.[option.value];
    if (count !== undefined) option.textContent = `${option.label.replace(/ \([\d,+]*\)$/, "")} (${count})`;
  }
  for (const place of all("[data-count]", form)) {
    const [name, value] = place.dataset.count.split(" ");
    place.textContent = counts[name]?.[value] ?? "";
  }
}

/** @param {string} what */
const onFocused = (what) => () => act(what, picked.size ? [...picked] : [focused()?.id || ""].filter(Boolean));

function bindKeys() {
  bind("grid", "ArrowRight | Shift+ArrowRight", "Next picture (with Shift: select)", (event) => along(1, event));
  bind("grid", "ArrowLeft | Shift+ArrowLeft", "Picture before (with Shift: select)", (event) => along(-1, event));
  bind("grid", "ArrowDown", "Row below", () => across(1));
  bind("grid", "ArrowUp", "Row above", () => across(-1));
  bind("grid", "PageDown", "Some rows down", () => across(4));
  bind("grid", "PageUp", "Some rows up", () => across(-4));
  bind("grid", "Home", "First picture", () => focus(wall.shown[0]));
  bind("grid", "End", "Last picture", () => focus(wall.shown.at(-1)));
  bind("grid", "x", "Select", () => pick(focused()?.id || ""));
  bind("grid", "f | .", "Star", () => one(".star", focused()?.element)?.click());
  bind("grid", "l", "Tag", onFocused("tag"));
  bind("grid", "Shift+D", "Download", onFocused("download"));
  bind("grid", "Delete | Backspace", "Move to the trash", async () => {
    const order = focused()?.order || 0;
    const next = wall.shown[order + 1] || wall.shown[order - 1];
    await onFocused("trash")();
    focus(next && !next.gone ? next : wall.shown[0]);
  });
  bind("grid", "mod+a", "Select all that are loaded", () => { for (const place of wall.shown) pick(place.id, true); });
  bind("grid", "Escape", "Clear the selection", forget);
}

filterAsOneGoes();
if (grid) {
  wall = new Wall(grid, dress);
  join(wall);
  wall.rendered = () => rove();
  chooseSize();
  settle();
  comeBack();
  grid.classList.add("laid");
  watch();
  bindKeys();
  grid.addEventListener("focusin", () => rove(focused()?.id));
  addEventListener("pagehide", keepPlace);
  document.addEventListener("lightbox:shown", (event) => keepAhead(/** @type {CustomEvent} */ (event).detail.id));
  document.addEventListener("lightbox:left", (event) => {
    const place = wall.known.get(/** @type {CustomEvent} */ (event).detail.id);
    focus(place && !place.gone ? place : wall.known.get(stop));
  });
  one("#select").addEventListener("click", () => picking());
  document.addEventListener("click", (/** @type {any} */ event) => {
    if (event.target.closest("[data-more]")) { event.preventDefault(); if (grid.dataset.paged) location.href = event.target.href; else more(); }
  });
}
chooseLayout();
countNews();
countFacets();
