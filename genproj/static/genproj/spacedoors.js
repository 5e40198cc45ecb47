// What is asked of a space over the JSON API, while no socket comes through: the same wish under the
// same id, so that however often it is sent it is done once.

import { call, Problem } from "./http.js";

/**
 * A frame as a request: method, path below the space, body, and the noun that a bare answer is.
 * @typedef {[string, string, any?, string?]} Request
 * @type {Record<string, (frame: any, store: any) => Request>}
 */
const DOORS = {
  "asset:create": ({ name, asset_type, parent_asset_id = null, tags = [] }) => ["POST", "assets/", { name, asset_type, parent_asset_id, tags }, "asset"],
  "asset:update": ({ asset_id, changes, name, asset_type, tags, parent_asset_id }) => ["PATCH", `assets/${asset_id}/`, { name, asset_type, tags, parent_asset_id, ...changes }, "asset"],
  "asset:delete": ({ asset_id }) => ["DELETE", `assets/${asset_id}/`],
  "asset:setActive": ({ asset_id, variant_id }) => ["PUT", `assets/${asset_id}/active/`, { variant_id }, "asset"],
  "asset:fork": ({ source_asset_id, source_variant_id, name, asset_type, parent_asset_id = null }, store) =>
    ["POST", `assets/${source_asset_id ?? store.variant(source_variant_id)?.asset_id}/fork/`, { source_variant_id, name, asset_type, parent_asset_id }],
  "variant:star": ({ variant_id, starred }) => ["PATCH", `variants/${variant_id}/`, { starred }, "variant"],
  "variant:rate": ({ variant_id, rating, comment = "" }) => ["PATCH", `variants/${variant_id}/`, { rating, comment }, "variant"],
  "variant:delete": ({ variant_id }) => ["DELETE", `variants/${variant_id}/`],
  "variant:retry": ({ variant_id }) => ["POST", `variants/${variant_id}/retry/`, {}, "variant"],
  "lineage:sever": ({ lineage_id }) => ["POST", `lineage/${lineage_id}/sever/`, {}, "lineage"],
};

/** What does something more each time it is done: its answer is waited for where it was asked. */
const ONCE = new Set(["asset:create", "asset:fork", "variant:retry"]);

/** Whether there is a door for it. @param {any} frame */
export const hasDoor = (frame) => frame.type in DOORS;

/** Whether it must not go two ways. @param {any} frame */
export const isOnce = (frame) => ONCE.has(frame.type);

/** Whether the same is to be asked again: nobody has judged it. @param {any} problem */
export const isUnheard = (problem) => !(problem instanceof Problem) || problem.retryable || problem.status === 401 || problem.status >= 500;

/**
 * Ask by the API. @param {any} store @param {any} frame @returns {Promise<any>} the fields of an ack
 */
export async function knock(store, frame) {
  const [method, path, body, noun] = DOORS[frame.type](frame, store);
  const address = `spaces/${store.id}/${path}`;
  const headers = { "Idempotency-Key": frame.request_id };
  if (frame.version) headers["If-Match"] = await mark(address, frame.version);
  const answer = await call(method, address, body, headers);
  return noun ? { [noun]: answer } : answer ?? {};
}

/** The mark of a thing at a version; refused when it is at another. @param {string} address @param {number} version */
async function mark(address, version) {
  const response = await fetch(`/api/v1/${address}`, { headers: { Accept: "application/json" }, credentials: "same-origin" });
  const thing = await response.json();
  if (!response.ok) throw new Problem(response.status, thing);
  if (thing.version !== version) throw new Problem(412, { code: "version_conflict", detail: "Somebody changed it meanwhile." });
  return response.headers.get("ETag") || "";
}
