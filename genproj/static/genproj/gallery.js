// The gallery's hands: one tab stop, arrows between pictures, selection, more when scrolled.

import { part } from "./http.js";
import { bind } from "./keys.js";
import { onGeneration, settlePictures } from "./live.js";
import { act, forget, picked, pick, picking, range } from "./selection.js";
import { all, cookie, one } from "./ui.js";

const AUTOMATIC = 8; // pages that come by themselves; then one asks for more
const grid = one("#tiles");
let loaded = 0;
let loading = false;

const tiles = () => all(".tile[data-artifact]:not([hidden])", grid);
const focused = () => document.activeElement?.closest?.("#tiles .tile");

/** Exactly one picture is a tab stop. @param {any} [current] */
function rove(current) {
  const list = all(".tile", grid);
  const stop = current || list.find((tile) => one("a", tile)?.tabIndex === 0 && !tile.hidden) || tiles()[0];
  for (const tile of list) {
    for (const control of all("a, button", tile)) control.tabIndex = tile === stop ? 0 : -1;
  }
}

/** @param {any} tile */
function focus(tile) {
  if (!tile) return;
  rove(tile);
  one("a", tile).focus({ preventScroll: true });
  tile.scrollIntoView({ block: "nearest" });
}

/** @param {number} by @param {KeyboardEvent} [event] */
function along(by, event) {
  const list = tiles();
  const next = list[Math.min(list.length - 1, Math.max(0, list.indexOf(focused()) + by))];
  if (event?.shiftKey) range(focused(), next, list);
  focus(next);
}

/** The picture nearest to this one's middle, some rows further. @param {number} rows */
function across(rows) {
  const from = focused().getBoundingClientRect();
  const middle = from.left + from.width / 2;
  const sign = Math.sign(rows);
  const beyond = tiles().map((tile) => ({ tile, box: tile.getBoundingClientRect() }))
    .filter(({ box }) => sign * (box.top - from.top) > 4);
  const tops = [...new Set(beyond.map(({ box }) => Math.round(box.top)))].sort((a, b) => sign * (a - b));
  const top = tops[Math.min(Math.abs(rows), tops.length) - 1];
  const row = beyond.filter(({ box }) => Math.round(box.top) === top);
  const off = (/** @type {{box: DOMRect}} */ { box }) => Math.abs(box.left + box.width / 2 - middle);
  focus(row.sort((a, b) => off(a) - off(b))[0]?.tile);
}

async function more() {
  const link = one("#next [data-more]");
  if (!link || loading) return;
  loading = true;
  link.setAttribute("aria-disabled", "true");
  link.textContent = "Loading";
  const url = new URL(link.href);
  url.searchParams.set("part", "tiles");
  try {
    const content = await part(url.href);
    one("#next").replaceWith(one("#next", content));
    const held = new Set(tiles().map((tile) => tile.dataset.artifact));
    for (const tile of all(".tile", content)) {
      if (held.has(tile.dataset.artifact)) continue;
      grid.append(tile);
      settlePictures(tile);
    }
    loaded += 1;
    rove();
    watch();
  } catch {
    link.removeAttribute("aria-disabled");
    link.textContent = "Load more";
  }
  loading = false;
}

const eye = new IntersectionObserver((entries) => {
  if (entries.some((entry) => entry.isIntersecting) && loaded < AUTOMATIC) more();
}, { rootMargin: "1200px" });

function watch() {
  eye.disconnect();
  const next = one("#next");
  if (next && !grid.dataset.paged) eye.observe(next);
}

/** Say how many pictures came since; nothing under the eye moves. */
function countNews() {
  const pill = one("#fresh");
  /** @type {Set<string>} */
  const news = new Set();
  onGeneration((generation) => {
    for (const output of generation.outputs) {
      if (output.type === "success" && !one(`.tile[data-artifact="${output.artifact}"]`)) news.add(output.artifact);
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

/** @param {string} what */
const onFocused = (what) => () => act(what, picked.size ? [...picked] : [focused().dataset.artifact]);

function bindKeys() {
  bind("grid", "ArrowRight | Shift+ArrowRight", "Next picture (with Shift: select)", (event) => along(1, event));
  bind("grid", "ArrowLeft | Shift+ArrowLeft", "Picture before (with Shift: select)", (event) => along(-1, event));
  bind("grid", "ArrowDown", "Row below", () => across(1));
  bind("grid", "ArrowUp", "Row above", () => across(-1));
  bind("grid", "PageDown", "Some rows down", () => across(4));
  bind("grid", "PageUp", "Some rows up", () => across(-4));
  bind("grid", "Home", "First picture", () => focus(tiles()[0]));
  bind("grid", "End", "Last picture", () => focus(tiles().at(-1)));
  bind("grid", "x", "Select", () => pick(focused()));
  bind("grid", "f | .", "Star", () => one(".star", focused()).click());
  bind("grid", "l", "Tag", onFocused("tag"));
  bind("grid", "Shift+D", "Download", onFocused("download"));
  bind("grid", "Delete | Backspace", "Move to the trash", async () => {
    const list = tiles();
    const next = list[list.indexOf(focused()) + 1] || list[list.indexOf(focused()) - 1];
    await onFocused("trash")();
    focus(next && !next.hidden ? next : tiles()[0]);
  });
  bind("grid", "mod+a", "Select all that are loaded", () => { for (const tile of tiles()) pick(tile, true); });
  bind("grid", "Escape", "Clear the selection", forget);
}

chooseLayout();
filterAsOneGoes();
countNews();
if (grid) {
  rove();
  watch();
  bindKeys();
  grid.addEventListener("focusin", () => rove(focused()));
  one("#select").addEventListener("click", () => picking());
  document.addEventListener("click", (/** @type {any} */ event) => {
    if (event.target.closest("[data-more]")) { event.preventDefault(); if (grid.dataset.paged) location.href = event.target.href; else more(); }
  });
}
