// Lays pictures out in rows whose edges meet, and keeps only those near the window in the document.

import { part } from "./http.js";
import { settlePictures } from "./live.js";
import { all, one } from "./ui.js";

/**
 * One picture's place. Without `html` only its shape is known, and `page` says where to ask for it.
 * @typedef {{id: string, ratio: number, html: string, element: any, gone: boolean, page: string, row: number, order: number, left: number, width: number}} Place
 * @typedef {{top: number, height: number, from: number, to: number}} Row
 */

const MOST = 400;
const OVERSCAN = [2, 1, 0.5, 0.25, 0];
const SMALLEST = 0.35;
const LARGEST = 3.2;

/** Break a list of ratios into rows as near to a height as can be. @param {number[]} ratios @param {number} width @param {number} wanted @param {number} gap @param {boolean} whole whether the last row is the very last */
export function rowsOf(ratios, width, wanted, gap, whole) {
  const rows = [];
  let from = 0;
  while (from < ratios.length) {
    let sum = 0;
    let to = from;
    let height = Infinity;
    while (to < ratios.length) {
      const next = (width - gap * (to - from)) / (sum + ratios[to]);
      if (to > from && Math.abs(Math.log(next / wanted)) > Math.abs(Math.log(height / wanted))) break;
      sum += ratios[to];
      height = next;
      to += 1;
    }
    const short = to === ratios.length && whole && height > wanted * 1.15;
    rows.push({ from, to, height: Math.round(short ? wanted : height), full: !short });
    from = to;
  }
  return rows;
}

export class Wall {
  /** @param {any} grid @param {(element: any, id: string) => void} dress what a tile is told when it appears */
  constructor(grid, dress) {
    this.grid = grid;
    this.dress = dress;
    this.size = 200;
    this.whole = true;
    /** @type {Place[]} */
    this.places = [];
    /** @type {Place[]} */
    this.shown = [];
    /** @type {Map<string, Place>} */
    this.known = new Map();
    /** @type {Row[]} */
    this.rows = [];
    /** @type {Set<string>} */
    this.asked = new Set();
    /** @type {Place | null} */
    this.pinned = null;
    this.width = 0;
    this.rendered = () => {};
    grid.classList.add("wall");
    this.add(all(".tile", grid), "");
    let due = false;
    const soon = () => { if (!due) { due = true; requestAnimationFrame(() => { due = false; this.render(); }); } };
    addEventListener("scroll", soon, { passive: true });
    addEventListener("resize", soon);
    new ResizeObserver(() => { if (grid.clientWidth !== this.width) this.layout(); }).observe(grid);
    document.addEventListener("picture:gone", (event) => {
      const { id, gone } = /** @type {CustomEvent} */ (event).detail;
      this.hide([id], gone);
    });
  }

  /** @param {any[]} tiles @param {string} page */
  add(tiles, page) {
    for (const tile of tiles) {
      const id = tile.dataset.artifact;
      const place = this.known.get(id);
      if (place) {
        if (!place.html && !place.element) place.html = tile.outerHTML;
        if (place.element !== tile) tile.remove();
        continue;
      }
      const made = this.place(id, Number(tile.dataset.ratio), page);
      if (tile.isConnected && tile.parentElement === this.grid) {
        made.element = tile;
        this.dress(tile, id);
      } else made.html = tile.outerHTML;
    }
  }

  /** @param {string} id @param {number} ratio @param {string} page */
  place(id, ratio, page) {
    /** @type {Place} */
    const made = { id, ratio: Math.min(LARGEST, Math.max(SMALLEST, ratio || 1)), html: "", element: null, gone: false, page, row: 0, order: 0, left: 0, width: 0 };
    this.places.push(made);
    this.known.set(id, made);
    return made;
  }

  /** Work out where everything lies; what is under the eye stays there. */
  layout() {
    const anchor = this.anchor();
    const squares = this.grid.classList.contains("squares");
    const gap = parseFloat(getComputedStyle(this.grid).columnGap) || 6;
    this.width = this.grid.clientWidth;
    this.shown = this.places.filter((place) => !place.gone);
    if (!this.width) return;
    const across = Math.max(2, Math.round((this.width + gap) / (this.size + gap)));
    const wanted = squares ? (this.width - gap * (across - 1)) / across : Math.min(this.size, this.width);
    const ratios = this.shown.map((place) => squares ? 1 : place.ratio);
    let top = 0;
    this.rows = rowsOf(ratios, this.width, wanted, gap, this.whole || squares).map(({ from, to, height, full }, number) => {
      const room = this.width - gap * (to - from - 1);
      const sum = ratios.slice(from, to).reduce((one_, two) => one_ + two, 0);
      let before = 0;
      let left = 0;
      for (let order = from; order < to; order += 1) {
        before += ratios[order];
        const end = Math.round(full ? room * before / sum : height * before) + gap * (order - from);
        Object.assign(this.shown[order], { row: number, order, left, width: end - left });
        left = end + gap;
      }
      const row = { top, height, from, to };
      top += height + gap;
      return row;
    });
    this.grid.style.height = `${Math.max(0, top - gap)}px`;
    for (const place of this.shown) if (place.element) this.put(place);
    this.render();
    if (anchor) scrollBy({ top: this.rows[anchor.place.row].top - anchor.top, behavior: "instant" });
  }

  /** The first picture in the window and where it lies, once one has scrolled down to pictures. */
  anchor() {
    const top = -this.grid.getBoundingClientRect().top;
    if (top <= 0 || !this.rows.length) return null;
    const place = this.shown[this.rows[this.rowAt(top)].from];
    return place && !place.gone ? { place, top: this.rows[place.row].top } : null;
  }

  /** The row at a height. @param {number} height */
  rowAt(height) {
    let low = 0;
    let high = this.rows.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (this.rows[middle].top <= height) low = middle; else high = middle - 1;
    }
    return low;
  }

  /** @param {Place} place */
  put(place) {
    const { style } = place.element;
    const { top, height } = this.rows[place.row];
    style.left = `${place.left}px`;
    style.top = `${top}px`;
    style.width = `${place.width}px`;
    style.height = `${height}px`;
    const image = one("img", place.element);
    // a picture that its square cuts off is drawn larger than the square
    if (image) image.sizes = `${Math.ceil(Math.max(place.width, height * place.ratio))}px`;
    place.element.setAttribute("aria-posinset", String(place.order + 1));
    place.element.setAttribute("aria-setsize", this.whole ? String(this.shown.length) : "-1");
  }

  /** Bring in what is near the window, and take out what is far from it. */
  render() {
    if (!this.rows.length) { for (const place of this.places) this.take(place); this.rendered(); return; }
    const top = -this.grid.getBoundingClientRect().top;
    let from = 0;
    let to = 0;
    for (const screens of OVERSCAN) {
      from = this.rows[this.rowAt(top - screens * innerHeight)].from;
      to = this.rows[this.rowAt(top + (1 + screens) * innerHeight)].to;
      if (to - from <= MOST) break;
    }
    const wanted = this.shown.slice(from, to);
    const held = this.shown.find((place) => place.element?.contains(document.activeElement));
    for (const extra of new Set([held, this.pinned])) {
      if (!extra || extra.gone || (extra.order >= from && extra.order < to)) continue;
      if (extra.order < from) wanted.unshift(extra); else wanted.push(extra);
    }
    const staying = new Set(wanted);
    for (const place of this.places) if (place.element && !staying.has(place)) this.take(place);
    let next = this.grid.firstElementChild;
    for (const place of wanted) {
      const fresh = !place.element;
      if (fresh) this.make(place);
      if (place.element === next) next = next.nextElementSibling;
      else this.grid.insertBefore(place.element, next);
      if (fresh) settlePictures(place.element); // only in the document is a picture on its way
    }
    this.rendered();
  }

  /** @param {Place} place */
  make(place) {
    const holder = document.createElement("template");
    holder.innerHTML = place.html || '<li class="tile"></li>';
    place.element = holder.content.querySelector(".tile");
    if (place.html) this.dress(place.element, place.id);
    else this.fetch(place.page);
    this.put(place);
  }

  /** @param {Place} place */
  take(place) {
    if (!place.element) return;
    const element = place.element;
    element.remove();
    place.element = null;
    if (!element.dataset.artifact) return;
    element.removeAttribute("style"); // a policy forbids styles that come as text
    one("img", element)?.classList.remove("loading");
    place.html = element.outerHTML;
  }

  /** Ask for a page of which only the shapes are known. @param {string} page */
  async fetch(page) {
    if (!page || this.asked.has(page)) return;
    this.asked.add(page);
    const url = new URL(page, location.href);
    url.searchParams.set("part", "tiles");
    const content = await part(url.href).catch(() => null);
    this.asked.delete(page);
    if (!content) { setTimeout(() => this.render(), 3000); return; }
    const come = new Set();
    for (const tile of all(".tile", content)) {
      const place = this.known.get(tile.dataset.artifact);
      come.add(place);
      if (!place || place.html) continue;
      place.html = tile.outerHTML;
      place.element?.remove();
      place.element = null;
    }
    for (const place of this.places) if (place.page === page && !place.html && !place.element?.dataset.artifact && !come.has(place)) place.gone = true;
    this.layout();
  }

  /** Bring a picture in and into the window. @param {Place | undefined} place */
  reveal(place) {
    if (!place || place.gone) return null;
    this.pinned = place;
    this.render();
    place.element.scrollIntoView({ block: "nearest" });
    return place.element;
  }

  /** Change a tile whether it is in the document or not. @param {string} id @param {(tile: any) => void} change */
  alter(id, change) {
    const place = this.known.get(id);
    if (!place) return;
    if (place.element) { change(place.element); return; }
    const holder = document.createElement("template");
    holder.innerHTML = place.html;
    if (!holder.content.firstElementChild) return;
    change(holder.content.firstElementChild);
    place.html = /** @type {Element} */ (holder.content.firstElementChild).outerHTML;
  }

  /** @param {string[]} ids @param {boolean} gone */
  hide(ids, gone) {
    for (const id of ids) {
      const place = this.known.get(id);
      if (place) place.gone = gone;
      if (place?.element) place.element.hidden = gone;
    }
    this.layout();
  }

  /** All that is needed to stand here again after a visit elsewhere. */
  kept() {
    const pages = [...new Set(this.places.map((place) => place.page))];
    return { pages, places: this.places.filter((place) => !place.gone).map((place) => [place.id, place.ratio, pages.indexOf(place.page)]) };
  }

  /** Take up what was kept, behind the first page that the server sent just now. @param {{pages: string[], places: [string, number, number][]}} kept @param {string} second address of the page after the first */
  restore({ pages, places }, second) {
    if (!places.some(([id]) => this.known.has(id))) return false;
    for (const [id, ratio, page] of places) if (!this.known.has(id)) this.place(id, ratio, pages[page] || second);
    return true;
  }
}
