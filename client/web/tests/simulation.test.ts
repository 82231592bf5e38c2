/**
 * Hundreds of made-up days on a bad network: every change once and in order, and `live` never said while it is not so.
 *
 * `SEEDS=7,8 npm test -- simulation` runs these alone; `SEEDS=1..1000` a thousand of them;
 * `TALE='{"slow":true}'` makes all of them so.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Client } from "../src/client.js";
import type { Credentials } from "../src/credentials.js";
import { memoryCursors } from "../src/cursors.js";
import type { Feed } from "../src/feed.js";
import type { Message } from "../src/generated/types.js";
import type { Surroundings } from "../src/platform.js";
import { AppSync } from "./simulated-appsync.js";
import { Machine, Network, type Peer, platformOf, type Random, randomOf, settled, Time } from "./simulated.js";

// By when silence shows: a ping each 3 s and 4 s for its answer; or `ka` each 60 s and 5 s.
const SILENCE_MS = { pings: 3_000 + 4_000, hears: 60_000 + 5_000 };
const SLACK_MS = 500; // how long what was sent before is under way

interface Tale {
  seed: number;
  pings: boolean;
  tokens: boolean;
  rooms: number;
  limit: number;
  crashes: boolean;
  slow: boolean;
  resyncs: boolean;
}

function taleOf(seed: number): Tale {
  const random = randomOf(seed * 7919);
  const some = (chance: number): boolean => random() < chance;
  return {
    seed,
    pings: some(0.6),
    tokens: some(0.4),
    rooms: some(0.3) ? 7 : 1,
    limit: some(0.5) ? 3 : 200,
    crashes: some(0.3),
    slow: some(0.3),
    resyncs: some(0.2),
    ...(JSON.parse(process.env["TALE"] ?? "{}") as Partial<Tale>),
  };
}

/** What one reader was given, held against what happened. */
class Judge {
  position: number | null = null;
  handled = 0;
  changes = 0;

  constructor(
    private readonly tale: Tale,
    private readonly room: string,
    private readonly server: AppSync,
  ) {}

  begins(after: number): void {
    if (this.position !== null) {
      const { handled } = this;
      assert.ok(after <= handled, `${this}: the new process begins after ${after}, handled was ${handled}: lost`);
      assert.ok(after >= handled - 1, `${this}: the new process begins after ${after}, handled was ${handled}: repeated`);
    }
    this.position = after;
  }

  given(seq: number, text: string | undefined): void {
    assert.equal(seq, this.position! + 1, `${this}: number ${seq} after ${this.position}`);
    assert.equal(text, this.server.room(this.room).log[seq - 1]!.message?.text, `${this}: ${seq}`);
    this.position = seq;
    this.changes += 1;
  }

  resynced(position: number): void {
    assert.ok(position > this.position!, `${this}: resync to ${position} after ${this.position}`);
    assert.ok(this.server.room(this.room).expired > this.position!, `${this}: resync without need`);
    this.position = position;
  }

  toString(): string {
    return `seed ${this.tale.seed}, room ${this.room}`;
  }
}

class Life {
  readonly random: Random;
  readonly time = new Time();
  readonly network: Network;
  readonly server: AppSync;
  readonly peers = new Set<Peer>();
  readonly surroundings = new Set<Surroundings>();
  readonly cursors = memoryCursors();
  readonly judges = new Map<string, Judge>();
  machine!: Machine;
  client!: Client;
  feeds = new Map<string, Feed<Message>>();
  /** When some connection was last able to bring anything, by room. */
  readonly #sound = new Map<string, number>();
  calm = false;
  stoppedAt = Infinity;
  wentOnAt = 0;

  constructor(readonly tale: Tale) {
    this.random = randomOf(tale.seed);
    this.network = new Network(this.time, this.random);
    this.server = new AppSync(this.time, this.random);
    this.server.checksTokens = tale.tokens;
    this.server.limit = tale.limit;
    for (let n = 0; n < tale.rooms; n += 1) {
      this.judges.set(`r${n}`, new Judge(tale, `r${n}`, this.server));
      this.server.write(`r${n}`, 1 + Math.floor(this.random() * 30));
    }
    this.time.watch(() => this.#observe());
  }

  begin(): void {
    this.surroundings.clear();
    this.peers.clear();
    const machine = (this.machine = new Machine(this.time, this.random));
    const { pings } = this.tale;
    const options = { pings, peers: this.peers, ...(pings ? {} : { surroundings: this.surroundings }) };
    const platform = platformOf(machine, this.network, this.server, options);
    this.client = new Client(platform, { url: "http://api.test/graphql", credentials: this.#credentials() });
    this.feeds.clear();
    for (const [room, judge] of this.judges) {
      const feed = this.client.live(`room:${room}`, this.tale.crashes ? { cursor: this.cursors, snapshot: true } : {});
      this.feeds.set(room, feed);
      void this.#read(feed, room, judge, machine);
    }
  }

  #credentials(): Credentials {
    const { time, random } = this;
    let token = 0;
    return {
      authorize: async (_request, renew) => {
        if (renew || token < time.now + 1000) token = time.now + 20_000 + Math.floor(random() * 200_000);
        return { headers: { Authorization: String(token) }, expiresAt: this.tale.tokens ? token : null };
      },
    };
  }

  async #read(feed: Feed<Message>, room: string, judge: Judge, machine: Machine): Promise<void> {
    for await (const change of feed) {
      if (machine.gone) return;
      if (judge.position === null || feed !== this.#begun.get(room)) {
        this.#begun.set(room, feed);
        const first = change.kind === "RESYNC" ? Math.max(0, judge.handled - 1) : change.seq - 1;
        if (judge.position === null || this.tale.crashes) judge.begins(first);
      }
      if (change.kind === "RESYNC") judge.resynced(change.position);
      else judge.given(change.seq, change.item?.text);
      if (this.tale.slow && !this.calm && this.random() < 0.02) {
        const wait = this.random() * 20_000;
        await new Promise<void>((resolve) => this.time.after(wait, () => machine.deliver(resolve)));
        if (machine.gone) return;
      }
      judge.handled = judge.position!;
    }
  }
  readonly #begun = new Map<string, Feed<Message>>();

  /** After everything that happens: is what the feeds say true? */
  #observe(): void {
    for (const [room, feed] of this.feeds) {
      if (this.network.cut || this.network.refuses) {
        // nothing can come
      } else if ([...this.server.started].some(({ topic, peer }) => topic === room && peer.open && !peer.swallowed)) {
        this.#sound.set(room, this.time.now);
      }
      if (this.machine.stopped) continue; // nobody is there to read it
      if (feed.state !== "live") continue;
      const silence = this.time.now - (this.#sound.get(room) ?? 0);
      const most = (this.tale.pings ? SILENCE_MS.pings : SILENCE_MS.hears) + SLACK_MS;
      assert.ok(silence <= most, `seed ${this.tale.seed}: ${room} says live, and nothing could come for ${silence} ms`);
      const slept = this.wentOnAt - this.stoppedAt;
      assert.ok(
        !(this.time.now === this.wentOnAt && slept > 6_000),
        `seed ${this.tale.seed}: ${room} says live right after ${slept} ms of sleep`,
      );
    }
  }

  async run(ms: number): Promise<void> {
    await this.time.runUntil(this.time.now + ms);
  }
}

async function day(tale: Tale): Promise<Life> {
  const life = new Life(tale);
  const { random, time, network, server } = life;
  const between = (least: number, most: number): number => least + random() * (most - least);
  server.mischief = { lost: 0.1, doubled: 0.1, late: 0.1, torn: 0.03, truncated: 0.03 };
  life.begin();
  const end = time.now + between(120_000, 400_000);
  const write = (): void => {
    if (life.calm) return;
    server.write(`r${Math.floor(random() * tale.rooms)}`, random() < 0.05 ? Math.floor(between(50, 1500)) : 1 + Math.floor(random() * 4));
    time.after(between(10, random() < 0.2 ? 30_000 : 1500), write);
  };
  write();
  while (time.now < end) {
    await life.run(between(100, 30_000));
    await life_s_trouble(life, between);
  }
  // What is lost now is lost without anything that would show it.
  await life.run(between(15_000, 60_000));
  // The weather clears: all comes, and all is well.
  life.calm = true;
  Object.assign(network, { blocked: false, refuses: false });
  network.mend();
  server.mischief = { lost: 0, doubled: 0, late: 0, torn: 0, truncated: 0 };
  for (const each of life.surroundings) each.returned();
  await life.run(200_000);
  for (const [room, feed] of life.feeds) {
    const judge = life.judges.get(room)!;
    const { head, items } = server.room(room);
    assert.equal(feed.state, "live", `seed ${tale.seed}: ${room} is ${feed.state} in the end`);
    const begun = judge.position ?? feed.position;
    assert.equal(begun, head, `seed ${tale.seed}: ${room} got ${begun} of ${head}`);
    const shown = [...feed.items.values()].map(({ text }) => text);
    const there = [...items.values()].sort((a, b) => (a.sentAt + a.id < b.sentAt + b.id ? -1 : 1)).map(({ text }) => text);
    // What has fallen out of the newest 1000 stays out when some of these are removed.
    assert.ok(shown.length >= Math.min(there.length, 500), `seed ${tale.seed}: ${shown.length} items of ${room}`);
    assert.deepEqual(shown, there.slice(-shown.length), `seed ${tale.seed}: items of ${room}`);
  }
  const lines = Math.ceil(tale.rooms / tale.limit);
  const sockets = [...life.peers].filter(({ open }) => open).length;
  assert.ok(sockets <= lines + 1, `seed ${tale.seed}: ${sockets} sockets for ${lines} lines`);
  await life.client.close();
  await settled();
  return life;
}

async function life_s_trouble(life: Life, between: (least: number, most: number) => number): Promise<void> {
  const { random, network, server, tale, time } = life;
  const kinds = ["cut", "cut", "half-open", "reset", "restart", "sleep", "blocked", ...(tale.crashes ? ["crash"] : [])];
  if (tale.resyncs) kinds.push("expire");
  const kind = kinds[Math.floor(random() * kinds.length)];
  if (kind === "cut") {
    network.cut = true;
    for (const peer of life.peers) if (random() < 0.5) peer.swallowed = true;
    if (random() < 0.5) for (const each of [...life.surroundings]) each.lost();
    await life.run(between(100, random() < 0.2 ? 400_000 : 20_000));
    network.mend();
    if (random() < 0.8) for (const each of [...life.surroundings]) each.returned();
  } else if (kind === "half-open") {
    for (const peer of life.peers) peer.swallowed = true;
  } else if (kind === "reset") {
    for (const peer of life.peers) peer.reset();
  } else if (kind === "restart") {
    network.refuses = true;
    for (const peer of life.peers) peer.reset();
    await life.run(between(100, 20_000));
    network.refuses = false;
  } else if (kind === "sleep") {
    life.stoppedAt = time.now;
    life.machine.stopped = true;
    if (random() < 0.5) for (const peer of life.peers) peer.swallowed = random() < 0.5;
    await life.run(between(1000, random() < 0.3 ? 1_000_000 : 30_000));
    life.wentOnAt = time.now;
    for (const feed of life.feeds.values()) {
      const slept = time.now - life.stoppedAt;
      assert.ok(feed.state !== "live" || slept <= 6_000, `seed ${tale.seed}: live in the first moment after ${slept} ms`);
    }
    life.machine.goOn();
    await settled();
  } else if (kind === "blocked") {
    network.blocked = true;
    for (const peer of life.peers) peer.reset();
    await life.run(between(1000, 60_000));
    network.blocked = false;
  } else if (kind === "crash") {
    life.machine.gone = true;
    for (const peer of life.peers) peer.reset();
    await life.run(between(0, 5_000));
    life.begin();
  } else if (kind === "expire") {
    network.cut = true;
    await life.run(between(1_000, 30_000));
    for (const room of server.rooms.values()) room.expired = Math.floor(room.head * between(0.9, 1));
    network.mend();
  }
}

const SEEDS = seeds(process.env["SEEDS"] ?? "1..150");

test(`${SEEDS.length} days on a bad network lose nothing, double nothing, and are never falsely live`, async () => {
  let changes = 0;
  let connects = 0;
  for (const seed of SEEDS) {
    const life = await day(taleOf(seed));
    for (const judge of life.judges.values()) changes += judge.changes;
    connects += life.server.connects;
  }
  assert.ok(changes > 20 * SEEDS.length, `only ${changes} changes`);
  console.log(`# ${SEEDS.length} days: ${changes} changes over ${connects} connections`);
});

function seeds(text: string): number[] {
  const [first, last] = text.split("..").map(Number);
  if (last !== undefined) return Array.from({ length: last - first! + 1 }, (_, n) => first! + n);
  return text.split(",").map(Number);
}
