// Joins the page to the live client, and says in words how things stand between them.

import { poll, receive, receiveState } from "./live.js";
import { one } from "./ui.js";

const wire = one("#wire");
const FRAMES = ["generation:created", "generation:updated", "generation:deleted", "artifact:updated"];

/** @param {string} state @param {string} word @param {string} [more] */
function show(state, word, more = "") {
  wire.hidden = false;
  wire.dataset.state = state;
  wire.replaceChildren(word);
  if (more) {
    const rest = document.createElement("span");
    rest.className = "more";
    rest.textContent = more;
    wire.append(rest);
  }
}

export { FRAMES, poll, receive, receiveState, show };
