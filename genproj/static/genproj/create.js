// The composer: sends without leaving the page, keeps drafts, shows what is wrong where it is wrong.

import { call, part, Problem } from "./http.js";
import { bind } from "./keys.js";
import { refreshAll } from "./live.js";
import { begin as references } from "./references.js";
import { all, icon, make, memory, one, say, toast } from "./ui.js";

const form = one("#composer");
const prompt = one("#prompt");
const send = one("#send");
const DRAFT = `draft:${document.body.dataset.user}`;
const HISTORY = `prompts:${document.body.dataset.user}`;
const LARGEST_SEED = 2 ** 31 - 1;
const NUMBERS = new Set(["count", "seed", "width", "height"]);
let saving = 0;
let attempt = "";
let attempted = "";
let place = -1;
/** @type {Record<string, { left: string, limit: string, stops: boolean }>} */
const rooms = JSON.parse(one("#rooms").textContent);
let full = false;

/** @param {HTMLInputElement} field */
function valueOf(field) {
  if (field.type === "checkbox") return field.checked || undefined;
  if (field.value === "") return undefined;
  return NUMBERS.has(field.name) || field.dataset.type === "number" ? Number(field.value) : field.value;
}

/** The form as the API takes it. */
function body() {
  /** @type {Record<string, any>} */
  const wish = { parameters: {}, reference_artifacts: [] };
  const size = form.elements.size?.value;
  for (const field of /** @type {any} */ (form.elements)) {
    if (!field.name || ["csrfmiddlewaretoken", "size", "width", "height", "model"].includes(field.name)) continue;
    const value = valueOf(field);
    if (value === undefined) continue;
    if (field.name === "reference") wish.reference_artifacts.push(value);
    else if (field.name === "tags") wish.tags = String(value).split(",").map((tag) => tag.trim()).filter(Boolean);
    else if (field.name.startsWith("p.")) wish.parameters[field.name.slice(2)] = value;
    else wish[field.name] = value;
  }
  wish.model = form.elements.model.value;
  wish.prompt = (wish.prompt || "").trim();
  const sides = size === "custom" ? [form.elements.width.value, form.elements.height.value] : (size || "").split("x");
  if (sides.length === 2) [wish.width, wish.height] = sides.map(Number);
  return wish;
}

function paintCost() {
  const chosen = one("input[name=model]:checked", form);
  const { price, often } = chosen?.dataset || {};
  const count = Number(form.elements.count.value) || 1;
  const cost = one("#cost");
  const pictures = count === 1 ? "1 picture" : `${count} pictures`;
  const sum = price ? `≈ ${dollars(Number(price) * count)}` : "Price not known";
  const room = rooms[chosen?.value];
  const left = room && `left this month: ${dollars(Number(room.left))}`;
  cost.textContent = [sum, pictures, often, left].filter(Boolean).join(" · ");
  paintRoom(room, price ? Number(price) * count : undefined);
}

/** @param {number} amount never rounded to nothing */
function dollars(amount) {
  const text = String(Number(amount.toFixed(6)));
  const [whole, cents = ""] = (text.includes("e") ? amount.toFixed(6) : text).split(".");
  return `${whole}.${cents.padEnd(2, "0")} USD`;
}

/** What a budget says to this request. @param {any} room @param {number | undefined} cost */
function paintRoom(room, cost) {
  const note = one("#room");
  const left = room ? Number(room.left) : Infinity;
  const unknown = room && cost === undefined;
  const over = cost !== undefined && cost > left + 1e-9;
  full = Boolean(room && (unknown || (room.stops && over)));
  const near = room && left <= Number(room.limit) * 0.2;
  const words = unknown ? "This model has no price, and a budget covers it: staff can enter one."
    : over && room.stops ? "This costs more than is left this month."
    : over ? "This is more than this month’s budget; it only tells." : near ? "80 % of this month’s budget is used." : "";
  note.hidden = !words;
  note.dataset.tone = full ? "failed" : "partial";
  if (note.dataset.words === words) return;
  note.dataset.words = words;
  note.replaceChildren(icon(full ? "failed" : "partial"), make("span", {}, `${words} `, make("a", { href: "/usage/" }, "See the budget")));
}

/** What was just asked for is not left any more. */
function takeRoom() {
  const chosen = one("input[name=model]:checked", form);
  const cost = Number(chosen.dataset.price || 0) * (Number(form.elements.count.value) || 1);
  for (const room of Object.values(rooms)) room.left = String(Math.max(0, Number(room.left) - cost));
  paintCost();
}

function paintPrompt() {
  one("[data-count]").textContent = prompt.value.length;
  one("#examples").hidden = prompt.value !== "";
  if (!CSS.supports("field-sizing", "content")) {
    prompt.style.height = "auto";
    prompt.style.height = `${prompt.scrollHeight}px`;
  }
}

function saveDraft() {
  clearTimeout(saving);
  saving = window.setTimeout(() => {
    const kept = [...new FormData(form)].filter(([name]) => !["csrfmiddlewaretoken", "reference"].includes(name));
    memory.set(DRAFT, kept);
    one("#draft").textContent = prompt.value ? "Draft kept" : "";
  }, 400);
}

/** @param {[string, string][]} kept */
function fill(kept) {
  for (const [name, value] of kept) {
    const field = form.elements[name];
    if (!field) continue;
    if (field instanceof RadioNodeList) {
      if ([...field].some((/** @type {any} */ radio) => radio.value === value && !radio.disabled)) field.value = value;
    } else if (field.type === "checkbox") field.checked = true;
    else field.value = value;
  }
  nameModel();
}

function nameModel() {
  const chosen = one("input[name=model]:checked", form);
  one("#model-name").textContent = chosen.dataset.name;
  one(".picker .price").textContent = chosen.dataset.price ? `${Number(chosen.dataset.price)} USD` : "";
}

/** Another model has other sizes and parameters; what still fits stays. */
async function changeModel() {
  nameModel();
  paintCost();
  const asked = new URLSearchParams();
  for (const [name, value] of new FormData(form)) {
    if (value && !["csrfmiddlewaretoken", "prompt"].includes(name)) asked.append(name, String(value));
  }
  asked.set("part", "settings");
  const content = await part(`${location.pathname}?${asked}`).catch(() => null);
  if (!content) { toast("The model's settings did not load. Choose it again."); return; }
  for (const holder of all("[data-into]", content)) one(`#${holder.dataset.into}`).replaceChildren(...holder.childNodes);
  form.elements.count.max = one("[data-max-count]", content)?.dataset.maxCount || form.elements.count.max;
  references(form);
}

function picker() {
  const details = one("#picker");
  const find = one(".find", details);
  details.addEventListener("toggle", () => { if (details.open) { find.value = ""; filter(); find.focus(); } });
  const filter = () => {
    const words = find.value.toLowerCase().split(/\s+/).filter(Boolean);
    let shown = 0;
    for (const option of all(".option", details)) {
      option.hidden = !words.every((/** @type {string} */ word) => option.dataset.words.includes(word));
      if (!option.hidden) shown += 1;
    }
    one("[data-none]", details).hidden = shown > 0;
  };
  find.addEventListener("input", filter);
  find.addEventListener("keydown", (/** @type {KeyboardEvent} */ event) => {
    const first = one(".option:not([hidden]) input:not(:disabled)", details);
    if (event.key === "ArrowDown" && first) { event.preventDefault(); first.focus(); }
    if (event.key === "Enter" && first) { event.preventDefault(); first.checked = true; done(); }
  });
  const done = () => { details.open = false; one("summary", details).focus(); changeModel(); };
  let pointer = false;
  details.addEventListener("pointerdown", () => { pointer = true; });
  details.addEventListener("keydown", (/** @type {KeyboardEvent} */ event) => {
    pointer = false;
    if (event.key === "Enter" && /** @type {any} */ (event.target).type === "radio") { event.preventDefault(); done(); }
  });
  details.addEventListener("change", () => { if (pointer) done(); else changeModel(); });
}

function clearProblems() {
  one("#refused").replaceChildren();
  for (const field of all("[aria-invalid]", form)) { field.removeAttribute("aria-invalid"); }
  for (const note of all(".wrong", form)) note.remove();
}

/** @param {Problem} problem */
function showProblem(problem) {
  const list = make("ul");
  for (const { pointer, detail } of problem.errors) {
    const field = one(`[data-pointer="${CSS.escape(pointer)}"]`, form) || one(`[data-pointer="/${CSS.escape(pointer.split("/")[1] || "")}"]`, form);
    const where = field?.closest(".field");
    if (!field) { list.append(make("li", {}, `${pointer.slice(1)}: ${detail}`)); continue; }
    const name = where ? one("label, legend, .label", where)?.textContent : "Prompt";
    const link = make("a", { href: `#${field.id}` }, name || pointer.slice(1));
    link.addEventListener("click", (/** @type {Event} */ event) => { event.preventDefault(); reveal(field); });
    list.append(make("li", {}, link, `: ${detail}`));
    field.setAttribute("aria-invalid", "true");
    (where || one(".pad", form)).append(make("p", { class: "wrong" }, detail));
    const fold = field.closest("details.more");
    if (fold) fold.open = true;
  }
  const block = make("div", { class: "problem", role: "alert" }, icon("failed"), make("p", { class: "what" }, problem.title), make("p", {}, problem.message));
  if (list.children.length) block.append(list);
  if (problem.retryable) block.append(make("p", {}, "You can try again as it stands."));
  block.append(make("p", { class: "fine" }, make("code", {}, problem.code), problem.requestId ? ` · request ${problem.requestId}` : ""));
  one("#refused").replaceChildren(block);
  block.scrollIntoView({ block: "nearest" });
}

/** @param {any} field */
function reveal(field) {
  const inner = field.matches("input, textarea, select") ? field : one("input, textarea, select", field);
  inner?.focus();
}

async function submit() {
  if (send.getAttribute("aria-disabled") === "true") return;
  if (full) { say(one("#room").textContent); one("#room a").focus(); return; }
  clearProblems();
  const wish = body();
  const text = JSON.stringify(wish);
  // The same key for the same wish, until it is known to have arrived: a lost answer makes no second one.
  if (text !== attempted || !attempt) { attempt = crypto.randomUUID?.() ?? String(Math.random()); attempted = text; }
  send.setAttribute("aria-disabled", "true");
  try {
    await call("POST", "generations/", wish, { "Idempotency-Key": attempt });
    attempt = "";
    memory.set(HISTORY, [wish.prompt, ...memory.get(HISTORY, []).filter((/** @type {string} */ old) => old !== wish.prompt)].slice(0, 50));
    place = -1;
    send.textContent = "Queued ✓";
    say("Queued.");
    takeRoom();
    setTimeout(() => { send.textContent = "Generate"; }, 2000);
    refreshAll();
  } catch (problem) {
    if (!(problem instanceof Problem)) throw problem;
    if (problem.status && problem.status < 500) attempt = "";
    showProblem(problem);
  }
  send.removeAttribute("aria-disabled");
}

/** @param {number} by */
function recall(by) {
  const past = memory.get(HISTORY, []);
  place = Math.min(past.length - 1, Math.max(-1, place + by));
  prompt.value = place < 0 ? "" : past[place];
  paintPrompt();
}

form.addEventListener("submit", (/** @type {SubmitEvent} */ event) => { event.preventDefault(); submit(); });
form.addEventListener("input", () => { paintCost(); saveDraft(); });
form.addEventListener("keydown", (/** @type {KeyboardEvent} */ event) => {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) { event.preventDefault(); submit(); }
  if (event.target === prompt && event.altKey && /^Arrow(Up|Down)$/.test(event.key)) { event.preventDefault(); recall(event.key === "ArrowUp" ? 1 : -1); }
});
prompt.addEventListener("input", paintPrompt);
form.addEventListener("click", (/** @type {any} */ event) => {
  const step = event.target.closest("[data-step]");
  if (step) {
    const field = form.elements[step.dataset.for];
    field.value = String(Math.min(Number(field.max), Math.max(Number(field.min), Number(field.value) + Number(step.dataset.step))));
    field.dispatchEvent(new Event("input", { bubbles: true }));
  }
  if (event.target.closest("#dice")) {
    form.elements.seed.value = String(1 + Math.floor(Math.random() * LARGEST_SEED));
    form.elements.seed.dispatchEvent(new Event("input", { bubbles: true }));
  }
});
for (const example of all("#examples button")) {
  example.addEventListener("click", () => { prompt.value = example.textContent; paintPrompt(); saveDraft(); prompt.focus(); });
}
bind("composer", "mod+Enter", "Generate", submit);
bind("composer", "Alt+ArrowUp | Alt+ArrowDown", "Earlier and later prompts", () => {});
const kept = memory.get(DRAFT);
if (kept && !location.search && !prompt.value) {
  fill(kept);
  if (form.elements.model.value !== form.dataset.model) changeModel().then(() => fill(kept));
}
picker();
references(form);
paintPrompt();
paintCost();
