/** What a feed does, step by step, in a simulated world without mischief unless a test brings it. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Change, Resync } from "../src/changes.js";
import { Client } from "../src/client.js";
import type { Credentials } from "../src/credentials.js";
import { type CursorStore, memoryCursors } from "../src/cursors.js";
import { CursorsUnreadable, Unauthorized } from "../src/errors.js";
import type { Feed } from "../src/feed.js";
import type { Surroundings } from "../src/platform.js";
import type { State } from "../src/states.js";
import { AppSync } from "./simulated-appsync.js";
import { Machine, Network, type Peer, platformOf, randomOf, Time } from "./simulated.js";

const ANYBODY: Credentials = { authorize: async () => ({ headers: {}, expiresAt: null }) };

class World {
  readonly random = randomOf(1);
  readonly time = new Time();
  readonly network = new Network(this.time, this.random);
  readonly server = new AppSync(this.time, this.random);
  readonly machine = new Machine(this.time, this.random);
  readonly peers = new Set<Peer>();
  readonly surroundings = new Set<Surroundings>();
  readonly client: Client;

  constructor({ pings = true, credentials = ANYBODY }: { pings?: boolean; credentials?: Credentials } = {}) {
    const options = { pings, peers: this.peers, surroundings: this.surroundings };
    const platform = platformOf(this.machine, this.network, this.server, options);
    this.client = new Client(platform, { url: "http://api.test/graphql", credentials });
  }

  get open(): Peer[] {
    return [...this.peers].filter(({ open }) => open);
  }

  async run(ms: number): Promise<void> {
    await this.time.runUntil(this.time.now + ms);
  }

  /** Until it is so, for as long as `ms`; returns how long it took. */
  async until(probe: () => boolean, ms = 5_000): Promise<number> {
    const began = this.time.now;
    while (!probe()) {
      assert.ok(this.time.now - began < ms, `not within ${ms} ms: ${probe}`);
      await this.run(10);
    }
    return this.time.now - began;
  }
}

interface Followed {
  readonly seqs: number[];
  readonly changes: (Change | Resync)[];
  readonly states: State[];
  error: unknown;
}

function follow(feed: Feed<unknown>): Followed {
  const followed: Followed = { seqs: [], changes: [], states: [], error: null };
  void (async () => {
    for await (const state of feed.states()) followed.states.push(state);
  })();
  void (async () => {
    for await (const change of feed) {
      followed.changes.push(change);
      if (change.kind !== "RESYNC") followed.seqs.push(change.seq);
    }
  })().catch((error: unknown) => (followed.error = error));
  return followed;
}

const upTo = (last: number, first = 1): number[] => Array.from({ length: last - first + 1 }, (_, n) => first + n);

test("begins with the items as they are, then gives each change that follows", async () => {
  const world = new World();
  world.server.write("a", 250);
  const feed = world.client.live("room:a");
  const { seqs, states } = follow(feed);
  await world.until(() => feed.state === "live");
  assert.equal(feed.items.size, world.server.room("a").items.size);
  assert.equal(feed.position, 250);
  world.server.write("a", 3);
  await world.until(() => seqs.length === 3);
  assert.deepEqual(seqs, [251, 252, 253]);
  assert.deepEqual([...feed.items.keys()].sort(), [...world.server.room("a").items.keys()].sort());
  assert.deepEqual(states, ["connecting", "catching-up", "live"]);
});

for (const pings of [true, false]) {
  test(`gives 1,000 missed changes within 1 s of the network's return, ${pings ? "in Node" : "in a browser"}`, async () => {
    const world = new World({ pings });
    const feed = world.client.live("room:a");
    const { seqs } = follow(feed);
    await world.until(() => feed.state === "live");
    world.network.cut = true;
    for (const peer of world.peers) peer.swallowed = true;
    for (const each of world.surroundings) each.lost();
    world.server.write("a", 1000);
    await world.run(400_000);
    assert.equal(seqs.length, 0);
    world.network.mend();
    for (const each of world.surroundings) each.returned();
    await world.until(() => seqs.length === 1000, 1000);
    assert.deepEqual(seqs, upTo(1000));
  });
}

test("a token is replaced before it expires: a second connection catches up before the first closes", async () => {
  let given = 0;
  const world: World = new World({
    credentials: {
      authorize: async (_request, renew) => {
        const { now } = world.time;
        if (renew || !given) given = now + 300_000;
        return { headers: { Authorization: String(given) }, expiresAt: given };
      },
    },
  });
  world.server.checksTokens = true;
  const feed = world.client.live("room:a");
  const { seqs, states } = follow(feed);
  await world.until(() => feed.state === "live");
  let most = 0;
  world.time.watch(() => (most = Math.max(most, [...world.server.started].length)));
  for (let n = 0; n < 3600; n += 1) {
    world.server.write("a", 1);
    await world.run(1000);
  }
  assert.deepEqual(seqs, upTo(3600));
  assert.deepEqual(states, ["connecting", "catching-up", "live"], "it never stopped being live");
  assert.equal(most, 2, "both connections bore the subscription for a moment");
  assert.ok(world.server.connects >= 12 && world.server.connects <= 20, `${world.server.connects} connections in an hour`);
  assert.equal(world.open.length, 1);
});

test("a token that nobody renews leaves the connection alone", async () => {
  const expiresAt = new Time().now + 100_000;
  const world = new World({ credentials: { authorize: async () => ({ headers: {}, expiresAt }) } });
  const feed = world.client.live("room:a");
  await world.until(() => feed.state === "live");
  await world.run(1_000_000);
  assert.equal(world.server.connects, 1);
  assert.equal(feed.state, "live");
});

test("refused credentials are asked for anew once, and then end the feed", async () => {
  const asked: boolean[] = [];
  const credentials: Credentials = {
    authorize: async (_request, renew) => {
      asked.push(renew);
      return { headers: { Authorization: "0" }, expiresAt: null };
    },
  };
  const world = new World({ credentials });
  world.server.checksTokens = true;
  const feed = world.client.live("room:a");
  const followed = follow(feed);
  await world.until(() => feed.state === "closed");
  await world.run(10);
  assert.ok(feed.error instanceof Unauthorized);
  assert.equal(followed.error, feed.error);
  assert.deepEqual(asked, [false, true]);
  await assert.rejects(feed.ready(), Unauthorized);
});

test("what goes wrong with the credentials themselves is tried again", async () => {
  let works = false;
  const world = new World({
    credentials: {
      authorize: async () => {
        if (!works) throw new TypeError("the sign-in page is away");
        return { headers: {}, expiresAt: null };
      },
    },
  });
  const feed = world.client.live("room:a");
  await world.run(5_000);
  assert.equal(feed.state, "offline");
  works = true;
  await world.until(() => feed.state === "live", 30_000);
});

test("polls the log where WebSockets are blocked, and says so", async () => {
  const world = new World();
  world.network.blocked = true;
  const feed = world.client.live("room:a");
  const { seqs, states } = follow(feed);
  await world.until(() => feed.transport === "polling", 10_000);
  assert.equal(feed.state, "stale");
  await world.until(() => feed.position === 0);
  world.server.write("a", 5);
  await world.until(() => seqs.length === 5, 3_500);
  await world.run(60_000);
  assert.equal(feed.state, "stale");
  assert.ok(!states.includes("live"));
  world.network.blocked = false;
  await world.until(() => feed.state === "live", 25_000);
  assert.equal(feed.transport, "websocket");
});

test("no WebSocket and no HTTP is offline, not polling", async () => {
  const world = new World();
  world.network.refuses = true;
  const feed = world.client.live("room:a");
  await world.run(30_000);
  assert.equal(feed.state, "offline");
  assert.equal(feed.transport, "websocket");
});

test("many topics share a connection, and a second one past the server's limit", async () => {
  const world = new World();
  world.server.limit = 100;
  const feeds = upTo(250).map((n) => world.client.live(`room:r${n}`));
  await world.until(() => world.client.state === "live", 60_000);
  assert.ok(feeds.every(({ state }) => state === "live"));
  assert.equal(world.open.length, 3);
  await Promise.all(feeds.slice(1).map((feed) => feed.close()));
  await world.run(2_000);
  assert.equal(world.open.length, 1, "a connection that bears nothing is closed");
});

test("a process that slept says `stale` before anything else, and looks at the log", async () => {
  for (const pings of [true, false]) {
    const world = new World({ pings });
    const feed = world.client.live("room:a");
    const { seqs, states } = follow(feed);
    await world.until(() => feed.state === "live");
    world.machine.stopped = true;
    world.server.write("a", 3);
    await world.run(30_000);
    states.length = 0;
    world.machine.goOn();
    await world.until(() => feed.state === "live" && seqs.length === 3);
    assert.equal(states[0], "stale");
    assert.deepEqual(seqs, [1, 2, 3]);
  }
});

test("an answer that waited in a buffer while the process slept is no sign of life", async () => {
  const world = new World();
  const feed = world.client.live("room:a");
  const { states } = follow(feed);
  await world.until(() => feed.state === "live");
  const [peer] = world.open;
  const pong = peer!.pong.bind(peer);
  peer!.pong = (mark) => {
    pong(mark);
    world.machine.stopped = true; // with the answer under way
  };
  await world.until(() => world.machine.stopped);
  await world.run(30_000);
  peer!.swallowed = true;
  states.length = 0;
  world.machine.goOn();
  await world.until(() => feed.state === "live", 10_000);
  assert.equal(states[0], "stale");
  assert.equal(world.server.connects, 2, "what said live is a new connection");
});

test("what is not as the schema says ends the feed with an error of its own", async () => {
  const world = new World();
  const feed = world.client.live("room:a");
  await world.until(() => feed.state === "live");
  const [started] = world.server.started;
  const payload = { data: { onMessages: { items: [{ seq: "one" }], lastSeq: 1, topic: "room:a" } } };
  started!.peer.send({ id: started!.id, type: "data", payload });
  await world.until(() => feed.state === "closed");
  assert.equal(feed.error?.name, "UnexpectedAnswer");
});

test("frames that nobody knows are let pass", async () => {
  const world = new World();
  const feed = world.client.live("room:a");
  await world.until(() => feed.state === "live");
  const [peer] = world.open;
  for (const frame of [{ type: "news" }, { type: "data", id: "unknown" }, { type: "start_ack", id: "7" }, {}]) peer!.send(frame);
  await world.run(1_000);
  assert.equal(feed.state, "live");
  assert.equal(world.server.connects, 1);
});

test("a limit that names no subscription is that of those which wait, and they try again", async () => {
  const world = new World();
  const feed = world.client.live("room:a");
  world.time.watch(() => {
    // Instead of the first acknowledgement.
    for (const { peer } of world.server.started) {
      if (world.server.connects === 1 && !refused) {
        refused = true;
        peer.send({ type: "error", payload: { errors: [{ errorType: "LimitExceededError", message: "Rate exceeded" }] } });
      }
    }
  });
  let refused = false;
  await world.until(() => feed.state === "live");
  assert.ok(refused);
});

test("silence is noticed: within seconds where one can ping, else soon after `ka` is due", async () => {
  for (const [pings, most] of [[true, 7_500], [false, 65_500]] as const) {
    const world = new World({ pings });
    const feed = world.client.live("room:a");
    await world.until(() => feed.state === "live");
    for (const peer of world.peers) peer.swallowed = true;
    const noticed = await world.until(() => feed.state !== "live", most);
    assert.ok(noticed > 1_000);
    await world.until(() => feed.state === "live", 10_000);
  }
});

test("a server that is heard is not doubted, however quiet the topic", async () => {
  for (const pings of [true, false]) {
    const world = new World({ pings });
    const feed = world.client.live("room:a");
    const { states } = follow(feed);
    await world.until(() => feed.state === "live");
    await world.run(3_600_000);
    assert.deepEqual(states, ["connecting", "catching-up", "live"]);
    assert.equal(world.server.connects, 1);
  }
});

test("a lost push that nothing follows is found within a minute", async () => {
  const world = new World();
  const feed = world.client.live("room:a");
  const { seqs } = follow(feed);
  await world.until(() => feed.state === "live");
  await world.run(20_000);
  world.server.mischief.lost = 1;
  world.server.write("a", 1);
  await world.until(() => seqs.length === 1, 61_000);
});

test("a change that was pushed as a pointer is fetched whole", async () => {
  const world = new World();
  const feed = world.client.live("room:a");
  const { changes } = follow(feed);
  await world.until(() => feed.state === "live");
  world.server.mischief.truncated = 1;
  world.server.write("a", 1);
  await world.until(() => changes.length === 1, 1_000);
  const [change] = changes as Change[];
  assert.deepEqual([change?.source, change?.truncated, change?.item !== null], ["catch-up", false, true]);
});

test("a cursor that the log no longer reaches gives the state anew, and says so", async () => {
  const world = new World();
  world.server.write("a", 100);
  world.server.room("a").expired = 50;
  const feed = world.client.live("room:a", { after: 10 });
  const { changes } = follow(feed);
  await world.until(() => feed.state === "live");
  world.server.write("a", 1);
  await world.until(() => changes.length === 2);
  const [resync, change] = changes;
  assert.ok(resync?.kind === "RESYNC");
  assert.equal(resync.position, 100);
  assert.equal(feed.items.size, world.server.room("a").items.size);
  assert.ok(change?.kind !== "RESYNC" && change?.seq === 101);
});

test("resumes after a number, from the log alone", async () => {
  const world = new World();
  world.server.write("a", 100);
  const feed = world.client.live("room:a", { after: 40 });
  const { seqs } = follow(feed);
  await world.until(() => seqs.length === 60);
  assert.deepEqual(seqs, upTo(100, 41));
});

test("the cursor is saved after a change was handled, and the next process begins there", async () => {
  const log: string[] = [];
  const kept = memoryCursors();
  const cursor: CursorStore = {
    load: (topic) => kept.load(topic),
    save: (topic, seq) => {
      log.push(`saved ${seq}`);
      return kept.save(topic, seq);
    },
  };
  const world = new World();
  world.server.write("a", 10);
  const feed = world.client.live("room:a", { cursor });
  const handling = feed.forEach(async (_change, position) => {
    log.push(`begin ${position}`);
    if (position === 12) throw new Error("crash");
    await new Promise<void>((resolve) => world.time.after(50, resolve));
    log.push(`end ${position}`);
  });
  handling.catch(() => undefined);
  await world.until(() => feed.state === "live");
  world.server.write("a", 3);
  await world.run(1_000);
  await assert.rejects(handling, /crash/);
  assert.deepEqual(log, ["saved 10", "begin 11", "end 11", "saved 11", "begin 12"]);
  await feed.close();
  const again = world.client.live("room:a", { cursor });
  const { seqs } = follow(again);
  await world.until(() => seqs.length === 2);
  assert.deepEqual(seqs, [12, 13]);
});

test("a reader that falls behind by thousands gets every change, and memory stays bounded", async () => {
  const world = new World();
  const feed = world.client.live("room:a", { keep: 10 });
  await world.until(() => feed.state === "live");
  for (let n = 0; n < 50; n += 1) {
    world.server.write("a", 100);
    await world.run(100);
  }
  await world.until(() => feed.state === "live");
  const { seqs } = follow(feed);
  await world.until(() => seqs.length === 5000);
  assert.deepEqual(seqs, upTo(5000));
  assert.ok(feed.items.size <= 10);
});

/** A feed with more changes than wait for a reader, which has none yet. */
async function overflowing(world: World, options: { snapshot?: boolean; keep?: number } = {}): Promise<Feed<unknown>> {
  const feed = world.client.live("room:a", options);
  await world.until(() => feed.state === "live");
  for (let n = 0; n < 15; n += 1) {
    world.server.write("a", 100);
    await world.run(100);
  }
  await world.until(() => feed.state === "live");
  return feed;
}

for (const [keep, what] of [
  [undefined, "all items"],
  [0, "none, as it wants none"],
] as const) {
  test(`a reader that the log no longer reaches back to gets the state read anew: ${what}`, async () => {
    const world = new World();
    world.server.write("a", 100);
    const feed = await overflowing(world, { snapshot: false, ...(keep !== undefined && { keep }) });
    const room = world.server.room("a");
    room.expired = 1_500;
    const { changes, seqs } = follow(feed);
    await world.until(() => changes.some(({ kind }) => kind === "RESYNC"));
    const resync = changes.at(-1);
    assert.ok(resync?.kind === "RESYNC");
    assert.equal(resync.position, 1_600);
    assert.deepEqual([...resync.items.keys()], keep === 0 ? [] : [...room.items.keys()].sort().slice(-1_000));
    world.server.write("a", 1);
    await world.until(() => seqs.includes(1_601));
    assert.deepEqual(seqs, [...upTo(1_100, 101), 1_601]);
  });
}

test("a reader that waits for a log that lags behind pushes asks it ever less often, and gets every change", async () => {
  const world = new World();
  const feed = await overflowing(world);
  await world.run(11_000); // until the feed itself has no reason to look
  const request = world.server.request.bind(world.server);
  let lagging = true;
  let asked = 0;
  world.server.request = (operation, headers) => {
    if (!lagging || !operation.query.includes("MessageChanges")) return request(operation, headers);
    asked += 1;
    const { after } = operation.variables;
    const page = { items: [], lastSeq: after, headSeq: after, resyncRequired: false };
    return { status: 200, body: { data: { messageChanges: { topic: "room:a", ...page } } } };
  };
  const { seqs } = follow(feed);
  await world.run(10_000);
  assert.ok(asked >= 3 && asked <= 20, `${asked} requests in 10 s`);
  lagging = false;
  await world.until(() => seqs.length === 1_500, 30_000);
  assert.deepEqual(seqs, upTo(1_500));
});

test("a feed that is closed while its reader waits for the log leaves nothing behind", async () => {
  const world = new World();
  const feed = await overflowing(world);
  const followed = follow(feed);
  const request = world.server.request.bind(world.server);
  world.server.request = (operation, headers) =>
    operation.query.includes("MessageChanges") ? { status: 500, body: {} } : request(operation, headers);
  await world.until(() => followed.seqs.length === 1_000);
  await world.run(300);
  await world.client.close();
  await world.run(1_000);
  assert.equal(followed.error, null);
  assert.equal(world.time.left, 0);
});

test("a feed that ends while it connects leaves nothing behind", async () => {
  const world = new World();
  const feed = world.client.live("room:a");
  const { states } = follow(feed);
  await world.run(1);
  await feed.close();
  await world.run(5_000);
  assert.deepEqual(states, ["connecting", "closed"]);
  assert.equal(world.open.length, 0);
  await world.client.close();
});

test("a cursor given wins over the one that is stored, and the items are there with either", async () => {
  const world = new World();
  world.server.write("a", 50);
  const cursor = memoryCursors();
  await cursor.save("room:a", 45);
  for (const [after, expected] of [
    [undefined, upTo(50, 46)],
    [40, upTo(50, 41)],
  ] as const) {
    const feed = world.client.live("room:a", { cursor, ...(after !== undefined && { after }) });
    await world.until(() => feed.state === "live");
    assert.equal(feed.items.size, world.server.room("a").items.size);
    const { seqs } = follow(feed);
    await world.until(() => seqs.length === expected.length);
    assert.deepEqual(seqs, expected);
    await feed.close();
    await cursor.save("room:a", 45);
  }
});

test("a caller's own topic has a cursor for each caller", async () => {
  const world = new World();
  const cursor = memoryCursors();
  for (const [user, seq] of [
    ["ann", 7],
    ["bob", 3],
  ] as const) {
    await cursor.save(`user:${user}`, seq);
    world.server.user = user;
    const feed = world.client.live("user", { cursor });
    await world.until(() => feed.state === "live");
    assert.equal(feed.position, seq);
    await feed.close();
  }
});

test("what the log no longer has comes as items, also without a snapshot at the beginning", async () => {
  const world = new World();
  world.server.write("a", 100);
  world.server.room("a").expired = 50;
  const feed = world.client.live("room:a", { after: 10, snapshot: false });
  const { changes } = follow(feed);
  await world.until(() => changes.length === 1);
  const [resync] = changes;
  assert.ok(resync?.kind === "RESYNC");
  assert.equal(resync.items.size, world.server.room("a").items.size);
});

test("a client that was closed leaves no timer that keeps a program up", async () => {
  const world = new World();
  const feed = world.client.live("room:a");
  await world.until(() => feed.state === "live");
  await world.client.close();
  await world.run(1_000); // what is under way arrives
  assert.equal(world.time.left, 0);
});

test("an unreadable cursor ends the feed instead of losing changes", async () => {
  const world = new World();
  const cursor: CursorStore = {
    load: () => Promise.reject(new Error("disk")),
    save: () => undefined,
  };
  const feed = world.client.live("room:a", { cursor });
  await world.until(() => feed.state === "closed");
  assert.ok(feed.error instanceof CursorsUnreadable && /disk/.test(feed.error.message));
});

test("a topic of no known kind is refused at once", () => {
  const { client } = new World();
  for (const name of ["lobby", "room:", "room", "user:7", "toString:a", "client:c"]) {
    assert.throws(() => client.live(name), { name: "UnknownTopic" });
  }
});
