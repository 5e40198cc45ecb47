// Lineage as a graph to pan and zoom, and the same as a tree of words.

import { NODE, index, placed, visible, way } from "./descent.js";
import { bind } from "./keys.js";
import { confirm, mayEdit, spaceId, store, tryTo } from "./room.js";
import { all, icon, make, memory, one, say } from "./ui.js";

const section = one("#lineage");
const graph = one("#graph");
const list = one("#descent");
const SVG = "http://www.w3.org/2000/svg";
const PAD = 48;
const SCALE = { least: 0.2, most: 2.5 };
const opened = new Set();
let focus = section.dataset.focus;
let stop = focus;
let view = { x: 0, y: 0, scale: 1 };
let fitted = false;
/** @type {Map<string, import("./descent.js").Place>} */
let places = new Map();
/** @type {ReturnType<typeof index>} */
let kin = index([]);
/** @type {any[]} */
let lines = [];
/** @type {Map<string, string>} */
let names = new Map();
let due = 0;
let mode = memory.get("lineage", innerWidth < 640 ? "list" : "graph");

// --- drawing ------------------------------------------------------------------------------------

const world = make("div", { class: "world" });
graph.append(world);

/** @param {string} id */
const nameOf = (id) => store.asset(store.variant(id)?.asset_id)?.name ?? names.get(id) ?? "Removed";

function draw() {
  due = 0;
  if (!store.space) return;
  const all_ = store.lineage;
  kin = index(all_);
  const ids = visible(kin, focus, opened);
  places = placed(kin, ids);
  lines = all_.filter((/** @type {any} */ line) => ids.has(line.parent_variant_id) && ids.has(line.child_variant_id));
  names = new Map(lines.flatMap((line) => [[line.parent_variant_id, line.parent_name], [line.child_variant_id, line.child_name]]));
  if (!ids.has(stop)) stop = focus;
  drawGraph(ids);
  drawList(ids);
  one("#lineage-says").textContent = ids.size === 1 ? "Nothing came from this variant, and it came from nothing." : `${ids.size.toLocaleString("en")} variants, ${lines.length.toLocaleString("en")} lines`;
  if (!fitted && graph.clientWidth) fit();
}

/** @param {Set<string>} ids */
function drawGraph(ids) {
  const held = graph.contains(document.activeElement) && document.activeElement !== graph;
  const path = way(kin, focus, ids);
  const width = Math.max(...[...places.values()].map((place) => place.x)) + NODE;
  const height = Math.max(...[...places.values()].map((place) => place.y)) + NODE + 24;
  const edges = document.createElementNS(SVG, "svg");
  edges.setAttribute("class", "edges");
  edges.setAttribute("width", String(width));
  edges.setAttribute("height", String(height));
  edges.setAttribute("aria-hidden", "true");
  const labels = [];
  for (const line of lines) {
    const from = places.get(line.parent_variant_id);
    const to = places.get(line.child_variant_id);
    if (!from || !to) continue;
    const [x1, y1, x2, y2] = [from.x + NODE, from.y + NODE / 2, to.x, to.y + NODE / 2];
    const bend = Math.max(24, (x2 - x1) / 2);
    const curve = document.createElementNS(SVG, "path");
    curve.setAttribute("d", `M${x1},${y1} C${x1 + bend},${y1} ${x2 - bend},${y2} ${x2},${y2}`);
    curve.setAttribute("class", [line.severed_at ? "severed" : "", path.has(line.id) ? "way" : ""].join(" ").trim());
    edges.append(curve);
    const label = make("span", { class: `edge-label${path.has(line.id) ? " way" : ""}${line.severed_at ? " severed" : ""}` }, line.severed_at ? `${line.relation}, severed` : line.relation);
    // nearer to the child, where lines of many children lie apart
    label.style.transform = `translate(${x1 + (x2 - x1) * 0.6}px, ${y1 + (y2 - y1) * 0.76}px) translate(-50%, -50%)`;
    labels.push(label);
  }
  world.replaceChildren(edges, ...labels, ...[...places.values()].map(node));
  world.style.width = `${width}px`;
  world.style.height = `${height}px`;
  if (held) one(`[data-node="${stop}"] .node-face`, world)?.focus({ preventScroll: true });
}

/** @param {import("./descent.js").Place} place */
function node(place) {
  const variant = store.variant(place.id);
  const name = nameOf(place.id);
  const parts = [name, ...(variant ? [] : ["removed"]), ...(place.id === focus ? ["in focus"] : [])];
  const parents = (kin.up.get(place.id) || []).length;
  const children = (kin.down.get(place.id) || []).length;
  parts.push(`from ${parents}, to ${children}`);
  const face = make("button", { class: "node-face", type: "button", "aria-label": parts.join(", "), "aria-haspopup": "menu", tabindex: place.id === stop ? "0" : "-1" });
  if (!variant) face.append(make("span", { class: "caption" }, "removed"));
  else if (variant.thumb_url) face.append(make("img", { src: variant.thumb_url, alt: "", draggable: "false", decoding: "async" }));
  else face.append(icon(variant.status === "failed" ? "failed" : "clock"));
  const box = make("div", { class: `graph-node${variant ? "" : " removed"}${place.id === focus ? " focus" : ""}`, "data-node": place.id }, face, make("span", { class: "caption", title: name }, name));
  if (place.hidden.up) box.append(more(place, "up"));
  if (place.hidden.down) box.append(more(place, "down"));
  box.style.transform = `translate(${place.x}px, ${place.y}px)`;
  return box;
}

/** @param {import("./descent.js").Place} place @param {"up" | "down"} side */
function more(place, side) {
  const count = place.hidden[side];
  return make("button", { class: `branch ${side}`, type: "button", "data-open-branch": place.id, tabindex: "-1", "aria-label": `Show ${count} more ${side === "up" ? "that it came from" : "that came from it"}` }, `+${count.toLocaleString("en")}`);
}

/** @param {Set<string>} ids */
function drawList(ids) {
  const told = new Set();
  const held = list.contains(document.activeElement) ? document.activeElement?.closest("[data-node]")?.getAttribute("data-node") : "";
  /** @param {string} id @param {any} line @param {number} level @returns {any} */
  const item = (id, line, level) => {
    const variant = store.variant(id);
    const name = nameOf(id);
    const again = told.has(id);
    told.add(id);
    const words = [line ? (line.severed_at ? `${line.relation} (severed)` : line.relation) : "", name, variant ? "" : "(removed)", again ? "(see above)" : ""].filter(Boolean).join(" ");
    const row = make("span", { class: `descent-row${variant ? "" : " removed"}` });
    if (line) row.append(make("span", { class: "caption muted" }, line.severed_at ? `${line.relation}, severed` : line.relation));
    row.append(variant?.thumb_url ? make("img", { src: variant.thumb_url, alt: "", width: "32", height: "32" }) : make("span", { class: "thumbless" }), make("span", {}, variant ? name : `${name} (removed)`));
    if (id === focus) row.append(make("span", { class: "chip" }, "in focus"));
    const element = make("li", { role: "treeitem", "data-node": id, "aria-level": String(level), "aria-label": words, "aria-selected": String(id === focus), tabindex: "-1" }, row);
    const below = again ? [] : (kin.down.get(id) || []).filter((one_) => ids.has(one_.child_variant_id));
    if (below.length) {
      element.setAttribute("aria-expanded", "true");
      element.append(make("ul", { role: "group" }, ...below.map((one_) => item(one_.child_variant_id, one_, level + 1))));
    }
    const hidden = places.get(id)?.hidden;
    if (!again && hidden && hidden.up + hidden.down) row.append(make("button", { class: "chip", type: "button", "data-open-branch": id, tabindex: "-1" }, `+${hidden.up + hidden.down} more`));
    return element;
  };
  const roots = [...ids].filter((id) => !(kin.up.get(id) || []).some((line) => ids.has(line.parent_variant_id)));
  list.replaceChildren(make("ul", { role: "tree", "aria-label": "Lineage", class: "descent-list" }, ...roots.map((id) => item(id, null, 1))));
  const first = one(`[data-node="${held || focus}"]`, list) ?? one("[data-node]", list);
  if (first) { first.tabIndex = 0; if (held) first.focus({ preventScroll: true }); }
}

// --- looking around -----------------------------------------------------------------------------

function paint() { world.style.transform = `translate(${view.x}px, ${view.y}px) scale(${view.scale})`; }

function fit() {
  fitted = true;
  const width = parseFloat(world.style.width) + PAD * 2;
  const height = parseFloat(world.style.height) + PAD * 2;
  const scale = Math.max(0.6, Math.min(1, graph.clientWidth / width, graph.clientHeight / height));
  const here = places.get(focus);
  view.scale = scale;
  const fits = (/** @type {number} */ room, /** @type {number} */ size) => size * scale <= room;
  view.x = fits(graph.clientWidth, width) ? (graph.clientWidth - (width - PAD * 2) * scale) / 2 : graph.clientWidth / 2 - ((here?.x ?? 0) + NODE / 2) * scale;
  view.y = fits(graph.clientHeight, height) ? (graph.clientHeight - (height - PAD * 2) * scale) / 2 : graph.clientHeight / 2 - ((here?.y ?? 0) + NODE / 2) * scale;
  paint();
}

/** @param {number} by @param {number} [x] @param {number} [y] */
function zoom(by, x = graph.clientWidth / 2, y = graph.clientHeight / 2) {
  const scale = Math.min(SCALE.most, Math.max(SCALE.least, view.scale * by));
  view.x = x - (x - view.x) * scale / view.scale;
  view.y = y - (y - view.y) * scale / view.scale;
  view.scale = scale;
  paint();
}

/** @param {string} id */
function bringIn(id) {
  const place = places.get(id);
  if (!place) return;
  const [x, y, size] = [view.x + place.x * view.scale, view.y + place.y * view.scale, NODE * view.scale];
  if (x < 8) view.x += 8 - x;
  if (y < 8) view.y += 8 - y;
  if (x + size > graph.clientWidth - 8) view.x -= x + size - graph.clientWidth + 8;
  if (y + size > graph.clientHeight - 8) view.y -= y + size - graph.clientHeight + 8;
  paint();
}

/** @param {string | undefined} id */
function walk(id) {
  if (!id || !places.has(id)) return;
  const before = one(`[data-node="${stop}"] .node-face`, world);
  if (before) before.tabIndex = -1;
  stop = id;
  const face = one(`[data-node="${id}"] .node-face`, world);
  face.tabIndex = 0;
  face.focus({ preventScroll: true });
  bringIn(id);
}

/** The nearest in a direction. @param {"left" | "right" | "up" | "down"} to */
function step(to) {
  const here = places.get(stop);
  if (!here) return;
  const near = [...places.values()].filter((place) => place.id !== stop && ({
    left: place.layer < here.layer, right: place.layer > here.layer, up: place.layer === here.layer && place.y < here.y, down: place.layer === here.layer && place.y > here.y,
  })[to]);
  const tied = new Set((to === "left" ? kin.up.get(stop) || [] : kin.down.get(stop) || []).map((line) => to === "left" ? line.parent_variant_id : line.child_variant_id));
  const off = (/** @type {any} */ place) => Math.abs(place.x - here.x) * 1.5 + Math.abs(place.y - here.y) - (tied.has(place.id) ? 1e6 : 0);
  walk(near.sort((a, b) => off(a) - off(b))[0]?.id);
}

// --- the menu of a node ---------------------------------------------------------------------------

/** @param {string} id @param {any} by */
function menu(id, by) {
  one("#node-menu")?.remove();
  const variant = store.variant(id);
  const box = make("div", { class: "float node-menu", id: "node-menu", role: "menu", "aria-label": nameOf(id), popover: "auto" });
  const entry = (/** @type {string} */ symbol, /** @type {string} */ text, /** @type {() => any} */ act) => {
    const button = make("button", { class: "item", type: "button", role: "menuitem" }, icon(symbol), text);
    button.addEventListener("click", () => { box.hidePopover(); act(); });
    box.append(button);
  };
  if (variant) {
    entry("open", "Open", () => { location.href = `/assets/${variant.asset_id}/?variant=${id}`; });
    if (mayEdit && variant.status === "completed") entry("create", "Generate from here", () => { location.href = `/spaces/${spaceId}/?from=${id}`; });
  }
  if (id !== focus && variant) entry("zoom", "Put in focus", () => refocus(id));
  const parents = kin.up.get(id) || [];
  for (const line of parents) {
    const parent = store.variant(line.parent_variant_id);
    if (variant?.image_url && parent?.image_url) entry("compare", `Compare with ${nameOf(line.parent_variant_id)}`, () => { location.href = `/spaces/${spaceId}/compare/?v=${line.parent_variant_id}&v=${id}`; });
  }
  for (const line of mayEdit ? parents.filter((one_) => !one_.severed_at) : []) entry("slash", `Sever from ${nameOf(line.parent_variant_id)}`, () => sever(line));
  if (!box.children.length) box.append(make("p", { class: "title" }, "It was removed. Its place in the history stays."));
  box.addEventListener("toggle", (/** @type {any} */ event) => { if (event.newState === "closed") { by.focus?.({ preventScroll: true }); box.remove(); } });
  box.addEventListener("keydown", (/** @type {KeyboardEvent} */ event) => {
    const items = all(".item", box);
    const at = items.indexOf(document.activeElement);
    if (event.key === "ArrowDown" || event.key === "ArrowUp") { event.preventDefault(); event.stopPropagation(); items[(at + (event.key === "ArrowDown" ? 1 : items.length - 1)) % items.length]?.focus(); }
  });
  section.append(box);
  box.showPopover();
  const at = by.getBoundingClientRect();
  box.style.left = `${Math.max(8, Math.min(innerWidth - box.offsetWidth - 8, at.right + 6))}px`;
  box.style.top = `${Math.max(8, Math.min(innerHeight - box.offsetHeight - 8, at.top))}px`;
  one(".item", box)?.focus();
}

/** @param {any} line */
async function sever(line) {
  if (!await confirm("Sever this line?", `${nameOf(line.child_variant_id)} no longer counts as ${line.relation} from ${nameOf(line.parent_variant_id)}. The line stays in the history, dashed.`, "Sever")) return;
  await tryTo("lineage:sever", { lineage_id: line.id });
}

/** @param {string} id */
function refocus(id) {
  focus = id;
  stop = id;
  fitted = false;
  const url = new URL(location.href);
  url.searchParams.set("variant", id);
  history.replaceState(history.state, "", url);
  draw();
  walk(id);
  say(`${nameOf(id)} is in focus.`);
}

/** @param {string} next */
function show(next) {
  mode = next;
  graph.hidden = mode !== "graph";
  list.hidden = mode !== "list";
  one("#zooms").hidden = mode !== "graph";
  for (const button of all("[data-lineage]")) button.setAttribute("aria-pressed", String(button.dataset.lineage === mode));
  if (mode === "graph" && !fitted && places.size) fit();
}

section.addEventListener("click", (/** @type {any} */ event) => {
  const branch = event.target.closest("[data-open-branch]");
  if (branch) { opened.add(branch.dataset.openBranch); draw(); return; }
  const face = event.target.closest(".node-face");
  if (face) { stop = face.closest("[data-node]").dataset.node; menu(stop, face); return; }
  const row = event.target.closest(".descent-row");
  if (row) { const item = row.closest("[data-node]"); menu(item.dataset.node, item); return; }
  const kind = event.target.closest("[data-lineage]");
  if (kind) { memory.set("lineage", kind.dataset.lineage); show(kind.dataset.lineage); }
  const zooms = event.target.closest("[data-zoom]")?.dataset.zoom;
  if (zooms === "fit") fit();
  else if (zooms) zoom(zooms === "in" ? 1.25 : 0.8);
});
list.addEventListener("keydown", (/** @type {any} */ event) => {
  const rows = all("[data-node]", list);
  const at = rows.indexOf(event.target.closest("[data-node]"));
  const to = (/** @type {any} */ row) => { if (row) { rows[at].tabIndex = -1; row.tabIndex = 0; row.focus(); } };
  const acts = { ArrowDown: () => to(rows[at + 1]), ArrowUp: () => to(rows[at - 1]), Home: () => to(rows[0]), End: () => to(rows.at(-1)), ArrowLeft: () => to(rows[at].parentElement.closest("[data-node]")), ArrowRight: () => to(one("[data-node]", rows[at])), Enter: () => menu(rows[at].dataset.node, rows[at]), " ": () => menu(rows[at].dataset.node, rows[at]) };
  const act = acts[/** @type {keyof typeof acts} */ (event.key)];
  if (act && at >= 0) { event.preventDefault(); event.stopPropagation(); act(); }
});

/** @type {Map<number, {x: number, y: number}>} */
const fingers = new Map();
graph.addEventListener("pointerdown", (/** @type {PointerEvent} */ event) => {
  if (/** @type {any} */ (event.target).closest("button")) return;
  graph.setPointerCapture(event.pointerId);
  fingers.set(event.pointerId, { x: event.clientX, y: event.clientY });
  graph.classList.add("panning");
});
graph.addEventListener("pointermove", (/** @type {PointerEvent} */ event) => {
  const before = fingers.get(event.pointerId);
  if (!before) return;
  const now = { x: event.clientX, y: event.clientY };
  if (fingers.size === 2) {
    const [other] = [...fingers].filter(([key]) => key !== event.pointerId).map(([, point]) => point);
    const far = (/** @type {any} */ a, /** @type {any} */ b) => Math.hypot(a.x - b.x, a.y - b.y) || 1;
    const box = graph.getBoundingClientRect();
    zoom(far(now, other) / far(before, other), (now.x + other.x) / 2 - box.left, (now.y + other.y) / 2 - box.top);
  } else {
    view.x += now.x - before.x;
    view.y += now.y - before.y;
    paint();
  }
  fingers.set(event.pointerId, now);
});
for (const name of ["pointerup", "pointercancel"]) graph.addEventListener(name, (/** @type {PointerEvent} */ event) => { fingers.delete(event.pointerId); graph.classList.toggle("panning", fingers.size > 0); });
graph.addEventListener("wheel", (/** @type {WheelEvent} */ event) => {
  if (!event.ctrlKey && !event.metaKey) return;
  event.preventDefault();
  const box = graph.getBoundingClientRect();
  zoom(Math.exp(-event.deltaY / 200), event.clientX - box.left, event.clientY - box.top);
}, { passive: false });
new ResizeObserver(() => { if (!fitted && places.size && graph.clientWidth) fit(); }).observe(graph);

bind("graph", "ArrowLeft", "What it came from", () => step("left"));
bind("graph", "ArrowRight", "What came from it", () => step("right"));
bind("graph", "ArrowUp", "The one above", () => step("up"));
bind("graph", "ArrowDown", "The one below", () => step("down"));
bind("graph", "+ | =", "Larger", () => zoom(1.25));
bind("graph", "-", "Smaller", () => zoom(0.8));
bind("graph", "0", "Fit", fit);
bind("graph", "o", "Open its branch", () => { opened.add(stop); draw(); });

const soon = () => { if (!due) due = requestAnimationFrame(draw); };
store.addEventListener("state", soon);
store.addEventListener("change", (/** @type {any} */ { detail }) => { if (["lineage", "variant", "asset"].includes(detail.noun)) soon(); });
show(mode);
soon();
