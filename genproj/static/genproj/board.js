// The board of a space: everything the team works on, narrowed, walked, selected, moved and made.

import { cards, childrenOf, matches, path, within } from "./cards.js";
import { bind } from "./keys.js";
import { join as joinMaker } from "./maker.js";
import { ask, askFor, change, confirm, deed, flash, mayEdit, mayOwn, me, spaceId, store, tryTo, words } from "./room.js";
import { Rows } from "./tiles.js";
import { Tree, move, moveDialog } from "./tree.js";
import { call } from "./http.js";
import { all, icon, make, memory, mention, one, say, toast } from "./ui.js";

const grid = one("#tiles");
const form = one("#narrow");
const bar = one("#selection");
const hand = { picked: /** @type {Set<string>} */ (new Set()), stop: "", anchor: "" };
const rows = new Rows(grid, hand);
const RATED = { a: "approved", r: "rejected", n: "needs_changes" };
/** @type {Map<string, import("./cards.js").Card>} */
let known = new Map();
/** What the choices were drawn from: it is another whenever an asset is. @type {Map<string, any[]> | null} */
let shownChoices = null;
let begun = false;
let due = 0;

const asked = () => new URLSearchParams(location.search);
const below = () => asked().get("below") || "";

// --- drawing ------------------------------------------------------------------------------------

const tree = new Tree(one("#tree"), (id) => goBelow(id === below() ? "" : id), "Assets");

/** @param {import("./cards.js").Card} a @param {import("./cards.js").Card} b */
const newestFirst = (a, b) => a.at < b.at ? 1 : a.at > b.at ? -1 : a.id < b.id ? 1 : -1;

function draw() {
  due = 0;
  if (!store.space) return;
  if (!begun) { begun = true; rows.begin(); }
  known = cards();
  const children = childrenOf(known);
  const query = asked();
  const inside = known.has(below()) ? within(below(), children) : null;
  const shown = [...known.values()].filter((card) => matches(card, query, inside)).sort(newestFirst);
  for (const id of hand.picked) if (!known.has(id)) hand.picked.delete(id);
  if (!shown.some((card) => card.id === hand.stop)) hand.stop = shown[0]?.id ?? "";
  rows.put(shown);
  one("#nothing").hidden = shown.length > 0;
  if (!shown.length) drawNothing(known.size);
  one("#tree-count").textContent = known.size.toLocaleString("en");
  one("#board").classList.toggle("bare", known.size === 0);
  tree.current = below();
  if (one("#tree-side").offsetParent) tree.draw(known, children);
  drawCrumbs();
  if (children !== shownChoices) drawChoices();
  shownChoices = children;
  paint();
}

const soon = () => { if (!due) due = requestAnimationFrame(draw); };

/** @param {number} count */
function drawNothing(count) {
  const holder = one("#nothing");
  const narrowed = count > 0;
  if (holder.dataset.narrowed === String(narrowed)) return;
  holder.dataset.narrowed = String(narrowed);
  const art = icon(narrowed ? "search" : "image");
  art.classList.add("art");
  if (!narrowed) {
    holder.replaceChildren(art, make("p", {}, mayEdit ? "Describe something below, or drop pictures here. Each becomes an asset that the team can refine." : "Nothing is here yet."));
    return;
  }
  const clear = make("a", { class: "button", href: `/spaces/${spaceId}/` }, "Show everything");
  holder.replaceChildren(art, make("p", {}, "No asset matches."), clear);
}

function drawCrumbs() {
  const line = one("#crumbs");
  const steps = path(below(), known);
  line.hidden = !steps.length;
  if (!steps.length) return;
  const link = (/** @type {string} */ id, /** @type {string} */ name) => make("a", { href: id ? `?below=${id}` : `/spaces/${spaceId}/`, "data-below": id }, name);
  line.replaceChildren(link("", "Everything"), ...steps.flatMap((card) => [make("span", { class: "muted", "aria-hidden": "true" }, "›"), link(card.id, card.asset.name)]),
    make("a", { class: "button quiet small", href: `/assets/${below()}/` }, "Open"));
}

/** What the board can be narrowed by grows with it. */
function drawChoices() {
  const assets = store.assets;
  const lists = {
    type: new Set(assets.map((/** @type {any} */ a) => a.asset_type)),
    tag: new Set(assets.flatMap((/** @type {any} */ a) => a.tags)),
    by: new Set(assets.map((/** @type {any} */ a) => a.created_by).filter(Boolean)),
  };
  for (const [name, values] of Object.entries(lists)) {
    const select = form.elements[name];
    const wanted = [...values].sort();
    const now = [...select.options].slice(1).map((option) => option.value);
    if (String(now) === String(wanted)) continue;
    const chosen = select.value;
    select.replaceChildren(select.options[0], ...wanted.map((value) => make("option", {}, value)));
    select.value = wanted.includes(chosen) ? chosen : "";
  }
  one("#types").replaceChildren(...[...lists.type].sort().map((value) => make("option", {}, value)));
}

// --- narrowing ----------------------------------------------------------------------------------

/** @param {URLSearchParams} query @param {boolean} [step] */
function go(query, step = false) {
  const text = query.toString();
  const href = `${location.pathname}${text ? `?${text}` : ""}`;
  if (step) history.pushState(null, "", href); else history.replaceState(null, "", href);
  draw();
}

/** @param {string} id */
function goBelow(id) {
  const query = asked();
  if (id) query.set("below", id); else query.delete("below");
  form.elements.below.value = id;
  if (id) { tree.reveal(id); tree.open.add(id); }
  one("#tree-all").toggleAttribute("aria-current", !id);
  go(query, true);
  say(id ? `Below ${store.asset(id)?.name}.` : "Everything.");
}

function narrow() {
  const query = new URLSearchParams(/** @type {any} */ ([...new FormData(form)].filter(([, value]) => value)));
  go(query);
  mention(rows.shown.length === 1 ? "1 asset." : `${rows.shown.length} assets.`);
}

form.addEventListener("input", narrow);
form.addEventListener("submit", (/** @type {Event} */ event) => { event.preventDefault(); narrow(); });
addEventListener("popstate", () => {
  const query = asked();
  for (const field of form.elements) {
    if (!field.name) continue;
    if (field.type === "checkbox") field.checked = Boolean(query.get(field.name)); else field.value = query.get(field.name) || "";
  }
  draw();
});

// --- selecting ----------------------------------------------------------------------------------

function paint() {
  const mode = one("#select")?.getAttribute("aria-pressed") === "true";
  one("output", bar).textContent = `${hand.picked.size} selected`;
  bar.hidden = !mode && hand.picked.size === 0;
  grid.classList.toggle("picking", mode || hand.picked.size > 0);
  for (const button of all("[data-one]", bar)) button.hidden = hand.picked.size !== 1;
  one('[data-bulk="compare"]', bar).hidden = hand.picked.size > 4 || hand.picked.size < 2;
  rows.render();
}

/** @param {string} id @param {boolean} [wanted] */
function pick(id, wanted = !hand.picked.has(id)) {
  if (!known.has(id)) return;
  if (wanted) hand.picked.add(id); else hand.picked.delete(id);
  hand.anchor = id;
  paint();
}

/** @param {string} to */
function range(to) {
  const ends = [rows.order.get(hand.anchor || to) ?? 0, rows.order.get(to) ?? 0].sort((a, b) => a - b);
  for (const card of rows.shown.slice(ends[0], ends[1] + 1)) hand.picked.add(card.id);
  paint();
}

function forget() {
  hand.picked.clear();
  one("#select")?.setAttribute("aria-pressed", "false");
  paint();
}

/** What an act is about: the selection, or the tile that has the focus. */
const meant = () => hand.picked.size ? [...hand.picked] : [hand.stop].filter(Boolean);
/** @param {string[]} ids */
const shownOf = (ids) => ids.map((id) => known.get(id)?.shown).filter(Boolean);

/** @type {Record<string, (ids: string[]) => any>} */
const ACTS = {
  clear: forget,
  star(ids) {
    const variants = shownOf(ids);
    const wanted = !variants.every((variant) => variant.starred);
    for (const variant of variants) tryTo("variant:star", { variant_id: variant.id, starred: wanted });
  },
  move: (ids) => moveDialog(ids).then(() => rows.focus(ids[0])),
  async rename([id]) {
    const asset = store.asset(id);
    const name = await askFor("Rename", "Name", asset.name);
    if (name && name !== asset.name) await change(asset, { name });
    rows.focus(id);
  },
  async tag(ids) {
    const text = await askFor("Tag", "Add tags, with commas between them", "", "Add");
    const news = (text || "").split(",").map((tag) => tag.trim()).filter(Boolean);
    for (const id of news.length ? ids : []) {
      await tryTo("asset:update", { asset_id: id, changes: { tags: [...new Set([...store.asset(id).tags, ...news])] } });
    }
  },
  compare(ids) {
    const variants = shownOf(ids);
    if (variants.length < 2 || variants.length > 4) { toast("Select two to four assets that have a picture."); return; }
    location.href = `/spaces/${spaceId}/compare/?${new URLSearchParams(variants.map((variant) => ["v", variant.id]))}`;
  },
  async share(ids) {
    const [one_, ...others] = shownOf(ids);
    if (!one_) { toast("It has no picture yet."); return; }
    const { share } = await import("./sharing.js");
    share(new URLSearchParams(others.length || ids.length > 1 ? [one_, ...others].map((variant) => ["v", variant.id]) : { asset: ids[0] }));
  },
  refer(ids) {
    for (const variant of shownOf(ids)) maker?.refer(variant.id);
    forget();
    maker?.open();
  },
  async delete(ids) {
    if (!mayOwn) { toast("Only owners delete assets."); return; }
    const name = ids.length === 1 ? `“${store.asset(ids[0])?.name}”` : `${ids.length} assets`;
    if (!await confirm(`Delete ${name}?`, "Their variants go with them; what lay below moves up. Lineage remembers them.", "Delete")) return;
    const place = rows.order.get(ids[0]) ?? 0;
    for (const id of ids) await tryTo("asset:delete", { asset_id: id });
    const next = rows.shown[Math.min(place, rows.shown.length - 1)];
    if (next) rows.focus(next.id);
  },
};

/** @param {string} rating @param {string[]} ids */
async function rate(rating, ids) {
  const variants = shownOf(ids);
  if (!variants.length) return;
  const comment = rating === "needs_changes" ? await askFor("Needs changes", "What should change?", variants[0].comment || "") : "";
  if (comment === null) { rows.focus(hand.stop); return; }
  for (const variant of variants) {
    tryTo("variant:rate", { variant_id: variant.id, rating: variant.rating === rating && rating !== "needs_changes" ? null : rating, comment });
  }
  rows.focus(hand.stop);
}

bar.addEventListener("click", (/** @type {any} */ event) => {
  const what = event.target.closest("[data-bulk]")?.dataset.bulk;
  if (what) ACTS[what](what === "clear" ? [] : meant());
});
one("#select")?.addEventListener("click", () => {
  const button = one("#select");
  if (button.getAttribute("aria-pressed") === "true") { forget(); return; }
  button.setAttribute("aria-pressed", "true");
  paint();
});

// --- the hand -----------------------------------------------------------------------------------

grid.addEventListener("click", (/** @type {any} */ event) => {
  const id = event.target.closest("[data-asset]")?.dataset.asset;
  if (!id) return;
  const retry = event.target.closest("[data-retry]");
  if (retry) { event.preventDefault(); again(retry.dataset.retry); return; }
  if (event.target.closest("[data-below]")) { goBelow(id); return; }
  if (event.target.closest(".star")) { ACTS.star([id]); return; }
  if (event.target.closest(".pick")) { if (event.shiftKey) range(id); else pick(id); return; }
  if (!event.target.closest(".go") || event.ctrlKey || event.metaKey) return;
  if (maker?.picking) { event.preventDefault(); const [variant] = shownOf([id]); if (variant) maker.refer(variant.id); else toast("It has no picture yet."); return; }
  if (grid.classList.contains("picking") || event.shiftKey) { event.preventDefault(); if (event.shiftKey) range(id); else pick(id); }
});
grid.addEventListener("focusin", (/** @type {any} */ event) => {
  const id = event.target.closest("[data-asset]")?.dataset.asset;
  if (id && id !== hand.stop) {
    const before = rows.made.get(hand.stop)?.element;
    if (before) one(".go", before).tabIndex = -1;
    hand.stop = id;
    one(".go", event.target.closest("[data-asset]")).tabIndex = 0;
  }
});
one("#crumbs").addEventListener("click", (/** @type {any} */ event) => {
  const link = event.target.closest("[data-below]");
  if (link) { event.preventDefault(); goBelow(link.dataset.below); }
});
one("#tree-all").addEventListener("click", (/** @type {Event} */ event) => { event.preventDefault(); goBelow(""); });

/** @param {string} id */
async function again(id) {
  if (await tryTo("variant:retry", { variant_id: id })) say("Tried again.");
}

/** @param {number} by @param {KeyboardEvent} [event] */
function along(by, event) {
  const from = rows.order.get(hand.stop) ?? 0;
  const next = rows.shown[Math.min(rows.shown.length - 1, Math.max(0, from + by))];
  if (!next) return;
  if (event?.shiftKey) { hand.anchor ||= hand.stop; range(next.id); }
  rows.focus(next.id);
}

function bindKeys() {
  bind("grid", "ArrowRight | Shift+ArrowRight", "Next asset (with Shift: select)", (event) => along(1, event));
  bind("grid", "ArrowLeft | Shift+ArrowLeft", "Asset before (with Shift: select)", (event) => along(-1, event));
  bind("grid", "ArrowDown | Shift+ArrowDown", "Row below", (event) => along(rows.columns, event));
  bind("grid", "ArrowUp | Shift+ArrowUp", "Row above", (event) => along(-rows.columns, event));
  bind("grid", "PageDown", "Some rows down", () => along(rows.columns * 3));
  bind("grid", "PageUp", "Some rows up", () => along(-rows.columns * 3));
  bind("grid", "Home", "First asset", () => along(-1e9));
  bind("grid", "End", "Last asset", () => along(1e9));
  bind("grid", "c", "Compare what is selected", () => ACTS.compare(meant()));
  bind("grid", "b", "Show what lies below", () => goBelow(hand.stop));
  bind("grid", "u", "Go up in the tree", () => goBelow(known.get(below())?.asset.parent_asset_id ?? ""));
  if (!mayEdit) return;
  bind("grid", "x", "Select", () => pick(hand.stop));
  bind("grid", "mod+a", "Select all", () => { for (const card of rows.shown) hand.picked.add(card.id); paint(); });
  bind("grid", "Escape", "Clear the selection", forget);
  bind("grid", "f | .", "Star", () => ACTS.star(meant()));
  for (const [key, rating] of Object.entries(RATED)) bind("grid", key, { a: "Approve", r: "Reject", n: "Needs changes" }[key] || "", () => rate(rating, meant()));
  bind("grid", "m", "Move to…", () => ACTS.move(meant()));
  bind("grid", "l", "Tag", () => ACTS.tag(meant()));
  bind("grid", "F2", "Rename", () => ACTS.rename(meant()));
  bind("grid", "e", "Use as a reference", () => ACTS.refer(meant()));
  bind("grid", "Delete", "Delete (owners)", () => ACTS.delete(meant()));
  bind("everywhere", "p", "Describe a picture", () => maker?.open());
}

// --- dragging -----------------------------------------------------------------------------------

let dragged = /** @type {string[]} */ ([]);
function dragging() {
  const page = one("#board");
  grid.addEventListener("dragstart", (/** @type {any} */ event) => {
    const id = event.target.closest("[data-asset]")?.dataset.asset;
    if (!id) return;
    dragged = hand.picked.has(id) ? [...hand.picked] : [id];
    event.dataTransfer.effectAllowed = "move";
    event.dataTransfer.setData("text/plain", id);
    page.classList.add("dragging");
  });
  page.addEventListener("dragover", (/** @type {any} */ event) => {
    if (event.dataTransfer.types.includes("Files")) { event.preventDefault(); page.classList.add("dropping"); return; }
    const place = event.target.closest("[data-asset], #tree-all");
    for (const other of all(".over", page)) if (other !== place) other.classList.remove("over");
    if (!place || !dragged.length || dragged.includes(place.dataset.asset)) return;
    event.preventDefault();
    place.classList.add("over");
  });
  page.addEventListener("dragleave", (/** @type {any} */ event) => { if (!page.contains(event.relatedTarget)) page.classList.remove("dropping"); });
  page.addEventListener("dragend", () => { dragged = []; page.classList.remove("dragging", "dropping"); for (const other of all(".over", page)) other.classList.remove("over"); });
  page.addEventListener("drop", (/** @type {any} */ event) => {
    page.classList.remove("dragging", "dropping");
    const place = event.target.closest("[data-asset], #tree-all");
    for (const other of all(".over", page)) other.classList.remove("over");
    if (event.dataTransfer.files.length) {
      event.preventDefault();
      upload([...event.dataTransfer.files], place?.dataset.asset && event.target.closest(".asset") ? place.dataset.asset : "");
    } else if (place && dragged.length) {
      event.preventDefault();
      move(dragged, place.dataset.asset || null);
    }
    dragged = [];
  });
}

// --- uploading ----------------------------------------------------------------------------------

const TYPES = ["image/png", "image/jpeg", "image/webp"];

/** @param {File[]} files @param {string} [asset] */
async function upload(files, asset = "") {
  let done = 0;
  for (const file of files) {
    if (!TYPES.includes(file.type)) { toast(`${file.name} is no PNG, JPEG or WebP picture.`); continue; }
    const body = new FormData();
    body.append("file", file);
    if (asset) body.append("asset_id", asset);
    else {
      body.append("name", file.name.replace(/\.[a-z]+$/i, "").slice(0, 120) || "Upload");
      body.append("asset_type", one("#maker-type")?.value || "picture");
      if (below()) body.append("parent_asset_id", below());
    }
    try {
      await call("POST", `spaces/${spaceId}/upload/`, body, { "Idempotency-Key": crypto.randomUUID?.() ?? String(Math.random()) });
      done += 1;
    } catch (error) {
      toast(`${file.name}: ${words(error)}`);
    }
  }
  if (done) say(done === 1 ? "Uploaded." : `${done} pictures uploaded.`);
  if (!store.open) store.link.poll?.();
}

one("#upload")?.addEventListener("click", () => one("#files").click());
one("#files")?.addEventListener("change", (/** @type {any} */ event) => { upload([...event.target.files]); event.target.value = ""; });
one("#new-asset-form")?.addEventListener("submit", async (/** @type {any} */ event) => {
  event.preventDefault();
  const given = Object.fromEntries(new FormData(event.target));
  const fields = { name: given.name, asset_type: given.asset_type, tags: String(given.tags).split(",").map((tag) => tag.trim()).filter(Boolean), parent_asset_id: below() || null };
  const made = tryTo("asset:create", fields);
  event.target.elements.name.value = "";
  one("#new-asset").open = false;
  const ack = await made;
  if (ack?.asset) rows.focus(ack.asset.id);
});

// --- beginning ----------------------------------------------------------------------------------

const maker = mayEdit ? joinMaker(() => ({ parent_asset_id: below() || undefined })) : null;
store.addEventListener("state", () => {
  soon();
  const from = asked().get("from");
  if (!from || !maker) return;
  maker.refer(from);
  maker.open();
  const query = asked();
  query.delete("from");
  history.replaceState(null, "", `${location.pathname}${query.size ? `?${query}` : ""}`);
});
store.addEventListener("presence", soon);
store.addEventListener("change", (/** @type {any} */ { detail }) => {
  soon();
  const what = detail.who && detail.who !== me ? deed(detail) : "";
  const id = detail.noun === "asset" ? detail.id : detail.thing?.asset_id;
  if (!what || !id) return;
  const name = store.asset(id)?.name ?? "an asset";
  requestAnimationFrame(() => requestAnimationFrame(() => flash(rows.made.get(id)?.element, detail.who, what)));
  mention(`${detail.who} ${what.replace("this", name)}.`);
});
const side = one("#tree-side");
const folded = memory.get("tree-folded", false);
side.classList.toggle("folded", folded);
const showTree = (/** @type {boolean} */ open) => {
  side.classList.toggle("folded", !open);
  side.classList.toggle("open", open);
  one("#open-tree").setAttribute("aria-expanded", String(open));
  memory.set("tree-folded", !open);
  rows.layout();
};
one("#fold-tree").addEventListener("click", () => { showTree(false); one("#open-tree").focus(); });
one("#open-tree").addEventListener("click", () => showTree(side.classList.contains("folded") || !side.offsetParent));
if (below()) tree.open.add(below());
bindKeys();
if (mayEdit) dragging();
store.look(null);
export { ask, maker, rows };
