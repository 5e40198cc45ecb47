// Which variants a graph of lineage shows, and where each of them stands. Pure: no page, no store.

export const DEPTH = 3;
const MOST_KIN = 12;
export const NODE = 96;
export const STEP = { x: 208, y: 138 };

/**
 * @typedef {{id: string, parent_variant_id: string, child_variant_id: string, parent_name: string, child_name: string, relation: string, severed_at: string | null}} Line
 * @typedef {{id: string, layer: number, row: number, x: number, y: number, hidden: {up: number, down: number}}} Place
 */

/** Lines by their ends. @param {Line[]} lines */
export function index(lines) {
  /** @type {Map<string, Line[]>} */
  const up = new Map();
  /** @type {Map<string, Line[]>} */
  const down = new Map();
  for (const line of lines) {
    if (!up.has(line.child_variant_id)) up.set(line.child_variant_id, []);
    if (!down.has(line.parent_variant_id)) down.set(line.parent_variant_id, []);
    up.get(line.child_variant_id)?.push(line);
    down.get(line.parent_variant_id)?.push(line);
  }
  return { up, down };
}

/**
 * The variants within some steps of the focus, with branches that somebody opened.
 * @param {{up: Map<string, Line[]>, down: Map<string, Line[]>}} kin @param {string} focus @param {Set<string>} opened
 */
export function visible(kin, focus, opened) {
  /** @type {Map<string, number>} */
  const seen = new Map([[focus, 0]]);
  const left = [focus];
  while (left.length) {
    const id = left.shift() || "";
    const steps = seen.get(id) ?? 0;
    if (steps >= DEPTH && !opened.has(id)) continue;
    const most = opened.has(id) ? Infinity : MOST_KIN;
    const near = [...(kin.up.get(id) || []).slice(0, most).map((line) => line.parent_variant_id), ...(kin.down.get(id) || []).slice(0, most).map((line) => line.child_variant_id)];
    for (const other of near) if (!seen.has(other)) { seen.set(other, steps + 1); left.push(other); }
  }
  return new Set(seen.keys());
}

/** How many generations each is from the first of them. @param {Set<string>} ids @param {{up: Map<string, Line[]>, down: Map<string, Line[]>}} kin */
function layers(ids, kin) {
  /** @type {Map<string, number>} */
  const layer = new Map();
  const waiting = new Map([...ids].map((id) => [id, (kin.up.get(id) || []).filter((line) => ids.has(line.parent_variant_id)).length]));
  const ready = [...ids].filter((id) => !waiting.get(id));
  for (const id of ready) layer.set(id, 0);
  while (ready.length) {
    const id = ready.shift() || "";
    for (const line of kin.down.get(id) || []) {
      const child = line.child_variant_id;
      if (!ids.has(child)) continue;
      layer.set(child, Math.max(layer.get(child) ?? 0, (layer.get(id) ?? 0) + 1));
      waiting.set(child, (waiting.get(child) ?? 1) - 1);
      if (!waiting.get(child)) ready.push(child);
    }
  }
  for (const id of ids) if (!layer.has(id)) layer.set(id, 0);
  // a first one stands right before the earliest of what came from it
  for (const id of ids) {
    if ((kin.up.get(id) || []).some((line) => ids.has(line.parent_variant_id))) continue;
    const after = (kin.down.get(id) || []).filter((line) => ids.has(line.child_variant_id)).map((line) => layer.get(line.child_variant_id) ?? 1);
    if (after.length) layer.set(id, Math.max(0, Math.min(...after) - 1));
  }
  return layer;
}

/**
 * Where each stands: generations from left to right, kin near each other.
 * @param {{up: Map<string, Line[]>, down: Map<string, Line[]>}} kin @param {Set<string>} ids @returns {Map<string, Place>}
 */
export function placed(kin, ids) {
  const layer = layers(ids, kin);
  /** @type {string[][]} */
  const columns = [];
  for (const id of ids) (columns[layer.get(id) ?? 0] ||= []).push(id);
  /** @type {Map<string, number>} */
  const row = new Map();
  for (const column of columns.filter(Boolean)) column.forEach((id, place) => row.set(id, place - (column.length - 1) / 2));
  const middle = (/** @type {string[]} */ others) => {
    const rows = others.filter((other) => ids.has(other)).map((other) => row.get(other) ?? 0);
    return rows.length ? rows.reduce((a, b) => a + b, 0) / rows.length : null;
  };
  const sweep = (/** @type {string[][]} */ order, /** @type {(id: string) => string[]} */ kinOf) => {
    for (const column of order) {
      if (!column) continue;
      const wanted = new Map(column.map((id) => [id, middle(kinOf(id)) ?? row.get(id) ?? 0]));
      column.sort((a, b) => (wanted.get(a) ?? 0) - (wanted.get(b) ?? 0));
      let last = -Infinity;
      for (const id of column) { last = Math.max(last + 1, wanted.get(id) ?? 0); row.set(id, last); }
      const off = column.reduce((sum, id) => sum + (row.get(id) ?? 0) - (wanted.get(id) ?? 0), 0) / column.length;
      for (const id of column) row.set(id, (row.get(id) ?? 0) - off);
    }
  };
  const parents = (/** @type {string} */ id) => (kin.up.get(id) || []).map((line) => line.parent_variant_id);
  const children = (/** @type {string} */ id) => (kin.down.get(id) || []).map((line) => line.child_variant_id);
  for (let turn = 0; turn < 3; turn += 1) {
    sweep(columns, parents);
    sweep([...columns].reverse(), children);
  }
  sweep(columns, parents);
  const top = Math.min(...[...row.values()]);
  return new Map([...ids].map((id) => [id, {
    id,
    layer: layer.get(id) ?? 0,
    row: (row.get(id) ?? 0) - top,
    x: (layer.get(id) ?? 0) * STEP.x,
    y: ((row.get(id) ?? 0) - top) * STEP.y,
    hidden: { up: parents(id).filter((other) => !ids.has(other)).length, down: children(id).filter((other) => !ids.has(other)).length },
  }]));
}

/** Everything above and below one. @param {{up: Map<string, Line[]>, down: Map<string, Line[]>}} kin @param {string} focus @param {Set<string>} ids */
export function way(kin, focus, ids) {
  const found = new Set();
  for (const [map, end] of /** @type {[Map<string, Line[]>, "parent_variant_id" | "child_variant_id"][]} */ ([[kin.up, "parent_variant_id"], [kin.down, "child_variant_id"]])) {
    const left = [focus];
    const seen = new Set(left);
    while (left.length) {
      for (const line of map.get(left.pop() || "") || []) {
        if (!ids.has(line[end])) continue;
        found.add(line.id);
        if (!seen.has(line[end])) { seen.add(line[end]); left.push(line[end]); }
      }
    }
  }
  return found;
}
