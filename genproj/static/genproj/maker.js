// The box that makes pictures: words, references, a model, how many; what it costs stands there before.

import { call } from "./http.js";
import { bind } from "./keys.js";
import { askFor, spaceId, store, words } from "./room.js";
import { all, icon, make, memory, one, say, toast } from "./ui.js";

const ASK = 350;
const NAME = 48;
const form = one("#maker");
const DRAFT = form ? `maker:${spaceId}:${form.dataset.asset ?? ""}:${document.body.dataset.user}` : "";

/** A name for an asset out of its prompt. @param {string} prompt */
function nameOf(prompt) {
  const [first] = prompt.trim().split(/[,.;:\n]/);
  const short = first.length > NAME ? first.slice(0, NAME).replace(/\s+\S*$/, "") : first;
  return short ? short[0].toUpperCase() + short.slice(1) : "";
}

export class Maker {
  /** @param {() => any} place what the page adds to a request */
  constructor(place) {
    this.place = place;
    this.kind = form.dataset.kind;
    this.prompt = one("#maker-prompt");
    /** @type {Set<string>} */
    this.refs = new Set();
    this.sending = false;
    this.attempt = "";
    this.attempted = "";
    this.asking = 0;
    this.turn = 0;
    const { draft = "" } = memory.get(DRAFT, {}) || {};
    if (draft && !this.prompt.value) this.prompt.value = draft;
    form.addEventListener("submit", (/** @type {Event} */ event) => { event.preventDefault(); this.send(); });
    form.addEventListener("input", () => this.changed());
    form.addEventListener("click", (/** @type {any} */ event) => this.clicked(event));
    form.addEventListener("keydown", (/** @type {KeyboardEvent} */ event) => {
      const plain = event.key === "Enter" && event.target === this.prompt && !event.shiftKey && !event.altKey && !event.isComposing;
      if (plain || (event.key === "Enter" && (event.ctrlKey || event.metaKey))) { event.preventDefault(); this.send(); }
      if (event.key === "Escape") { event.preventDefault(); this.close(); }
    });
    form.addEventListener("focusin", () => form.classList.add("open"));
    document.addEventListener("pointerdown", (/** @type {any} */ event) => {
      if (!form.contains(event.target) && !this.prompt.value && !this.refs.size && !this.picking) form.classList.remove("open");
    });
    store.addEventListener("change", () => this.drop());
    store.addEventListener("state", () => this.drop());
    bind("composer", "mod+Enter | Enter", "Make the picture", () => undefined);
    this.paint();
  }

  get picking() { return one("#pick-refs").getAttribute("aria-pressed") === "true"; }
  get count() { return Math.min(8, Math.max(1, Number(form.elements.count.value) || 1)); }

  open() {
    form.classList.add("open");
    this.prompt.focus();
  }

  close() {
    this.pick(false);
    if (!this.prompt.value && !this.refs.size) form.classList.remove("open");
    /** @type {any} */ (document.activeElement)?.blur();
    one("#tiles .go[tabindex='0'], #tiles [tabindex='0']")?.focus({ preventScroll: true });
  }

  /** @param {boolean} on */
  pick(on) {
    one("#pick-refs").setAttribute("aria-pressed", String(on));
    document.body.classList.toggle("picking-refs", on);
    if (on) say("Choose pictures to send along.");
  }

  /** Send a variant's picture along, or no longer. @param {string} id */
  refer(id) {
    if (this.refs.has(id)) this.refs.delete(id); else this.refs.add(id);
    form.classList.add("open");
    this.paint();
  }

  /** References that are gone meanwhile. */
  drop() {
    const before = this.refs.size;
    for (const id of this.refs) if (store.space && !store.variant(id)) this.refs.delete(id);
    if (this.refs.size !== before) this.paint();
  }

  /** @param {any} event */
  clicked(event) {
    const step = event.target.closest("[data-step]");
    if (step) {
      form.elements.count.value = String(Math.min(8, Math.max(1, this.count + Number(step.dataset.step))));
      this.changed();
    }
    const gone = event.target.closest("[data-unrefer]");
    if (gone) { this.refs.delete(gone.dataset.unrefer); this.paint(); this.prompt.focus(); }
    if (event.target.closest("#pick-refs")) this.pick(!this.picking);
    const snippet = event.target.closest("[data-snippet]");
    if (snippet) this.put(snippet.dataset.snippet);
    if (event.target.closest("[data-keep-snippet]")) this.keep();
  }

  /** Put words where the prompt is being written. @param {string} text */
  put(text) {
    const { prompt } = this;
    one("#snips").open = false;
    const { selectionStart: from, selectionEnd: to, value } = prompt;
    const before = from && !/[\s,.;]$/.test(value.slice(0, from)) ? ", " : "";
    const after = value.slice(to) && !/^[\s,.;]/.test(value.slice(to)) ? ", " : "";
    prompt.focus();
    prompt.setRangeText(`${before}${text}${after}`, from, to, "end");
    this.changed();
  }

  /** Keep the prompt, or what of it is selected, for everybody here. */
  async keep() {
    const { selectionStart: from, selectionEnd: to, value } = this.prompt;
    const text = (value.slice(from, to) || value).trim();
    one("#snips").open = false;
    if (!text) { toast("Write the words into the prompt first."); this.prompt.focus(); return; }
    const name = await askFor("Keep as a snippet", "Name", nameOf(text), "Keep");
    if (!name) return;
    try {
      const made = await call("POST", `spaces/${spaceId}/snippets/`, { name, text });
      one("#no-snips")?.remove();
      one("[data-keep-snippet]").before(make("button", { class: "item", type: "button", "data-snippet": made.text, title: made.text }, made.name));
      toast(`“${made.name}” is kept.`);
    } catch (error) {
      toast(words(error));
    }
  }

  changed() {
    form.classList.add("open");
    memory.set(DRAFT, { draft: this.prompt.value });
    this.paint();
  }

  paint() {
    const line = one("#maker-refs");
    line.hidden = this.refs.size === 0;
    line.replaceChildren(...[...this.refs].map((id) => {
      const variant = store.variant(id);
      const name = store.asset(variant?.asset_id)?.name ?? "picture";
      return make("span", { class: "ref", title: name }, make("img", { src: variant?.thumb_url || "", alt: name }),
        make("button", { type: "button", "data-unrefer": id, "aria-label": `Remove the reference ${name}` }, icon("cross")));
    }));
    if (!CSS.supports("field-sizing", "content")) { this.prompt.style.height = "auto"; this.prompt.style.height = `${this.prompt.scrollHeight}px`; }
    const several = this.kind === "new" && this.count > 1;
    if (one("#maker-mode-field")) one("#maker-mode-field").hidden = !several;
    if (one("#maker-name")) one("#maker-name").placeholder = nameOf(this.prompt.value) || "From the prompt";
    clearTimeout(this.asking);
    this.asking = window.setTimeout(() => this.price(), ASK);
  }

  /** What is asked for, as the API takes it. */
  wish() {
    const fields = form.elements;
    const sources = this.place().source_variant_ids || [];
    return {
      prompt: this.prompt.value.trim(),
      model: fields.model.value,
      aspect_ratio: fields.aspect_ratio.value,
      use_style: fields.use_style.checked || fields.use_style.disabled,
      reference_variant_ids: [...this.refs].filter((id) => !sources.includes(id)),
      count: this.count,
    };
  }

  /** What it would cost, and who would do it. */
  async price() {
    const cost = one("#maker-cost");
    const wish = this.wish();
    if (wish.prompt.length < 2) { cost.textContent = ""; return; }
    const mine = ++this.turn;
    const { source_variant_ids = [] } = this.place();
    try {
      const found = await call("POST", `spaces/${spaceId}/estimate/`, { ...wish, source_variant_ids });
      if (mine !== this.turn) return;
      const name = [...form.elements.model.options].find((option) => option.value === found.model)?.textContent ?? found.model;
      const pictures = found.count === 1 ? "1 picture" : `${found.count} pictures`;
      cost.textContent = [found.cost === null ? "Price not known" : `≈ ${Number(found.cost)} USD`, pictures, form.elements.model.value ? "" : name].filter(Boolean).join(" · ");
      cost.classList.remove("wrong");
    } catch (error) {
      if (mine !== this.turn) return;
      cost.textContent = words(error);
      cost.classList.add("wrong");
    }
  }

  async send() {
    if (this.sending) return;
    const wish = this.wish();
    one("#maker-refused").replaceChildren();
    if (wish.prompt.length < 2) { this.refuse("Say what the picture shall show."); this.prompt.focus(); return; }
    const [door, body] = this.request(wish);
    const text = JSON.stringify([door, body]);
    // the same key for the same wish until its answer is known: a lost answer makes no second one
    if (text !== this.attempted || !this.attempt) { this.attempt = crypto.randomUUID?.() ?? String(Math.random()); this.attempted = text; }
    this.sending = true;
    one("#maker-send").setAttribute("aria-disabled", "true");
    try {
      const made = await call("POST", `spaces/${spaceId}/${door}/`, body, { "Idempotency-Key": this.attempt });
      this.attempt = "";
      this.done(made);
    } catch (error) {
      const { status } = /** @type {any} */ (error);
      if (status && status < 500) this.attempt = "";
      this.refuse(words(error));
    }
    this.sending = false;
    one("#maker-send").removeAttribute("aria-disabled");
  }

  /** @param {any} wish @returns {[string, any]} */
  request(wish) {
    const { count, ...rest } = wish;
    const more = this.place();
    if (this.kind === "refine") return ["refine", { ...wish, asset_id: form.dataset.asset, source_variant_ids: more.source_variant_ids }];
    const fields = form.elements;
    const body = { ...rest, name: fields.name.value.trim() || nameOf(wish.prompt), asset_type: fields.asset_type.value.trim() || "picture" };
    if (more.parent_asset_id) body.parent_asset_id = more.parent_asset_id;
    if (count > 1) return ["batch", { ...body, count, mode: fields.mode.value }];
    return [wish.reference_variant_ids.length ? "derive" : "generate", body];
  }

  /** @param {any} made */
  done(made) {
    this.prompt.value = "";
    if (one("#maker-name")) one("#maker-name").value = "";
    this.refs.clear();
    this.pick(false);
    memory.set(DRAFT, {});
    this.paint();
    form.classList.remove("open");
    const send = one("#maker-send");
    const word = this.kind === "refine" ? "Refine" : "Generate";
    send.textContent = "Queued ✓";
    setTimeout(() => { send.textContent = word; }, 2000);
    say("Queued.");
    if (!store.open) store.link.poll?.();
    form.dispatchEvent(new CustomEvent("made", { detail: made }));
  }

  /** @param {string} reason */
  refuse(reason) {
    form.classList.add("open");
    one("#maker-refused").replaceChildren(make("p", { class: "refusal" }, reason));
  }
}

/** @param {() => any} place @returns {Maker | null} */
export function join(place) { return form ? new Maker(place) : null; }
export { all };
