// Pictures to begin with: chosen, dropped or pasted; each is brought in before it is sent along.

import { call } from "./http.js";
import { all, icon, make, one, toast } from "./ui.js";

const TYPES = ["image/png", "image/jpeg", "image/webp"];
let joined = false;

/** @param {HTMLElement} box */
function paint(box) {
  const full = all(".ref", box).length >= Number(box.dataset.most);
  one(".drop", box).hidden = full;
}

/** @param {HTMLElement} box @param {File} file */
async function add(box, file) {
  if (!TYPES.includes(file.type)) { toast(`${file.name || "This file"} is no PNG, JPEG or WebP picture.`); return; }
  if (all(".ref", box).length >= Number(box.dataset.most)) { toast(`This model takes at most ${box.dataset.most}.`); return; }
  const number = all(".ref", box).length + 1;
  const remove = make("button", { type: "button", "aria-label": `Remove reference ${number}` }, icon("cross"));
  const image = make("img", { alt: `Reference ${number}`, src: URL.createObjectURL(file) });
  const chip = make("span", { class: "ref", "aria-busy": "true" }, image, remove);
  one(".drop", box).before(chip);
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
