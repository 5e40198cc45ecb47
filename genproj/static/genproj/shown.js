// What the assistant is shown with the next message: chosen by hand, listed exactly, each to be taken away.

import { store, spaceId } from "./room.js";
import { all, icon, make, memory, one, say } from "./ui.js";

const KEPT = `shown:${spaceId}:${document.body.dataset.user}`;
const DRAFT = `maker:${spaceId}::${document.body.dataset.user}`;
const MOST = Number(one("#space-chat").dataset.most);
const MOST_LISTED = 6;

/** @typedef {{kind: "asset" | "variant", id: string}} Thing */

export class Shown {
  constructor() {
    /** @type {{things: Thing[], prompt: string | null}} */
    const kept = memory.get(KEPT, {}) || {};
    /** @type {Thing[]} */
    this.things = kept.things || [];
    this.prompt = kept.prompt ?? null;
    for (const line of all("#shown-list li")) {
      const kind = line.dataset.variant ? "variant" : "asset";
      this.add({ kind, id: line.dataset[kind] }, false);
    }
    one("#pick-shown").addEventListener("click", () => this.pick());
    one("#add-prompt").addEventListener("click", () => this.addPrompt());
    one("#shown-list").addEventListener("click", (/** @type {any} */ event) => this.clicked(event));
    one("#shown-list").addEventListener("input", (/** @type {any} */ event) => { this.prompt = event.target.value; this.keep(); this.count(); });
    const picker = one("#picker");
    one("[data-close]", picker).addEventListener("click", () => picker.close());
    one("#picker-find").addEventListener("input", () => this.list());
    one("#picks").addEventListener("click", (/** @type {any} */ event) => this.picked(event.target.closest("[data-pick]")));
    store.addEventListener("state", () => this.paint());
    store.addEventListener("change", (/** @type {any} */ { detail }) => ["asset", "variant"].includes(detail.noun) && this.paint());
    if (matchMedia("(width < 1100px)").matches) one("#shown").removeAttribute("open");
    this.paint();
  }

  keep() { memory.set(KEPT, { things: this.things, prompt: this.prompt }); }

  /** What a message takes along. @returns {Record<string, any>} */
  get context() {
    const ids = (/** @type {string} */ kind) => this.things.filter((thing) => thing.kind === kind && this.about(thing)).map(({ id }) => id);
    const found = { asset_ids: ids("asset"), variant_ids: ids("variant"), prompt: (this.prompt || "").trim() };
    return Object.fromEntries(Object.entries(found).filter(([, value]) => value.length));
  }

  /** @param {Thing} thing @param {boolean} [paints] */
  add(thing, paints = true) {
    if (this.has(thing)) return;
    if (this.things.length >= MOST) { say(`The assistant is shown at most ${MOST} things.`); return; }
    this.things.push(thing);
    if (paints) { this.keep(); this.paint(); say(`Shown: ${this.about(thing)?.name ?? "one more"}.`); }
  }

  /** @param {Thing} thing */
  remove(thing) {
    this.things = this.things.filter(({ kind, id }) => kind !== thing.kind || id !== thing.id);
    this.keep();
    this.paint();
  }

  /** @param {Thing} thing */
  has(thing) { return this.things.some(({ kind, id }) => kind === thing.kind && id === thing.id); }

  /** What is known of it; null: it is gone. @param {Thing} thing */
  about({ kind, id }) {
    if (!store.space) return { name: "…", thumb: "", note: kind };
    const variant = kind === "variant" ? store.variant(id) : null;
    const asset = store.asset(variant ? variant.asset_id : id);
    if (!asset || (kind === "variant" && !variant)) return null;
    const shown = variant || store.variant(asset.active_variant_id);
    const place = variant ? store.variants(asset.id).findIndex((/** @type {any} */ one_) => one_.id === id) + 1 : 0;
    return { name: variant?.label || asset.name, thumb: shown?.thumb_url || "", note: variant ? `variant ${place}` : asset.asset_type };
  }

  paint() {
    if (store.space) this.things = this.things.filter((thing) => this.about(thing));
    const lines = this.things.map((thing) => {
      const { name, thumb, note } = /** @type {any} */ (this.about(thing));
      const away = make("button", { type: "button", class: "button quiet only", "data-away": `${thing.kind}:${thing.id}`, "aria-label": `Do not show ${name}`, title: "Take away" }, icon("cross"));
      return make("li", {}, thumb ? make("img", { src: thumb, alt: "" }) : make("span", { class: "blank" }, icon("image")),
        make("span", { class: "name" }, name, make("span", { class: "caption muted" }, note)), away);
    });
    const list = one("#shown-list");
    const writing = document.activeElement?.id === "shown-prompt";
    const old = one("#shown-prompt")?.closest("li");
    if (this.prompt !== null) lines.push(writing && old ? old : this.promptLine());
    if (!writing) list.replaceChildren(...lines);
    else { for (const line of [...list.children]) if (line !== old) line.remove(); list.prepend(...lines.slice(0, -1)); }
    this.count();
  }

  promptLine() {
    const box = make("textarea", { id: "shown-prompt", rows: "3", maxlength: "4000", "aria-label": "Prompt", placeholder: "A prompt that you are working on" });
    box.value = this.prompt || "";
    const away = make("button", { type: "button", class: "button quiet only", "data-away": "prompt", "aria-label": "Do not show the prompt", title: "Take away" }, icon("cross"));
    return make("li", { class: "prompt" }, box, away);
  }

  count() {
    const many = this.things.length + (this.prompt === null ? 0 : 1);
    one("#shown-none").hidden = many > 0;
    one("#add-prompt").hidden = this.prompt !== null;
    const sign = one("#shown-count");
    sign.hidden = !many;
    sign.textContent = String(many);
  }

  addPrompt() {
    this.prompt = memory.get(DRAFT, {})?.draft || "";
    this.keep();
    this.paint();
    one("#shown-prompt").focus();
  }

  /** @param {any} event */
  clicked(event) {
    const button = event.target.closest("[data-away]");
    if (!button) return;
    const [kind, id] = button.dataset.away.split(":");
    if (kind === "prompt") { this.prompt = null; this.keep(); this.paint(); } else this.remove({ kind, id });
    (one("#shown-list [data-away]") || one("#pick-shown")).focus();
  }

  // --- choosing -----------------------------------------------------------------------------

  pick() {
    one("#picker-find").value = "";
    this.list();
    one("#picker").showModal();
  }

  /** The assets whose names have these letters; those that begin with them first. @param {string} words */
  found(words) {
    const low = words.trim().toLowerCase();
    const begins = (/** @type {any} */ asset) => Number(!asset.name.toLowerCase().startsWith(low));
    return store.assets.filter((/** @type {any} */ asset) => `${asset.name} ${asset.tags?.join(" ")}`.toLowerCase().includes(low))
      .sort((/** @type {any} */ a, /** @type {any} */ b) => begins(a) - begins(b) || a.name.localeCompare(b.name));
  }

  list() {
    const assets = this.found(one("#picker-find").value).slice(0, 200);
    one("#picks-none").hidden = assets.length > 0;
    one("#picks").replaceChildren(...assets.map((/** @type {any} */ asset) => {
      const thing = /** @type {Thing} */ ({ kind: "asset", id: asset.id });
      const { thumb, note } = /** @type {any} */ (this.about(thing));
      const face = thumb ? make("img", { src: thumb, alt: "", loading: "lazy" }) : make("span", { class: "blank" }, icon("image"));
      return make("li", {}, make("button", { type: "button", "data-pick": asset.id, "aria-pressed": String(this.has(thing)) },
        face, make("span", { class: "name" }, asset.name), make("span", { class: "caption muted" }, note)));
    }));
  }

  /** @param {HTMLElement | null} button */
  picked(button) {
    if (!button) return;
    const thing = /** @type {Thing} */ ({ kind: "asset", id: button.dataset.pick || "" });
    if (this.has(thing)) this.remove(thing); else this.add(thing);
    button.setAttribute("aria-pressed", String(this.has(thing)));
  }
}

/** `@` in the box offers assets by name; the chosen one is shown to the assistant, its name stands in the text. */
export class Mentions {
  /** @param {Shown} shown */
  constructor(shown) {
    this.shown = shown;
    this.field = one("#content");
    this.box = one("#choices");
    this.at = 0;
    // a box of several lines may not be a combobox; what it offers is told aloud instead
    for (const [name, value] of [["aria-autocomplete", "list"], ["aria-controls", "choices"]]) this.field.setAttribute(name, value);
    this.field.addEventListener("input", () => this.look());
    this.field.addEventListener("blur", () => setTimeout(() => this.close(), 150));
    this.field.addEventListener("keydown", (/** @type {KeyboardEvent} */ event) => this.onKey(event), true);
    this.box.addEventListener("mousedown", (/** @type {any} */ event) => {
      event.preventDefault();
      this.take(event.target.closest("[role=option]"));
    });
    one("#mention").addEventListener("click", () => {
      const { value, selectionStart: at } = this.field;
      this.field.focus();
      this.field.setRangeText(at && !/\s/.test(value[at - 1]) ? " @" : "@", at, at, "end");
      this.look();
    });
  }

  /** The letters behind the last @ before the cursor; null: there is none. */
  get word() {
    const before = this.field.value.slice(0, this.field.selectionStart);
    return before.match(/(?:^|\s)@([^@\n]{0,40})$/)?.[1] ?? null;
  }

  look() {
    const found = this.word === null ? [] : this.shown.found(this.word).slice(0, MOST_LISTED);
    if (!found.length) { this.close(); return; }
    this.box.replaceChildren(...found.map((/** @type {any} */ asset, /** @type {number} */ place) => {
      const { thumb, note } = /** @type {any} */ (this.shown.about({ kind: "asset", id: asset.id }));
      return make("div", { role: "option", id: `choice-${place}`, "data-asset": asset.id, "aria-selected": "false" },
        thumb ? make("img", { src: thumb, alt: "" }) : make("span", { class: "blank" }, icon("image")), make("span", {}, asset.name), make("span", { class: "caption muted" }, note));
    }));
    if (this.box.hidden) say("Assets are offered; the arrow keys choose, Enter takes one.");
    this.box.hidden = false;
    this.mark(0);
  }

  /** @param {number} place */
  mark(place) {
    const options = all("[role=option]", this.box);
    this.at = (place + options.length) % options.length;
    for (const [index, option] of options.entries()) option.setAttribute("aria-selected", String(index === this.at));
    this.field.setAttribute("aria-activedescendant", `choice-${this.at}`);
  }

  close() {
    this.box.hidden = true;
    this.field.removeAttribute("aria-activedescendant");
  }

  /** @param {KeyboardEvent} event */
  onKey(event) {
    if (this.box.hidden) return;
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step) { event.preventDefault(); this.mark(this.at + step); }
    if (event.key === "Escape") { event.preventDefault(); event.stopPropagation(); this.close(); }
    if (event.key === "Enter" || event.key === "Tab") { event.preventDefault(); this.take(all("[role=option]", this.box)[this.at]); }
  }

  /** @param {HTMLElement | null} option */
  take(option) {
    const asset = option && store.asset(option.dataset.asset);
    if (!asset) return;
    const end = this.field.selectionStart;
    this.field.setRangeText(`${asset.name} `, end - (this.word ?? "").length - 1, end, "end");
    this.shown.add({ kind: "asset", id: asset.id });
    this.close();
    this.field.dispatchEvent(new Event("input"));
  }
}
