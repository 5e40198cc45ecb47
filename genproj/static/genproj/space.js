// A space as a page holds it: the server's things by version, and over them what is asked for and
// not answered yet, so that everything shows at once and what is refused is as it was.
//
//   const store = new SpaceStore(id, { user });
//   store.addEventListener("change", ({ detail }) => draw(detail.noun, detail.id));
//   store.addEventListener("state", () => drawAll());
//   await store.ask("asset:update", { asset_id, changes: { name } });   // rejects with the error
//
// Events: "state" (draw all anew), "change" {noun, id, thing, before, by, who}, "presence", "connection"
// {state, text}, "refused" {frame, error}, "waiting" {count}, "gone" {code}, and every frame that is
// about no thing by its own name ("chat:delta", "chat:progress").

import { hasDoor, isOnce, isUnheard, knock } from "./spacedoors.js";
import { SpaceLink } from "./spacelink.js";
import { Queue, newId } from "./spacequeue.js";

const NOUNS = { asset: "assets", variant: "variants", lineage: "lineage", approval: "approvals", plan: "plans", member: "members", message: "messages" };
/** What was acknowledged is shown as asked until its frame comes, or so long. */
const SETTLING = 3000;
const ANSWER = 20_000;
/** So long a socket that was lost in the middle may take to come back. */
const LOST = 60_000;
/** So soon the API is asked again while there is a socket, and nobody polls. */
const AGAIN = 2000;
const LOOKING = 150;
const UNKNOWN = { code: "answer_lost", detail: "The answer was lost. Look whether it was done before you try again." };

/** @typedef {Record<string, Map<any, any>>} Things */

export class SpaceStore extends EventTarget {
  /** @param {string} id @param {{user?: string}} [options] */
  constructor(id, { user = document.body?.dataset.user ?? "" } = {}) {
    super();
    this.id = id;
    /** @type {any} */
    this.space = null;
    /** @type {number | null} */
    this.seq = null;
    /** @type {Things} */
    this.base = emptyThings();
    /** @type {Things | null} */
    this.shown = null;
    /** @type {any[]} */
    this.presence = [];
    /** @type {any[]} acknowledged, and their frames are still to come */
    this.settling = [];
    this.looking = { viewing: null, variant_id: null };
    this.open = false;
    this.sent = "";
    this.knocks = false;
    this.who = "";
    this.timers = { answer: 0, look: 0, settle: 0, again: 0 };
    this.queue = new Queue(`${id}:${user}`);
    this.link = new SpaceLink(id, this);
  }

  // --- looking ------------------------------------------------------------------------------

  /** Everything as it is to be shown. @returns {Things} */
  get things() {
    if (!this.shown) {
      const asked = [...this.settling.map(({ frame }) => frame), ...this.queue.wishes.map(({ frame }) => frame)];
      this.shown = asked.some((frame) => frame.type in IMAGINED) ? imagined(this.base, asked) : this.base;
    }
    return this.shown;
  }

  get assets() { return [...this.things.assets.values()]; }
  get members() { return [...this.base.members.values()]; }
  get lineage() { return [...this.things.lineage.values()]; }
  get approvals() { return [...this.base.approvals.values()]; }
  get messages() { return [...this.base.messages.values()]; }
  get waiting() { return this.queue.wishes.length; }
  /** @param {string} id */
  asset(id) { return this.things.assets.get(id); }
  /** @param {string} id */
  variant(id) { return this.things.variants.get(id); }
  /** @param {string} [assetId] */
  variants(assetId) {
    const all = [...this.things.variants.values()];
    return assetId ? all.filter((variant) => variant.asset_id === assetId) : all;
  }

  // --- asking -------------------------------------------------------------------------------

  /**
   * Ask for something, now or when there is a line again. Resolves with the ack.
   *
   * @param {string} type @param {object} [fields] @returns {Promise<any>}
   */
  ask(type, fields = {}) {
    const frame = { type, ...fields, request_id: newId() };
    const promise = this.queue.put(frame);
    promise.catch(() => {}); // "refused" tells it too
    this.redraw(frame, "me");
    this.emit("waiting", { count: this.waiting });
    this.flush();
    return promise;
  }

  /** What this page looks at. @param {string | null} viewing @param {string | null} [variant] */
  look(viewing, variant = null) {
    this.looking = { viewing, variant_id: variant };
    clearTimeout(this.timers.look);
    this.timers.look = setTimeout(() => this.open && this.link.send({ type: "presence:update", ...this.looking }), LOOKING);
  }

  /** One at a time, so that they arrive in order and never too fast; by the API without a socket. */
  flush() {
    for (const wish of this.queue.expire()) this.refuse(wish, wish.way ? UNKNOWN : { code: "offline", detail: "There was no connection." });
    const wish = this.queue.first;
    if (this.sent || !wish) return;
    const way = isOnce(wish.frame) && wish.way || (this.open ? "socket" : "api");
    const isBlocked = !this.open && this.link?.state === "polling";
    if (way === "socket" && !this.open) { if (isBlocked) this.giveUp(wish); return; }
    if (way === "api" && !(hasDoor(wish.frame) && (this.open || isBlocked))) return;
    this.sent = wish.frame.request_id;
    this.queue.went(wish, way);
    if (way === "api") { this.knock(wish); return; }
    this.link.send(wish.frame);
    this.timers.answer = setTimeout(() => this.link.lose(), ANSWER);
  }

  /** What nobody has judged waits for the next poll, or a moment. @param {any} wish */
  async knock(wish) {
    const { request_id } = wish.frame;
    let told = null;
    this.knocks = true;
    try {
      told = { ...await knock(this, wish.frame), type: "ack" };
    } catch (problem) {
      const { code, message: detail, errors } = /** @type {any} */ (problem);
      if (!isUnheard(problem)) told = { type: "error", code, detail, errors };
    }
    this.knocks = false;
    if (!told) {
      this.sent = "";
      if (this.open) this.timers.again = setTimeout(() => this.flush(), AGAIN);
      return;
    }
    this.answered({ ...told, request_id });
    if (!this.open) this.link.poll();
  }

  /** It was sent by a socket that does not come back, so nobody knows whether it was done. @param {any} wish */
  giveUp(wish) {
    if (Date.now() - (wish.since ?? wish.at) < LOST) return;
    this.queue.take(wish.frame.request_id);
    this.refuse(wish, UNKNOWN);
    this.flush();
  }

  /** @param {any} frame an ack or an error */
  answered(frame) {
    const wish = this.queue.take(frame.request_id);
    if (frame.request_id === this.sent) {
      clearTimeout(this.timers.answer);
      this.sent = "";
    }
    if (wish && frame.type === "error") this.refuse(wish, frame);
    else if (wish) this.settle(wish, frame);
    this.emit("waiting", { count: this.waiting });
    this.flush();
  }

  /** @param {any} wish @param {any} error */
  refuse(wish, error) {
    this.redraw(wish.frame, "server");
    this.emit("refused", { frame: wish.frame, error });
    wish.failed?.(error);
  }

  /** @param {any} wish @param {any} ack */
  settle(wish, ack) {
    const local = `local:${wish.frame.request_id}`;
    const frame = { ...wish.frame, made: ack.asset };
    if (wish.frame.type === "asset:create" && ack.asset) this.queue.rename(local, ack.asset.id);
    // An ack may be old, told again: it changes what is there by version, and puts nothing in.
    for (const [noun, name] of Object.entries(NOUNS)) {
      if (ack[noun]?.id && this.base[name].has(ack[noun].id)) this.put(noun, ack[noun]);
    }
    if (TELLS_LITTLE.has(frame.type) && !arrived(this.base, frame)) {
      this.settling.push({ frame, until: Date.now() + SETTLING });
      clearTimeout(this.timers.settle);
      this.timers.settle = setTimeout(() => this.settled(), SETTLING + 50);
    }
    this.redraw(wish.frame, "server");
    wish.done?.(ack);
  }

  /** Show what was acknowledged as it really is, once its frame is here or has not come. */
  settled() {
    const over = this.settling.filter(({ frame, until }) => until <= Date.now() || arrived(this.base, frame));
    if (!over.length) return;
    this.settling = this.settling.filter((one) => !over.includes(one));
    for (const { frame } of over) this.redraw(frame, "server");
  }

  // --- hearing (called by the line) -----------------------------------------------------------

  /** @param {any} frame */
  take(frame) {
    if (frame.type === "sync:state") this.begin(frame);
    else if (frame.type === "sync:delta") {
      for (const missed of frame.events) this.apply(missed);
      this.seq = Math.max(this.seq ?? 0, frame.seq);
    } else if (typeof frame.seq === "number") this.hear(frame);
    else if (frame.type === "presence:update") this.show(frame.presence);
    else if (frame.request_id !== undefined && (frame.type === "ack" || frame.type === "error")) this.answered(frame);
    else if (frame.type !== "pong") this.emit(frame.type, frame);
  }

  /** @param {any} frame */
  hear(frame) {
    if (this.seq === null || frame.seq > this.seq + 1) return this.link.resync();
    return this.apply(frame);
  }

  /** @param {any} state */
  begin(state) {
    if (this.seq !== null && state.seq < this.seq) this.base = emptyThings(); // the server began anew
    const before = this.base;
    this.base = emptyThings();
    for (const [noun, name] of Object.entries(NOUNS)) {
      for (const thing of state[name] || []) this.base[name].set(thing.id, newer(before[name].get(thing.id), thing));
    }
    this.space = newer(this.space, state.space);
    this.seq = state.seq;
    this.settling = [];
    this.shown = null;
    this.emit("state", state);
    if (state.presence) this.show(state.presence);
  }

  /** One frame of the stream; one that is known already changes nothing. @param {any} frame */
  apply(frame) {
    if (this.seq !== null && frame.seq <= this.seq) return;
    this.seq = frame.seq;
    this.who = frame.who ?? "";
    const [noun, verb] = frame.type.split(":");
    if (frame.space) {
      if (this.space && this.space.conversation !== frame.space.conversation) this.base.messages.clear();
      this.space = newer(this.space, frame.space);
      this.emit("change", { noun: "space", id: this.id, thing: this.space, by: frame.type });
    }
    for (const one of Object.keys(NOUNS)) {
      for (const thing of [frame[one] ?? []].flat()) this.hearOf(one, thing, one === noun && verb === "deleted", frame.type);
    }
    if (frame.message) this.emit("chat:message", frame);
    this.settled();
  }

  /** @param {string} noun @param {any} thing @param {boolean} deleted @param {string} by */
  hearOf(noun, thing, deleted, by) {
    const things = this.base[NOUNS[/** @type {keyof typeof NOUNS} */ (noun)]];
    const before = things.get(thing.id);
    if (deleted || (noun === "member" && thing.role === null)) things.delete(thing.id);
    else this.put(noun, thing);
    this.shown = null;
    this.emit("change", { noun, id: thing.id, thing: things.get(thing.id), before, by, who: this.who });
  }

  /** @param {string} noun @param {any} thing */
  put(noun, thing) {
    const things = this.base[NOUNS[/** @type {keyof typeof NOUNS} */ (noun)]];
    things.set(thing.id, newer(things.get(thing.id), thing));
    this.shown = null;
  }

  /** @param {any[]} presence */
  show(presence) {
    this.presence = presence;
    this.emit("presence", { presence });
  }

  ready() {
    this.open = true;
    if (!this.knocks) this.sent = ""; // what was under way is sent once more, and done once
    clearTimeout(this.timers.answer);
    if (this.looking.viewing) this.link.send({ type: "presence:update", ...this.looking });
    this.flush();
  }

  lost() {
    this.open = false;
    if (!this.knocks) this.sent = ""; // its answer does not come any more
    clearTimeout(this.timers?.answer);
  }

  polled() { this.flush(); }

  /** @param {number} code */
  gone(code) { this.emit("gone", { code }); }

  /** @param {any} detail */
  told(detail) {
    this.flush();
    this.emit("connection", detail);
    document.dispatchEvent(new CustomEvent("connection", { detail: { ...detail, of: this.id } }));
  }

  /** @param {any} frame @param {string} by */
  redraw(frame, by) {
    this.shown = null;
    for (const [noun, name] of Object.entries(NOUNS)) {
      const id = frame[`${noun}_id`] ?? (frame.type === `${noun}:create` ? `local:${frame.request_id}` : undefined);
      if (id) this.emit("change", { noun, id, thing: this.things[name].get(id), by });
    }
  }

  /** @param {string} type @param {object} detail */
  emit(type, detail) { this.dispatchEvent(new CustomEvent(type, { detail })); }

  end() {
    for (const timer of Object.values(this.timers)) clearTimeout(timer);
    this.link.end();
  }
}

/** @returns {Things} */
function emptyThings() {
  return Object.fromEntries(Object.values(NOUNS).map((name) => [name, new Map()]));
}

/** The newer of two; of what has no version the one that is told last. @param {any} known @param {any} told */
function newer(known, told) {
  return known && known.version > told.version ? known : told;
}

/** Whether the server's things show already what a frame asked for. @param {Things} base @param {any} frame */
function arrived(base, frame) {
  if (frame.type === "asset:create") return base.assets.has(frame.made?.id);
  if (frame.type === "variant:delete") return !base.variants.has(frame.variant_id);
  return !base.assets.has(frame.asset_id);
}

/** What the ack of these says is not put among the things: only their frame is. */
const TELLS_LITTLE = new Set(["asset:create", "asset:delete", "variant:delete"]);

/** How a frame's wish looks before it is answered. @type {Record<string, (things: Things, frame: any) => void>} */
const IMAGINED = {
  "asset:create": ({ assets }, frame) => {
    const id = frame.made?.id ?? `local:${frame.request_id}`;
    const { name, asset_type, parent_asset_id = null, tags = [] } = frame;
    if (!assets.has(id)) assets.set(id, { id, name, asset_type, parent_asset_id, tags, active_variant_id: null, version: 0, waits: true });
  },
  "asset:update": ({ assets }, { asset_id, changes, name, asset_type, tags, parent_asset_id }) => {
    const said = { name, asset_type, tags, parent_asset_id, ...changes };
    for (const key of Object.keys(said)) if (said[/** @type {"name"} */ (key)] === undefined) delete said[/** @type {"name"} */ (key)];
    change(assets, asset_id, said);
  },
  "asset:setActive": ({ assets }, frame) => change(assets, frame.asset_id, { active_variant_id: frame.variant_id }),
  "asset:delete": ({ assets, variants }, { asset_id }) => {
    const parent = assets.get(asset_id)?.parent_asset_id ?? null;
    for (const [id, asset] of assets) if (asset.parent_asset_id === asset_id) change(assets, id, { parent_asset_id: parent });
    for (const [id, variant] of variants) if (variant.asset_id === asset_id) variants.delete(id);
    assets.delete(asset_id);
  },
  "variant:star": ({ variants }, frame) => change(variants, frame.variant_id, { starred: frame.starred }),
  "variant:rate": ({ variants }, frame) => change(variants, frame.variant_id, { rating: frame.rating, comment: frame.comment ?? "" }),
  "variant:delete": ({ variants }, frame) => { variants.delete(frame.variant_id); },
  "lineage:sever": ({ lineage }, frame) => change(lineage, frame.lineage_id, { severed_at: new Date().toISOString() }),
};

/** @param {Map<any, any>} things @param {string} id @param {object} facts */
function change(things, id, facts) {
  const thing = things.get(id);
  if (thing) things.set(id, { ...thing, ...facts, waits: true });
}

/** @param {Things} base @param {any[]} asked @returns {Things} */
function imagined(base, asked) {
  const things = { ...base, assets: new Map(base.assets), variants: new Map(base.variants), lineage: new Map(base.lineage) };
  for (const frame of asked) IMAGINED[frame.type]?.(things, frame);
  return things;
}
