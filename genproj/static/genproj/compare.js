// Two to four pictures beside each other: moved and enlarged together, laid over each other, picked.

import { bind } from "./keys.js";
import { tryTo } from "./room.js";
import { all, icon, make, one, say, toast } from "./ui.js";

const box = one("#compare");
const divide = one("#divide");
const MODES = ["side", "slider", "overlay", "difference"];
const SCALE = { least: 1, most: 12 };
const STEP = 48;
let view = { x: 0, y: 0, scale: 1 };
let order = all(".pane", box);
let part = 50;

const stacked = () => box.dataset.mode !== "side";

function paint() {
  const { x, y, scale } = view;
  for (const image of all(".lens img", box)) {
    image.style.transform = `translate(${x}px, ${y}px) scale(${scale})`;
    if (scale > 1.5 && image.dataset.full && image.src !== new URL(image.dataset.full, location.href).href) image.src = image.dataset.full;
  }
  order.forEach((pane, place) => {
    const lens = one(".lens", pane);
    pane.style.order = String(place);
    pane.style.zIndex = String(place);
    lens.style.clipPath = box.dataset.mode === "slider" && place === 1 ? `inset(0 0 0 ${part}%)` : "";
    lens.style.opacity = box.dataset.mode === "overlay" && place > 0 ? String((100 - part) / 100) : "";
    // modes that lay pictures over each other are about the first two
    pane.classList.toggle("aside", stacked() && place > 1);
  });
  const line = box.dataset.mode === "slider";
  box.style.setProperty("--part", `${part}%`);
  box.classList.toggle("divided", line);
  divide.hidden = !["slider", "overlay"].includes(box.dataset.mode);
  divide.setAttribute("aria-label", line ? "Where the first ends and the second begins, in percent" : "How much of the first is seen, in percent");
}

/** @param {string} mode */
function lay(mode) {
  box.dataset.mode = mode;
  for (const button of all("[data-mode].button")) button.setAttribute("aria-pressed", String(button.dataset.mode === mode));
  const url = new URL(location.href);
  url.searchParams.set("mode", mode);
  history.replaceState(null, "", url);
  paint();
  say(one(`.button[data-mode="${mode}"]`).textContent);
}

function swap() {
  order = [...order.slice(1), order[0]];
  paint();
  say(order.map((pane) => pane.dataset.letter).join(", "));
}

/** @param {number} by @param {number} [x] @param {number} [y] both from the middle of a picture */
function zoom(by, x = 0, y = 0) {
  const scale = Math.min(SCALE.most, Math.max(SCALE.least, view.scale * by));
  view.x = x - (x - view.x) * scale / view.scale;
  view.y = y - (y - view.y) * scale / view.scale;
  view.scale = scale;
  if (scale === 1) view = { x: 0, y: 0, scale };
  paint();
}

/** @param {number} x @param {number} y */
function pan(x, y) {
  if (view.scale === 1) return;
  const lens = one(".lens", box);
  const [wide, high] = [lens.clientWidth * (view.scale - 1) / 2, lens.clientHeight * (view.scale - 1) / 2];
  view.x = Math.max(-wide, Math.min(wide, view.x + x));
  view.y = Math.max(-high, Math.min(high, view.y + y));
  paint();
}

/** @param {number} to */
function cut(to) {
  part = Math.max(0, Math.min(100, to));
  divide.value = String(part);
  paint();
}

/** @param {HTMLButtonElement} button */
async function win(button) {
  const pane = /** @type {any} */ (button.closest(".pane"));
  const done = await tryTo("asset:setActive", { asset_id: pane.dataset.asset, variant_id: pane.dataset.variant });
  if (!done) return;
  for (const other of all(`.pane[data-asset="${pane.dataset.asset}"]`, box)) {
    const was = one("figcaption .chip", other);
    if (was) was.replaceWith(make("button", { class: "button", type: "button", "data-win": other.dataset.variant }, `Pick ${other.dataset.letter}`));
  }
  button.replaceWith(make("span", { class: "chip", "data-tone": "done", tabindex: "-1" }, icon("check"), "active"));
  toast(`${pane.dataset.letter} stands for its asset now.`);
  box.focus();
}

document.addEventListener("click", (/** @type {any} */ event) => {
  const mode = event.target.closest(".button[data-mode]");
  if (mode) lay(mode.dataset.mode);
  const button = event.target.closest("[data-win]");
  if (button) win(button);
  const what = event.target.closest("#room [data-do]")?.dataset.do;
  if (what === "swap") swap();
  if (what === "in") zoom(1.4);
  if (what === "out") zoom(1 / 1.4);
  if (what === "fit") zoom(0);
});
divide.addEventListener("input", () => cut(Number(divide.value)));

let held = /** @type {null | {x: number, y: number, cut: boolean}} */ (null);
box.addEventListener("pointerdown", (/** @type {PointerEvent} */ event) => {
  const lens = /** @type {any} */ (event.target).closest(".lens");
  if (!lens) return;
  const at = lens.getBoundingClientRect();
  const near = box.dataset.mode === "slider" && Math.abs(event.clientX - at.left - at.width * part / 100) < 24;
  held = { x: event.clientX, y: event.clientY, cut: near || (box.dataset.mode === "slider" && view.scale === 1) };
  box.setPointerCapture(event.pointerId);
  if (held.cut) cut((event.clientX - at.left) / at.width * 100);
});
box.addEventListener("pointermove", (/** @type {PointerEvent} */ event) => {
  if (!held) return;
  if (held.cut) {
    const at = one(".lens", box).getBoundingClientRect();
    cut((event.clientX - at.left) / at.width * 100);
    return;
  }
  pan(event.clientX - held.x, event.clientY - held.y);
  held = { ...held, x: event.clientX, y: event.clientY };
});
for (const name of ["pointerup", "pointercancel"]) box.addEventListener(name, () => { held = null; });
box.addEventListener("wheel", (/** @type {WheelEvent} */ event) => {
  const lens = /** @type {any} */ (event.target).closest(".lens");
  if (!lens || (!event.ctrlKey && !event.metaKey)) return;
  event.preventDefault();
  const at = lens.getBoundingClientRect();
  zoom(Math.exp(-event.deltaY / 200), event.clientX - at.left - at.width / 2, event.clientY - at.top - at.height / 2);
}, { passive: false });

bind("compare", "m", "Next way to lay them", () => lay(MODES[(MODES.indexOf(box.dataset.mode) + 1) % MODES.length]));
bind("compare", "s", "Swap", swap);
bind("compare", "+ | =", "Larger", () => zoom(1.4));
bind("compare", "-", "Smaller", () => zoom(1 / 1.4));
bind("compare", "0", "Fit", () => zoom(0));
for (const [key, x, y, words] of /** @type {[string, number, number, string][]} */ ([["ArrowLeft", 1, 0, "left"], ["ArrowRight", -1, 0, "right"], ["ArrowUp", 0, 1, "up"], ["ArrowDown", 0, -1, "down"]])) {
  bind("compare", key, `Go ${words}; with the slider: move it`, () => {
    if (view.scale === 1 && x && !divide.hidden) cut(part - x * 5);
    else pan(x * STEP, y * STEP);
  });
}
for (const [place, letter] of ["a", "b", "c", "d"].entries()) {
  bind("compare", String(place + 1), `Pick ${letter.toUpperCase()}`, () => one(`.pane[data-letter="${letter.toUpperCase()}"] [data-win]`, box)?.click());
}
paint();
