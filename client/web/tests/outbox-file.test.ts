import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, test } from "node:test";
import { OutboxFull, OutboxLocked, OutboxUnusable } from "../src/errors.js";
import { fileOutbox } from "../src/outbox-file.js";
import type { Entry, OutboxStore } from "../src/outbox-store.js";

let directory: string;
let stores: OutboxStore[];

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "outbox-"));
  stores = [];
});

afterEach(async () => {
  await Promise.all(stores.map((store) => store.close()));
  await rm(directory, { recursive: true });
});

function open(): OutboxStore {
  const store = fileOutbox(directory);
  stores.push(store);
  return store;
}

const entry = (id: string): Omit<Entry, "number"> => ({
  id,
  document: "mutation",
  variables: { text: `Grüße, "${id}"\n` },
  ordering: null,
  optimistic: [],
  queuedAt: 1,
  sentAt: null,
  failure: null,
});

const ids = async (store: OutboxStore) => (await store.entries()).map(({ id }) => id);

test("what was confirmed is there after a restart, in order, as it was last", async () => {
  const store = open();
  const [a, b, c] = await Promise.all(["a", "b", "c"].map((id) => store.add(entry(id), 10)));
  assert.deepEqual([a!.number, b!.number, c!.number], [1, 2, 3]);
  await store.put({ ...b!, sentAt: 7 });
  await store.remove(a!);
  await store.close();
  const again = open();
  assert.deepEqual(await again.entries(), [{ ...b!, sentAt: 7 }, c!]);
  assert.equal((await again.add(entry("d"), 10)).number, 4);
});

test("numbers go on although the last entry is gone", async () => {
  const store = open();
  const a = await store.add(entry("a"), 10);
  await store.add(entry("b"), 10);
  await store.remove(a);
  await store.close();
  const again = open();
  assert.equal((await again.add(entry("c"), 10)).number, 3);
});

test("the same id again is the same entry, and the bound holds", async () => {
  const store = open();
  const [one, other] = await Promise.all([store.add(entry("a"), 1), store.add(entry("a"), 1)]);
  assert.deepEqual(one, other);
  await assert.rejects(store.add(entry("b"), 1), OutboxFull);
});

test("a line that was being written when the program ended is left out", async () => {
  const store = open();
  await store.add(entry("a"), 10);
  await store.close();
  const journal = join(directory, "journal");
  await writeFile(journal, `${await readFile(journal, "utf8")}{"put":{"id":"b","numb`);
  const again = open();
  assert.deepEqual(await ids(again), ["a"]);
  await again.add(entry("c"), 10);
  await again.close();
  assert.deepEqual(await ids(open()), ["a", "c"]);
});

/** What a directory with such a journal opens with; null when it is refused, which leaves the journal as it is. */
async function openedWith(bytes: Buffer): Promise<Entry[] | null> {
  const journal = join(directory, "journal");
  await writeFile(journal, bytes);
  const store = fileOutbox(directory);
  try {
    return await store.entries();
  } catch (error) {
    assert.ok(error instanceof OutboxUnusable, String(error));
    assert.deepEqual(await readFile(journal), bytes);
    assert.deepEqual(await readdir(directory), ["journal"]);
    return null;
  } finally {
    await store.close();
  }
}

/** A journal's bytes, and its entries, after each step of a short life. */
async function life(): Promise<{ bytes: Buffer; entries: Entry[] }[]> {
  const store = open();
  const steps: { bytes: Buffer; entries: Entry[] }[] = [];
  const note = async () => {
    steps.push({ bytes: await readFile(join(directory, "journal")), entries: await store.entries() });
  };
  const a = await store.add(entry("a"), 10);
  await note();
  const b = await store.add(entry("b"), 10);
  await note();
  await store.put({ ...b, sentAt: 7 });
  await note();
  await store.remove(a);
  await note();
  await Promise.all(["c", "d"].map((id) => store.add(entry(id), 10)));
  await note();
  await store.close();
  return steps;
}

test("a journal that is not an outbox, emptied, or of the form before is refused, and is left as it is", async () => {
  for (const text of ["", "\n", "zzzz", "damaged\n", '{"removed":1}\n', "headwater outbox 3\n"]) {
    assert.equal(await openedWith(Buffer.from(text)), null, JSON.stringify(text));
  }
});

test("a journal that was cut off at any point is refused, and is left as it is", async () => {
  const steps = await life();
  for (const { bytes } of [steps[0]!, steps.at(-1)!]) {
    for (let length = 0; length < bytes.length; length += 1) {
      assert.equal(await openedWith(bytes.subarray(0, length)), null, `cut to ${length} of ${bytes.length} bytes`);
    }
  }
});

test("a journal with a byte changed opens with what was written, or is refused", async () => {
  const { bytes, entries } = (await life()).at(-1)!;
  const top = bytes.indexOf("{") - 17;
  for (let at = 0; at < bytes.length; at += 1) {
    const damaged = Buffer.from(bytes);
    damaged[at]! ^= 1 << (at % 8);
    const opened = await openedWith(damaged);
    if (opened) assert.deepEqual(opened, entries, `byte ${at}`);
    assert.ok(opened === null || at < top, `byte ${at} of a line`);
  }
});

test("a journal without one of its lines, or with one twice or elsewhere, is refused", async () => {
  const { bytes } = (await life()).at(-1)!;
  const parts = bytes.toString("latin1").split(/(?<=\n)/);
  const lines = parts.slice(3);
  assert.equal(lines.length, 6);
  const write = (changed: string[]) => Buffer.from([...parts.slice(0, 3), ...changed].join(""), "latin1");
  for (let at = 0; at < lines.length; at += 1) {
    assert.equal(await openedWith(write(lines.toSpliced(at, 1))), null);
    if (at === lines.length - 1) continue;
    assert.equal(await openedWith(write(lines.toSpliced(at, 0, lines[at]!))), null);
    assert.equal(await openedWith(write(lines.toSpliced(at, 2, lines[at + 1]!, lines[at]!))), null);
  }
});

test("a journal opens whatever of a line was written when the program ended, with what was promised", async () => {
  const steps = await life();
  for (const [index, after] of steps.entries()) {
    if (index === 0) continue;
    const before = steps[index - 1]!;
    const whole = after.bytes.indexOf("\n", before.bytes.length) + 1;
    for (let length = before.bytes.length; length < whole; length += 1) {
      // The promise at the top is written after the line.
      const written = Buffer.concat([before.bytes, after.bytes.subarray(before.bytes.length, length)]);
      assert.deepEqual(await openedWith(written), before.entries);
      const lost = Buffer.concat([before.bytes, Buffer.alloc(length - before.bytes.length)]);
      assert.deepEqual(await openedWith(lost), before.entries);
    }
    const unpromised = Buffer.concat([before.bytes, after.bytes.subarray(before.bytes.length)]);
    assert.deepEqual(await openedWith(unpromised), after.entries);
  }
});

test("a journal opens whatever of its promise was written when the program ended", async () => {
  const steps = await life();
  for (const [index, after] of steps.entries()) {
    if (index === 0) continue;
    const before = steps[index - 1]!;
    const changed = [...before.bytes.keys()].filter((at) => before.bytes[at] !== after.bytes[at]);
    for (const last of changed) {
      const written = Buffer.from(after.bytes);
      before.bytes.copy(written, last, last);
      assert.deepEqual(await openedWith(written), after.entries);
    }
  }
});

test("the journal does not grow with what has ended", async () => {
  const store = open();
  await store.add(entry("kept"), 10);
  for (let round = 0; round < 60; round += 1) {
    const many = Array.from({ length: 50 }, (_, index) => store.add(entry(`${round}-${index}`), 100));
    await Promise.all((await Promise.all(many)).map((added) => store.remove(added)));
  }
  assert.deepEqual(await ids(store), ["kept"]);
  assert.ok((await readFile(join(directory, "journal"), "utf8")).split("\n").length <= 5052);
});

test("a second user of the directory is refused, in this process too, until the first has closed", async () => {
  const store = open();
  await store.add(entry("a"), 10);
  const second = open();
  await assert.rejects(second.entries(), OutboxLocked);
  await assert.rejects(second.add(entry("b"), 10), OutboxLocked);
  await store.close();
  assert.deepEqual(await ids(open()), ["a"]);
  assert.deepEqual((await readdir(directory)).sort(), ["journal", "lock"]);
});

test("the lock of a process that was killed is not in the way; that of a living one is", async () => {
  const holder = spawn(process.execPath, ["-e", "setInterval(() => {}, 1000)"]);
  try {
    const held = JSON.stringify({ pid: holder.pid, began: null, token: "t" });
    await writeFile(join(directory, "lock"), held);
    await assert.rejects(open().entries(), OutboxLocked);
    holder.kill("SIGKILL");
    await new Promise((gone) => holder.on("exit", gone));
    assert.deepEqual(await ids(open()), []);
  } finally {
    holder.kill("SIGKILL");
  }
});

test(
  "a lock whose process id was given to another process since is not in the way",
  { skip: process.platform !== "linux" },
  async () => {
    await writeFile(join(directory, "lock"), JSON.stringify({ pid: process.pid, began: "1", token: "t" }));
    assert.deepEqual(await ids(open()), []);
  },
);

test("of many that find a dead lock one gets it", async () => {
  await writeFile(join(directory, "lock"), "of nobody");
  const found = await Promise.allSettled(Array.from({ length: 20 }, () => open().entries()));
  assert.equal(found.filter(({ status }) => status === "fulfilled").length, 1);
});
