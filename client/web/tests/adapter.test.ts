import assert from "node:assert/strict";
import { test } from "node:test";
import { Adapter, type Carried, carriedError } from "../src/adapter.js";
import { Unauthorized, Unreachable } from "../src/errors.js";
import type { Listener } from "../src/transport.js";
import { Machine, randomOf, Time } from "./simulated.js";

/** An adapter whose library is this test. */
function adapted() {
  const time = new Time();
  const machine = new Machine(time, randomOf(1));
  const begun: Carried[] = [];
  const said: string[] = [];
  let ended = 0;
  const adapter = new Adapter((_operation, carried) => {
    begun.push(carried);
    return () => (ended += 1);
  }, machine.clock());
  const listener: Listener = {
    status: (status) => said.push(status),
    acknowledged: async (gap) => void said.push(gap ? "acknowledged" : "again"),
    next: () => said.push("data"),
    failed: (error) => said.push(error.name),
  };
  const subscription = adapter.subscribe({ query: "subscription S { s }", variables: {} }, listener);
  const run = (ms: number) => time.runUntil(time.now + ms);
  return { adapter, begun, said, subscription, run, machine, ended: () => ended };
}

test("tells what the library tells, the acknowledgement before the status", () => {
  const { begun, said } = adapted();
  begun[0]!.acknowledged();
  begun[0]!.next({ data: {} });
  begun[0]!.status("stale");
  assert.deepEqual(said, ["connecting", "acknowledged", "up", "data", "stale"]);
});

test("what brings data without an acknowledgement is acknowledged", () => {
  const { begun, said } = adapted();
  begun[0]!.next({ data: {} });
  assert.deepEqual(said, ["connecting", "acknowledged", "up", "data"]);
});

test("begins anew what was lost, and hears the old one no more", async () => {
  const { begun, said, run, ended } = adapted();
  begun[0]!.acknowledged();
  begun[0]!.ended(new Unreachable("gone"));
  assert.equal(ended(), 1);
  await run(1_000);
  assert.equal(begun.length, 2);
  begun[0]!.next({ data: {} });
  begun[1]!.acknowledged();
  assert.deepEqual(said, ["connecting", "acknowledged", "up", "offline", "connecting", "acknowledged", "up"]);
});

test("what no retry can mend ends it", async () => {
  const { begun, said, run } = adapted();
  begun[0]!.ended(new Unauthorized([]));
  await run(60_000);
  assert.deepEqual(said, ["connecting", "Unauthorized"]);
  assert.equal(begun.length, 1);
});

test("a process that slept begins anew", async () => {
  const { begun, said, run, machine } = adapted();
  begun[0]!.acknowledged();
  machine.stopped = true;
  await run(60_000);
  machine.goOn();
  assert.deepEqual(said.slice(3), ["stale", "connecting"]);
  assert.equal(begun.length, 2);
});

test("closing it ends the library's subscription, also while it waits to begin anew", async () => {
  const { begun, subscription, run, ended } = adapted();
  begun[0]!.ended(new Unreachable("gone"));
  subscription.close();
  await run(60_000);
  assert.equal(begun.length, 1);
  assert.equal(ended(), 1);
});

test("the server's words are found in what the libraries throw", () => {
  const refused = [
    { errors: [{ message: "Connection failed: UnauthorizedException" }] },
    { errors: [{ message: `Connection failed: ${JSON.stringify({ errors: [{ errorType: "Unauthorized" }] })}` }] },
    new Error("Connection failed: Unauthorized"),
    new Unauthorized([]),
  ];
  for (const thrown of refused) assert.ok(carriedError(thrown) instanceof Unauthorized);
  const lost = [{ errors: [{ message: "Connection closed" }] }, new Error("Connection failed: {}"), "timeout", null, undefined, {}];
  for (const thrown of lost) assert.ok(carriedError(thrown) instanceof Unreachable);
});
