// The one table of keyboard shortcuts. A key has one meaning in a context, or this file refuses.

import { all, make, memory, one } from "./ui.js";

/** @typedef {{keys: string, words: string, act: (event: KeyboardEvent) => void, context: string}} Binding */

/** @type {Map<string, Binding>} */
const table = new Map();
const NAMES = { everywhere: "Everywhere", composer: "Create", chat: "Chat", list: "Lists", grid: "Pictures", graph: "Lineage", compare: "Compare", lightbox: "One picture", card: "A proposal" };
const SHOWN = { ArrowLeft: "←", ArrowRight: "→", ArrowUp: "↑", ArrowDown: "↓", mod: "Ctrl", Delete: "Del" };
const HOLD = 1200;
let leader = "";
let leaderAt = 0;

/** Which contexts hold now, nearest first. */
const contexts = () => {
  if (one("dialog.lightbox[open]")) return ["lightbox"];
  if (one("dialog[open]")) return [];
  if (document.activeElement?.closest?.("#tiles")) return ["grid", "everywhere"];
  const own = /** @type {HTMLElement | null} */ (document.activeElement?.closest?.("[data-keys]"));
  if (own) return [own.dataset.keys || "", "everywhere"];
  return one("[data-rows]") ? ["list", "everywhere"] : ["everywhere"];
};

/**
 * @param {keyof NAMES} context
 * @param {string} keys like `mod+Enter`, `Shift+D`, `g q`; alternatives between spaces and `|`
 * @param {string} words
 * @param {(event: KeyboardEvent) => void} act
 */
export function bind(context, keys, words, act) {
  for (const combination of keys.split(" | ")) {
    const name = `${context} ${combination}`;
    if (table.has(name)) throw new Error(`${combination} is taken in ${context}`);
    table.set(name, { keys: combination, words, act, context });
  }
}

/** @param {KeyboardEvent} event */
function pressed(event) {
  const marks = [];
  if (event.ctrlKey || event.metaKey) marks.push("mod");
  if (event.altKey) marks.push("Alt");
  if (event.shiftKey && (event.key.length > 1 || /[a-z]/i.test(event.key))) marks.push("Shift");
  const name = event.key.length === 1 && /[a-z]/i.test(event.key) ? (event.shiftKey ? event.key.toUpperCase() : event.key.toLowerCase()) : event.key;
  return [...marks, name].join("+");
}

/** @param {EventTarget | null} target */
const writing = (target) => target instanceof HTMLElement
  && Boolean(target.closest("textarea, select, [contenteditable], input:not([type=checkbox], [type=radio], [type=button])"));

/** @param {KeyboardEvent} event */
function onKey(event) {
  if (event.defaultPrevented || event.isComposing || writing(event.target)) return;
  const combination = pressed(event);
  const single = !/^(mod|Alt)\+/.test(combination) && event.key.length === 1;
  if (single && memory.get("keys", true) === false) return;
  const chord = leader && Date.now() - leaderAt < HOLD ? `${leader} ${combination}` : "";
  leader = "";
  for (const context of contexts()) {
    const found = table.get(`${context} ${chord}`) || table.get(`${context} ${combination}`);
    if (!found) continue;
    event.preventDefault();
    found.act(event);
    return;
  }
  if (combination === "g") { leader = "g"; leaderAt = Date.now(); }
}

/** Show every shortcut that this page has. */
export function overlay() {
  const dialog = make("dialog", { class: "sheet", "aria-labelledby": "keys-title" });
  const list = make("div");
  for (const [context, title] of Object.entries(NAMES)) {
    const rows = [...table.values()].filter((row) => row.context === context);
    if (!rows.length) continue;
    const lines = make("dl", { class: "keys" });
    for (const words of new Set(rows.map((row) => row.words))) {
      const caps = rows.filter((row) => row.words === words).flatMap((row) => [" ", ...(row.keys.length === 1 ? [row.keys] : row.keys.split(/[+ ]/)).map((cap) => make("kbd", {}, SHOWN[cap] || (cap.length === 1 ? cap.toUpperCase() : cap)))]);
      lines.append(make("dt", {}, ...caps.slice(1)), make("dd", {}, words));
    }
    list.append(make("h3", {}, title), lines);
  }
  const box = make("input", { type: "checkbox", id: "keys-off" });
  box.checked = memory.get("keys", true);
  box.addEventListener("change", () => memory.set("keys", box.checked));
  const close = make("button", { class: "button", type: "button" }, "Close");
  close.addEventListener("click", () => dialog.close());
  dialog.append(make("h2", { id: "keys-title" }, "Keyboard shortcuts"), list,
    make("div", { class: "row" }, make("label", { class: "check" }, box, "Single-key shortcuts"), close));
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
}

/** Move between the rows of the lists on this page. @param {number} by */
function step(by) {
  const rows = all("[data-rows] [data-row]").filter((row) => row.offsetParent);
  const held = rows.indexOf(document.activeElement?.closest("[data-rows] > *, tbody > tr")?.querySelector("[data-row]"));
  rows[held < 0 ? (by > 0 ? 0 : rows.length - 1) : Math.min(rows.length - 1, Math.max(0, held + by))]?.focus();
}

document.addEventListener("keydown", onKey);
bind("list", "j", "Next row", () => step(1));
bind("list", "k", "Previous row", () => step(-1));
bind("list", "Shift+X", "Cancel the row", () => document.activeElement?.closest("li, tr")?.querySelector("[data-act=cancel] button, button[aria-label^=Cancel]")?.click());
bind("everywhere", "?", "Show this list", overlay);
for (const [letter, path, name] of [["c", "/create/", "Create"], ["q", "/queue/", "Queue"], ["g", "/gallery/", "Gallery"], ["s", "/spaces/", "Spaces"], ["v", "/chat/", "Chat"], ["u", "/usage/", "Usage"], ["n", "/notices/", "Notices"], ["h", "/", "Home"]]) {
  bind("everywhere", `g ${letter}`, `Go to ${name}`, () => { location.href = path; });
}
bind("everywhere", "/", "Search", () => one(".search input")?.focus());
