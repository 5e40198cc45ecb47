// Keeps admin pages current: hears on /ws/staff/ that something changed, then reads the same page
// again and puts the new states in place. Without a socket it reads every five seconds.

const SETTLE = 300;   // ms that changes are gathered
const FALLBACK = 5;   // s between two looks without a socket
const PING = 20_000;  // ms; the server closes sockets that are silent for 45 s

const parts = [...document.querySelectorAll("[data-live]")];
const line = document.getElementById("live-line");
let socket = null, timer = 0, looking = false, again = false, tries = 0;

const isLive = () => socket?.readyState === WebSocket.OPEN;

function tell(state, words) {
  if (!line) return;
  line.hidden = false;
  if (line.textContent !== words) line.textContent = words;
  line.dataset.state = state;
}

function soon() {
  if (!timer) timer = setTimeout(() => { timer = 0; look(); }, SETTLE);
}

async function look() {
  if (document.hidden) return;
  if (looking) { again = true; return; }
  looking = true;
  try {
    const answer = await fetch(location.href, { headers: { "X-Requested-With": "live" }, redirect: "error" });
    if (!answer.ok) return;
    const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
    for (const part of parts) part.dataset.live === "list" ? putList(fresh) : putPart(part, fresh);
  } catch {
    tell("offline", "Not reachable just now");
  } finally {
    looking = false;
    if (again) { again = false; soon(); }
  }
}

// A part that somebody works in (a choice made, a field focused, something unfolded) keeps it.
function putPart(part, fresh) {
  const now = document.getElementById(part.id), next = fresh.getElementById(part.id);
  if (!now || !next || now.innerHTML === next.innerHTML || now.querySelector("details[open]")) return;
  const chosen = new Set([...now.querySelectorAll("input:checked")].map((box) => box.name + box.value));
  const focus = now.contains(document.activeElement) ? document.activeElement : null;
  if (focus?.matches("button, a")) return;
  now.replaceChildren(...next.childNodes);
  for (const box of now.querySelectorAll("input[type=checkbox]")) box.checked = chosen.has(box.name + box.value);
  if (focus?.name) now.querySelector(`[name="${focus.name}"][value="${focus.value}"]`)?.focus();
}

const keyOf = (row) => row.querySelector("input.action-select")?.value ?? row.querySelector("th a, td a")?.getAttribute("href");

function putList(fresh) {
  const now = document.querySelector("#result_list"), next = fresh.querySelector("#result_list");
  if (!now || !next) {
    if (!now !== !next) location.reload();
    return;
  }
  const chosen = now.querySelector("input.action-select:checked");
  if (!chosen && !now.contains(document.activeElement)) {
    if (now.tBodies[0].innerHTML === next.tBodies[0].innerHTML) return;
    now.tBodies[0].replaceWith(next.tBodies[0]);
    rebind(fresh);
  } else {
    const rows = new Map([...next.tBodies[0].rows].map((row) => [keyOf(row), row]));
    for (const row of now.tBodies[0].rows) putRow(row, rows.get(keyOf(row)));
  }
  document.querySelectorAll(".paginator").forEach((paginator, place) => {
    const newer = fresh.querySelectorAll(".paginator")[place];
    if (newer) paginator.replaceWith(newer);
  });
}

function putRow(row, newer) {
  if (!newer) return;
  [...row.cells].forEach((cell, place) => {
    const next = newer.cells[place];
    if (next && !cell.querySelector("input, select") && cell.innerHTML !== next.innerHTML) cell.innerHTML = next.innerHTML;
  });
}

// Django's own script counts the boxes it found first, so it is started again on the new ones.
function rebind(fresh) {
  const boxes = document.querySelectorAll("tr input.action-select");
  if (!window.Actions || !boxes.length) return;
  for (const old of document.querySelectorAll("#action-toggle, div.actions span.question, div.actions span.clear")) {
    old.replaceWith(old.cloneNode(true));
  }
  const count = fresh.querySelector("span.action-counter")?.dataset.actionsIcnt;
  const counter = document.querySelector("span.action-counter");
  if (counter && count) {
    counter.dataset.actionsIcnt = count;
    counter.textContent = fresh.querySelector("span.action-counter").textContent;
  }
  window.Actions(boxes);
}

function join() {
  socket = new WebSocket(`${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/ws/staff/`);
  socket.onopen = () => { tries = 0; tell("live", "Live"); look(); };
  socket.onmessage = (message) => { if (JSON.parse(message.data).type !== "pong") soon(); };
  socket.onclose = () => {
    tell("polling", `Looks every ${FALLBACK} s`);
    tries += 1;
    setTimeout(join, Math.min(30_000, 1000 * 2 ** tries));
  };
}

if (parts.length) {
  join();
  const every = Math.min(...parts.map((part) => Number(part.dataset.every) || 30));
  let looked = Date.now();
  setInterval(() => {
    const pause = isLive() ? every : FALLBACK;
    if (Date.now() - looked >= pause * 1000) { looked = Date.now(); look(); }
  }, 1000);
  setInterval(() => { if (isLive()) socket.send('{"type":"ping"}'); }, PING);
  document.addEventListener("visibilitychange", () => { if (!document.hidden) look(); });
}
