// Which pictures of the gallery are selected, and what is done with them together.

import { call } from "./http.js";
import { all, make, one, toast } from "./ui.js";

const MOST_FILES = 200; // that one archive holds
const MOST_ADDED = 20; // to an asset at once
const grid = one("#tiles");
const bar = one("#selection");
/** @type {Set<string>} */
export const picked = new Set();
let anchor = "";
/** @type {import("./wall.js").Wall} */
let wall;

/** @param {import("./wall.js").Wall} made */
export function join(made) { wall = made; }

/** Show on a tile that comes into the document whether it is selected. @param {any} tile @param {string} id */
export function wear(tile, id) {
  one(".pick", tile)?.setAttribute("aria-checked", String(picked.has(id)));
}

function paint() {
  one("output", bar).textContent = `${picked.size} selected`;
  const mode = one("#select").getAttribute("aria-pressed") === "true";
  bar.hidden = !mode && picked.size === 0;
  grid.classList.toggle("picking", mode || picked.size > 0);
}

/** @param {string} id @param {boolean} [wanted] */
export function pick(id, wanted) {
  if (!wall.known.has(id)) return;
  const on = wanted ?? !picked.has(id);
  if (on) picked.add(id); else picked.delete(id);
  const tile = wall.known.get(id)?.element;
  if (tile) wear(tile, id);
  anchor = id;
  paint();
}

/** @param {string} from @param {string} to */
export function range(from, to) {
  const ends = [from || to, to].map((id) => wall.known.get(id)?.order || 0).sort((a, b) => a - b);
  for (const place of wall.shown.slice(ends[0], ends[1] + 1)) pick(place.id, true);
  anchor = to;
}

export function forget() {
  picked.clear();
  for (const tile of all(".tile[data-artifact]", grid)) wear(tile, tile.dataset.artifact);
  one("#select").setAttribute("aria-pressed", "false");
  paint();
}

export function picking() {
  const button = one("#select");
  const on = button.getAttribute("aria-pressed") !== "true";
  if (!on) { forget(); return; }
  button.setAttribute("aria-pressed", "true");
  paint();
}

/** @param {string[]} ids @param {(id: string) => Promise<any>} work @returns {Promise<string[]>} those that worked */
async function each(ids, work) {
  const results = await Promise.allSettled(ids.map(work));
  const failed = results.filter((result) => result.status === "rejected").length;
  if (failed) toast(`${failed} of ${ids.length} did not work. Try again.`);
  return ids.filter((_, place) => results[place].status === "fulfilled");
}

/** @param {number} count */
const pictures = (count) => count === 1 ? "1 picture" : `${count} pictures`;

/** @type {Record<string, (ids: string[]) => Promise<void>>} */
const VERBS = {
  async star(ids) {
    for (const id of await each(ids, (one_) => call("PATCH", `artifacts/${one_}/`, { starred: true }))) {
      wall.alter(id, (tile) => one(".star", tile).setAttribute("aria-pressed", "true"));
    }
    toast(`${pictures(ids.length)} starred.`);
  },
  async tag(ids) {
    const words = await askForTags();
    if (!words.length) return;
    const done = await each(ids, async (id) => {
      const { tags } = await call("GET", `artifacts/${id}/`);
      await call("PATCH", `artifacts/${id}/`, { tags: [...new Set([...tags, ...words])] });
    });
    toast(`${pictures(done.length)} tagged.`);
  },
  async download(ids) {
    const some = ids.slice(0, MOST_FILES);
    const several = new URLSearchParams(some.map((id) => ["id", id]));
    const href = some.length === 1 ? `/media/${some[0]}/original?download=1` : `/gallery/download/?${several}`;
    make("a", { href, download: "" }).click();
    if (ids.length > some.length) toast(`The first ${MOST_FILES} of ${ids.length} are in the archive.`);
  },
  async asset(ids) {
    location.href = `/spaces/add/?${new URLSearchParams(ids.slice(0, MOST_ADDED).map((id) => ["artifact", id]))}`;
  },
  async trash(ids) {
    const done = await each(ids, (id) => call("DELETE", `artifacts/${id}/`));
    wall.hide(done, true);
    forget();
    if (done.length) toast(`${pictures(done.length)} moved to the trash.`, { label: "Undo", act: () => bringBack(done) });
  },
  async restore(ids) {
    const done = await each(ids, (id) => call("POST", `artifacts/${id}/restore/`));
    wall.hide(done, true);
    forget();
    toast(`${pictures(done.length)} restored.`);
  },
};

/** @param {string[]} ids */
async function bringBack(ids) {
  const done = await each(ids, (id) => call("POST", `artifacts/${id}/restore/`));
  wall.hide(done, false);
  toast(`${pictures(done.length)} restored.`);
}

/** @returns {Promise<string[]>} */
function askForTags() {
  const dialog = one("#tagging");
  const field = one("#new-tags");
  field.value = "";
  dialog.returnValue = "";
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => {
      const words = field.value.split(",").map((/** @type {string} */ tag) => tag.trim()).filter(Boolean);
      resolve(dialog.returnValue === "add" ? words : []);
    }, { once: true });
  });
}

/** @param {string} what @param {string[]} ids */
export async function act(what, ids) {
  if (what === "clear") { forget(); return; }
  if (!ids.length) { toast("Select some pictures first."); return; }
  await VERBS[what](ids);
}

bar?.addEventListener("click", (/** @type {any} */ event) => {
  const what = event.target.closest("[data-bulk]")?.dataset.bulk;
  if (what) act(what, [...picked]);
});
grid?.addEventListener("click", (/** @type {any} */ event) => {
  const tile = event.target.closest(".tile");
  const link = event.target.closest("a[data-open]");
  if (!tile || event.target.closest(".star")) return;
  if (!event.target.closest(".pick") && !(link && (grid.classList.contains("picking") || event.shiftKey))) return;
  event.preventDefault();
  if (event.shiftKey && anchor) range(anchor, tile.dataset.artifact);
  else pick(tile.dataset.artifact);
});
