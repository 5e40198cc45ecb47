// The chat of a space: everybody's words, the answer as it is written, and the proposals in it.

import { call } from "./http.js";
import { bind } from "./keys.js";
import { refresh, refreshAll } from "./live.js";
import { me, spaceId, store } from "./room.js";
import { Saying, stay, toEnd, watch } from "./saying.js";
import { Mentions, Shown } from "./shown.js";
import { all, memory, mention, one, toast } from "./ui.js";

const SOON = 1500;
const POLL = 5000;
const page = one("#space-chat");
const region = one("#messages");
const USER = document.body.dataset.user;
const MODE = `mode:${spaceId}:${USER}`;
const shown = one("#shown") && new Shown();
/** What was whispered of each answer: where each piece begins, and its words. @type {Map<string, Map<number, string>>} */
const whispered = new Map();
let polling = 0;
let state = "live";

// --- the answer as it is written ------------------------------------------------------------------

/** Words that are kept, with the pieces that go on from there. @param {string} id @param {string} text */
function whole(id, text) {
  for (const [at, piece] of [...(whispered.get(id) || [])].sort(([a], [b]) => a - b)) {
    if (at > text.length) break; // something between was missed; the page asks again
    if (at + piece.length > text.length) text = text.slice(0, at) + piece;
  }
  return text;
}

/** @param {string} id */
const lineOf = (id) => one(`[data-message="${CSS.escape(id)}"]`, region);

/** @param {any} frame */
function onDelta({ message_id: id, at, text }) {
  if (!whispered.has(id)) whispered.set(id, new Map());
  whispered.get(id)?.set(at, text);
  const place = one("[data-text]", lineOf(id) || document.createElement("div"));
  if (!place || lineOf(id).dataset.state !== "working") { refreshAll("approval"); return; }
  const now = whole(id, place.textContent);
  if (now.length < at + text.length) refreshAll("approval");
  if (place.textContent !== now) place.textContent = now;
}

/** What is whispered goes on where the page was drawn anew. */
function paint() {
  for (const line of all("[data-message][data-state=working]", region)) {
    const place = one("[data-text]", line);
    const now = place && whole(line.dataset.message, place.textContent);
    if (place && place.textContent !== now) place.textContent = now;
  }
  if (one("[data-working]", region) && !polling) polling = window.setTimeout(look, SOON);
  const facts = one("[data-left]", region);
  if (facts && one("#calls")) one("#calls").textContent = facts.dataset.left;
}

/** @param {any} frame */
function onMessage({ message }) {
  if (!message) return;
  if (message.state === "working" && !message.content) whispered.delete(message.id); // it begins anew
  if (message.state !== "working") whispered.delete(message.id);
  if (message.author && message.author !== me) mention(`${message.author} says: ${message.content.split("\n")[0]}`);
  if (message.role === "assistant" && message.state === "complete" && message.content) mention(message.content.split("\n")[0]);
  refreshAll("approval");
}

/** @param {any} detail */
function onChange({ noun, thing, before }) {
  if (noun === "approval") {
    const decided = thing && before?.status === "pending" && thing.status !== "pending";
    if (decided && thing.decided_by && thing.decided_by !== me) mention(`${thing.decided_by} ${thing.status === "rejected" ? "rejected" : "approved"} a proposal.`);
    if (thing && !before && thing.status === "pending") mention("The assistant proposes something.");
    refreshAll("approval");
  }
  if (noun === "variant" && thing && one(`[data-made="${CSS.escape(thing.id)}"]`)?.dataset.status !== thing.status) {
    if (one(`[data-made="${CSS.escape(thing.id)}"]`) || one('.proposal[data-status="executed"]')) refreshAll("approval");
  }
  if (noun === "space") refreshAll("approval");
}

/** @param {any} frame */
function onProgress(frame) {
  const place = one("[data-phase]", region);
  const variant = store.variant(frame.variant_id);
  const name = variant && store.asset(variant.asset_id)?.name;
  if (place) place.textContent = name ? `Looking at ${name}` : "Looking at a picture";
}

// --- speaking -------------------------------------------------------------------------------------

const mode = () => one("input[name=mode]:checked")?.value || "actor";

/** @param {string} content @param {{key: string}} attempt */
async function send(content, attempt) {
  const body = { content, mode: mode(), context: shown?.context ?? {} };
  await call("POST", `spaces/${spaceId}/chat/`, body, { "Idempotency-Key": attempt.key });
  await refresh(region);
  look();
}

/** A verb of the chat: stop, go on, begin anew. @param {SubmitEvent} event */
async function onVerb(event) {
  const form = /** @type {HTMLFormElement} */ (event.target);
  const button = /** @type {HTMLButtonElement | null} */ (event.submitter);
  if (!("chatForm" in form.dataset) && !(form.id === "say" && button?.name === "act")) return;
  event.preventDefault();
  const body = new FormData();
  body.set("act", button?.value || "");
  if (button) button.disabled = true;
  try {
    const answer = await call("POST", new URL(form.action).pathname, body);
    if (answer.said) toast(answer.said);
    for (const menu of all("details.menu[open]", form)) menu.removeAttribute("open");
    if (button?.value === "clear") { location.reload(); return; }
    await refresh(region);
    look();
  } catch (problem) {
    toast(/** @type {Error} */ (problem).message);
  }
  if (button) button.disabled = false;
  if (document.activeElement === document.body) one("#content")?.focus();
}

function tellMode() {
  const chosen = one("input[name=mode]:checked");
  one("#mode-hint").textContent = chosen?.dataset.meaning || "";
  memory.set(MODE, chosen?.value);
}

// --- without a socket -----------------------------------------------------------------------------

/** The conversation is asked after: soon while an answer is worked out, whose pauses no frame tells. */
async function look() {
  clearTimeout(polling);
  const live = state === "live" || state === "reconnecting";
  const works = Boolean(one("[data-working]"));
  if (!document.hidden && (!live || works)) await refresh(region);
  clearTimeout(polling);
  polling = 0;
  if (!live || one("[data-working]")) polling = window.setTimeout(look, one("[data-working]") ? SOON : POLL);
}

store.addEventListener("chat:delta", (/** @type {any} */ { detail }) => onDelta(detail));
store.addEventListener("chat:progress", (/** @type {any} */ { detail }) => onProgress(detail));
store.addEventListener("chat:message", (/** @type {any} */ { detail }) => onMessage(detail));
store.addEventListener("change", (/** @type {any} */ { detail }) => onChange(detail));
store.addEventListener("state", () => refreshAll("approval"));
store.addEventListener("connection", (/** @type {any} */ { detail }) => { state = detail.state; look(); });
document.addEventListener("submit", onVerb);
new MutationObserver(paint).observe(region, { childList: true, subtree: true, characterData: true });
region.addEventListener("click", (/** @type {any} */ event) => {
  const example = event.target.closest("[data-example]");
  if (!example || !saying) return;
  event.preventDefault();
  saying.say(example.value);
});
if (shown) new Mentions(shown);
const saying = one("#say") && new Saying({ draft: `draft:space:${spaceId}:${USER}`, send });
if (saying) {
  const kept = one(`input[name=mode][value="${memory.get(MODE, "actor")}"]`);
  if (kept) kept.checked = true;
  for (const radio of all("input[name=mode]")) radio.addEventListener("change", tellMode);
  tellMode();
  bind("chat", "Enter", "Send", () => undefined);
  bind("chat", "Shift+Enter", "New line", () => undefined);
  bind("chat", "@", "Show the assistant an asset", () => undefined);
  bind("everywhere", "m", "Write a message", () => one("#content").focus());
}
if (!location.hash && page.dataset.talk) toEnd();
stay(".proposal :is(input, textarea, select):focus, .proposal details[open]");
watch();
