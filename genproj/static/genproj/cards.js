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
 * @property {string} at when something last happened to it
 */

/** @param {any} variant */
export const isOpen = (variant) => OPEN.has(variant?.status);

/** In the order of an asset's strip. @param {any} a @param {any} b */
export const byPosition = (a, b) => a.position - b.position || a.created_at.localeCompare(b.created_at) || a.id.localeCompare(b.id);

/** @returns {Map<string, Card>} */
export function cards() {
  /** @type {Map<string, Card>} */
  const found = new Map();
  for (const asset of store.assets) {
    found.set(asset.id, { id: asset.id, asset, shown: null, variants: [], newest: null, open: 0, failed: 0, children: 0, starred: false, state: "empty", at: asset.created_at || "9" });
  }
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
  for (const card of found.values()) {
    const parent = found.get(card.asset.parent_asset_id);
    if (parent) parent.children += 1;
    if (card.newest) card.state = card.newest.status;
  }
  return found;
}

/** @param {Card} card @param {URLSearchParams} asked @param {Set<string> | null} below */
export function matches(card, asked, below) {
  const { asset } = card;
  const q = (asked.get("q") || "").toLowerCase();
  if (q && !`${asset.name} ${asset.asset_type} ${asset.tags.join(" ")} ${card.shown?.recipe?.prompt ?? ""}`.toLowerCase().includes(q)) return false;
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
  /** @type {Map<string, Card[]>} */
  const found = new Map([["", []]]);
  for (const card of known.values()) {
    const parent = known.has(card.asset.parent_asset_id) ? card.asset.parent_asset_id : "";
    if (!found.has(parent)) found.set(parent, []);
    found.get(parent)?.push(card);
  }
  for (const list of found.values()) if (list.length > 1) list.sort((a, b) => ORDER.compare(a.asset.name, b.asset.name));
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
