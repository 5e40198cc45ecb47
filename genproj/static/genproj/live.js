// Keeps parts of a page up to date: what a frame touches is asked for again and fitted in.
// While there is no socket the live client polls, and its news come in by the same door.

import { part } from "./http.js";
import { renew } from "./morph.js";
import { all, mention, tick } from "./ui.js";

const SOON = 120;
const APART = 500;

/** @type {Map<Element, number>} */
const due = new Map();
/** @type {WeakMap<Element, number>} */
const turns = new WeakMap();
/** @type {Map<string, {state: string, count: number}>} */
const known = new Map();
/** @type {Set<(generation: any, before: {state: string, count: number} | undefined) => void>} */
const listeners = new Set();
/** @type {WeakMap<Element, number>} */
const doneAt = new WeakMap();
let stale = false;

/** A picture fades in over its colour once it is here; one that will not come says so. @param {Element} root */
export function settlePictures(root) {
  for (const image of /** @type {HTMLImageElement[]} */ (all(root.matches(".tile") ? "img" : ".tile img", root))) {
    if (image.complete && image.naturalWidth) continue;
    image.classList.add("loading");
    image.addEventListener("load", () => image.classList.remove("loading"), { once: true });
    image.addEventListener("error", () => again(image), { once: true });
    if (image.complete) again(image);
  }
  for (const tile of /** @type {HTMLElement[]} */ (root.matches(".tile") ? [root] : all(".tile", root))) {
    tile.style.setProperty("--ratio", tile.dataset.ratio || "1");
  }
}

/** @param {HTMLImageElement} image */
function again(image) {
  const tile = image.closest(".tile");
  if (image.dataset.tried) {
    tile?.classList.add("broken");
    return;
  }
  image.dataset.tried = "1";
  image.addEventListener("error", () => again(image), { once: true });
  image.removeAttribute("srcset");
  setTimeout(() => { image.src = `${image.src.split("#")[0].split("?")[0]}?again`; }, 1500);
}

/** @param {Element} region */
export async function refresh(region) {
  const turn = (turns.get(region) || 0) + 1;
  turns.set(region, turn);
  try {
    const content = await part(/** @type {HTMLElement} */ (region).dataset.live || "");
    if (turns.get(region) !== turn) return; // a later answer has been asked for
    renew(region, content, (added) => settlePictures(added));
    tick();
    doneAt.set(region, Date.now());
  } catch {
    // What stands there stays; the connection indicator says what is the matter.
  }
}

/** Ask for a part again soon; many frames at once are one question. @param {Element} region */
function schedule(region) {
  if (due.has(region)) return;
  const wait = Math.max(SOON, (doneAt.get(region) || 0) + APART - Date.now());
  due.set(region, window.setTimeout(() => { due.delete(region); refresh(region); }, wait));
}

/** Ask for every living part again. @param {string} [kind] @param {string} [id] */
export function refreshAll(kind = "", id = "") {
  if (document.hidden) { stale = true; return; }
  for (const region of /** @type {HTMLElement[]} */ (all("[data-live]"))) {
    if (region.closest("[hidden]")) continue;
    if (kind && !(region.dataset.on || "").split(" ").includes(kind)) continue;
    if (id && region.dataset.about && region.dataset.about !== id) continue;
    schedule(region);
  }
}

/** What waits longer than usual, or for another try, is looked at again though nothing was announced. */
function lookAgain() {
  if (document.hidden) return;
  for (const region of all("[data-live]")) {
    const overdue = all("[data-usual]", region).some((place) => {
      const { slow, deadline, next } = /** @type {HTMLElement} */ (place).dataset;
      return [slow, deadline, next].some((moment) => moment && Date.parse(moment) <= Date.now());
    });
    if (overdue && !region.closest("[hidden]")) schedule(region);
  }
}
setInterval(lookAgain, 5000);

/** Be told of every generation that changes. @param {(generation: any, before: any) => void} listener */
export function onGeneration(listener) { listeners.add(listener); }

/** @param {string} type @param {any} frame */
export function receive(type, frame) {
  const kind = type.split(":")[0];
  const thing = frame?.[kind] || frame || {};
  if (kind === "generation" && thing.state) note(thing);
  const about = { generation: thing.id, video: thing.id, message: thing.conversation }[kind];
  refreshAll(kind, about || "");
}

/** What a page begins anew with: nothing of it is news to be told, all of it is shown. @param {any} state */
export function receiveState(state) {
  for (const generation of state?.generations || []) {
    known.set(generation.id, { state: generation.state, count: generation.artifact_count });
  }
  refreshAll();
}

/** @param {any} generation */
function note(generation) {
  const before = known.get(generation.id);
  known.set(generation.id, { state: generation.state, count: generation.artifact_count });
  const come = generation.artifact_count - (before?.count || 0);
  const noun = generation.kind === "video" ? "film" : "picture";
  if (before && come > 0) mention(come === 1 ? `A ${noun} is ready.` : `${come} ${noun}s are ready.`);
  if (before?.state === "pending" && generation.state === "failed") mention("A generation failed.");
  for (const listener of listeners) listener(generation, before);
}

document.addEventListener("visibilitychange", () => {
  if (!document.hidden && stale) { stale = false; refreshAll(); }
});
