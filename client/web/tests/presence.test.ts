/** Presence on simulated time, against a room that forgets whoever is silent for two intervals. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Client } from "../src/client.js";
import { failure, Unauthorized, Unreachable } from "../src/errors.js";
import { HEARTBEAT, JOIN_ROOM } from "../src/generated/documents.js";
import { isGrey, present, type PresentOptions } from "../src/presence.js";
import { StateCell } from "../src/states.js";
import { Machine, randomOf, settled, Time } from "./simulated.js";

const BEAT = 30;
const GREY_AFTER = 22 * BEAT;
const SECOND = 1000;

/** A server with one room, the way to it, and the machine on which clients run. */
class Room {
  readonly time = new Time();
  readonly random = randomOf(7);
  readonly machine = new Machine(this.time, this.random);
  readonly state = new StateCell();
  readonly states = () => this.state.iterate();
  readonly heard = new Map<string, number>();
  readonly asked: { what: string; at: number }[] = [];
  readonly answered: number[] = [];
  errors: Error[] = [];
  cut = false;
  swallows = false;

  present(options: PresentOptions = {}) {
    return present(this as unknown as Client, "lobby", { clock: this.machine.clock(), ...options });
  }

  async run(seconds: number): Promise<void> {
    await this.time.runUntil(this.time.now + seconds * SECOND);
    await settled();
  }

  isHere(id: string): boolean {
    return this.time.now < (this.heard.get(id) ?? -Infinity) + 2 * BEAT * SECOND;
  }

  count(what: string): number {
    return this.asked.filter((each) => each.what === what).length;
  }

  // What `present` needs of a client.
  readonly query = (document: string, { input }: { input: { clientId: string; name?: string } }, { signal }: { signal: AbortSignal }) =>
    new Promise((resolve, reject) => {
      const what = document === JOIN_ROOM ? "join" : document === HEARTBEAT ? "heartbeat" : "leave";
      this.asked.push({ what, at: this.time.now });
      signal.addEventListener("abort", () => reject(new Unreachable("given up")));
      if (this.swallows) return;
      this.time.after(50, () =>
        this.machine.deliver(() => {
          try {
            resolve(this.#answer(what, input));
          } catch (error) {
            reject(error);
          }
        }),
      );
    });

  #answer(what: string, { clientId, name = "api-key" }: { clientId: string; name?: string }): unknown {
    if (this.cut) throw new Unreachable("cut");
    if (this.errors.length) throw this.errors.shift()!;
    if (what === "leave") {
      this.heard.delete(clientId);
      return { leaveRoom: { roomId: "lobby", id: `id-${clientId}` } };
    }
    if (what === "heartbeat" && !this.isHere(clientId)) throw failure([{ errorType: "NotFound" }]);
    this.heard.set(clientId, this.time.now);
    this.answered.push(this.time.now);
    const lastSeen = new Date(this.time.now + 500_000).toISOString(); // this machine's clock is wrong
    if (what === "heartbeat") return { heartbeat: { lastSeen, heartbeatSeconds: BEAT } };
    const presence = { id: `id-${clientId}`, roomId: "lobby", userId: null, name, joinedAt: lastSeen, lastSeen, absent: false };
    return { joinRoom: { presence, heartbeatSeconds: BEAT, greyAfterSeconds: GREY_AFTER } };
  }
}

const refused = () => failure([{ errorType: "Unauthorized" }]);

test("joins, beats in the rhythm and leaves", async () => {
  const room = new Room();
  const here = room.present({ clientId: "a", name: "ada" });
  await room.run(3600);
  assert.equal((await here.ready()).presence!.name, "ada");
  assert.ok(here.isPresent);
  assert.ok(here.presence!.lastSeen > here.presence!.joinedAt);
  const gaps = room.answered.slice(1).map((at, index) => (at - room.answered[index]!) / SECOND);
  assert.ok(Math.min(...gaps) > BEAT * 0.8 && Math.min(...gaps) < BEAT * 0.88, String(gaps));
  assert.ok(Math.max(...gaps) > BEAT * 0.92 && Math.max(...gaps) < BEAT, String(gaps));
  const closed = here.close();
  await room.run(1);
  await closed;
  assert.deepEqual([room.count("join"), room.count("leave"), room.heard.size], [1, 1, 0]);
  assert.ok(!here.isPresent);
  assert.equal(here.error, null);
  const asked = room.asked.length;
  await room.run(600);
  assert.equal(room.asked.length, asked);
});

test("two devices have ids of their own", async () => {
  const room = new Room();
  const [one, other] = [room.present(), room.present()];
  await room.run(300);
  assert.notEqual(one.clientId, other.clientId);
  assert.ok(room.isHere(one.clientId) && room.isHere(other.clientId));
  void one.close();
  await room.run(300);
  assert.deepEqual([...room.heard.keys()], [other.clientId]);
  assert.ok(room.isHere(other.clientId));
  void other.close();
  await room.run(1);
});

test("joins again when its presence is gone", async () => {
  const room = new Room();
  room.present({ clientId: "a" });
  await room.run(70);
  room.heard.clear();
  await room.run(BEAT);
  assert.ok(room.isHere("a"));
  await room.run(300);
  assert.equal(room.count("join"), 2);
});

test("a join that fails after NotFound is repeated as a join", async () => {
  const room = new Room();
  room.present({ clientId: "a" });
  await room.run(1);
  room.errors = [failure([{ errorType: "NotFound" }]), failure([{ errorType: "TryAgain" }])];
  await room.run(BEAT);
  assert.deepEqual(room.asked.map(({ what }) => what), ["join", "heartbeat", "join", "join"]);
});

test("vanishes with the network and is back with it", async () => {
  const room = new Room();
  const here = room.present({ clientId: "a" });
  await room.run(1);
  room.cut = true;
  await room.run(20 * BEAT);
  assert.ok(!room.isHere("a") && !here.isPresent);
  assert.ok(room.asked.length > 30 && room.asked.length < 120, String(room.asked.length));
  room.cut = false;
  room.state.set("catching-up"); // a feed of the client found the network
  await room.run(0.2);
  assert.ok(room.isHere("a") && here.isPresent);
  assert.equal(here.error, null);
});

test("begins without a network and waits for one", async () => {
  const room = new Room();
  room.cut = true;
  const here = room.present({ clientId: "a" });
  await room.run(60);
  assert.ok(!here.isPresent);
  room.cut = false;
  await room.run(21);
  await here.ready();
  assert.ok(room.isHere("a"));
});

test("a short outage ends nothing", async () => {
  const room = new Room();
  const here = room.present({ clientId: "a" });
  await room.run(20);
  room.swallows = true;
  await room.run(12);
  room.swallows = false;
  const restoredAt = room.time.now;
  await room.run(8); // no request is waited for longer
  assert.ok(room.heard.get("a")! > restoredAt && here.isPresent);
  assert.equal(room.count("join"), 1);
});

test("a machine that was stopped joins again at once", async () => {
  const room = new Room();
  const here = room.present({ clientId: "a" });
  await room.run(40);
  room.machine.stopped = true;
  await room.run(3600);
  assert.ok(!here.isPresent); // before anything has run
  room.machine.goOn();
  await room.run(0.5);
  assert.ok(room.isHere("a") && here.isPresent);
  assert.equal(room.asked.at(-1)!.what, "join");
});

test("who loses the right is told and stops", async () => {
  const room = new Room();
  const here = room.present({ clientId: "a" });
  await room.run(1);
  room.errors = [refused()];
  await room.run(600);
  assert.ok(here.error instanceof Unauthorized);
  assert.ok(!here.isPresent);
  const asked = room.asked.length;
  await here.close();
  await room.run(600);
  assert.equal(room.asked.length, asked); // not even to leave
});

test("ready rejects with what keeps it from joining", async () => {
  const room = new Room();
  room.errors = [refused()];
  const here = room.present();
  await room.run(1);
  await assert.rejects(here.ready(), Unauthorized);
  assert.equal(room.count("join"), 1);
  const other = room.present();
  void other.close();
  await room.run(1);
  await assert.rejects(other.ready(), /closed/);
});

test("a busy server is asked again when it says", async () => {
  const room = new Room();
  room.errors = [{ errorType: "TryAgain" }, { errorType: "TooManyRequests", errorInfo: { retryAfterMs: 5000 } }, { errorType: "Internal" }].map((error) => failure([error]));
  const here = room.present();
  await room.run(10);
  assert.ok(here.isPresent);
  const times = room.asked.map(({ at }) => at);
  assert.ok(times[2]! - times[1]! >= 5000 && times[3]! - times[0]! < 8000, String(times));
});

test("ends with the client, and leaving takes two seconds at most", async () => {
  const room = new Room();
  const here = room.present({ clientId: "a" });
  await room.run(1);
  room.state.set("closed");
  await room.run(1);
  assert.equal(room.heard.size, 0);
  assert.ok(!here.isPresent);
  const slow = new Room();
  const other = slow.present();
  await slow.run(1);
  slow.swallows = true;
  let closed = false;
  void other.close().then(() => (closed = true));
  await slow.run(2.1);
  assert.ok(closed);
});

test("grey goes by the server's time", async () => {
  const room = new Room();
  const here = room.present();
  await room.run(1);
  const other = here.presence!;
  await room.run(GREY_AFTER - 5);
  assert.ok(!here.isGrey(other));
  assert.ok(here.isGrey({ ...other, absent: true }));
  await room.run(10);
  assert.ok(here.isGrey(other));
  assert.ok(!here.isGrey(here.presence!));
});

test("isGrey", () => {
  const lastSeen = "2026-11-21T12:00:00.000Z";
  const now = Date.parse(lastSeen);
  assert.equal(isGrey({ absent: false, lastSeen }, now + 660_000, 660), false);
  assert.equal(isGrey({ absent: false, lastSeen }, now + 660_001, 660), true);
  assert.equal(isGrey({ absent: true, lastSeen }, now, 660), true);
});
