// An exported space on its way in: how much of it has gone up, then how long it is being looked through.

import { make, icon, one } from "./ui.js";

const form = one("#import");
const file = one("#import-file");
const bar = one("#import-progress");
const phase = one("#import-phase");
/** @type {XMLHttpRequest | null} fetch() does not tell how much has gone up */
let request = null;

/** @param {number} bytes */
const size = (bytes) => bytes < 1e6 ? `${Math.ceil(bytes / 1e3)} kB` : `${(bytes / 1e6).toFixed(bytes < 1e7 ? 1 : 0)} MB`;

/** @param {string} words */
function say(words) { if (phase.textContent !== words) phase.textContent = words; }

/** @param {boolean} on */
function going(on) {
  one("#import-going").hidden = one("#import-stop").hidden = !on;
  one("#import-send").disabled = file.disabled = on;
  if (!on) request = null;
}

/** @param {string} what @param {string} why */
function refuse(what, why) {
  going(false);
  one("#import-refused").replaceChildren(make("div", { class: "problem" }, icon("failed"), make("p", { class: "what" }, what), make("p", {}, why)));
  file.focus();
}

/** @param {ProgressEvent} event */
function went({ loaded, total }) {
  if (loaded >= total) { sent(); return; }
  bar.value = loaded / total;
  say(`Sending: ${size(loaded)} of ${size(total)}`);
}

/** How long the rest takes nobody knows. */
function sent() {
  bar.removeAttribute("value");
  one("#import-stop").hidden = true; // it would be made all the same
  say("Looking through it and putting its pictures away. A large space takes some minutes.");
}

function came() {
  const answer = (() => { try { return JSON.parse(request?.responseText || ""); } catch { return {}; } })();
  if (answer.url) { say("Done."); location.href = answer.url; return; }
  const why = request?.status === 413 ? "The file is larger than is taken here." : "The server did not answer as it should. Try again in a minute.";
  refuse("It was not imported", answer.detail || why);
}

form.addEventListener("submit", (/** @type {Event} */ event) => {
  event.preventDefault();
  if (request) return;
  const [chosen] = file.files;
  one("#import-refused").replaceChildren();
  if (chosen.size > Number(form.dataset.most)) { refuse("It was not imported", "The file is larger than is taken here."); return; }
  const body = new FormData(form);
  request = new XMLHttpRequest();
  request.upload.addEventListener("progress", went);
  request.upload.addEventListener("load", sent);
  request.addEventListener("load", came);
  request.addEventListener("error", () => refuse("It was not sent", "The connection broke. Check it and try again; nothing was imported."));
  request.addEventListener("abort", () => { going(false); one("#import-send").focus(); });
  request.open("POST", form.action);
  request.setRequestHeader("Accept", "application/json");
  request.send(body);
  bar.value = 0;
  say("Sending");
  going(true);
});
one("#import-stop").addEventListener("click", () => request?.abort());
