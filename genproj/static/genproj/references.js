// Pictures to begin with: chosen, dropped or pasted; each is brought in before it is sent along.

import { call, part } from "./http.js";
import { all, icon, make, one, toast } from "./ui.js";

const TYPES = ["image/png", "image/jpeg", "image/webp"];
let joined = false;

/** @param {HTMLElement} box */
function paint(box) {
  const full = all(".ref", box).length >= Number(box.dataset.most);
  for (const way of all(".drop", box)) way.hidden = full;
}

/** A chip for one more reference. @param {HTMLElement} box @param {string} source */
function place(box, source) {
  const number = all(".ref", box).length + 1;
  const remove = make("button", { type: "button", "aria-label": `Remove reference ${number}` }, icon("cross"));
  const chip = make("span", { class: "ref" }, make("img", { alt: `Reference ${number}`, src: source }), remove);
  one(".drop", box).before(chip);
  return chip;
}

/** @param {HTMLElement} box @param {string} id a picture that is here already */
function addKnown(box, id) {
  if (one(`input[value="${id}"]`, box)) return;
  place(box, `/media/${id}/thumb`).append(make("input", { type: "hidden", name: "reference", value: id }));
  paint(box);
}

/** Let a picture of the gallery be picked. @param {() => HTMLElement} box */
function choosing(box) {
  const dialog = one("#choosing");
  const found = one(".found", dialog);
  const find = one("#choosing-find");
  let turn = 0;
  let waiting = 0;
  /** @param {string} [cursor] */
  const load = async (cursor = "") => {
    const mine = ++turn;
    found.setAttribute("aria-busy", "true");
    const asked = new URLSearchParams({ part: "choose", kind: "image", q: find.value.trim(), cursor });
    const content = await part(`/gallery/?${asked}`).catch(() => null);
    if (mine !== turn) return;
    found.removeAttribute("aria-busy");
    if (!content) {
      found.replaceChildren(make("p", { class: "wrong" }, "The gallery did not load. Close this and try again."));
    } else if (cursor) {
      one(".choices", found).append(...all(".choices > li", content));
      one(".more-link", found)?.remove();
      found.append(...all(".more-link", content));
    } else found.replaceChildren(content);
  };
  find.addEventListener("input", () => { clearTimeout(waiting); waiting = window.setTimeout(load, 250); });
  dialog.addEventListener("click", (/** @type {any} */ event) => {
    const more = event.target.closest("[data-choose-more]");
    const chosen = event.target.closest("[data-choice]");
    if (more) load(more.dataset.chooseMore);
    if (chosen) addKnown(box(), chosen.dataset.choice);
    if (chosen || event.target === dialog || event.target.closest("[data-close]")) dialog.close();
  });
  dialog.addEventListener("close", () => {
    const way = one("[data-pick-reference]", box());
    (way?.hidden ? one(".ref button", box()) : way)?.focus();
  });
  return () => { find.value = ""; dialog.showModal(); find.focus(); load(); };
}

/** @param {HTMLElement} box @param {File} file */
async function add(box, file) {
  if (!TYPES.includes(file.type)) { toast(`${file.name || "This file"} is no PNG, JPEG or WebP picture.`); return; }
  if (all(".ref", box).length >= Number(box.dataset.most)) { toast(`This model takes at most ${box.dataset.most}.`); return; }
  const chip = place(box, URL.createObjectURL(file));
  chip.setAttribute("aria-busy", "true");
  paint(box);
  const form = new FormData();
  form.append("file", file);
  try {
    const artifact = await call("POST", "artifacts/", form);
    chip.append(make("input", { type: "hidden", name: "reference", value: artifact.id }));
    chip.removeAttribute("aria-busy");
  } catch (problem) {
    chip.remove();
    paint(box);
    toast(/** @type {Error} */ (problem).message);
  }
}

/** @param {HTMLFormElement} form */
export function begin(form) {
  const box = () => one("#references", form);
  if (box()) paint(box());
  if (joined) return;
  joined = true;
  const choose = choosing(box);
  form.addEventListener("click", (/** @type {any} */ event) => { if (event.target.closest("[data-pick-reference]")) choose(); });
  form.addEventListener("change", (/** @type {any} */ event) => {
    if (event.target.type !== "file") return;
    for (const file of event.target.files) add(box(), file);
    event.target.value = "";
  });
  form.addEventListener("click", (/** @type {any} */ event) => {
    const chip = event.target.closest(".ref button")?.closest(".ref");
    if (chip) { chip.remove(); paint(box()); one(".drop input", box()).focus(); }
  });
  form.addEventListener("paste", (/** @type {ClipboardEvent} */ event) => {
    const files = [...(event.clipboardData?.files || [])];
    if (!files.length) return;
    event.preventDefault();
    take(files);
  });
  form.addEventListener("dragover", (event) => { if (event.dataTransfer?.types.includes("Files")) { event.preventDefault(); form.classList.add("over"); } });
  form.addEventListener("dragleave", () => form.classList.remove("over"));
  form.addEventListener("drop", (event) => {
    form.classList.remove("over");
    if (!event.dataTransfer?.files.length) return;
    event.preventDefault();
    take([...event.dataTransfer.files]);
  });
  /** @param {File[]} files */
  const take = (files) => {
    if (!box()) { toast("This model takes no reference pictures."); return; }
    const fold = box().closest("details");
    if (fold) fold.open = true;
    for (const file of files) add(box(), file);
  };
}
