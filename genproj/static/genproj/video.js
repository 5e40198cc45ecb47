// Films on a page: their forms are sent without leaving it, and while there is no socket each is asked after.

import { call, part, Problem } from "./http.js";
import { refreshAll, refresh } from "./live.js";
import { all, make, memory, one, toast } from "./ui.js";

const POLL = 5000;
const MOST_GUESSED = 95;
/** How long after one's own act the page moves to what has become of it. */
const FRESH = 3000;
/** What was last heard of each film, by its address. @type {Map<string, string>} */
const heard = new Map();
let polling = 0;
let actedAt = 0;

/** @param {Element} form where a refusal is told @returns {HTMLElement | null} */
const refusalOf = (form) => one("[data-refusal]", form.closest(".film") || document.createElement("div"));

/** Say under each field what is wrong with it, and lead there. @param {HTMLFormElement} form @param {Problem} problem */
function show(form, problem) {
  const place = refusalOf(form);
  if (!place) { toast(problem.message); return; }
  const words = problem.errors.length ? problem.errors.map((row) => row.detail) : [problem.message];
  place.replaceChildren(make("p", {}, problem.errors.length ? "Some answers cannot be taken." : words[0]));
  for (const row of problem.errors) {
    const field = one(`[data-pointer="${CSS.escape(row.pointer)}"]`, form);
    const name = field?.closest(".field")?.querySelector("label, legend")?.textContent || row.pointer.split("/").pop();
    place.append(make("p", {}, `${name}: ${row.detail}`));
    field?.setAttribute("aria-invalid", "true");
  }
  if (problem.replacement) place.append(make("p", {}, `Take ${problem.replacement} instead.`));
  one("[aria-invalid=true]", form)?.focus();
}

/** A form of a film. @param {SubmitEvent} event */
async function onSubmit(event) {
  const form = /** @type {HTMLFormElement} */ (event.target);
  if (!("filmForm" in form.dataset)) return;
  event.preventDefault();
  if (form.dataset.sending) return;
  form.dataset.sending = "1";
  refusalOf(form)?.replaceChildren();
  for (const field of all("[aria-invalid]", form)) field.removeAttribute("aria-invalid");
  try {
    const body = new FormData(form, event.submitter);
    const answer = await call("POST", new URL(form.action).pathname, body);
    const verb = body.get("act");
    actedAt = Date.now();
    if (verb === "delete") toast(answer.said, { label: "Undo", act: () => bringBack(form) });
    else if (answer.is_new && !one("#messages")) { location.href = answer.url; return; }
    else if (answer.said && !form.closest(".film")) toast(answer.said);
    form.closest("details.more")?.removeAttribute("open");
    await around(form);
    refreshAll();
  } catch (problem) {
    if (problem instanceof Problem && [409, 410].includes(problem.status)) await around(form);
    show(form, problem instanceof Problem ? problem : new Problem(0, { detail: "That did not work. Try again." }));
  }
  delete form.dataset.sending;
}

/** Bring the part of the page that a form stands in up to now. @param {Element} form */
async function around(form) {
  const region = form.closest("[data-live]");
  if (region) await refresh(region);
}

/** @param {HTMLFormElement} form */
async function bringBack(form) {
  const body = new FormData(form);
  body.set("act", "restore");
  await call("POST", new URL(form.action).pathname, body);
  toast("Restored.");
  refreshAll();
}

/** Who stands on a card goes on standing on it, though it is drawn anew or under a newer message. */
function hold() {
  let held = "";
  document.addEventListener("focusin", (event) => {
    const card = /** @type {HTMLElement | null} */ (/** @type {Element} */ (event.target).closest(".film"));
    held = card?.dataset.film || "";
  });
  document.addEventListener("pointerdown", (event) => {
    if (!(/** @type {Element} */ (event.target).closest(".film"))) held = "";
  });
  new MutationObserver(() => {
    if (!held || document.activeElement !== document.body) return;
    one(`[data-film="${CSS.escape(held)}"]`)?.focus({ preventScroll: Date.now() - actedAt > FRESH });
  }).observe(one("#main"), { childList: true, subtree: true });
}

/** Another model has other fields. @param {Event} event */
async function onChange(event) {
  const select = /** @type {HTMLSelectElement} */ (event.target);
  if (!select.dataset?.fields) return;
  const fields = one(".fields", select.form || document);
  const kept = new FormData(select.form || undefined);
  fields.replaceChildren(await part(`${select.dataset.fields}&model=${encodeURIComponent(select.value)}`));
  for (const field of all("input, textarea", fields)) {
    const value = kept.get(field.name);
    if (value === null) continue;
    if (field.type === "radio") { if (field.value === value) field.checked = true; } else field.value = String(value);
  }
}

/** Ask after every film on the page that has not come to its end. */
async function poll() {
  if (document.hidden) return;
  const addresses = new Set(all("[data-poll]").map((card) => card.dataset.poll));
  for (const address of addresses) {
    try {
      const answer = await fetch(address, { headers: { Accept: "application/json" }, cache: "no-cache" });
      if (!answer.ok) continue;
      const mark = answer.headers.get("ETag") || await answer.clone().text();
      const known = heard.get(address);
      heard.set(address, mark);
      if (known === mark) continue;
      refreshAll("video", (await answer.json()).id);
    } catch {
      // the connection indicator says what is the matter; the next round asks again
    }
  }
}

/** @param {CustomEvent<{state: string}>} event */
function onConnection({ detail }) {
  const without = detail.state === "polling" || detail.state === "offline";
  if (without && !polling) { polling = window.setInterval(poll, POLL); poll(); }
  if (!without && polling) { clearInterval(polling); polling = 0; heard.clear(); }
}

/** An estimate goes on between two answers, by the same rule as the server's. */
function goOn() {
  if (document.hidden) return;
  for (const bar of all("progress[data-begun]")) {
    const elapsed = (Date.now() - Date.parse(bar.dataset.begun)) / 1000;
    const percent = Math.min(MOST_GUESSED, Math.floor(100 * elapsed / Number(bar.dataset.seconds)));
    if (percent <= bar.value) continue;
    bar.value = percent;
    const words = one("[data-percent]", bar.parentElement);
    if (words) words.textContent = String(percent);
  }
}

/** How loud films are is remembered. @param {Event} event */
function remember(event) {
  const film = /** @type {HTMLVideoElement} */ (event.target);
  if (film.volume !== memory.get("volume", 1)) memory.set("volume", film.volume);
}

/** @param {Event} event */
function recall(event) {
  const film = /** @type {HTMLVideoElement} */ (event.target);
  if (film.tagName !== "VIDEO") return;
  film.volume = memory.get("volume", 1);
  // A film that has just come has no poster yet: without one its first picture is shown.
  const poster = new Image();
  poster.addEventListener("error", () => film.removeAttribute("poster"));
  if (film.poster) poster.src = film.poster;
}

document.addEventListener("submit", onSubmit);
document.addEventListener("change", onChange);
document.addEventListener("connection", (event) => onConnection(/** @type {CustomEvent} */ (event)));
document.addEventListener("volumechange", remember, true);
document.addEventListener("loadedmetadata", recall, true);
setInterval(goOn, 1000);
hold();
