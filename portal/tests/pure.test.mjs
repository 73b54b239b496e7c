// SPDX-License-Identifier: Apache-2.0
// What the pages compute without a browser: run by tests/e2e/test_portal_tabs.py with node --test.
import assert from "node:assert/strict";
import { test } from "node:test";
import { amount } from "../src/lib/amount";
import { layout } from "../src/lib/layers";
import { everyNth, ticks } from "../src/lib/scale";
import { parts } from "../src/lib/words";

function at(graph, id) {
  const { layer, row } = graph.places.get(id);
  return [layer, row];
}

function crossings(graph, links) {
  const lines = links.map((l, i) => [graph.places.get(l.from), ...graph.routes[i], graph.places.get(l.to)]);
  const pieces = lines.flatMap((line) => line.slice(1).map((end, i) => (line[i].layer < end.layer ? [line[i], end] : [end, line[i]])));
  let n = 0;
  for (const [i, [a, b]] of pieces.entries())
    for (const [c, d] of pieces.slice(i + 1))
      if (a.layer === c.layer && (a.row - c.row) * (b.row - d.row) < 0) n++;
  return n;
}

test("nothing, one, two that have nothing to do with each other", () => {
  assert.deepEqual(layout([], []), { places: new Map(), routes: [], layers: 0, rows: 0 });
  assert.deepEqual(at(layout([7], []), 7), [0, 0]);
  const two = layout([1, 2], []);
  assert.deepEqual([at(two, 1), at(two, 2)], [[0, 0], [0, 1]]);
});

test("what is depended on stands at the left", () => {
  const graph = layout([1, 2, 3], [{ from: 1, to: 2 }, { from: 2, to: 3 }]);
  assert.deepEqual([at(graph, 3), at(graph, 2), at(graph, 1)], [[0, 0], [1, 0], [2, 0]]);
  assert.equal(graph.layers, 3);
});

test("a long link passes beside what lies between, from its beginning on", () => {
  const links = [{ from: 1, to: 2 }, { from: 2, to: 3 }, { from: 3, to: 4 }, { from: 1, to: 4 }];
  const graph = layout([1, 2, 3, 4], links);
  assert.deepEqual(graph.routes[3].map((p) => p.layer), [2, 1]);
  assert.notEqual(graph.routes[3][0].row, graph.places.get(2).row);
  assert.equal(crossings(graph, links), 0);
});

test("a base stands right before what is made of it, not at the far left", () => {
  const graph = layout([1, 2, 3, 9], [{ from: 1, to: 2 }, { from: 2, to: 3 }, { from: 1, to: 9 }]);
  assert.equal(graph.places.get(9).layer, 1);
});

test("cycles and links to oneself end", () => {
  const ring = [{ from: 1, to: 2 }, { from: 2, to: 3 }, { from: 3, to: 1 }, { from: 2, to: 2 }];
  const graph = layout([1, 2, 3], ring);
  assert.deepEqual([1, 2, 3].map((id) => graph.places.get(id).layer), [2, 1, 0]);
  assert.equal(graph.routes.length, 4);
});

test("links to what is not there are no reason to fail", () => {
  const graph = layout([1], [{ from: 1, to: 5 }, { from: 6, to: 1 }]);
  assert.deepEqual(graph.routes, [[], []]);
  assert.deepEqual(at(graph, 1), [0, 0]);
});

test("crossings are taken out", () => {
  const links = [{ from: 11, to: 3 }, { from: 12, to: 2 }, { from: 13, to: 1 }, { from: 21, to: 13 }, { from: 22, to: 11 }];
  assert.equal(crossings(layout([1, 2, 3, 11, 12, 13, 21, 22], links), links), 0);
});

test("no two stand in the same place, however many there are; and always the same", () => {
  const ids = Array.from({ length: 500 }, (_, i) => i);
  let seed = 7;
  const random = (n) => (seed = (seed * 1103515245 + 12345) % 2147483648) % n;
  const links = Array.from({ length: 2000 }, () => ({ from: random(500), to: random(500) }));
  const start = performance.now();
  const graph = layout(ids, links);
  assert.ok(performance.now() - start < 5000);
  const places = [...graph.places.values(), ...graph.routes.flat()].map((p) => `${p.layer} ${p.row}`);
  assert.equal(new Set(places).size, places.length);
  assert.deepEqual(layout(ids, links), graph);
});

test("a way of ten thousand steps is no deeper than the stack", () => {
  const ids = Array.from({ length: 10000 }, (_, i) => i);
  assert.equal(layout(ids, ids.slice(1).map((i) => ({ from: i, to: i - 1 }))).layers, 10000);
});

test("lines of charts stand at round numbers and reach the largest value", () => {
  assert.deepEqual(ticks(0), [0, 1]);
  assert.deepEqual(ticks(Number.NaN), [0, 1]);
  assert.deepEqual(ticks(3), [0, 1, 2, 3]);
  assert.deepEqual(ticks(1), [0, 1]);
  assert.deepEqual(ticks(97), [0, 25, 50, 75, 100]);
  assert.deepEqual(ticks(0.3).length, 4);
  for (const max of [1, 7, 10, 11, 999, 1001, 123456789, 0.017]) assert.ok(ticks(max).at(-1) >= max && ticks(max).length <= 6, max);
});

test("labels are left out where there is no room", () => {
  assert.equal(everyNth(10, 20, 200), 1);
  assert.equal(everyNth(11, 20, 200), 2);
  assert.equal(everyNth(365, 40, 300), 53);
  assert.equal(everyNth(5, 100, 10), 5);
});

test("words that were searched for are found in a text", () => {
  const marked = (text, words) => parts(text, words).map((p) => (p.hit ? `[${p.text}]` : p.text)).join("");
  assert.equal(marked("Harbour 1B Chat", "chat harb"), "[Harb]our 1B [Chat]");
  assert.equal(marked("Harbour", ""), "Harbour");
  assert.equal(marked("a+b (c)", "a+b (c"), "[a+b] [(c])");
  assert.equal(marked("Übung macht", "ÜBUNG"), "[Übung] macht");
  assert.equal(marked("aaa", "a aa"), "[aa][a]");
  assert.equal(marked("<b>", "b <"), "[<][b]>");
});

test("numbers of parameters as people write them", () => {
  for (const [text, n] of [["7B", 7e9], ["1.5b", 15e8], ["1,5 G", 15e8], ["500 M", 5e8], [" 12k ", 12000], ["7", 7], ["0.3T", 3e11]])
    assert.equal(amount(text), n, text);
  for (const text of ["", "B", "-1", "1e9", "7BB", "1.2.3", "x", "1 000", "9".repeat(16), "999999999999999T"])
    assert.equal(amount(text), undefined, text);
});
