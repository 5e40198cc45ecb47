// The tree of assets: beside the board to go along, and in a dialog to move things in it.

import { cards, childrenOf, path, within } from "./cards.js";
import { ask, store, words } from "./room.js";
import { icon, make, memory, one, say, toast } from "./ui.js";

const MOST_FOUND = 60;
/** Of many on one level so many are in the document, and so many more each time they are asked for. */
const MOST_BESIDE = 100;

/** Why an asset may not lie there; "" when it may. @param {string[]} ids @param {string | null} parent @param {Map<string, any[]>} children */
export function objection(ids, parent, children) {
  if (!parent) return "";
  for (const id of ids) {
    if (id === parent) return "An asset cannot lie below itself.";
    if (within(id, children).has(parent)) return `It lies below ${store.asset(id)?.name}; that would be a circle.`;
  }
  return "";
}

/** Move assets below another, or to the top. @param {string[]} ids @param {string | null} parent @returns {Promise<boolean>} */
export async function move(ids, parent) {
  const children = childrenOf(cards());
  const no = objection(ids, parent, children);
  if (no) { toast(`Not moved. ${no}`); return false; }
  const before = new Map(ids.map((id) => [id, store.asset(id)?.parent_asset_id ?? null]));
  const moved = ids.filter((id) => before.get(id) !== parent);
  if (!moved.length) return true;
  try {
    for (const id of moved) await ask("asset:update", { asset_id: id, changes: { parent_asset_id: parent } });
  } catch (error) {
    toast(`Not moved. ${words(error)}`);
    return false;
  }
  const name = moved.length === 1 ? store.asset(moved[0])?.name : `${moved.length} assets`;
  toast(`${name} now ${moved.length === 1 ? "lies" : "lie"} ${parent ? `below ${store.asset(parent)?.name}` : "at the top"}.`, {
    label: "Undo",
    act: () => { for (const id of moved) ask("asset:update", { asset_id: id, changes: { parent_asset_id: before.get(id) } }).catch((/** @type {any} */ e) => toast(words(e))); },
  });
  return true;
}

/** A tree that folds: only open branches are in the document. */
export class Tree {
  /** @param {any} holder @param {(id: string) => void} chosen @param {string} label */
  constructor(holder, chosen, label) {
    this.holder = holder;
    this.chosen = chosen;
    this.label = label;
    /** @type {Set<string>} */
    this.open = new Set(memory.get(`tree:${store.id}`, []));
    this.current = "";
    this.stop = "";
    this.sign = "";
    /** @type {Map<string, any[]>} */
    this.children = new Map();
    /** How many of each level are shown, where somebody asked for more. @type {Map<string, number>} */
    this.most = new Map();
    /** @type {Set<string>} what leads to the current one */
    this.way = new Set();
    holder.addEventListener("click", (/** @type {any} */ event) => {
      const row = event.target.closest("[data-node]");
      if (!row) return;
      event.preventDefault();
      if ("more" in row.dataset) this.more(row.dataset.more);
      else if (event.target.closest(".twist")) this.toggle(row.dataset.node);
      else { this.stop = row.dataset.node; this.chosen(row.dataset.node); }
    });
    holder.addEventListener("keydown", (/** @type {any} */ event) => this.key(event));
  }

  /** Draw it anew, if anything in it is new. @param {Map<string, any>} [known] @param {Map<string, any[]>} [children] */
  draw(known = cards(), children = childrenOf(known)) {
    const sign = [this.current, this.stop, ...this.open, ...this.most].join();
    if (sign === this.sign && children === this.children) return;
    this.children = children;
    this.sign = sign;
    this.way = new Set(path(this.current, known).map((card) => card.id));
    const focused = document.activeElement?.closest?.("[data-node]")?.getAttribute("data-node");
    const held = focused && this.holder.contains(document.activeElement);
    const root = make("ul", { role: "tree", "aria-label": this.label, class: "tree" });
    if (!known.has(this.stop)) this.stop = this.current || (this.children.get("")?.[0]?.id ?? "");
    root.append(...this.level("", 1));
    this.holder.replaceChildren(root);
    if (!one('[tabindex="0"]', root)) { const first = one("[data-node]", root); if (first) first.tabIndex = 0; }
    if (held) one(`[data-node="${focused}"]`, root)?.focus({ preventScroll: true });
  }

  /** What lies below one: the first of many, what leads to the current one, and a row for the rest. @param {string} parent @param {number} level @returns {any[]} */
  level(parent, level) {
    const cards_ = this.children.get(parent) || [];
    const rest = cards_.slice(this.most.get(parent) ?? MOST_BESIDE);
    const shown = [...cards_.slice(0, cards_.length - rest.length), ...rest.filter((card) => this.way.has(card.id))];
    const rows = shown.map((card) => this.node(card, level));
    if (rest.length) rows.push(make("li", { role: "treeitem", "data-node": `more:${parent}`, "data-more": parent, "aria-level": String(level), tabindex: "-1" }, make("span", { class: "node-row muted" }, `${rest.length.toLocaleString("en")} more`)));
    return rows;
  }

  /** Show more of a level, and stand on the first of them. @param {string} parent */
  more(parent) {
    const before = this.most.get(parent) ?? MOST_BESIDE;
    this.most.set(parent, before + MOST_BESIDE);
    this.stop = this.children.get(parent)?.[before]?.id ?? this.stop;
    this.draw();
    one(`[data-node="${this.stop}"]`, this.holder)?.focus();
  }

  /** @param {any} card @param {number} level */
  node(card, level) {
    const below = this.children.get(card.id) || [];
    const open = this.open.has(card.id);
    const row = make("span", { class: "node-row" });
    if (below.length) row.append(make("span", { class: "twist", "aria-hidden": "true" }, icon("chevron")));
    row.append(make("span", { class: "node-name" }, card.asset.name));
    if (below.length) row.append(make("span", { class: "caption muted", "aria-hidden": "true" }, String(below.length)));
    const item = make("li", { role: "treeitem", "data-node": card.id, "data-asset": card.id, "aria-level": String(level), "aria-selected": String(card.id === this.current), tabindex: card.id === this.stop ? "0" : "-1" }, row);
    item.setAttribute("aria-label", below.length ? `${card.asset.name}, ${below.length} below` : card.asset.name);
    if (below.length) item.setAttribute("aria-expanded", String(open));
    if (open && below.length) {
      const group = make("ul", { role: "group" });
      group.append(...this.level(card.id, level + 1));
      item.append(group);
    }
    return item;
  }

  /** @param {any} item */
  choose(item) {
    if ("more" in item.dataset) this.more(item.dataset.more);
    else this.chosen(item.dataset.node);
  }

  /** @param {string} id @param {boolean} [wanted] */
  toggle(id, wanted = !this.open.has(id)) {
    if (wanted) this.open.add(id); else this.open.delete(id);
    memory.set(`tree:${store.id}`, [...this.open].slice(-500));
    this.draw();
  }

  /** @param {string} id */
  reveal(id) {
    for (const card of path(id, cards())) if (card.id !== id) this.open.add(card.id);
  }

  /** @param {KeyboardEvent} event */
  key(event) {
    const item = /** @type {any} */ (event.target).closest("[data-node]");
    if (!item || event.ctrlKey || event.metaKey || event.altKey) return;
    const rows = [...this.holder.querySelectorAll("[data-node]")];
    const place = rows.indexOf(item);
    const id = item.dataset.node;
    const to = (/** @type {any} */ row) => { if (row) { item.tabIndex = -1; row.tabIndex = 0; this.stop = row.dataset.node; row.focus(); } };
    const acts = {
      ArrowDown: () => to(rows[place + 1]),
      ArrowUp: () => to(rows[place - 1]),
      Home: () => to(rows[0]),
      End: () => to(rows.at(-1)),
      ArrowRight: () => { if (item.getAttribute("aria-expanded") === "false") this.toggle(id, true); else if (item.hasAttribute("aria-expanded")) to(rows[place + 1]); },
      ArrowLeft: () => { if (item.getAttribute("aria-expanded") === "true") this.toggle(id, false); else to(item.parentElement.closest("[data-node]")); },
      Enter: () => this.choose(item),
      " ": () => this.choose(item),
    };
    const act = acts[/** @type {keyof typeof acts} */ (event.key)];
    if (!act) return;
    event.preventDefault();
    event.stopPropagation();
    act();
  }
}

/** Ask where assets shall lie, and put them there. @param {string[]} ids */
export function moveDialog(ids) {
  const named = ids.length === 1 ? store.asset(ids[0])?.name : `${ids.length} assets`;
  const find = make("input", { type: "search", placeholder: "Find an asset", "aria-label": "Find an asset", autocomplete: "off" });
  const holder = make("div", { class: "move-tree" });
  const reason = make("p", { class: "wrong", role: "status" });
  const top = make("button", { class: "button", type: "button" }, icon("front"), "To the top");
  const go = make("button", { class: "button primary", type: "button", disabled: "" }, "Move here");
  const close = make("button", { class: "button quiet", type: "button" }, "Cancel");
  const dialog = make("dialog", { class: "sheet stack", "aria-labelledby": "move-title" }, make("h2", { id: "move-title" }, `Move ${named}`), find, holder, reason, make("div", { class: "row" }, go, top, close));
  let chosen = "";
  const tree = new Tree(holder, (id) => {
    chosen = id;
    tree.current = id;
    const no = objection(ids, id, tree.children);
    reason.textContent = no;
    go.disabled = Boolean(no);
    go.textContent = no ? "Move here" : `Move below ${store.asset(id)?.name}`;
    if (no) say(no);
    draw();
  }, "Where to");
  const draw = () => {
    const words_ = find.value.trim().toLowerCase();
    if (!words_) { tree.draw(); return; }
    const root = make("ul", { role: "tree", "aria-label": "Found", class: "tree" });
    const found = store.assets.filter((/** @type {any} */ asset) => asset.name.toLowerCase().includes(words_)).slice(0, MOST_FOUND);
    for (const asset of found) root.append(make("li", { role: "treeitem", "data-node": asset.id, "aria-selected": String(asset.id === chosen), "aria-level": "1", tabindex: asset === found[0] ? "0" : "-1" }, make("span", { class: "node-row" }, make("span", { class: "node-name" }, asset.name))));
    tree.sign = ""; // its own rows are gone
    holder.replaceChildren(found.length ? root : make("p", { class: "muted small" }, "No asset has this name."));
  };
  const done = async (/** @type {string | null} */ parent) => {
    if (await move(ids, parent)) dialog.close();
  };
  find.addEventListener("input", draw);
  find.addEventListener("keydown", (/** @type {KeyboardEvent} */ event) => { if (event.key === "ArrowDown") { event.preventDefault(); one('[tabindex="0"]', holder)?.focus(); } });
  top.addEventListener("click", () => done(null));
  go.addEventListener("click", () => done(chosen));
  close.addEventListener("click", () => dialog.close());
  document.body.append(dialog);
  dialog.showModal();
  draw();
  find.focus();
  return new Promise((over) => dialog.addEventListener("close", () => { dialog.remove(); over(undefined); }));
}
