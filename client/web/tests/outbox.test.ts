import assert from "node:assert/strict";
import { test } from "node:test";

import type { Clock } from "../src/clock.js";
import { systemClock } from "../src/clock.js";
import {
  failure,
  InvalidInput,
  NotQueueable,
  OutboxExpired,
  OutboxFull,
  OutboxUnusable,
  Unreachable,
} from "../src/errors.js";
import { Outbox, type OutboxOptions } from "../src/outbox.js";
import type { Entry, Mutation, OutboxStore } from "../src/outbox-store.js";
import { memoryOutbox, Shelf } from "../src/outbox-memory.js";

const eager: Clock = { ...systemClock, random: () => 0 };

const mutation = (id: string, ordering: string | null = "item"): Mutation => ({
  id,
  document: "mutation",
  variables: { id },
  ordering,
  optimistic: [],
});

/** An API that applies each mutation once, by its id, and fails as it is told to. */
class Server {
  readonly applied: string[] = [];
  readonly asked: string[] = [];
  failing: unknown = null;
  refused = new Set<string>();
  most = 0;
  #underWay = 0;

  readonly send = async ({ id }: Mutation): Promise<unknown> => {
    this.asked.push(id);
    this.most = Math.max(this.most, (this.#underWay += 1));
    await new Promise((answered) => setTimeout(answered, 1));
    this.#underWay -= 1;
    if (this.failing) throw this.failing;
    if (this.refused.has(id)) throw failure([{ errorType: "InvalidInput", message: `refused ${id}` }]);
    if (!this.applied.includes(id)) this.applied.push(id);
    return { answer: id };
  };
}

const outboxOf = (server: Server, store: OutboxStore = memoryOutbox(), options: OutboxOptions = {}): Outbox =>
  new Outbox(store, server.send, { clock: eager, ...options });

async function until(condition: () => boolean): Promise<void> {
  const deadline = Date.now() + 5000;
  while (!condition()) {
    assert.ok(Date.now() < deadline, "the condition came true in time");
    await new Promise((later) => setTimeout(later, 2));
  }
}

test("what is queued is sent, answered and gone", async () => {
  const server = new Server();
  const outbox = outboxOf(server);
  const { entry, outcome } = await outbox.add(mutation("1"));
  assert.equal(outbox.size, 1);
  assert.equal(entry.number, 1);
  assert.deepEqual(await outcome, { answer: "1" });
  assert.equal(outbox.size, 0);
  await outbox.close();
});

test("those of one item go one after the other, in order; of different items side by side, at most `parallel`", async () => {
  const server = new Server();
  const outbox = outboxOf(server, memoryOutbox(), { parallel: 3 });
  const names = Array.from({ length: 40 }, (_, index) => `${index % 5}-${String(index).padStart(2, "0")}`);
  const added = await Promise.all(names.map((name) => outbox.add(mutation(name, name[0]!))));
  await Promise.all(added.map(({ outcome }) => outcome));
  for (const item of "01234") {
    const applied = server.applied.filter((name) => name.startsWith(item));
    assert.deepEqual(applied, [...applied].sort());
    assert.equal(applied.length, 8);
  }
  assert.equal(server.most, 3);
  await outbox.close();
});

test("mutations without an ordering wait for nothing", async () => {
  const server = new Server();
  server.refused.add("1");
  const outbox = outboxOf(server);
  const [first, second] = await Promise.all([outbox.add(mutation("1", null)), outbox.add(mutation("2", null))]);
  await assert.rejects(first.outcome, InvalidInput);
  await second.outcome;
  assert.equal(server.most, 2);
  await outbox.close();
});

test("a refused mutation ends with its typed error, and the next of the item goes on", async () => {
  const server = new Server();
  server.refused.add("1");
  const outbox = outboxOf(server);
  const ends: string[] = [];
  outbox.onEnded(({ id }, outcome) => ends.push(`${id} ${"error" in outcome ? outcome.error.name : "done"}`));
  const first = await outbox.add(mutation("1"));
  const second = await outbox.add(mutation("2"));
  await assert.rejects(
    first.outcome,
    (error: InvalidInput) => error instanceof InvalidInput && error.message === "refused 1",
  );
  await second.outcome;
  assert.deepEqual(ends, ["1 InvalidInput", "2 done"]);
  assert.equal(outbox.size, 0);
  await outbox.close();
});

test("transient failures are repeated with the same id and hold up their item only", async () => {
  const server = new Server();
  let failures = 0;
  const outbox = new Outbox(
    memoryOutbox(),
    (sent) => {
      if (sent.ordering === "busy" && (failures += 1) < 20 && !server.applied.includes("b1"))
        throw failure([{ errorType: "TryAgain" }]);
      return server.send(sent);
    },
    { clock: eager },
  );
  const added = [];
  for (const [id, item] of [
    ["a1", "busy"],
    ["a2", "busy"],
    ["b1", "idle"],
  ] as const)
    added.push(await outbox.add(mutation(id, item)));
  await Promise.all(added.map(({ outcome }) => outcome));
  assert.deepEqual(server.applied, ["b1", "a1", "a2"]);
  assert.ok(failures > 2);
  await outbox.close();
});

test("while the server cannot be reached one entry asks for all; `wake` sends all at once", async () => {
  const server = new Server();
  server.failing = new Unreachable("cut");
  const patient: Clock = { ...systemClock, random: () => 0.999 };
  const outbox = outboxOf(server, memoryOutbox(), { clock: patient });
  const added = await Promise.all(["a", "b", "c", "d"].map((item) => outbox.add(mutation(item, item))));
  await until(() => server.asked.length === 4);
  server.most = 0;
  await until(() => server.asked.length >= 6);
  assert.equal(server.most, 1);
  server.failing = null;
  const began = Date.now();
  outbox.wake();
  await Promise.all(added.map(({ outcome }) => outcome));
  assert.ok(Date.now() - began < 150);
  await outbox.close();
});

test("where nobody tells that the network has returned, the outbox asks, and sends at once", async () => {
  const server = new Server();
  server.failing = new Unreachable("cut");
  let there = false;
  let asked = 0;
  const now = () => Date.now() * 20;
  const clock: Clock = { now, random: () => 0.999, after: (ms, run) => systemClock.after(ms / 20, run) };
  const reaches = async () => ((asked += 1), there);
  const outbox = outboxOf(server, memoryOutbox(), { clock, reaches });
  const { outcome } = await outbox.add(mutation("1"));
  await until(() => server.asked.length >= 7); // the next would be tried after 12 s
  await new Promise((answered) => setTimeout(answered, 10));
  const tried = server.asked.length;
  there = true;
  server.failing = null;
  const returned = now();
  await outcome;
  assert.equal(server.asked.length, tried + 1);
  assert.ok(asked > 0);
  assert.ok(now() - returned < 6000, `sent ${now() - returned} ms after the return`);
  await outbox.close();
});

test("an entry that never reaches the server does not keep others from it", async () => {
  const server = new Server();
  const outbox = new Outbox(
    memoryOutbox(),
    async (sent) => {
      if (sent.id === "poison") throw new Unreachable("the connection is closed whenever this is sent");
      return server.send(sent);
    },
    { clock: eager, parallel: 1 },
  );
  await outbox.add(mutation("poison", "p"));
  const others = await Promise.all(["a", "b"].map((item) => outbox.add(mutation(item, item))));
  await Promise.all(others.map(({ outcome }) => outcome));
  assert.equal(outbox.size, 1);
  await outbox.close();
});

test("while the network is known to be gone nothing is tried", async () => {
  const server = new Server();
  let offline = true;
  const outbox = outboxOf(server, memoryOutbox(), { offline: () => offline });
  const { outcome } = await outbox.add(mutation("1"));
  await new Promise((later) => setTimeout(later, 50));
  assert.deepEqual(server.asked, []);
  offline = false;
  outbox.wake();
  await outcome;
  await outbox.close();
});

test("a caller that has had its mutations waits for as long as the server says, for all items", async () => {
  const server = new Server();
  const outbox = outboxOf(server);
  server.failing = failure([{ errorType: "TooManyRequests", errorInfo: { retryAfterMs: 120 } }]);
  const began = Date.now();
  const first = await outbox.add(mutation("1", "a"));
  await until(() => server.asked.length === 1);
  await new Promise((later) => setTimeout(later, 5));
  server.failing = null;
  const second = await outbox.add(mutation("2", "b"));
  await Promise.all([first.outcome, second.outcome]);
  assert.ok(Date.now() - began >= 120);
  assert.deepEqual(server.asked.length, 3);
  await outbox.close();
});

test("a full outbox takes no more, and says so", async () => {
  const server = new Server();
  const outbox = outboxOf(server, memoryOutbox(), { limit: 2, offline: () => true });
  await outbox.add(mutation("1"));
  await outbox.add(mutation("2"));
  await assert.rejects(outbox.add(mutation("3")), OutboxFull);
  await outbox.add(mutation("2")); // there already
  assert.equal(outbox.size, 2);
  await outbox.close();
});

test("the same id queued twice is one mutation, whose answer both get", async () => {
  const server = new Server();
  const outbox = outboxOf(server);
  const [one, other] = await Promise.all([outbox.add(mutation("1")), outbox.add(mutation("1"))]);
  assert.deepEqual(await Promise.all([one.outcome, other.outcome]), [{ answer: "1" }, { answer: "1" }]);
  assert.deepEqual(server.asked, ["1"]);
  await outbox.close();
});

test("an entry that was sent too long ago ends as OutboxExpired; one that never was may be of any age", async () => {
  const server = new Server();
  const store = memoryOutbox();
  const hour = 3_600_000;
  let now = 1_000 * hour;
  const clock: Clock = { ...eager, now: () => now };
  for (const id of ["sent", "never sent"])
    await store.add({ ...mutation(id), queuedAt: now, sentAt: null, failure: null }, 10);
  await store.put({ ...(await store.entries())[0]!, sentAt: now });
  now += 23 * hour + 1;
  const ends: string[] = [];
  const outbox = outboxOf(server, store, { clock });
  outbox.onEnded(({ id }, outcome) => ends.push(`${id} ${"error" in outcome ? outcome.error.name : "done"}`));
  await until(() => ends.length === 2);
  assert.deepEqual(ends, ["sent OutboxExpired", "never sent done"]);
  assert.deepEqual(server.applied, ["never sent"]);
  assert.ok(new OutboxExpired("x").message.includes("x"));
  await outbox.close();
});

test("what failed while nobody waited for it is told by `failures`, until somebody has taken it", async () => {
  const shelf = new Shelf();
  const server = new Server();
  const before = outboxOf(server, memoryOutbox(shelf), { offline: () => true });
  for (const id of ["1", "2"]) await before.add(mutation(id));
  await before.close();
  server.refused.add("1").add("2");
  const second = outboxOf(server, memoryOutbox(shelf));
  await until(() => [...shelf.entries.values()].every(({ failure }) => failure !== null));
  for await (const { entry, error } of second.failures()) {
    assert.equal(entry.id, "1");
    assert.ok(error instanceof InvalidInput);
    break; // before asking for the next: not taken
  }
  await second.close();
  const third = outboxOf(server, memoryOutbox(shelf));
  const told: string[] = [];
  for await (const { entry } of third.failures()) {
    told.push(entry.id);
    if (entry.id === "2") void third.close();
  }
  assert.deepEqual(told, ["1", "2"]);
  assert.equal(third.size, 0);
  assert.deepEqual([...shelf.entries.keys()], []);
  assert.deepEqual(server.asked, ["1", "2"]);
});

test("a failure that somebody waited for is not told again", async () => {
  const shelf = new Shelf();
  const server = new Server();
  server.refused.add("1");
  const outbox = outboxOf(server, memoryOutbox(shelf));
  await assert.rejects((await outbox.add(mutation("1"))).outcome, InvalidInput);
  await until(() => shelf.entries.size === 0);
  await outbox.close();
});

test("the id of another mutation in the queue is refused", async () => {
  const outbox = outboxOf(new Server(), memoryOutbox(), { offline: () => true });
  await outbox.add(mutation("1"));
  await assert.rejects(outbox.add({ ...mutation("1"), variables: { other: true } }), NotQueueable);
  assert.equal(outbox.size, 1);
  await outbox.close();
});

test("a store that cannot be opened is told to whoever queues", async () => {
  const store = memoryOutbox();
  const outbox = outboxOf(new Server(), { ...store, entries: () => Promise.reject(new Error("no space")) });
  await assert.rejects(outbox.entries(), OutboxUnusable);
  await assert.rejects(outbox.failures().next(), OutboxUnusable);
  await assert.rejects(
    outbox.add(mutation("1")),
    (error: Error) => error instanceof OutboxUnusable && /no space/.test(error.message),
  );
  await outbox.close();
});

test("the first attempt is noted before it is made", async () => {
  const store = memoryOutbox();
  let noted: number | null | undefined;
  const outbox = new Outbox(store, async () => (noted = (await store.entries())[0]?.sentAt), { clock: eager });
  await (
    await outbox.add(mutation("1"))
  ).outcome;
  assert.equal(typeof noted, "number");
  await outbox.close();
});

test("what a program left queued is sent by the next, in order", async () => {
  const shelf = new Shelf();
  const server = new Server();
  const before = outboxOf(server, memoryOutbox(shelf), { offline: () => true });
  for (const id of ["1", "2", "3"]) await before.add(mutation(id));
  const { outcome } = await before.add(mutation("4"));
  await before.close();
  await assert.rejects(outcome, Unreachable);
  const after = outboxOf(server, memoryOutbox(shelf));
  const seen: string[] = [];
  after.onAdded(({ id }) => seen.push(id));
  await until(() => server.applied.length === 4);
  assert.deepEqual(server.applied, ["1", "2", "3", "4"]);
  assert.deepEqual(seen, ["1", "2", "3", "4"]);
  await after.close();
});

test("of two that share a store one sends, and both are told", async () => {
  const shelf = new Shelf();
  const [mine, yours] = [new Server(), new Server()];
  const one = outboxOf(mine, memoryOutbox(shelf));
  const other = outboxOf(yours, memoryOutbox(shelf));
  mine.refused.add("2");
  const first = await other.add(mutation("1"));
  const second = await other.add(mutation("2"));
  assert.deepEqual(await first.outcome, { answer: "1" });
  await assert.rejects(second.outcome, (error) => error instanceof InvalidInput && error.message === "refused 2");
  assert.deepEqual(yours.asked, []);
  await until(() => one.size === 0 && other.size === 0);
  // The one that sent goes: the other takes its turn.
  const third = await one.add(mutation("3"));
  await third.outcome;
  await one.close();
  await (
    await other.add(mutation("4"))
  ).outcome;
  assert.deepEqual(yours.applied, ["4"]);
  await other.close();
});

test("whoever takes over asks again for what the one before had ended and told nobody", async () => {
  const shelf = new Shelf();
  const server = new Server();
  const store = memoryOutbox(shelf);
  const dying = outboxOf(server, { ...store, tell() {} });
  await until(() => shelf.listeners.size === 1);
  const waiting = outboxOf(server, memoryOutbox(shelf));
  const { outcome, entry } = await waiting.add(mutation("1"));
  // It sends and removes it, and its news are lost with it.
  await (
    await dying.add(entry)
  ).outcome;
  await dying.close();
  assert.deepEqual(await outcome, { answer: "1" });
  assert.deepEqual(server.applied, ["1"]);
  assert.deepEqual(server.asked, ["1", "1"]);
  await waiting.close();
});

test("an outbox whose store fails for a while goes on", async () => {
  const server = new Server();
  const store = memoryOutbox();
  let failures = 3;
  const outbox = outboxOf(server, {
    ...store,
    put: async (entry) => {
      if (failures-- > 0) throw new Error("disk full");
      return store.put(entry);
    },
  });
  await (
    await outbox.add(mutation("1"))
  ).outcome;
  assert.deepEqual(server.asked, ["1"]);
  await outbox.close();
});

test("killed at any point and started again: each applied exactly once, in order per item", async () => {
  // A program that is killed: whatever it does from then on has no effect, and its turn ends.
  class Killed {
    alive = true;
    readonly #dead = new AbortController();
    readonly store: OutboxStore;

    constructor(shelf: Shelf) {
      const store = memoryOutbox(shelf);
      const never = new Promise<never>(() => {});
      const guard =
        <A extends unknown[], R>(work: (...given: A) => Promise<R>) =>
        async (...given: A): Promise<R> => {
          if (!this.alive) return never;
          const value = await work(...given);
          return this.alive ? value : never;
        };
      this.store = {
        ...store,
        entries: guard(store.entries),
        add: guard(store.add),
        put: guard(store.put),
        remove: guard(store.remove),
        alone: guard((work, closing) => store.alone(work, AbortSignal.any([closing, this.#dead.signal]))),
        tell: (news) => this.alive && store.tell(news),
      };
    }

    kill(): void {
      this.alive = false;
      this.#dead.abort();
    }
  }

  for (let seed = 1; seed <= 20; seed += 1) {
    let state = seed;
    const chance = () => (state = (state * 48271) % 2147483647) / 2147483647;
    const shelf = new Shelf();
    const applied: string[] = [];
    const queued: string[] = [];
    let number = 0;
    for (let round = 0; round < 12; round += 1) {
      const program = new Killed(shelf);
      const outbox = new Outbox(
        program.store,
        async ({ id }) => {
          await new Promise((later) => setTimeout(later, chance() * 3));
          if (!program.alive || chance() < 0.2) throw new Unreachable("the request was lost");
          if (!applied.includes(id)) applied.push(id);
          if (chance() < 0.3) throw new Unreachable("the answer was lost");
          return {};
        },
        { clock: eager },
      );
      for (let count = 0; count < 6; count += 1) {
        const id = `${number % 3}-${String((number += 1)).padStart(3, "0")}`;
        void outbox.add(mutation(id, id[0]!)).then(
          () => queued.push(id),
          () => {},
        );
      }
      await new Promise((later) => setTimeout(later, chance() * 25));
      program.kill();
    }
    const last = new Outbox(memoryOutbox(shelf), async ({ id }) => void (applied.includes(id) || applied.push(id)), {
      clock: eager,
    });
    await last.entries();
    await until(() => last.size === 0);
    await last.close();
    for (const id of queued) assert.ok(applied.includes(id), `seed ${seed}: ${id} was lost`);
    assert.equal(new Set(applied).size, applied.length);
    for (const item of "012") {
      const ofItem = applied.filter((id) => id.startsWith(item));
      assert.deepEqual(ofItem, [...ofItem].sort(), `seed ${seed}`);
    }
  }
});

test("entries are plain data: what is told to others can be cloned", async () => {
  const told: unknown[] = [];
  const store = memoryOutbox();
  const server = new Server();
  server.refused.add("1");
  const outbox = outboxOf(server, { ...store, tell: (news) => told.push(structuredClone(news)) });
  await assert.rejects((await outbox.add(mutation("1"))).outcome, InvalidInput);
  await until(() => told.length >= 3);
  const kinds = told.map((news) => Object.keys(news as Entry)[0]).sort();
  assert.deepEqual(kinds, ["added", "ended", "sending"]);
  await outbox.close();
});
