// Follows one stream over its socket: every frame once and in order, through reloads and outages.
//
//   const end = follow();                        // /ws/me/ of whoever is signed in
//   document.addEventListener("generation:updated", ({ detail }) => show(detail.generation));
//   document.addEventListener("sync:state", ({ detail }) => begin(detail));
//   document.addEventListener("connection", ({ detail }) => say(detail.text));
//
// Events on the target: one for each frame, named by its type; "sync:state" when the page should
// begin anew; "connection" whenever the state or its text changes; "signed-out" when the session
// has ended. Frames may repeat what the page already shows, so take them as they are, not as
// differences.

const PING = 20_000;
const ANSWER = 10_000;
const LONGEST_WAIT = 30_000;
const POLL = 5_000;
/** Failures in a row from which on the page polls while the socket is tried again. */
const GIVE_WAY = 3;
const SIGNED_OUT = 4401;

/**
 * @typedef {"live" | "reconnecting" | "polling" | "offline"} State
 * @typedef {object} Options
 * @property {string} [path] the socket's address
 * @property {string} [poll] what is asked for while there is no socket; "" for nothing
 * @property {string} [user] whose stream it is; a cursor is good for one person only
 * @property {EventTarget} [target] where events are dispatched
 */

export class Follower {
  /** @param {Options} options */
  constructor({
    path = "/ws/me/",
    poll = "/api/v1/generations/?page_size=20",
    user = document.body?.dataset.user ?? "",
    target = document,
  }) {
    this.path = path;
    this.pollPath = poll;
    this.target = target;
    this.key = `genproj:cursor:${path}:${user}`;
    /** @type {WebSocket | null} */
    this.socket = null;
    this.failures = 0;
    this.nextAt = 0;
    this.lastUpdate = Date.now();
    this.said = "";
    this.ended = false;
    this.unreachable = false;
    /** @type {Map<string, string>} */
    this.seen = new Map();
    this.timers = { retry: 0, ping: 0, answer: 0, poll: 0, clock: 0 };
    this.listeners = new AbortController();
    const { signal } = this.listeners;
    addEventListener("online", () => this.open(), { signal });
    addEventListener("offline", () => this.lose(), { signal });
    addEventListener("pageshow", (event) => event.persisted && this.open(), { signal });
    document.addEventListener("visibilitychange", () => document.hidden || this.open(), { signal });
    this.open();
  }

  get cursor() {
    try {
      const kept = sessionStorage.getItem(this.key);
      return kept === null ? null : Number(kept);
    } catch {
      return this.memory ?? null; // storage may be forbidden
    }
  }

  /** @param {number} seq */
  set cursor(seq) {
    this.memory = seq;
    try {
      sessionStorage.setItem(this.key, String(seq));
    } catch {
      // then it is remembered as long as the page lives
    }
  }

  open() {
    if (this.ended || this.socket) return;
    clearTimeout(this.timers.retry);
    if (!navigator.onLine) return this.say();
    const address = new URL(this.path, location.href);
    address.protocol = address.protocol.replace("http", "ws");
    const socket = new WebSocket(address);
    this.socket = socket;
    this.expectAnswer();
    socket.onopen = () => {
      const since = this.cursor;
      this.send(since === null ? { type: "sync:request" } : { type: "sync:request", since });
      this.timers.ping = setInterval(() => this.send({ type: "ping" }), PING);
    };
    socket.onmessage = (event) => socket === this.socket && this.take(JSON.parse(event.data));
    socket.onclose = (event) => socket === this.socket && this.lose(event.code);
    this.say();
  }

  /** @param {object} frame */
  send(frame) {
    if (this.socket?.readyState !== WebSocket.OPEN) return;
    this.socket.send(JSON.stringify(frame));
    this.expectAnswer();
  }

  /** A connection that died without a word is noticed by what does not come back. */
  expectAnswer() {
    clearTimeout(this.timers.answer);
    this.timers.answer = setTimeout(() => this.lose(), ANSWER);
  }

  /** @param {any} frame */
  take(frame) {
    clearTimeout(this.timers.answer);
    this.lastUpdate = Date.now();
    if (frame.type === "sync:state" || frame.type === "sync:delta") {
      this.failures = 0;
      this.live = true;
      this.stopPolling();
      this.cursor = frame.seq;
      if (frame.type === "sync:state") this.emit(frame.type, frame);
      else for (const missed of frame.events) this.emit(missed.type, missed);
      this.say();
    } else if (typeof frame.seq === "number") {
      this.cursor = frame.seq;
      this.emit(frame.type, frame);
    } else if (frame.type !== "pong") {
      this.emit(frame.type, frame);
    }
  }

  /** @param {number} [code] */
  lose(code) {
    const { socket } = this;
    this.socket = null;
    this.live = false;
    clearInterval(this.timers.ping);
    clearTimeout(this.timers.answer);
    socket?.close();
    if (this.ended) return;
    if (code === SIGNED_OUT) this.emit("signed-out", {});
    this.failures += 1;
    const wait = Math.min(LONGEST_WAIT, 500 * 2 ** Math.min(this.failures, 8));
    // Spread, so that a server that comes back is not met by everybody at once.
    const pause = code === SIGNED_OUT ? LONGEST_WAIT : wait * (0.5 + Math.random() / 2);
    this.nextAt = Date.now() + pause;
    clearTimeout(this.timers.retry);
    // A hidden page is throttled and looked at by nobody: it connects when it is seen again.
    if (!document.hidden) this.timers.retry = setTimeout(() => this.open(), pause);
    if (this.failures >= GIVE_WAY) this.startPolling();
    this.say();
  }

  startPolling() {
    if (!this.pollPath || this.timers.poll) return;
    this.timers.poll = setInterval(() => this.poll(), POLL);
    this.poll();
  }

  stopPolling() {
    clearInterval(this.timers.poll);
    this.timers.poll = 0;
    this.unreachable = false;
    this.seen.clear();
  }

  async poll() {
    if (document.hidden) return;
    try {
      const answer = await fetch(this.pollPath, { headers: { Accept: "application/json" } });
      if (answer.status === 401) this.emit("signed-out", {});
      if (!answer.ok) throw new Error(String(answer.status));
      const { results } = await answer.json();
      if (!this.timers.poll) return;
      for (const generation of results.reverse()) this.compare(generation);
      this.lastUpdate = Date.now();
      this.unreachable = false;
    } catch {
      this.unreachable = true;
    }
    this.say();
  }

  /** @param {{id: string}} generation */
  compare(generation) {
    const text = JSON.stringify(generation);
    if (this.seen.get(generation.id) === text) return;
    this.seen.set(generation.id, text);
    this.emit("generation:updated", { type: "generation:updated", generation });
  }

  /** @returns {State} */
  get state() {
    if (this.live) return "live";
    if (!navigator.onLine || this.unreachable) return "offline";
    return this.timers.poll ? "polling" : "reconnecting";
  }

  get text() {
    const { state } = this;
    if (state === "live") return "Live";
    if (state === "polling") return "Polling";
    if (state === "offline") {
      const at = new Date(this.lastUpdate);
      const two = (/** @type {number} */ number) => String(number).padStart(2, "0");
      return `Offline (last update ${two(at.getHours())}:${two(at.getMinutes())})`;
    }
    const seconds = Math.max(0, Math.ceil((this.nextAt - Date.now()) / 1000));
    return `Reconnecting (attempt ${this.failures + 1}, next in ${seconds} s)`;
  }

  /** Tell how things stand, if that is news; the seconds are counted down while they matter. */
  say() {
    const { state, text } = this;
    clearTimeout(this.timers.clock);
    if (state === "reconnecting" && this.failures) {
      this.timers.clock = setTimeout(() => this.say(), 1000);
    }
    if (text === this.said || (!this.failures && state === "reconnecting")) return;
    this.said = text;
    const { failures: attempt, nextAt, lastUpdate } = this;
    this.emit("connection", { state, text, attempt, nextAt, lastUpdate });
  }

  /** @param {string} type @param {object} detail */
  emit(type, detail) {
    this.target.dispatchEvent(new CustomEvent(type, { detail }));
  }

  end() {
    this.ended = true;
    this.listeners.abort();
    for (const timer of Object.values(this.timers)) clearTimeout(timer);
    this.socket?.close();
  }
}

/**
 * Begin to follow a stream.
 *
 * @param {Options} [options]
 * @returns {() => void} ends it
 */
export function follow(options = {}) {
  const follower = new Follower(options);
  return () => follower.end();
}
