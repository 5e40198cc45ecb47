// What can be done with one picture, on its own page and in the lightbox.

import { call } from "./http.js";
import { refreshAll } from "./live.js";
import { all, one, toast } from "./ui.js";

/** @param {string} id @param {boolean} gone */
function hide(id, gone) {
  for (const tile of all(`.tile[data-artifact="${id}"]`)) tile.hidden = gone;
  document.dispatchEvent(new CustomEvent("picture:gone", { detail: { id, gone } }));
}

/** @param {string} id @returns {Promise<boolean>} */
export async function remove(id) {
  try {
    await call("DELETE", `artifacts/${id}/`);
  } catch (problem) {
    toast(/** @type {Error} */ (problem).message);
    return false;
  }
  hide(id, true);
  toast("Moved to the trash.", { label: "Undo", act: () => bringBack(id) });
  return true;
}

/** @param {string} id */
export async function bringBack(id) {
  await call("POST", `artifacts/${id}/restore/`);
  hide(id, false);
  refreshAll();
  toast("Restored.");
}

/** @param {HTMLElement} stage @param {HTMLButtonElement} button */
function zoom(stage, button) {
  const image = /** @type {HTMLImageElement | null} */ (one(".frame img", stage));
  if (!image) return;
  const full = stage.classList.toggle("full");
  button.setAttribute("aria-pressed", String(full));
  if (full && image.dataset.full) {
    image.removeAttribute("srcset");
    image.src = image.dataset.full;
  }
}

/** @param {HTMLButtonElement} button @param {string} id */
async function star(button, id) {
  const wanted = button.getAttribute("aria-pressed") !== "true";
  await call("PATCH", `artifacts/${id}/`, { starred: wanted });
  button.setAttribute("aria-pressed", String(wanted));
  one(`.tile[data-artifact="${id}"] .star`)?.setAttribute("aria-pressed", String(wanted));
}

/** @param {HTMLFormElement} form @param {string} id */
async function saveTags(form, id) {
  const field = /** @type {HTMLInputElement} */ (form.elements.namedItem("tags"));
  const tags = [...new Set(field.value.split(",").map((tag) => tag.trim()).filter(Boolean))];
  const answer = await call("PATCH", `artifacts/${id}/`, { tags });
  field.value = answer.tags.join(", ");
  toast("Tags saved.");
}

/** Bring one viewer to life. @param {HTMLElement} viewer */
export function inspect(viewer) {
  const id = viewer.dataset.artifact || "";
  const stage = one(".stage", viewer);
  /** @param {() => Promise<any>} work */
  const guarded = (work) => work().catch((problem) => toast(problem.message));
  viewer.addEventListener("click", (event) => {
    const target = /** @type {HTMLElement} */ (event.target);
    const button = /** @type {HTMLButtonElement | null} */ (target.closest("[data-do]"));
    const what = button?.dataset.do;
    if (button && what === "star") guarded(() => star(button, id));
    if (what === "zoom" || target.matches(".frame img")) zoom(stage, one("[data-do=zoom]", viewer));
    if (what === "restore") guarded(async () => { await bringBack(id); button?.closest(".problem")?.remove(); });
  });
  one("form[data-tags]", viewer).addEventListener("submit", (/** @type {SubmitEvent} */ event) => {
    event.preventDefault();
    guarded(() => saveTags(/** @type {HTMLFormElement} */ (event.target), id));
  });
}

const alone = one("main .viewer");
if (alone) {
  inspect(alone);
  one("[data-do=trash]", alone)?.addEventListener("click", async () => {
    if (await remove(alone.dataset.artifact)) one("[data-do=trash]", alone).disabled = true;
  });
}
