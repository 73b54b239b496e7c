// SPDX-License-Identifier: Apache-2.0
// Where the nodes of a directed graph stand: in layers from left to right, what is depended on before what depends, with few
// crossings. Pure; the same graph always gives the same picture.

export interface Link {
  from: number;
  to: number;
}

export interface Placed {
  /** Column, from 0 at the left, and row in it: whole numbers for the nodes given. */
  layer: number;
  row: number;
}

export interface Layout {
  places: Map<number, Placed>;
  /** For each link, in their order: the rows that it passes in the layers between its ends, from `from` on. */
  routes: Placed[][];
  layers: number;
  rows: number;
}

const SWEEPS = 8;
/** Places of links in the layers that they pass; in a graph of more than that links go straight on. */
const PASSES = 4000;

/** Links without those that lead back to where one came from, so that no way ends where it began. */
function withoutCycles(ids: number[], links: Link[]): Set<Link> {
  const out = new Map<number, Link[]>(ids.map((id) => [id, []]));
  for (const link of links) if (link.from !== link.to) out.get(link.from)?.push(link);
  const kept = new Set<Link>();
  const state = new Map<number, "open" | "done">();
  for (const start of ids) {
    if (state.has(start)) continue;
    // Depth first with a stack of our own: a graph may be deeper than the browser's.
    const way: { id: number; next: number }[] = [{ id: start, next: 0 }];
    state.set(start, "open");
    while (way.length > 0) {
      const here = way[way.length - 1]!;
      const link = out.get(here.id)?.[here.next++];
      if (!link) {
        state.set(here.id, "done");
        way.pop();
      } else if (out.has(link.to) && state.get(link.to) !== "open") {
        kept.add(link);
        if (!state.has(link.to)) {
          state.set(link.to, "open");
          way.push({ id: link.to, next: 0 });
        }
      }
    }
  }
  return kept;
}

/** The layer of each: one behind the farthest of what it depends on; then as near to those that depend on it as it goes. */
function layersOf(ids: number[], links: Iterable<Link>): Map<number, number> {
  const needs = new Map<number, number[]>(ids.map((id) => [id, []]));
  const users = new Map<number, number[]>(ids.map((id) => [id, []]));
  for (const { from, to } of links) {
    needs.get(from)?.push(to);
    users.get(to)?.push(from);
  }
  const layer = new Map<number, number>();
  const waiting = new Map(ids.map((id) => [id, needs.get(id)!.length]));
  const order = ids.filter((id) => waiting.get(id) === 0);
  for (let i = 0; i < order.length; i++) {
    const id = order[i]!;
    layer.set(id, Math.max(-1, ...needs.get(id)!.map((n) => layer.get(n)!)) + 1);
    for (const user of users.get(id)!) {
      waiting.set(user, waiting.get(user)! - 1);
      if (waiting.get(user) === 0) order.push(user);
    }
  }
  for (const id of order.reverse()) {
    const first = Math.min(...users.get(id)!.map((u) => layer.get(u)!));
    if (Number.isFinite(first)) layer.set(id, first - 1);
  }
  return layer;
}

interface Vertex {
  layer: number;
  left: Vertex[];
  right: Vertex[];
  at: number;
}

function middle(of: Vertex[], otherwise: number): number {
  if (of.length === 0) return otherwise;
  const rows = of.map((v) => v.at).sort((a, b) => a - b);
  const half = rows.length >> 1;
  return rows.length % 2 ? rows[half]! : (rows[half - 1]! + rows[half]!) / 2;
}

/** Each vertex to the middle of its neighbours, one side after the other, until nothing is to be gained. */
function arrange(columns: Vertex[][]): void {
  const settle = (column: Vertex[]) => column.forEach((v, i) => (v.at = i));
  columns.forEach(settle);
  for (let sweep = 0; sweep < SWEEPS; sweep++) {
    const forward = sweep % 2 === 0;
    for (const column of forward ? columns : [...columns].reverse()) {
      const wish = new Map(column.map((v) => [v, middle(forward ? v.left : v.right, v.at)]));
      column.sort((a, b) => wish.get(a)! - wish.get(b)! || a.at - b.at);
      settle(column);
    }
  }
}

/** Columns of different height stand around the same middle, in half rows. */
function centre(columns: Vertex[][]): number {
  const rows = Math.max(0, ...columns.map((c) => c.length));
  for (const column of columns) for (const v of column) v.at += (rows - column.length) / 2;
  return rows;
}

/** Links lead from what depends to what it depends on, as in the API. Ends that are no node are left out. */
export function layout(ids: number[], links: Link[]): Layout {
  const kept = withoutCycles(ids, links);
  const layer = layersOf(ids, kept);
  const vertex = new Map<number, Vertex>(
    ids.map((id) => [id, { layer: layer.get(id) ?? 0, left: [], right: [], at: 0 }]),
  );
  const columns: Vertex[][] = [];
  const put = (v: Vertex) => (columns[v.layer] ??= []).push(v);
  vertex.forEach(put);
  let free = PASSES;
  const between = links.map(({ from, to }) => {
    const a = vertex.get(from);
    const b = vertex.get(to);
    if (!a || !b || a === b) return [];
    // A link passes through a place of its own in every layer between its ends.
    const step = Math.sign(b.layer - a.layer);
    const passes: Vertex[] = [];
    let last = a;
    if (Math.abs(b.layer - a.layer) - 1 > free) return passes;
    free -= Math.max(0, Math.abs(b.layer - a.layer) - 1);
    for (let l = a.layer + step; step !== 0 && l !== b.layer; l += step) {
      const pass: Vertex = { layer: l, left: [], right: [], at: 0 };
      put(pass);
      join(last, pass);
      passes.push(pass);
      last = pass;
    }
    if (step !== 0) join(last, b);
    return passes;
  });
  const filled = Array.from(columns, (c) => c ?? []);
  arrange(filled);
  const rows = centre(filled);
  return {
    places: new Map([...vertex].map(([id, v]) => [id, { layer: v.layer, row: v.at }])),
    routes: between.map((passes) => passes.map((v) => ({ layer: v.layer, row: v.at }))),
    layers: filled.length,
    rows,
  };
}

function join(a: Vertex, b: Vertex): void {
  const [left, right] = a.layer < b.layer ? [a, b] : [b, a];
  left.right.push(right);
  right.left.push(left);
}
