// One asset: its strip of variants, what people think of each, and how the next one is made.

import { byPosition } from "./cards.js";
import { call } from "./http.js";
import { bind } from "./keys.js";
import { refresh } from "./live.js";
import { join as joinMaker } from "./maker.js";
import { ask, askFor, change, confirm, deed, flash, mayEdit, mayOwn, me, spaceId, store, tryTo, words } from "./room.js";
import { moveDialog } from "./tree.js";
import { all, icon, make, mention, one, say, toast } from "./ui.js";

const id = one("#room").dataset.asset;
const body = one("#asset-body");
const TYPES = ["image/png", "image/jpeg", "image/webp"];
let due = 0;
let turning = 0;

const asset = () => store.asset(id);
const shownId = () => one("[data-shown]", body || undefined)?.dataset.shown ?? new URLSearchParams(location.search).get("variant") ?? "";
const shown = () => store.variant(shownId());
const strip = () => store.variants(id).sort(byPosition);

// --- drawing ------------------------------------------------------------------------------------

/** @param {number} [wait] */
function soon(wait = 90) {
  if (!body) return;
  clearTimeout(due);
  due = window.setTimeout(() => refresh(body), wait);
}

function drawHead() {
  const now = asset();
  if (!now) return;
  one("#asset-name").textContent = now.name;
  one("#asset-type").textContent = now.asset_type;
  one("#asset-tags").replaceChildren(...now.tags.map((/** @type {string} */ tag) => make("a", { class: "chip", href: `/spaces/${spaceId}/?tag=${encodeURIComponent(tag)}` }, tag)));
  document.title = `${now.name} – Genproj`;
}

/** @param {string} variant */
async function show(variant) {
  const url = new URL(location.href);
  url.searchParams.set("variant", variant);
  history.replaceState(history.state, "", url);
  body.dataset.live = `${location.pathname}?part=body&variant=${variant}`;
  store.look(id, variant);
  const mine = ++turning;
  for (const link of all("#tiles .go", body)) {
    const on = link.closest("[data-variant]").dataset.variant === variant;
    link.toggleAttribute("aria-current", on);
    link.tabIndex = on ? 0 : -1;
  }
  await refresh(body);
  if (mine === turning) maker?.paint();
}

// --- doing --------------------------------------------------------------------------------------

/** @param {Promise<any>} work */
const guarded = (work) => work.catch((error) => { toast(words(error)); });

/** @param {any} fields */
const patch = (fields) => guarded(call("PATCH", `spaces/${spaceId}/variants/${shownId()}/`, fields).then(() => soon(0)));

/** @param {string} rating */
async function rate(rating) {
  const variant = shown();
  if (!variant) return;
  let comment = variant.comment;
  if (rating === "needs_changes") {
    const said = await askFor("Needs changes", "What should change?", variant.comment || "");
    if (said === null) return;
    comment = said;
  }
  const taken = variant.rating === rating && rating !== "needs_changes";
  tryTo("variant:rate", { variant_id: variant.id, rating: taken ? null : rating, comment: taken ? "" : comment });
}

/** Place a variant between two others. @param {string} variant @param {number} place */
async function put(variant, place) {
  const others = strip().filter((one_) => one_.id !== variant);
  const before = others[place - 1]?.position;
  const after = others[place]?.position;
  let position = (before === undefined ? (after ?? 0) - 1 : after === undefined ? before + 1 : (before + after) / 2);
  if (before !== undefined && before === after) {
    // they stand on the same spot: all are given a spot of their own first
    for (const [at, other] of others.entries()) await call("PATCH", `spaces/${spaceId}/variants/${other.id}/`, { position: at * 2 });
    position = place * 2 - 1;
  }
  await guarded(call("PATCH", `spaces/${spaceId}/variants/${variant}/`, { position }));
  say(`Now at place ${place + 1}.`);
  soon(0);
}

/** @param {number} by */
function shift(by) {
  const at = strip().findIndex((one_) => one_.id === shownId());
  const to = at + by;
  if (at < 0 || to < 0 || to >= strip().length) return;
  put(shownId(), to);
}

/** @type {Record<string, (button?: any) => any>} */
const ACTS = {
  star: () => shown() && tryTo("variant:star", { variant_id: shownId(), starred: !shown().starred }),
  rate: (button) => rate(button.dataset.rating),
  active: () => shown()?.status === "completed" && tryTo("asset:setActive", { asset_id: id, variant_id: shownId() }),
  async retry() {
    if (await tryTo("variant:retry", { variant_id: shownId() })) { say("Tried again."); soon(0); }
  },
  async label() {
    const said = await askFor("Label", "Label of this variant", shown()?.label || "");
    if (said !== null) patch({ label: said });
  },
  earlier: () => shift(-1),
  later: () => shift(1),
  async fork() {
    const name = await askFor("Fork", "Name of the new asset", `${asset()?.name ?? ""} 2`, "Fork");
    if (!name) return;
    const made = await tryTo("asset:fork", { source_variant_id: shownId(), name, asset_type: asset().asset_type });
    if (made?.asset) toast(`${made.asset.name} is made.`, { label: "Open", act: () => { location.href = `/assets/${made.asset.id}/`; } });
  },
  compare: () => chooseVariants(),
  share: () => import("./sharing.js").then(({ share }) => share(new URLSearchParams({ v: shownId() }))),
  "share-asset": () => import("./sharing.js").then(({ share }) => share(new URLSearchParams({ asset: id ?? "" }))),
  async describe(button) {
    button.setAttribute("aria-disabled", "true");
    button.lastChild.textContent = "Looking at it";
    await guarded(call("POST", `spaces/${spaceId}/describe/`, { variant_id: shownId() }));
    await refresh(body);
    say(one(".seen-words", body)?.textContent ?? "");
  },
  async delete() {
    if (!await confirm("Delete this variant?", "Its lineage remembers it.", "Delete")) return;
    const list = strip();
    const at = list.findIndex((one_) => one_.id === shownId());
    const next = list[at + 1] || list[at - 1];
    if (await tryTo("variant:delete", { variant_id: shownId() }) && next) show(next.id);
  },
  async rename() {
    const now = asset();
    const name = await askFor("Rename", "Name", now.name);
    if (name && name !== now.name) await change(now, { name });
  },
  move: () => moveDialog([id]),
  async tag() {
    const now = asset();
    const text = await askFor("Tags", "Tags, with commas between them", now.tags.join(", "));
    if (text !== null) await change(now, { tags: text.split(",").map((tag) => tag.trim()).filter(Boolean) });
  },
  async type() {
    const now = asset();
    const text = await askFor("Type", "Type", now.asset_type);
    if (text) await change(now, { asset_type: text });
  },
  async "delete-asset"() {
    if (!await confirm(`Delete “${asset().name}”?`, "Its variants go with it; what lies below moves up. Lineage remembers them.", "Delete")) return;
    if (await tryTo("asset:delete", { asset_id: id })) location.href = `/spaces/${spaceId}/`;
  },
  upload: () => one("#files").click(),
};

document.addEventListener("click", (/** @type {any} */ event) => {
  const button = event.target.closest("#room [data-do]");
  if (button && button.dataset.do in ACTS && button.getAttribute("aria-disabled") !== "true") {
    const menu = button.closest("details.menu");
    if (menu) menu.open = false;
    ACTS[button.dataset.do](button);
    return;
  }
  const link = event.target.closest("#tiles .go");
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  show(link.closest("[data-variant]").dataset.variant);
});

/** @param {File[]} files */
async function upload(files) {
  for (const file of files) {
    if (!TYPES.includes(file.type)) { toast(`${file.name} is no PNG, JPEG or WebP picture.`); continue; }
    const form = new FormData();
    form.append("file", file);
    form.append("asset_id", id);
    await guarded(call("POST", `spaces/${spaceId}/upload/`, form, { "Idempotency-Key": crypto.randomUUID?.() ?? String(Math.random()) }));
  }
  soon(0);
}
document.addEventListener("change", (/** @type {any} */ event) => {
  if (event.target.id === "files") { upload([...event.target.files]); event.target.value = ""; }
});

// --- choosing pictures ----------------------------------------------------------------------------

/** A dialog of pictures. @param {string} title @param {{id: string, name: string, thumb: string, on: boolean}[]} choices @param {string} verb @param {number} most @returns {Promise<string[] | null>} */
function choose(title, choices, verb, most) {
  const find = make("input", { type: "search", placeholder: "Find", "aria-label": "Find", autocomplete: "off" });
  const list = make("div", { class: "picture-choices tall" });
  const go = make("button", { class: "button primary", value: "yes" }, verb);
  const form = make("form", { method: "dialog", class: "stack" }, make("h2", { id: "choose-title" }, title), ...(choices.length > 12 ? [find] : []), list, make("div", { class: "row" }, go, make("button", { class: "button", value: "" }, "Cancel")));
  const dialog = make("dialog", { class: "sheet wide", "aria-labelledby": "choose-title" }, form);
  for (const { id: value, name, thumb, on } of choices) {
    const box = make("input", { type: "checkbox", value, "aria-label": name });
    box.checked = on;
    list.append(make("label", { title: name, "data-words": name.toLowerCase() }, box, make("img", { src: thumb, alt: "", loading: "lazy" }), make("span", { class: "caption" }, name)));
  }
  const limit = () => {
    const on = all("input:checked", list).length;
    for (const box of all("input", list)) if (box.type === "checkbox") box.disabled = !box.checked && on >= most;
  };
  list.addEventListener("change", limit);
  find.addEventListener("input", () => { for (const label of all("label", list)) label.hidden = !label.dataset.words.includes(find.value.toLowerCase()); });
  limit();
  document.body.append(dialog);
  dialog.showModal();
  return new Promise((done) => dialog.addEventListener("close", () => {
    const found = all("input:checked", list).map((/** @type {any} */ box) => box.value);
    dialog.remove();
    done(dialog.returnValue === "yes" ? found : null);
  }));
}

async function chooseVariants() {
  const list = strip().filter((variant) => variant.thumb_url);
  const parents = store.lineage.filter((/** @type {any} */ line) => line.child_variant_id === shownId()).map((/** @type {any} */ line) => store.variant(line.parent_variant_id)).filter((/** @type {any} */ v) => v?.thumb_url && v.asset_id !== id);
  // beside the one that is looked at: the active one, or what it came from, or its neighbour
  const came = store.lineage.find((/** @type {any} */ line) => line.child_variant_id === shownId() && [...list, ...parents].some((one_) => one_.id === line.parent_variant_id));
  const active = asset()?.active_variant_id;
  const other = active !== shownId() ? active : came?.parent_variant_id ?? list.find((one_) => one_.id !== shownId())?.id;
  const choices = [...list, ...parents].map((variant, place) => ({
    id: variant.id,
    name: variant.label || (variant.asset_id === id ? `Variant ${strip().indexOf(variant) + 1 || place + 1}` : store.asset(variant.asset_id)?.name ?? ""),
    thumb: variant.thumb_url,
    on: variant.id === shownId() || variant.id === other,
  }));
  if (choices.length < 2) { toast("There is nothing to compare it with yet."); return; }
  const picked = await choose("Compare two to four", choices, "Compare", 4);
  if (picked && picked.length >= 2) location.href = `/spaces/${spaceId}/compare/?${new URLSearchParams(picked.map((variant) => ["v", variant]))}`;
  else if (picked) toast("Choose at least two.");
}

async function chooseReferences() {
  const choices = store.assets.map((/** @type {any} */ one_) => ({ one_, variant: store.variant(one_.active_variant_id) }))
    .filter((/** @type {any} */ row) => row.variant?.thumb_url && row.variant.id !== shownId())
    .map((/** @type {any} */ row) => ({ id: row.variant.id, name: row.one_.name, thumb: row.variant.thumb_url, on: maker?.refs.has(row.variant.id) }));
  const picked = await choose("Pictures to send along", choices, "Use them", 13);
  if (!picked || !maker) return;
  maker.refs = new Set(picked);
  maker.paint();
  maker.open();
}

// --- the hand -----------------------------------------------------------------------------------

/** @param {number} by */
function along(by) {
  const slots = all("#tiles .slot", body);
  const at = slots.findIndex((slot) => slot.dataset.variant === shownId());
  const next = slots[Math.min(slots.length - 1, Math.max(0, at + by))];
  if (!next) return;
  one(".go", next).focus({ preventScroll: true });
  next.scrollIntoView({ block: "nearest", inline: "nearest" });
  show(next.dataset.variant);
}

function bindKeys() {
  for (const context of /** @type {const} */ (["grid", "everywhere"])) {
    const all_ = context === "grid" ? [["ArrowRight", "Next variant", () => along(1)], ["ArrowLeft", "Variant before", () => along(-1)], ["Home", "First variant", () => along(-1e6)], ["End", "Last variant", () => along(1e6)]] : [];
    for (const [keys, text, act] of /** @type {any[]} */ (all_)) bind(context, keys, text, act);
  }
  bind("everywhere", "c", "Compare…", () => chooseVariants());
  if (!mayEdit) return;
  bind("everywhere", "f | .", "Star", ACTS.star);
  bind("everywhere", "a", "Approve", () => rate("approved"));
  bind("everywhere", "r", "Reject", () => rate("rejected"));
  bind("everywhere", "n", "Needs changes", () => rate("needs_changes"));
  bind("everywhere", "s", "Set active", ACTS.active);
  bind("everywhere", "k", "Fork", ACTS.fork);
  bind("everywhere", "e", "Refine", () => maker?.open());
  bind("everywhere", "F2", "Rename", ACTS.rename);
  bind("grid", "Alt+ArrowLeft", "Move the variant earlier", () => shift(-1));
  bind("grid", "Alt+ArrowRight", "Move the variant later", () => shift(1));
  if (mayOwn) bind("grid", "Delete", "Delete the variant", ACTS.delete);
}

function dragging() {
  let held = "";
  body.addEventListener("dragstart", (/** @type {any} */ event) => { held = event.target.closest("[data-variant]")?.dataset.variant ?? ""; });
  body.addEventListener("dragover", (/** @type {any} */ event) => {
    const slot = event.target.closest("[data-variant]");
    if (event.dataTransfer.types.includes("Files") || (slot && held && slot.dataset.variant !== held)) event.preventDefault();
    for (const other of all(".slot.over", body)) if (other !== slot) other.classList.remove("over");
    if (slot && held) slot.classList.add("over");
  });
  body.addEventListener("drop", (/** @type {any} */ event) => {
    for (const other of all(".slot.over", body)) other.classList.remove("over");
    if (event.dataTransfer.files.length) { event.preventDefault(); upload([...event.dataTransfer.files]); return; }
    const slot = event.target.closest("[data-variant]");
    if (!slot || !held || slot.dataset.variant === held) return;
    event.preventDefault();
    const others = strip().filter((variant) => variant.id !== held).map((variant) => variant.id);
    const box = slot.getBoundingClientRect();
    put(held, others.indexOf(slot.dataset.variant) + (event.clientX > box.left + box.width / 2 ? 1 : 0));
    held = "";
  });
}

// --- beginning ----------------------------------------------------------------------------------

const maker = mayEdit ? joinMaker(() => ({ source_variant_ids: shown()?.status === "completed" ? [shownId()] : [] })) : null;
if (maker) {
  one("#pick-refs").addEventListener("click", () => { maker.pick(false); chooseReferences(); });
  one("#maker").addEventListener("made", (/** @type {any} */ event) => {
    const [variant] = event.detail?.variants ?? [];
    if (variant) show(variant.id);
  });
}
store.addEventListener("state", () => { drawHead(); soon(400); store.look(id, shownId() || null); });
store.addEventListener("change", (/** @type {any} */ { detail }) => {
  if (detail.noun === "asset" && detail.id === id) {
    if (!detail.thing && detail.by === "asset:deleted") { toast(`${detail.who || "Somebody"} deleted this asset.`); location.href = `/spaces/${spaceId}/`; return; }
    drawHead();
  }
  const mine = detail.id === id || detail.thing?.asset_id === id || detail.before?.asset_id === id;
  if (!mine && detail.noun !== "lineage") return;
  if (detail.by === "me" && detail.noun === "variant") paintHopes();
  if (detail.by !== "me") soon();
  const what = detail.who && detail.who !== me ? deed(detail) : "";
  if (!what || !mine) return;
  mention(`${detail.who} ${what}.`);
  const place = detail.noun === "asset" ? one(".asset-head .title") : one(`[data-variant="${detail.id}"]`) ?? one(".strip");
  setTimeout(() => flash(detail.noun === "asset" ? one(".asset-head .title") : one(`[data-variant="${detail.id}"]`) ?? place, detail.who, what), 260);
});

/** What one has just pressed shows at once. */
function paintHopes() {
  const variant = shown();
  if (!variant || !body) return;
  one('[data-do="star"]', body)?.setAttribute("aria-pressed", String(Boolean(variant.starred)));
  for (const button of all('[data-do="rate"]', body)) button.setAttribute("aria-pressed", String(button.dataset.rating === variant.rating));
}
if (body) {
  bindKeys();
  if (mayEdit) dragging();
}
if (one("#lineage")) import("./lineage.js");
export { ask, icon };
