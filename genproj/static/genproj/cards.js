// Assets as the board shows them: each with the variant that stands for it, what is being made, and
// what lies below it. Worked out anew from the live state whenever that has changed.

import { store } from "./room.js";

const OPEN = new Set(["pending", "processing", "uploading"]);
const LONG_AGO = "";
const ORDER = new Intl.Collator("en", { numeric: true });

/**
 * @typedef {object} Card
 * @property {string} id
 * @property {any} asset
 * @property {any} shown the variant that stands for it
 * @property {any[]} variants the oldest first
 * @property {any} newest
 * @property {number} open
 * @property {number} failed
 * @property {number} children
 * @property {boolean} starred
 * @property {string} state
 * @property {string} words what it is found by, once somebody has looked for something
 * @property {string} at when something last happened to it
 */

/** @param {any} variant */
export const isOpen = (variant) => OPEN.has(variant?.status);

/** In the order of an asset's strip. @param {any} a @param {any} b */
export const byPosition = (a, b) => a.position - b.position || a.created_at.localeCompare(b.created_at) || a.id.localeCompare(b.id);

/** All cards as they were made last; null when all are to be made anew. @type {Map<string, Card> | null} */
let made = null;
/** Who lies below whom, until an asset changes. @type {Map<string, Card[]> | null} */
let kin = null;
/** Assets whose card alone is to be made anew. @type {Set<string>} */
const stale = new Set();

function forget() { made = kin = null; stale.clear(); }

/** One change among thousands of things costs its own card. @param {any} detail */
function touch({ noun, id, thing, before }) {
  if (noun === "variant") {
    const ids = [thing?.asset_id, before?.asset_id].filter(Boolean);
    if (!ids.length || !made) forget();
    for (const asset of ids) stale.add(asset);
  } else if (noun === "asset") {
    const card = made?.get(id);
    kin = null;
    if (card && thing && card.asset.parent_asset_id === thing.parent_asset_id) stale.add(id);
    else forget();
  }
}
store.addEventListener("state", forget);
store.addEventListener("change", (/** @type {any} */ { detail }) => touch(detail));

/** @param {any} asset @returns {Card} */
const empty = (asset) => ({ id: asset.id, asset, shown: null, variants: [], newest: null, open: 0, failed: 0, children: 0, starred: false, state: "empty", words: "", at: asset.created_at || "9" });

/** @param {Map<string, Card>} found those that are to be filled with their variants */
function fill(found) {
  for (const variant of store.things.variants.values()) {
    const card = found.get(variant.asset_id);
    if (!card) continue;
    card.variants.push(variant);
    if (variant.id === card.asset.active_variant_id) card.shown = variant;
    if (isOpen(variant)) card.open += 1;
    if (variant.status === "failed") card.failed += 1;
    if (variant.starred) card.starred = true;
    if (!card.newest || (variant.created_at || LONG_AGO) >= card.newest.created_at) card.newest = variant;
  }
  for (const card of found.values()) if (card.newest) card.state = card.newest.status;
}

/** @returns {Map<string, Card>} */
export function cards() {
  if (made) {
    const changed = new Map();
    for (const id of stale) if (made.has(id) && store.asset(id)) changed.set(id, { ...empty(store.asset(id)), children: made.get(id)?.children });
    if (changed.size) fill(changed);
    for (const [id, card] of changed) Object.assign(/** @type {Card} */ (made.get(id)), card);
    stale.clear();
    return made;
  }
  stale.clear();
  made = new Map(store.assets.map((/** @type {any} */ asset) => [asset.id, empty(asset)]));
  fill(made);
  for (const card of made.values()) {
    const parent = made.get(card.asset.parent_asset_id);
    if (parent) parent.children += 1;
  }
  return made;
}

/** @param {Card} card @param {URLSearchParams} asked @param {Set<string> | null} below */
export function matches(card, asked, below) {
  const { asset } = card;
  const q = (asked.get("q") || "").toLowerCase();
  if (q) {
    card.words ||= `${asset.name} ${asset.asset_type} ${asset.tags.join(" ")} ${card.shown?.recipe?.prompt ?? ""}`.toLowerCase();
    if (!card.words.includes(q)) return false;
  }
  if (asked.get("type") && asset.asset_type !== asked.get("type")) return false;
  if (asked.get("tag") && !asset.tags.includes(asked.get("tag"))) return false;
  if (asked.get("by") && asset.created_by !== asked.get("by")) return false;
  if (asked.get("starred") && !card.starred) return false;
  const state = asked.get("state");
  if (state === "making" && !card.open) return false;
  if (state === "failed" && !card.failed) return false;
  if (state === "empty" && card.variants.length) return false;
  if (state === "completed" && !card.shown) return false;
  return !below || below.has(card.id);
}

/** Who lies below whom. @param {Map<string, Card>} known @returns {Map<string, Card[]>} */
export function childrenOf(known) {
  if (kin && known === made) return kin;
  /** @type {Map<string, Card[]>} */
  const found = new Map([["", []]]);
  for (const card of known.values()) {
    const parent = known.has(card.asset.parent_asset_id) ? card.asset.parent_asset_id : "";
    if (!found.has(parent)) found.set(parent, []);
    found.get(parent)?.push(card);
  }
  for (const list of found.values()) if (list.length > 1) list.sort((a, b) => ORDER.compare(a.asset.name, b.asset.name));
  if (known === made) kin = found;
  return found;
}

/** An asset and all below it. @param {string} id @param {Map<string, Card[]>} children @returns {Set<string>} */
export function within(id, children) {
  const found = new Set([id]);
  const left = [id];
  while (left.length) {
    for (const card of children.get(left.pop() || "") || []) {
      if (!found.has(card.id)) { found.add(card.id); left.push(card.id); }
    }
  }
  return found;
}

/** An asset's parents, the topmost first. @param {string} id @param {Map<string, Card>} known @returns {Card[]} */
export function path(id, known) {
  const found = [];
  for (let card = known.get(id); card && !found.includes(card); card = known.get(card.asset.parent_asset_id)) found.unshift(card);
  return found;
}

export const FAILURES = {
  content_blocked: "The provider refused the prompt (safety).",
  api_rejected: "The provider refused this request.",
  rate_limited: "The provider’s quota is used up for now.",
  http_error: "The provider could not be reached.",
  timeout: "The provider took too long.",
  dispatch_unknown: "The provider’s answer was lost; it may have been billed.",
  fetch_failed: "The finished picture could not be fetched.",
  storage_failed: "The picture could not be kept.",
};

/** Why a variant failed. @param {any} variant */
export function failure(variant) {
  return FAILURES[/** @type {keyof typeof FAILURES} */ (variant?.error?.code)] ?? "The picture could not be made.";
}

export const RATINGS = {
  approved: ["Approved", "done", "check"],
  rejected: ["Rejected", "failed", "cross"],
  needs_changes: ["Needs changes", "partial", "pencil"],
};
