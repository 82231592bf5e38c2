import assert from "node:assert/strict";
import { test } from "node:test";
import type { Change, Envelope, Page } from "../src/changes.js";
import { Sequence } from "../src/sequence.js";

function change(seq: number, source: Change["source"] = "push", more: Partial<Change<string>> = {}): Change<string> {
  const at = "2026-11-21T10:00:00Z";
  const rest = { topic: "room:a", kind: "INSERT", key: "k", item: "same", eventId: `e${seq}`, traceId: null } as const;
  return { ...rest, seq, at, source, truncated: false, ...more };
}

function push(first: number, last = first): Envelope<string> {
  return { firstSeq: first, lastSeq: last, items: range(first, last).map((seq) => change(seq)) };
}

function page(first: number, last: number, headSeq = last): Page<string> {
  const items = range(first, last).map((seq) => change(seq, "catch-up"));
  return { items, lastSeq: last, headSeq, resyncRequired: false };
}

const range = (first: number, last: number) => Array.from({ length: Math.max(0, last - first + 1) }, (_, n) => first + n);
const seqs = (changes: Change<string>[] | null) => changes?.map(({ seq }) => seq);

test("consecutive pushes come out as they come, equal content or not", () => {
  const sequence = new Sequence<string>(4);
  assert.deepEqual(seqs(sequence.push(push(5, 7))), [5, 6, 7]);
  assert.deepEqual(seqs(sequence.push(push(8))), [8]);
  assert.equal(sequence.position, 8);
  assert.equal(sequence.fetchAfter, null);
});

test("what was seen is not given again, also where only a part of an envelope was", () => {
  const sequence = new Sequence<string>(5);
  assert.deepEqual(seqs(sequence.push(push(3, 5))), []);
  assert.deepEqual(seqs(sequence.push(push(4, 7))), [6, 7]);
});

test("a jump holds back what follows until the log has filled it", () => {
  const sequence = new Sequence<string>(0);
  assert.deepEqual(seqs(sequence.push(push(3, 4))), []);
  assert.equal(sequence.fetchAfter, 0);
  const filled = sequence.fill(page(1, 3, 4));
  assert.deepEqual(seqs(filled), [1, 2, 3, 4]);
  assert.deepEqual(filled?.map(({ source }) => source), ["catch-up", "catch-up", "push", "push"]);
  assert.equal(sequence.held, 0);
});

test("a page with a hole of its own is taken up to it", () => {
  const sequence = new Sequence<string>(0);
  const items = [change(1, "catch-up"), change(3, "catch-up")];
  assert.deepEqual(seqs(sequence.fill({ items, lastSeq: 3, headSeq: 3, resyncRequired: false })), [1]);
  assert.equal(sequence.fetchAfter, 1);
});

test("an envelope that was torn still tells its numbers", () => {
  const sequence = new Sequence<string>(0);
  assert.deepEqual(seqs(sequence.push({ firstSeq: 1, lastSeq: 2, items: [] })), []);
  assert.equal(sequence.fetchAfter, 0);
});

test("a pointer is a hole when pushed, and a change when the log has nothing better", () => {
  const sequence = new Sequence<string>(0);
  const pointer = change(1, "push", { item: null, truncated: true });
  assert.deepEqual(sequence.push({ firstSeq: 1, lastSeq: 1, items: [pointer] }), []);
  assert.equal(sequence.fetchAfter, 0);
  const gone = change(1, "catch-up", { item: null, truncated: true });
  assert.deepEqual(sequence.fill({ items: [gone], lastSeq: 1, headSeq: 1, resyncRequired: false }), [gone]);
});

test("what is held back is bounded, and the farthest goes first", () => {
  const sequence = new Sequence<string>(0, 10);
  for (const seq of range(2, 1000)) sequence.push(push(seq));
  assert.equal(sequence.held, 10);
  assert.deepEqual(seqs(sequence.fill(page(1, 1, 1000))), range(1, 11));
  assert.equal(sequence.fetchAfter, 11);
});

test("a cursor that the log does not reach is refused, and nothing is taken", () => {
  const sequence = new Sequence<string>(3);
  const answer = { ...page(8, 9), resyncRequired: true };
  assert.equal(sequence.fill(answer), null);
  assert.equal(sequence.position, 3);
});

test("a cursor is a number of a change, or 0", () => {
  for (const after of [-1, 0.5, Number.NaN]) assert.throws(() => new Sequence(after), RangeError);
});
