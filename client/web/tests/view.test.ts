import assert from "node:assert/strict";
import { test } from "node:test";

import { type Changed, View } from "../src/view.js";

type Note = { text: string; at?: number };

const put = (key: string, text: string, kind: "INSERT" | "MODIFY" = "INSERT"): Changed<Note> => ({
  kind,
  key,
  item: { text },
});
const removed = (key: string): Changed<Note> => ({ kind: "REMOVE", key, item: null });
const shown = (view: View<Note>) => [...view.items].map(([key, { text }]) => `${key}=${text}`).join(" ");

function viewOf(...keys: string[]): View<Note> {
  const view = new View<Note>();
  view.replace(keys.map((key) => [key, { text: key.toUpperCase() }]));
  return view;
}

test("items stand as they came, and an update keeps its place", () => {
  const view = viewOf("a", "b");
  view.apply(put("c", "C"));
  view.apply(put("a", "A2", "MODIFY"));
  view.apply(put("b", "B2")); // a snapshot may be ahead of the change
  assert.equal(shown(view), "a=A2 b=B2 c=C");
  view.apply(removed("b"));
  view.apply(removed("never there"));
  assert.equal(shown(view), "a=A2 c=C");
});

test("a change without an item means that there is none now", () => {
  const view = viewOf("a", "b");
  view.apply({ kind: "MODIFY", key: "a", item: null });
  assert.equal(shown(view), "b=B");
});

test("the map of items is the same one until something differs, and is left alone by what comes later", () => {
  const view = viewOf("a");
  const before = view.items;
  assert.equal(view.items, before);
  view.apply(removed("other"));
  assert.equal(view.items, before);
  view.apply(put("b", "B"));
  assert.notEqual(view.items, before);
  assert.deepEqual([...before.keys()], ["a"]);
});

test("only the newest are kept, and an old one that is changed does not come back as a new one", () => {
  const view = new View<Note>(2);
  for (const key of ["a", "b", "c"]) view.apply(put(key, key));
  assert.equal(shown(view), "b=b c=c");
  view.apply(put("a", "edited", "MODIFY"));
  assert.equal(shown(view), "b=b c=c");
  view.apply(removed("b"));
  view.apply(put("a", "edited again", "MODIFY"));
  assert.equal(shown(view), "c=c");
});

test("while nothing has fallen out, a changed item that is not known is shown", () => {
  const view = new View<Note>(2);
  view.apply(put("profile", "first told of when it changed", "MODIFY"));
  assert.equal(view.items.size, 1);
});

test("a snapshot of as many as are kept leaves older ones out; a smaller one is everything", () => {
  const view = new View<Note>(2);
  view.replace([
    ["b", { text: "B" }],
    ["c", { text: "C" }],
  ]);
  view.apply(put("a", "edited", "MODIFY"));
  assert.equal(shown(view), "b=B c=C");
  view.replace([["c", { text: "C" }]]);
  view.apply(put("d", "edited", "MODIFY"));
  assert.equal(shown(view), "c=C d=edited");
});

test("with an order items stand by it, ties by key, and what ranks below the fallen stays out", () => {
  const view = new View<Note>(3, ({ at }) => at ?? 0);
  const at = (key: string, time: number): Changed<Note> => ({ kind: "INSERT", key, item: { text: key, at: time } });
  for (const change of [at("c", 3), at("b", 2), at("y", 2), at("d", 4)]) view.apply(change);
  assert.deepEqual([...view.items.keys()], ["y", "c", "d"]);
  view.apply(at("late", 1));
  assert.deepEqual([...view.items.keys()], ["y", "c", "d"]);
  view.apply(at("y", 9));
  assert.deepEqual([...view.items.keys()], ["c", "d", "y"]);
});

test("what is expected shows at once and is pending; a failure takes it away", () => {
  const view = viewOf("a", "b");
  view.optimistic("1", "a", { text: "mine" });
  view.optimistic("2", "new", { text: "made" });
  view.optimistic("3", "b", null);
  assert.equal(shown(view), "a=mine new=made");
  assert.deepEqual([...view.pending], ["a", "new", "b"]);
  for (const id of ["1", "2", "3"]) view.rollBack(id);
  assert.equal(shown(view), "a=A b=B");
  assert.equal(view.pending.size, 0);
});

test("of several expectations of a key the last is shown, and the failure of one leaves the others", () => {
  const view = viewOf("a");
  view.optimistic("1", "a", { text: "first" });
  view.optimistic("2", "a", { text: "second" });
  assert.equal(shown(view), "a=second");
  view.rollBack("2");
  assert.equal(shown(view), "a=first");
  view.rollBack("1");
  assert.equal(shown(view), "a=A");
});

test("an answer that comes before the change: shown under the server's key, not pending, until the change", () => {
  const view = viewOf("a");
  view.optimistic("1", "made-up", { text: "hello" });
  view.settle("1", "01J", { text: "hello (server)" });
  assert.equal(shown(view), "a=A 01J=hello (server)");
  assert.equal(view.pending.size, 0);
  view.apply(put("01J", "hello"));
  assert.equal(shown(view), "a=A 01J=hello");
});

test("a change that comes before the answer: the item is there once when both are", () => {
  const view = viewOf("a");
  view.optimistic("1", "made-up", { text: "hello" });
  view.apply(put("01J", "hello"));
  view.settle("1", "01J");
  assert.equal(shown(view), "a=A 01J=hello");
});

test("an item that came and went before the answer is not shown again", () => {
  const view = viewOf("a");
  view.optimistic("1", "made-up", { text: "hello" });
  view.apply(put("01J", "hello"));
  view.apply(removed("01J"));
  view.settle("1", "01J");
  assert.equal(shown(view), "a=A");
});

test("an update whose change came before the answer gives way to it", () => {
  const view = viewOf("a");
  view.optimistic("1", "a", { text: "mine" });
  view.apply(put("a", "server's", "MODIFY"));
  assert.equal(shown(view), "a=mine");
  view.settle("1", "a");
  assert.equal(shown(view), "a=server's");
});

test("a removal that was answered stays out of sight until its change", () => {
  const view = viewOf("a", "b");
  view.optimistic("1", "a", null);
  view.settle("1", "a");
  assert.equal(shown(view), "b=B");
  view.apply(removed("a"));
  view.apply(put("a", "put back"));
  assert.equal(shown(view), "b=B a=put back");
});

test("an answer without a key ends the expectation at once", () => {
  const view = viewOf("a");
  view.optimistic("1", "a", { text: "mine" });
  view.settle("1");
  assert.equal(shown(view), "a=A");
});

test("a snapshot holds what was answered before it, and not what is under way", () => {
  const view = viewOf("a");
  view.optimistic("answered", "x", { text: "X" });
  view.settle("answered", "server-x");
  view.optimistic("under way", "y", { text: "Y" });
  view.replace([["server-x", { text: "X" }]]);
  assert.equal(shown(view), "server-x=X y=Y");
  view.replace([["server-y", { text: "Y" }]]);
  view.settle("under way", "server-y");
  assert.equal(shown(view), "server-y=Y");
});

test("answers and failures of unknown mutations do nothing", () => {
  const view = viewOf("a");
  const before = view.items;
  view.settle("unknown", "a");
  view.rollBack("unknown");
  assert.equal(view.items, before);
});

test("answered expectations whose changes never come are bounded", () => {
  const view = new View<Note>(3);
  for (let number = 0; number < 10; number += 1) {
    view.optimistic(`${number}`, `made-up-${number}`, { text: "x" });
    view.settle(`${number}`, `server-${number}`);
  }
  assert.equal(view.items.size, 3);
});

test("ten thousand changes while a mutation is pending keep memory and the answer right", () => {
  const view = new View<Note>(10);
  view.optimistic("1", "made-up", { text: "hello" });
  for (let number = 0; number < 10_000; number += 1) view.apply(put(`k${number}`, "x"));
  view.apply(put("01J", "hello"));
  view.settle("1", "01J");
  assert.equal(view.items.size, 10);
  assert.equal([...view.items.keys()].at(-1), "01J");
});
