// The line between a page and the socket of a space: endless tries, a poll meanwhile, four states.

import { Follower } from "../events/follow.js";

const FORBIDDEN = 4403;
const NOT_FOUND = 4404;

/**
 * What the line tells its store.
 *
 * @typedef {object} Store
 * @property {number | null} seq the newest frame that the store holds
 * @property {(frame: any) => void} take a frame, or the answer of the poll, which is one
 * @property {() => void} ready the line is there, and the store is as new as the server
 * @property {() => void} lost the line is gone
 * @property {() => void} polled the API answers
 * @property {(code: number) => void} gone the space is none of ours any more
 * @property {(detail: any) => void} told the state of the line, in words
 */

export class SpaceLink extends Follower {
  /** @param {string} space @param {Store} store */
  constructor(space, store) {
    super({ path: `/ws/spaces/${space}/`, poll: `/api/v1/spaces/${space}/state/`, target: new EventTarget() });
    this.store = store;
    this.target.addEventListener("connection", (event) => store.told(/** @type {CustomEvent} */ (event).detail));
    this.said = "";
    this.say(); // what was said before somebody listened
    this.target.addEventListener("signed-out", () => document.dispatchEvent(new CustomEvent("signed-out", { detail: {} })));
  }

  // What is shown lives as long as the page, and so does the place in the stream.
  get cursor() { return this.store?.seq ?? null; }
  set cursor(_) { /* the store counts */ }

  /** Ask again for what was missed: something is not in order. */
  resync() {
    const since = this.cursor;
    this.send(since === null ? { type: "sync:request" } : { type: "sync:request", since });
  }

  /** @param {any} frame */
  take(frame) {
    const synced = frame.type === "sync:state" || frame.type === "sync:delta";
    this.store.take(frame);
    super.take(synced ? { ...frame, events: [] } : { type: "pong" });
    if (synced) this.store.ready();
  }

  /** @param {number} [code] */
  lose(code) {
    this.store?.lost();
    if (code === FORBIDDEN || code === NOT_FOUND) {
      this.end();
      this.store.gone(code);
      return;
    }
    super.lose(code);
  }

  async poll() {
    if (document.hidden) return;
    const since = this.cursor;
    try {
      const query = since === null ? "" : `?since=${since}`;
      const answer = await fetch(this.pollPath + query, { headers: { Accept: "application/json" } });
      if (answer.status === 401) this.emit("signed-out", {});
      if (answer.status === 404) return this.lose(NOT_FOUND);
      if (!answer.ok) throw new Error(String(answer.status));
      const body = await answer.json();
      if (!this.timers.poll) return;
      this.store.take({ type: body.events ? "sync:delta" : "sync:state", ...body });
      this.lastUpdate = Date.now();
      this.unreachable = false;
      this.store.polled();
    } catch {
      this.unreachable = true;
    }
    this.say();
  }
}
