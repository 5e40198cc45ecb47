// Small things that every page needs: notices, the live region, ages, copying, preferences.

const SPRITE = new URL("icons.svg", import.meta.url).pathname;
const MOST_TOASTS = 3;
const QUIET = 10_000;

/** @param {string} selector @param {ParentNode} [root] @returns {any} */
export const one = (selector, root = document) => root.querySelector(selector);
/** @param {string} selector @param {ParentNode} [root] @returns {any[]} */
export const all = (selector, root = document) => [...root.querySelectorAll(selector)];

/**
 * @param {string} tag
 * @param {Record<string, string>} [attributes]
 * @param {...(Node | string)} children
 * @returns {any}
 */
export function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

/** @type {Map<string, Element>} */
const icons = new Map();

/** @param {string} name @returns {any} */
export function icon(name) {
  if (!icons.has(name)) {
    const holder = document.createElement("template");
    holder.innerHTML = `<svg class="icon" aria-hidden="true"><use href="${SPRITE}#${name}"/></svg>`;
    icons.set(name, /** @type {Element} */ (holder.content.firstElementChild));
  }
  return document.importNode(/** @type {Element} */ (icons.get(name)), true);
}

/**
 * A notice that goes away by itself, unless somebody is reading it.
 * @param {string} text
 * @param {{label: string, act: () => void}} [action]
 */
export function toast(text, action) {
  const region = one("#toasts");
  const note = make("div", { class: "toast" }, make("span", {}, text));
  const leave = () => {
    const held = note.contains(document.activeElement);
    note.remove();
    if (held) one("#main")?.focus();
  };
  if (action) {
    const button = make("button", { type: "button" }, action.label);
    button.addEventListener("click", () => { leave(); action.act(); });
    note.append(button);
  }
  // A toast must lie above an open dialog, which only the top layer does.
  const home = one("dialog[open]") || document.body;
  if (region.parentElement !== home) home.append(region);
  region.append(note);
  while (region.children.length > MOST_TOASTS) region.firstElementChild.remove();
  say(text);
  let timer = 0;
  const start = () => { timer = window.setTimeout(leave, action ? 10_000 : 6000); };
  for (const event of ["mouseenter", "focusin"]) note.addEventListener(event, () => clearTimeout(timer));
  for (const event of ["mouseleave", "focusout"]) note.addEventListener(event, start);
  start();
}

/** @type {string[]} */
let unsaid = [];
let saidAt = 0;

/** Say something at once. @param {string} text */
export function say(text) {
  const region = one("#announce");
  if (region) region.textContent = text;
}

/** Say something in its turn: together with its neighbours, at most once in ten seconds. @param {string} text */
export function mention(text) {
  unsaid.push(text);
  if (unsaid.length > 1) return;
  setTimeout(() => {
    say([...new Set(unsaid)].join(" "));
    unsaid = [];
    saidAt = Date.now();
  }, Math.max(400, saidAt + QUIET - Date.now()));
}

/** @param {number} seconds */
const age = (seconds) => {
  for (const [size, unit] of /** @type {[number, string][]} */ ([[86400, "d"], [3600, "h"], [60, "min"]])) {
    if (seconds >= size) return `${Math.floor(seconds / size)} ${unit} ago`;
  }
  return seconds < 10 ? "just now" : `${Math.floor(seconds)} s ago`;
};

/** @param {number} seconds */
const span = (seconds) => seconds < 60 ? `${seconds} s` : seconds < 3600
  ? `${Math.floor(seconds / 60)} min ${seconds % 60} s`
  : `${Math.floor(seconds / 3600)} h ${Math.floor((seconds % 3600) / 60)} min`;

/** What an open generation waits for, as the server would say it now. @param {DOMStringMap} told */
function waits({ usual, slow, deadline, next, trouble }) {
  const at = Date.now();
  if (deadline && at >= Date.parse(deadline)) return "Checking with the provider.";
  if (trouble && next) {
    const seconds = Math.round((Date.parse(next) - at) / 1000);
    return seconds > 0 ? `${trouble}; next try in ${seconds} s.` : `${trouble}; trying again.`;
  }
  if (slow && at >= Date.parse(slow)) return "Taking longer than usual. We keep checking; you can leave this page.";
  return usual || "";
}

/** Bring every age and elapsed time on the page up to now. */
export function tick() {
  if (document.hidden) return;
  for (const time of all("time[data-since], time[data-age]")) {
    const seconds = Math.max(0, Math.floor((Date.now() - Date.parse(time.dateTime)) / 1000));
    const text = "since" in time.dataset ? span(seconds) : age(seconds);
    if (time.textContent !== text) time.textContent = text;
  }
  for (const place of all("[data-usual]")) {
    const text = waits(place.dataset);
    if (place.textContent !== text) place.textContent = text;
  }
}

/** @param {string} text */
export async function copy(text) {
  await navigator.clipboard.writeText(text);
  toast("Copied.");
}

/** What this browser remembers; a browser that forbids it simply forgets. */
export const memory = {
  /** @param {string} name @param {any} [otherwise] */
  get(name, otherwise = null) {
    try { return JSON.parse(localStorage.getItem(`genproj:${name}`) ?? "null") ?? otherwise; } catch { return otherwise; }
  },
  /** @param {string} name @param {any} value */
  set(name, value) {
    try { localStorage.setItem(`genproj:${name}`, JSON.stringify(value)); } catch { /* full or forbidden */ }
  },
};

/** Remember something the server renders by. @param {string} name @param {string} value */
export function cookie(name, value) {
  document.cookie = `${name}=${value}; path=/; max-age=31536000; samesite=lax`;
}
