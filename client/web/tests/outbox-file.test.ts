import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, test } from "node:test";
import { OutboxFull, OutboxLocked } from "../src/errors.js";
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

test("a damaged journal is an error, and is left as it is", async () => {
  const journal = join(directory, "journal");
  await writeFile(journal, "damaged\n");
  await assert.rejects(open().entries(), SyntaxError);
  assert.equal(await readFile(journal, "utf8"), "damaged\n");
  assert.deepEqual(await readdir(directory), ["journal"]);
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
