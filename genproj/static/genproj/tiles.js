// One asset as a tile of the board, and the rows of tiles of which only those near the window exist.

import { FAILURES, RATINGS, failure, isOpen } from "./cards.js";
import { lookers, mayEdit } from "./room.js";
import { icon, make, one } from "./ui.js";

const UNDER = 54;
const GAP = 16;
const OVERSCAN = 1;
const PHONE = 640;

/** What a tile shows, as text: a tile whose text is the same is left alone. @param {import("./cards.js").Card} card @param {boolean} picked */
function sign(card, picked) {
  const { asset, shown, newest } = card;
  return [asset.name, asset.asset_type, asset.tags, asset.waits, shown?.id, shown?.thumb_url, shown?.rating, shown?.starred, newest?.id, newest?.status,
    card.open, card.failed, card.children, card.variants.length, picked, lookers(card.id).map((line) => line.username)].join("|");
}

/** @param {import("./cards.js").Card} card */
function overlay(card) {
  const { newest, shown } = card;
  if (isOpen(newest)) {
    const word = { pending: "Queued", processing: "Painting", uploading: "Uploading" }[/** @type {"pending"} */ (newest.status)];
    const time = make("time", { datetime: newest.updated_at || newest.created_at, "data-since": "" }, "");
    const box = make("div", { class: `doing${shown ? " small" : ""}`, "data-phase": newest.status });
    if (!shown) box.append(make("p", {}, newest.recipe?.prompt || ""));
    box.append(make("span", { class: "phase" }, make("span", {}, card.open > 1 ? `${word}, ${card.open} of them` : word), time));
    return box;
  }
  if (newest?.status === "failed") {
    const box = make("div", { class: `lost-note${shown ? " small" : ""}` }, icon("failed"), make("span", {}, shown ? "The last one failed" : failure(newest)));
    if (mayEdit) box.append(make("button", { class: "button", type: "button", "data-retry": newest.id, tabindex: "-1", "aria-label": `Retry ${card.asset.name}` }, icon("retry"), "Retry"));
    return box;
  }
  return null;
}

/** @param {import("./cards.js").Card} card */
function labelOf(card) {
  const { asset, shown, newest } = card;
  const parts = [asset.name, asset.asset_type, card.variants.length === 1 ? "1 variant" : `${card.variants.length} variants`];
  if (card.children) parts.push(`${card.children} below`);
  if (shown?.starred) parts.push("starred");
  if (shown?.rating) parts.push(RATINGS[/** @type {"approved"} */ (shown.rating)][0].toLowerCase());
  if (isOpen(newest)) parts.push("being made");
  if (newest?.status === "failed") parts.push("the last one failed");
  return parts.join(", ");
}

/** @param {import("./cards.js").Card} card @param {boolean} picked @param {boolean} isStop */
export function tile(card, picked, isStop) {
  const { asset, shown } = card;
  const cover = make("div", { class: "cover" });
  if (shown?.thumb_url) {
    const image = make("img", { src: shown.thumb_url, alt: "", decoding: "async", draggable: "false" });
    image.addEventListener("error", () => { image.remove(); cover.prepend(make("span", { class: "blank" }, "Preview unavailable")); }, { once: true });
    cover.append(image);
  } else if (!card.newest) cover.append(make("span", { class: "blank" }, icon("image")));
  const over = overlay(card);
  if (over) cover.append(over);
  cover.append(make("a", { class: "go", href: `/assets/${asset.id}/`, "aria-label": labelOf(card), tabindex: isStop ? "0" : "-1", draggable: "false" }));
  if (mayEdit) {
    cover.append(make("button", { class: "pick", type: "button", role: "checkbox", "aria-checked": String(picked), "aria-label": `Select ${asset.name}`, tabindex: "-1" }, icon("check")));
    if (shown) cover.append(make("button", { class: "star", type: "button", "aria-pressed": String(Boolean(shown.starred)), "aria-label": `Star ${asset.name}`, tabindex: "-1" }, icon("star")));
  }
  const marks = make("span", { class: "marks" });
  if (shown?.rating) {
    const [word, tone, symbol] = RATINGS[/** @type {"approved"} */ (shown.rating)];
    marks.append(make("span", { class: "mark", "data-tone": tone, title: word }, icon(symbol)));
  }
  for (const line of lookers(asset.id).slice(0, 3)) marks.append(make("span", { class: "face", title: `${line.username} looks at this` }, line.username[0]));
  if (marks.children.length) cover.append(marks);
  const facts = make("span", { class: "caption muted dots" }, make("span", {}, asset.asset_type), make("span", {}, card.variants.length === 1 ? "1 variant" : `${card.variants.length} variants`));
  if (card.children) cover.append(make("button", { class: "below", type: "button", "data-below": asset.id, tabindex: "-1", title: "Show what lies below", "aria-label": `${card.children} below ${asset.name}` }, icon("tree"), String(card.children)));
  const element = make("div", { class: `asset${asset.waits ? " waits" : ""}`, role: "gridcell", "data-asset": asset.id, "aria-selected": String(picked), "data-state": card.state },
    cover, make("div", { class: "under" }, make("span", { class: "name", title: asset.name }, asset.name), facts));
  if (mayEdit) element.draggable = true;
  return element;
}

/** The rows of the board. */
export class Rows {
  /** @param {any} grid @param {{picked: Set<string>, stop: string}} hand */
  constructor(grid, hand) {
    this.grid = grid;
    this.hand = hand;
    /** @type {import("./cards.js").Card[]} */
    this.shown = [];
    /** @type {Map<string, {element: any, sign: string}>} */
    this.made = new Map();
    /** @type {Map<number, any>} */
    this.lines = new Map();
    /** @type {Map<string, number>} */
    this.order = new Map();
    this.columns = 1;
    this.height = 1;
    this.width = 0;
    this.range = "";
    this.top = 0;
    let due = false;
    const soon = () => { if (!due) { due = true; requestAnimationFrame(() => { due = false; this.scrolled(); }); } };
    addEventListener("scroll", soon, { passive: true });
    addEventListener("resize", soon);
  }

  begin() {
    this.grid.replaceChildren();
    this.grid.classList.add("virtual");
    this.grid.setAttribute("role", "grid");
    this.grid.setAttribute("aria-label", "Assets");
    this.grid.setAttribute("aria-multiselectable", "true");
    new ResizeObserver(() => { if (this.grid.clientWidth !== this.width) this.layout(); }).observe(this.grid);
  }

  /** @param {import("./cards.js").Card[]} shown */
  put(shown) {
    this.shown = shown;
    this.order = new Map(shown.map((card, place) => [card.id, place]));
    this.layout();
  }

  layout() {
    this.width = this.grid.clientWidth;
    if (!this.width) return;
    const least = innerWidth < PHONE ? 132 : 176;
    this.columns = Math.max(2, Math.floor((this.width + GAP) / (least + GAP)));
    const side = (this.width - GAP * (this.columns - 1)) / this.columns;
    this.height = Math.round(side + UNDER + GAP);
    const rows = Math.ceil(this.shown.length / this.columns);
    this.grid.style.height = `${Math.max(0, rows * this.height - GAP)}px`;
    this.grid.setAttribute("aria-rowcount", String(rows));
    this.grid.setAttribute("aria-colcount", String(this.columns));
    this.top = this.grid.getBoundingClientRect().top + scrollY;
    this.render();
  }

  /** Which rows are near the window. @returns {[number, number]} */
  near() {
    const rows = Math.ceil(this.shown.length / this.columns);
    const top = scrollY - this.top;
    return [Math.max(0, Math.floor((top - OVERSCAN * innerHeight) / this.height)), Math.min(rows - 1, Math.ceil((top + (1 + OVERSCAN) * innerHeight) / this.height))];
  }

  /** Nothing is to be done while the same rows are near. */
  scrolled() {
    if (this.width && String(this.near()) !== this.range) this.render();
  }

  /** Bring in the rows near the window and the one that has the focus; take out the others. */
  render() {
    if (!this.width) return;
    const [first, last] = this.near();
    this.range = String([first, last]);
    const wanted = new Set();
    for (let row = first; row <= last; row += 1) wanted.add(row);
    const held = this.order.get(this.hand.stop);
    if (held !== undefined) wanted.add(Math.floor(held / this.columns));
    const focus = document.activeElement?.closest?.("[data-asset]")?.getAttribute("data-asset");
    const inside = this.grid.contains(document.activeElement);
    const staying = new Set();
    for (const [row, line] of this.lines) if (!wanted.has(row)) { line.remove(); this.lines.delete(row); }
    for (const row of [...wanted].sort((a, b) => a - b)) {
      const line = this.line(row);
      const tiles = this.shown.slice(row * this.columns, (row + 1) * this.columns).map((card) => {
        staying.add(card.id);
        return this.element(card);
      });
      if (tiles.length !== line.children.length || tiles.some((element, place) => line.children[place] !== element)) line.replaceChildren(...tiles);
    }
    for (const id of this.made.keys()) if (!staying.has(id)) this.made.delete(id);
    if (inside && focus && document.activeElement === document.body) this.focus(focus, false);
  }

  /** @param {number} row */
  line(row) {
    let line = this.lines.get(row);
    if (!line) {
      line = make("div", { class: "board-row", role: "row", "aria-rowindex": String(row + 1) });
      this.lines.set(row, line);
      const after = [...this.lines.keys()].filter((other) => other > row).sort((a, b) => a - b)[0];
      this.grid.insertBefore(line, after === undefined ? null : this.lines.get(after));
    }
    line.style.transform = `translateY(${row * this.height}px)`;
    line.style.gridTemplateColumns = `repeat(${this.columns}, minmax(0, 1fr))`;
    return line;
  }

  /** @param {import("./cards.js").Card} card */
  element(card) {
    const picked = this.hand.picked.has(card.id);
    const now = sign(card, picked);
    const known = this.made.get(card.id);
    if (known?.sign === now) return known.element;
    const element = tile(card, picked, card.id === this.hand.stop);
    if (known) {
      const did = one(".did", known.element);
      if (did) { element.append(did); element.classList.add("touched"); setTimeout(() => { did.remove(); element.classList.remove("touched"); }, 4000); }
      const held = known.element.contains(document.activeElement) ? document.activeElement.className : "";
      if (known.element.isConnected) known.element.replaceWith(element);
      if (held) (one(`.${held.split(" ")[0]}`, element) ?? one(".go", element)).focus({ preventScroll: true });
      // a picture that comes in the place of its placeholder fades in
      if (card.shown && !one("img", known.element)) one("img", element)?.classList.add("fresh");
    }
    this.made.set(card.id, { element, sign: now });
    return element;
  }

  /** @param {string} id @param {boolean} [scroll] */
  focus(id, scroll = true) {
    const place = this.order.get(id);
    if (place === undefined) return;
    const before = this.made.get(this.hand.stop)?.element;
    if (before) one(".go", before).tabIndex = -1;
    this.hand.stop = id;
    this.render();
    const element = this.made.get(id)?.element;
    if (!element) return;
    const link = one(".go", element);
    link.tabIndex = 0;
    link.focus({ preventScroll: true });
    if (scroll) element.scrollIntoView({ block: "nearest" });
  }
}
export { FAILURES };
