// Joins the page to the live client, and says in words how things stand between them.

import { follow } from "../events/follow.js";
import { receive, receiveState } from "./live.js";
import { one } from "./ui.js";

const FRAMES = [
  "generation:created", "generation:updated", "generation:deleted", "artifact:updated", "notice:created",
  "message:created", "message:updated", "video:created", "video:updated",
];
const PING = 20_000;
const AGAIN = 5000;

/** The worst comes first: a page may have a line of its own beside everybody's. */
const STATES = ["offline", "polling", "reconnecting", "live"];
/** @type {Map<string, {state: string, text: string}>} */
const lines = new Map();

/** @param {CustomEvent<{state: string, text: string, of?: string}>} event */
function show(event) {
  lines.set(event.detail.of || "", event.detail);
  const [detail] = [...lines.values()].sort((a, b) => STATES.indexOf(a.state) - STATES.indexOf(b.state));
  const wire = one("#wire");
  const [word, ...rest] = detail.text.split(/(?= \()/);
  const more = document.createElement("span");
  more.className = "more";
  more.textContent = rest.join("");
  wire.hidden = false;
  wire.dataset.state = detail.state;
  wire.title = detail.text;
  wire.replaceChildren(word, more);
}

/** Staff see everybody's things; their socket says only what moved. */
function followEverybody() {
  const address = new URL("/ws/staff/", location.href);
  address.protocol = address.protocol.replace("http", "ws");
  const socket = new WebSocket(address);
  const pinging = setInterval(() => socket.readyState === WebSocket.OPEN && socket.send('{"type": "ping"}'), PING);
  socket.onmessage = (event) => {
    const frame = JSON.parse(event.data);
    if (FRAMES.includes(frame.type)) receive(frame.type, { id: frame.id });
  };
  socket.onclose = () => {
    clearInterval(pinging);
    setTimeout(followEverybody, AGAIN);
  };
}

for (const type of FRAMES) document.addEventListener(type, (event) => receive(type, /** @type {CustomEvent} */ (event).detail));
document.addEventListener("sync:state", (event) => receiveState(/** @type {CustomEvent} */ (event).detail));
document.addEventListener("connection", (event) => show(/** @type {CustomEvent} */ (event)));
document.addEventListener("signed-out", () => { location.href = `/accounts/login/?next=${encodeURIComponent(location.pathname + location.search)}`; });
follow();
if ("staff" in document.body.dataset) followEverybody();
