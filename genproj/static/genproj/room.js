// What every page of a space has: its live state, who is here, who just did what, and one way to ask.

import { bind } from "./keys.js";
import { refreshAll } from "./live.js";
import { SpaceStore } from "./space.js";
import { all, copy, icon, make, mention, one, toast } from "./ui.js";

const FLASH = 4000;
const FIGURES = 1500;
const room = one("#room");

export const spaceId = room.dataset.space;
export const me = room.dataset.user;
export const role = room.dataset.role;
export const mayEdit = role !== "viewer";
export const mayOwn = role === "owner";
/** @type {any} */
export const store = new SpaceStore(spaceId);

/**
 * Ask for something: over the socket, or by the API while there is none.
 * @param {string} type @param {any} [fields] @returns {Promise<any>}
 */
export const ask = (type, fields = {}) => store.ask(type, fields);

/** A refusal in plain words. @param {any} error */
export function words(error) {
  const rows = error?.errors?.length ? error.errors.map((/** @type {any} */ row) => row.detail) : [error?.detail || error?.message || "That did not work."];
  return rows.join(" ");
}

/** Ask, and tell a refusal as a notice. @param {string} type @param {any} [fields] */
export async function tryTo(type, fields) {
  try {
    return await ask(type, fields);
  } catch (error) {
    toast(words(error));
    return null;
  }
}

/** Change an asset's words; when somebody was quicker both values are shown. @param {any} asset @param {Record<string, any>} changes */
export async function change(asset, changes) {
  try {
    return await ask("asset:update", { asset_id: asset.id, changes, version: asset.version });
  } catch (error) {
    if (/** @type {any} */ (error)?.code !== "version_conflict") { toast(words(error)); return null; }
    return conflict(asset.id, changes);
  }
}

/** @param {string} id @param {Record<string, any>} changes */
function conflict(id, changes) {
  const now = store.asset(id);
  if (!now) { toast("The asset is gone."); return null; }
  const [name, mine] = Object.entries(changes)[0];
  const shown = (/** @type {any} */ value) => Array.isArray(value) ? value.join(", ") : String(value ?? "");
  const dialog = make("dialog", { class: "sheet stack", "aria-labelledby": "conflict-title" });
  const theirs = make("button", { class: "button", type: "button" }, "Keep theirs");
  const own = make("button", { class: "button primary", type: "button" }, "Use mine");
  dialog.append(
    make("h2", { id: "conflict-title" }, "Somebody was quicker"),
    make("p", {}, `Since you began, the ${name.replace("_", " ")} was changed.`),
    make("dl", { class: "facts both" }, make("dt", {}, "Theirs"), make("dd", {}, shown(now[name])), make("dt", {}, "Yours"), make("dd", {}, shown(mine))),
    make("div", { class: "row" }, own, theirs),
  );
  document.body.append(dialog);
  dialog.showModal();
  return new Promise((done) => {
    theirs.addEventListener("click", () => { dialog.close(); done(null); });
    own.addEventListener("click", async () => { dialog.close(); done(await change(store.asset(id) ?? now, changes)); });
    dialog.addEventListener("close", () => { dialog.remove(); done(null); });
  });
}

/** A question with one line to write. @param {string} title @param {string} label @param {string} value @param {string} verb @returns {Promise<string | null>} */
export function askFor(title, label, value, verb = "Save") {
  const field = make("input", { id: "asked", value, maxlength: "120", autocomplete: "off" });
  const form = make("form", { method: "dialog", class: "stack" },
    make("h2", { id: "asked-title" }, title),
    make("div", { class: "field" }, make("label", { for: "asked" }, label), field),
    make("div", { class: "row" }, make("button", { class: "button primary", value: "yes" }, verb), make("button", { class: "button", value: "" }, "Cancel")));
  const dialog = make("dialog", { class: "sheet", "aria-labelledby": "asked-title" }, form);
  document.body.append(dialog);
  dialog.showModal();
  field.select();
  return new Promise((done) => dialog.addEventListener("close", () => {
    dialog.remove();
    done(dialog.returnValue === "yes" ? field.value.trim() : null);
  }));
}

/** @param {string} title @param {string} text @param {string} verb @returns {Promise<boolean>} */
export function confirm(title, text, verb) {
  const form = make("form", { method: "dialog", class: "stack" },
    make("h2", { id: "sure-title" }, title), make("p", {}, text),
    make("div", { class: "row" }, make("button", { class: "button danger", value: "yes" }, verb), make("button", { class: "button", value: "", autofocus: "" }, "Cancel")));
  const dialog = make("dialog", { class: "sheet", "aria-labelledby": "sure-title" }, form);
  document.body.append(dialog);
  dialog.showModal();
  return new Promise((done) => dialog.addEventListener("close", () => { dialog.remove(); done(dialog.returnValue === "yes"); }));
}

// --- who just did what ------------------------------------------------------------------------

/** What a change was, in words; "" for what is no news. @param {any} detail */
export function deed({ noun, thing, before, by }) {
  const [, verb] = by.split(":");
  if (noun === "asset") {
    if (verb === "created") return "added this";
    if (verb === "forked") return "forked this";
    if (!before || !thing) return "";
    if (before.name !== thing.name) return "renamed this";
    if (before.parent_asset_id !== thing.parent_asset_id) return "moved this";
    if (before.active_variant_id !== thing.active_variant_id) return "chose another picture";
    if (String(before.tags) !== String(thing.tags)) return "tagged this";
    return before.version !== thing.version ? "changed this" : "";
  }
  if (noun !== "variant" || !thing) return "";
  if (!before) return "makes a variant";
  if (before.starred !== thing.starred) return thing.starred ? "starred this" : "took the star off";
  if (before.rating !== thing.rating) return { approved: "approved this", rejected: "rejected this", needs_changes: "wants changes" }[/** @type {"approved"} */ (thing.rating)] ?? "took the rating back";
  if (before.label !== thing.label) return "labelled a variant";
  return "";
}

/** Show on an element what somebody else did to it just now. @param {any} element @param {string} who @param {string} what */
export function flash(element, who, what) {
  if (!element) return;
  one(".did", element)?.remove();
  element.append(make("span", { class: "did" }, `${who} ${what}`));
  element.classList.add("touched");
  setTimeout(() => {
    element.classList.remove("touched");
    one(".did", element)?.remove();
  }, FLASH);
}

// --- who is here ------------------------------------------------------------------------------

/** @param {any} line */
function viewing(line) {
  const asset = line.viewing && store.asset(line.viewing);
  if (!asset) return "on the board";
  const place = line.variant_id ? store.variants(asset.id).findIndex((/** @type {any} */ v) => v.id === line.variant_id) : -1;
  return place < 0 ? `viewing ${asset.name}` : `viewing variant ${place + 1} of ${asset.name}`;
}

function drawFaces() {
  const list = one("#faces");
  if (!list || !store.space) return;
  const here = new Map(store.presence.map((/** @type {any} */ line) => [String(line.user_id), line]));
  const rows = store.members.map((/** @type {any} */ member) => {
    const line = here.get(String(member.id));
    const now = line ? viewing(line) : "not here";
    const face = make("li", { class: `face${line ? " here" : ""}`, "data-user": String(member.id), title: `${member.username}, ${member.role}, ${now}` },
      make("span", { class: "hide" }, `${member.username}, ${member.role}, ${now}`), make("span", { "aria-hidden": "true" }, member.username[0]));
    return face;
  });
  list.replaceChildren(...rows);
}

/** Others who look at an asset just now. @param {string} assetId @returns {any[]} */
export function lookers(assetId) {
  return store.presence.filter((/** @type {any} */ line) => line.viewing === assetId && line.username !== me);
}

let figuring = 0;
function drawFigures() {
  clearTimeout(figuring);
  figuring = window.setTimeout(() => {
    const line = one("#figures");
    if (!line) return;
    const variants = store.variants();
    const count = (/** @type {string[]} */ ...states) => variants.filter((/** @type {any} */ v) => states.includes(v.status)).length;
    const many = (/** @type {number} */ n, /** @type {string} */ noun) => make("span", {}, `${n.toLocaleString("en")} ${noun}${n === 1 ? "" : "s"}`);
    const open = count("pending", "processing", "uploading");
    const failed = count("failed");
    const kept = all("[data-kept]", line);
    line.replaceChildren(many(store.assets.length, "asset"), many(variants.length, "variant"),
      ...(open ? [make("span", { class: "running" }, `${open} in the making`)] : []),
      ...(failed ? [make("a", { class: "failed", href: `/spaces/${spaceId}/?state=failed` }, `${failed} failed`)] : []), ...kept);
  }, FIGURES / 10);
}

store.addEventListener("state", () => { drawFaces(); drawFigures(); rename(); });
store.addEventListener("presence", drawFaces);
store.addEventListener("change", (/** @type {any} */ { detail }) => {
  if (detail.noun === "member" || detail.noun === "asset") drawFaces();
  if (detail.noun === "variant" || detail.noun === "asset") drawFigures();
  if (detail.noun === "space") rename();
  if (detail.noun === "variant" && detail.before && detail.thing && detail.before.status !== detail.thing.status) {
    const asset = store.asset(detail.thing.asset_id);
    if (detail.thing.status === "completed") mention(`A picture of ${asset?.name ?? "an asset"} is ready.`);
    if (detail.thing.status === "failed") mention(`A picture of ${asset?.name ?? "an asset"} failed.`);
  }
  if (detail.noun === "member" && String(detail.id) === document.body.dataset.user && detail.thing && detail.thing.role !== role) location.reload();
});
store.addEventListener("gone", () => { location.href = "/spaces/"; });
store.addEventListener("waiting", (/** @type {any} */ { detail }) => {
  room.dataset.waiting = String(detail.count);
});

function rename() {
  const name = one("#room-name");
  if (name && store.space) name.textContent = store.space.name;
}

document.addEventListener("click", (/** @type {any} */ event) => {
  const button = event.target.closest("[data-copy-value]");
  if (button) copy(one(button.dataset.copyValue).value);
});
addEventListener("pagehide", () => store.look(null));
if (room.dataset.tab !== "board" || !one("#tiles")) store.look(null);
for (const [place, link] of all(".room .tabs a").entries()) {
  bind("everywhere", `Alt+${place + 1}`, `Go to ${link.textContent}`, () => link.click());
}
for (const box of all(".picture-choices [name=artifact]")) {
  box.addEventListener("change", () => {
    const boxes = all(".picture-choices [name=artifact]");
    const count = boxes.filter((/** @type {any} */ one_) => one_.checked).length;
    one("#style-count").textContent = `${count} of 5`;
    for (const other of boxes) other.disabled = !other.checked && count >= 5;
  });
}
if (room.dataset.tab === "activity") {
  // whoever did it, the page tells it as it will when it is opened again
  store.addEventListener("change", (/** @type {any} */ { detail }) => { if (detail.by !== "me") refreshAll("activity"); });
}
export { icon };
