// The box of a chat and what is read above it: no text is ever lost, the page stays at its end,
// earlier messages come in above.

import { part, Problem } from "./http.js";
import { newId } from "./spacequeue.js";
import { make, memory, one, tick } from "./ui.js";

const NEAR = 160;

const atEnd = () => innerHeight + scrollY >= document.documentElement.scrollHeight - NEAR;
export const toEnd = () => scrollTo({ top: document.documentElement.scrollHeight });

/** One try to say something; it is said once, however often it is tried. @typedef {{key: string, id?: string}} Attempt */

export class Saying {
  /**
   * @param {object} how
   * @param {string} how.draft under what name an unsent text is kept
   * @param {(content: string, attempt: Attempt) => Promise<boolean | void>} how.send
   *   resolves once it is kept and shown; true: the page is being left
   */
  constructor({ draft, send }) {
    this.form = one("#say");
    this.field = one("#content");
    this.draft = draft;
    this.deliver = send;
    this.saving = 0;
    const kept = memory.get(draft, "");
    if (kept && !this.field.value) { this.field.value = kept; this.note("Draft kept."); }
    this.field.addEventListener("input", () => { this.grow(); clearTimeout(this.saving); this.saving = window.setTimeout(() => this.keep(), 300); });
    this.field.addEventListener("keydown", (/** @type {KeyboardEvent} */ event) => this.onKey(event));
    this.form.addEventListener("submit", (/** @type {SubmitEvent} */ event) => this.onSubmit(event));
    addEventListener("pagehide", () => this.field.value && memory.set(draft, this.field.value));
    this.grow();
  }

  /** @param {string} words */
  note(words) {
    const line = one("#draft");
    if (line) line.textContent = words && `${line.dataset.before || ""}${words}`;
  }

  keep() {
    memory.set(this.draft, this.field.value);
    this.note(this.field.value ? "Draft kept." : "");
  }

  grow() {
    if (CSS.supports("field-sizing", "content")) return;
    this.field.style.height = "auto";
    this.field.style.height = `${this.field.scrollHeight}px`;
  }

  /** @param {KeyboardEvent} event */
  onKey(event) {
    if (event.defaultPrevented || event.key !== "Enter" || event.shiftKey || event.altKey || event.isComposing) return;
    event.preventDefault();
    this.form.requestSubmit(one("#send"));
  }

  /** @param {SubmitEvent} event */
  onSubmit(event) {
    const button = /** @type {HTMLButtonElement | null} */ (event.submitter);
    if (button?.name === "act") return; // another verb of the same form
    event.preventDefault();
    const content = this.field.value.trim();
    if (!content) return;
    // kept until the server has it: a page that is closed now still knows the words
    memory.set(this.draft, content);
    this.field.value = "";
    this.note("");
    this.grow();
    this.say(content);
  }

  /** Say something: it stands there at once, and stays until it is kept. @param {string} content */
  say(content) {
    const line = make("li", {}, make("div", { class: "words" }, content));
    one("#pending").append(line);
    if (one("#said.empty")) one("#said").hidden = true;
    toEnd();
    this.send(content, { key: newId() }, line);
  }

  /** @param {string} content @param {Attempt} attempt @param {HTMLElement} line */
  async send(content, attempt, line) {
    one(".wrong", line)?.remove();
    try {
      const leaving = await this.deliver(content, attempt);
      if (memory.get(this.draft) === content) memory.set(this.draft, "");
      if (leaving) { memory.set(this.draft, this.field.value); return; }
      line.remove();
      toEnd();
    } catch (problem) {
      this.refuse(content, attempt, line, problem instanceof Problem ? problem.message : "That did not work.");
    }
  }

  /** What could not be sent stands there with its reason, to be sent again or taken back. @param {string} content @param {Attempt} attempt @param {HTMLElement} line @param {string} reason */
  refuse(content, attempt, line, reason) {
    const again = make("button", { class: "button", type: "button" }, "Send again");
    const back = make("button", { class: "button quiet", type: "button" }, "Edit");
    again.addEventListener("click", () => this.send(content, attempt, line));
    back.addEventListener("click", () => {
      line.remove();
      this.field.value = this.field.value ? `${content}\n${this.field.value}` : content;
      this.keep();
      this.grow();
      this.field.focus();
    });
    line.append(make("p", { class: "wrong", role: "alert" }, make("span", {}, `Not sent. ${reason}`), again, back));
    toEnd();
  }
}

/** Earlier messages come in above, and what is read stays where it is. @param {HTMLAnchorElement} link */
async function older(link) {
  if (link.dataset.busy) return;
  link.dataset.busy = "1";
  try {
    const address = new URL(link.href);
    address.searchParams.set("part", "older");
    const content = await part(address.pathname + address.search);
    const before = document.documentElement.scrollHeight;
    const at = scrollY;
    link.closest("p")?.remove();
    one("#older").prepend(content);
    scrollTo({ top: at + document.documentElement.scrollHeight - before });
    tick();
    watch();
  } catch {
    delete link.dataset.busy;
  }
}

const sight = new IntersectionObserver((seen) => {
  for (const entry of seen) if (entry.isIntersecting) older(/** @type {HTMLAnchorElement} */ (entry.target));
}, { rootMargin: "200px 0px 0px" });

/** Fetch earlier messages as soon as somebody comes near them. */
export function watch() {
  const link = one("[data-older]");
  if (link && one("#messages")) sight.observe(link);
}

/** The page stays at its end while somebody reads there. @param {string} busy what somebody is at, so that nothing may move */
export function stay(busy) {
  const said = one("#said");
  if (!said || said.classList.contains("empty")) return;
  let end = true;
  let height = 0;
  addEventListener("scroll", () => {
    const now = document.documentElement.scrollHeight;
    if (now === height) end = atEnd(); // what grew meanwhile moved the page, not a person
    height = now;
  }, { passive: true });
  new ResizeObserver(() => { if (end && !one(busy)) toEnd(); }).observe(said);
}
