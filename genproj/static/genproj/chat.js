// The chat: says things without leaving the page, never loses a text, fetches earlier messages.

import { call } from "./http.js";
import { bind } from "./keys.js";
import { refresh, refreshAll } from "./live.js";
import { Saying, stay, toEnd, watch } from "./saying.js";
import { all, memory, mention, one, toast } from "./ui.js";

const form = one("#say");
const field = one("#content");
const chat = one("#chat");
const talk = form?.dataset.talk || "";
const DRAFT = `draft:chat:${document.body.dataset.user}:${talk || "new"}`;
const SOON = 1500;
const POLL = 5000;
let polling = 0;
let state = "live";
let mark = "";

/** The conversation's address; a new one is begun once, however often it is tried. @param {{key: string, id?: string}} attempt */
async function conversationOf(attempt) {
  if (talk || attempt.id) return talk || attempt.id;
  const begun = await call("POST", "conversations/", {}, { "Idempotency-Key": `${attempt.key}-talk` });
  attempt.id = begun.id;
  return begun.id;
}

/** @param {string} content @param {{key: string, id?: string}} attempt */
async function send(content, attempt) {
  const id = await conversationOf(attempt);
  await call("POST", `conversations/${id}/messages/`, { content }, { "Idempotency-Key": attempt.key });
  const region = one("#messages");
  if (!region) { location.href = `/chat/${id}/`; return true; }
  await refresh(region);
  look();
  return false;
}

/** While there is no socket the conversation is asked after: soon while an answer is worked out. */
async function look() {
  clearTimeout(polling);
  if (!talk || state === "live" || state === "reconnecting") return;
  try {
    const answer = await fetch(`/api/v1/conversations/${talk}/`, { headers: { Accept: "application/json" }, cache: "no-cache" });
    const seen = answer.headers.get("ETag") || await answer.text();
    if (answer.ok && seen !== mark) { mark = seen; refreshAll("message", talk); }
  } catch {
    // the connection indicator says what is the matter
  }
  clearTimeout(polling);
  polling = window.setTimeout(look, one("[data-working]") ? SOON : POLL);
}

/** @param {any} frame */
function onMessage(frame) {
  const message = frame?.message;
  if (!message || message.conversation !== talk) return;
  if (message.role === "assistant") mention(message.content.split("\n")[0]);
  if (!document.hidden) call("POST", `conversations/${talk}/read/`).then(() => refreshAll("message", "list")).catch(() => undefined);
}

/** A verb on a conversation. @param {SubmitEvent} event */
async function onVerb(event) {
  const verb = /** @type {HTMLFormElement} */ (event.target);
  if (!("talkForm" in verb.dataset)) return;
  event.preventDefault();
  const body = new FormData(verb);
  const path = new URL(verb.action).pathname;
  try {
    const answer = await call("POST", path, body);
    if (body.get("act") === "rename") {
      one("#talk-title").textContent = String(body.get("title"));
      one("details.menu[open]", chat)?.removeAttribute("open");
      refresh(one("#talk-list"));
      toast(answer.said);
    } else {
      memory.set("talk:gone", body.get("act") === "delete" ? path : "");
      location.href = answer.url;
    }
  } catch (problem) {
    toast(/** @type {Error} */ (problem).message);
  }
}

/** What was thrown away on the page before can be taken back on this one. */
function offerUndo() {
  const path = memory.get("talk:gone", "");
  if (!path) return;
  memory.set("talk:gone", "");
  toast("Moved to the trash.", { label: "Undo", act: async () => {
    const body = new FormData();
    body.set("act", "restore");
    const answer = await call("POST", path, body);
    location.href = answer.url;
  } });
}

/** The list narrows while one types; its address is the search's. @param {Event} event */
function find(event) {
  event.preventDefault();
  const list = one("#talk-list");
  const words = new URLSearchParams({ part: "list", q: one("#find-talk input").value.trim() });
  list.dataset.live = `${location.pathname}?${words}`;
  refresh(list);
}

function toggleList() {
  const open = chat.classList.toggle("listing");
  one("#open-talks").setAttribute("aria-expanded", String(open));
  if (open) one("#talks input").focus();
}

const saying = form ? new Saying({ draft: DRAFT, send }) : null;
for (const example of all("[data-example]")) {
  example.addEventListener("click", (/** @type {Event} */ event) => { event.preventDefault(); saying?.say(example.value); });
}
one("#find-talk").addEventListener("input", find);
one("#find-talk").addEventListener("submit", find);
one("#open-talks").addEventListener("click", toggleList);
document.addEventListener("submit", onVerb);
document.addEventListener("message:created", (event) => onMessage(/** @type {CustomEvent} */ (event).detail));
document.addEventListener("connection", (event) => { state = /** @type {CustomEvent} */ (event).detail.state; look(); });
bind("chat", "Enter", "Send", () => undefined);
bind("chat", "Shift+Enter", "New line", () => undefined);
bind("everywhere", "n", "New conversation", () => { location.href = "/chat/"; });
bind("everywhere", "m", "Write a message", () => field?.focus());
if (one("#messages")) toEnd();
stay(".film :is(input, textarea, select):focus, .film details.more[open]");
watch();
offerUndo();
