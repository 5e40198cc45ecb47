// What somebody has asked for and the server has not answered yet. Edits outlive the page: they are
// kept, and sent once when there is a line again; the server does each request_id once.

/** Frames that are kept when the page is left; what spends money or speaks is not. */
const KEPT = /^(asset:(create|update|delete|setActive)|variant:(star|rate|delete)|lineage:sever)$/;
/** The server remembers answers for a week. */
const OLDEST = 6 * 24 * 3600 * 1000;
/** So long may something wait that is not kept. */
const PATIENCE = 60_000;

/**
 * @typedef {object} Wish
 * @property {any} frame
 * @property {number} at
 * @property {boolean} kept
 * @property {"socket" | "api"} [way] how it was sent, and not answered yet
 * @property {number} [since] when it was sent last
 * @property {(answer: any) => void} [done]
 * @property {(error: any) => void} [failed]
 */

/** @returns {string} */
export function newId() {
  if (crypto.randomUUID) return crypto.randomUUID();
  const bytes = crypto.getRandomValues(new Uint8Array(16)); // randomUUID wants a secure page
  return [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

export class Queue {
  /** @param {string} name */
  constructor(name) {
    this.prefix = `genproj:queue:${name}:`;
    this.key = this.prefix + newId();
    /** @type {Wish[]} */
    this.wishes = [];
    this.adopt();
  }

  /** Take over what pages that are gone have left. A page that lives may send it too: no harm. */
  adopt() {
    try {
      const keys = Object.keys(localStorage).filter((key) => key.startsWith(this.prefix)).sort();
      for (const key of keys) {
        for (const { frame, at, way } of JSON.parse(localStorage.getItem(key) || "[]")) {
          if (Date.now() - at < OLDEST) this.wishes.push({ frame, at, way, kept: true });
        }
        localStorage.removeItem(key);
      }
    } catch {
      // storage may be forbidden
    }
    this.wishes.sort((one, other) => one.at - other.at);
    this.save();
  }

  save() {
    try {
      const kept = this.wishes.filter((wish) => wish.kept).map(({ frame, at, way }) => ({ frame, at, way }));
      if (kept.length) localStorage.setItem(this.key, JSON.stringify(kept));
      else localStorage.removeItem(this.key);
    } catch {
      // then it lives as long as the page
    }
  }

  /** @param {any} frame @returns {Promise<any>} */
  put(frame) {
    return new Promise((done, failed) => {
      this.wishes.push({ frame, at: Date.now(), kept: KEPT.test(frame.type), done, failed });
      this.save();
    });
  }

  /** Remember how it was sent. @param {Wish} wish @param {"socket" | "api"} way */
  went(wish, way) {
    wish.since = Date.now();
    if (wish.way === way) return;
    wish.way = way;
    this.save();
  }

  /** What is to be sent next. @returns {Wish | undefined} */
  get first() { return this.wishes[0]; }

  /** @param {string} requestId @returns {Wish | undefined} the wish, which waits no longer */
  take(requestId) {
    const place = this.wishes.findIndex((wish) => wish.frame.request_id === requestId);
    if (place < 0) return undefined;
    const [wish] = this.wishes.splice(place, 1);
    this.save();
    return wish;
  }

  /** Give up what has waited too long for a line. @returns {Wish[]} */
  expire() {
    const late = this.wishes.filter((wish) => !wish.kept && Date.now() - wish.at > PATIENCE);
    this.wishes = this.wishes.filter((wish) => !late.includes(wish));
    return late;
  }

  /** A thing that had a name of our own has its id now. @param {string} local @param {string} id */
  rename(local, id) {
    for (const wish of this.wishes) {
      wish.frame = JSON.parse(JSON.stringify(wish.frame).replaceAll(JSON.stringify(local), JSON.stringify(id)));
    }
    this.save();
  }
}
