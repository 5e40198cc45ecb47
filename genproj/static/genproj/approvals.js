// Proposals on a page: decided without leaving it, by hand or by key; each counts down to its end.

import { call, Problem } from "./http.js";
import { bind } from "./keys.js";
import { refresh, refreshAll } from "./live.js";
import { all, make, one, say, toast } from "./ui.js";

const POLL = 5000;
/** At what version a form was begun to be filled in. @type {WeakMap<HTMLFormElement, string>} */
const begun = new WeakMap();
let held = "";

/** @param {Element} element @returns {any} */
const cardOf = (element) => element.closest("[data-approval]");

/** @param {number} seconds */
function left(seconds) {
  if (seconds <= 0) return "now";
  const whole = Math.floor(seconds);
  if (whole < 60) return `in ${whole} s`;
  if (whole < 3600) return `in ${Math.floor(whole / 60)} min ${whole % 60} s`;
  if (whole < 172_800) return `in ${Math.floor(whole / 3600)} h ${Math.floor((whole % 3600) / 60)} min`;
  return `in ${Math.floor(whole / 86_400)} days`;
}

/** Bring every countdown up to now; what has run out is looked at again. */
function count() {
  if (document.hidden) return;
  for (const time of all("time[data-until]")) {
    const seconds = (Date.parse(time.dateTime) - Date.now()) / 1000;
    const text = left(seconds);
    if (time.textContent !== text) time.textContent = text;
    if (seconds <= 0 && !time.dataset.over) { time.dataset.over = "1"; refreshAll("approval"); }
  }
}

/** Say in the card what is wrong, and lead to the field. @param {HTMLFormElement} form @param {Problem} problem */
function show(form, problem) {
  const card = cardOf(form);
  const place = card && one("[data-refusal]", card);
  if (!place) { toast(problem.message); return; }
  if (problem.code === "already_decided") { say(problem.message); toast(problem.message); return; }
  place.replaceChildren(...(problem.errors.length ? [] : [make("p", {}, problem.message)]));
  for (const row of problem.errors) {
    const pointer = `/${row.pointer.split("/")[1] || ""}`;
    const field = one(`[data-pointer="${CSS.escape(pointer)}"]`, form);
    const name = field?.closest(".field")?.querySelector("label, legend")?.textContent || pointer.slice(1);
    place.append(make("p", {}, `${name}: ${row.detail}`));
    field?.setAttribute("aria-invalid", "true");
  }
  one("[aria-invalid=true]", form)?.focus();
}

/** What was decided is shown at once, and by its frame to everybody else. @param {Element} form */
async function around(form) {
  const region = form.closest("[data-live]");
  const id = cardOf(form)?.dataset.approval;
  if (region) await refresh(region);
  if (id && (document.activeElement === document.body || !document.activeElement)) one(`[data-approval="${id}"]`)?.focus({ preventScroll: true });
}

/** @param {HTMLFormElement} form @param {HTMLButtonElement | null} button */
async function send(form, button) {
  if (form.dataset.sending) return;
  form.dataset.sending = "1";
  const body = new FormData(form, button);
  const version = begun.get(form);
  if (version) body.set("version", version);
  const card = cardOf(form);
  if (card) { one("[data-refusal]", card).replaceChildren(); card.setAttribute("aria-busy", "true"); }
  for (const field of all("[aria-invalid]", form)) field.removeAttribute("aria-invalid");
  try {
    const answer = await call("POST", new URL(form.action).pathname, body);
    begun.delete(form);
    say(answer.said);
    if ("approveAll" in form.dataset) toast(answer.said);
    form.closest("details.more")?.removeAttribute("open");
    await around(form);
  } catch (problem) {
    const told = problem instanceof Problem ? problem : new Problem(0, { detail: "That did not work. Try again." });
    if (told.status === 409 || told.status === 412) await around(form);
    if (told.status === 412) begun.delete(form); // seen now: sent again it is meant
    show(form, told);
  }
  card?.removeAttribute("aria-busy");
  delete form.dataset.sending;
}

/** @param {SubmitEvent} event */
function onSubmit(event) {
  const form = /** @type {HTMLFormElement} */ (event.target);
  if (!("decide" in form.dataset) && !("approveAll" in form.dataset)) return;
  event.preventDefault();
  send(form, /** @type {HTMLButtonElement | null} */ (event.submitter));
}

/** The card that somebody stands on does what a key says. @param {string} verb */
function act(verb) {
  const card = cardOf(/** @type {Element} */ (document.activeElement));
  const form = card && one(`form[data-verb=${verb}]`, card);
  if (form) form.requestSubmit(one(`button[value=${verb}]`, form));
}

/** Who stands on a card goes on standing on it, though it is drawn anew. */
function hold() {
  document.addEventListener("focusin", (event) => { held = cardOf(/** @type {Element} */ (event.target))?.dataset.approval || ""; });
  document.addEventListener("pointerdown", (event) => { if (!cardOf(/** @type {Element} */ (event.target))) held = ""; });
  new MutationObserver(() => {
    count();
    if (!held || document.activeElement !== document.body) return;
    one(`[data-approval="${CSS.escape(held)}"]`)?.focus({ preventScroll: true });
  }).observe(one("#main"), { childList: true, subtree: true });
}

/** An address may name a card. */
function reach() {
  const card = location.hash.startsWith("#approval-") && one(`[id="${CSS.escape(location.hash.slice(1))}"]`);
  if (card) { card.scrollIntoView({ block: "center" }); card.focus({ preventScroll: true }); }
}

document.addEventListener("submit", onSubmit);
document.addEventListener("input", (event) => {
  const form = /** @type {Element} */ (event.target).closest?.("form[data-edit]");
  if (form instanceof HTMLFormElement && !begun.has(form)) begun.set(form, String(new FormData(form).get("version")));
});
document.addEventListener("keydown", (event) => {
  const open = event.key === "Escape" && /** @type {Element} */ (event.target).closest?.(".proposal details.more[open]");
  if (open) { open.removeAttribute("open"); one("summary", open).focus(); }
});
document.addEventListener("toggle", (event) => {
  const details = /** @type {HTMLDetailsElement} */ (event.target);
  if (details.matches?.(".proposal details.more") && details.open && details.contains(document.activeElement)) one("input:not([type=hidden]), textarea, select", details)?.focus();
}, true);
bind("card", "y", "Approve the proposal", () => act("approve"));
bind("card", "Shift+N", "Reject the proposal", () => act("reject"));
// The page of all spaces has no stream of its own: others' decisions are asked after.
if (one("[data-asks]")) setInterval(() => { if (!document.hidden && one(".proposal[data-status=pending]")) refreshAll("approval"); }, POLL);
setInterval(count, 1000);
count();
hold();
reach();
