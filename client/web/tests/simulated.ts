/**
 * A world in one process with a clock of its own: an AppSync that loses, doubles and reorders pushes, a network that can
 * be cut or swallow what is sent, a machine that can be stopped. All chance comes from one seed.
 */
import type { Clock } from "../src/clock.js";
import type { Platform, Socket, SocketEvents, Surroundings } from "../src/platform.js";

export type Random = () => number;

/** Mulberry32: small, and good enough to make up weather. */
export function randomOf(seed: number): Random {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

interface Event {
  at: number;
  order: number;
  run(): void;
}

/** What happens when. Nothing happens by itself: `runUntil` makes it. */
export class Time {
  now = 1_750_000_000_000;
  #order = 0;
  #events: Event[] = []; // a heap would be quicker, and longer
  #hooks: (() => void)[] = [];

  after(ms: number, run: () => void): () => void {
    const event = { at: this.now + Math.max(0, ms), order: ++this.#order, run };
    let low = 0;
    let high = this.#events.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      const other = this.#events[middle]!;
      if (other.at > event.at || (other.at === event.at && other.order > event.order)) low = middle + 1;
      else high = middle;
    }
    this.#events.splice(low, 0, event); // the next one is at the end
    return () => {
      const place = this.#events.indexOf(event);
      if (place >= 0) this.#events.splice(place, 1);
    };
  }

  /** How long until the last of what is to happen. */
  get left(): number {
    return (this.#events[0]?.at ?? this.now) - this.now;
  }

  /** Called after everything that happens. */
  watch(hook: () => void): void {
    this.#hooks.push(hook);
  }

  async runUntil(end: number): Promise<void> {
    await settled();
    while (this.#events.length > 0 && this.#events.at(-1)!.at <= end) {
      const { at, run } = this.#events.pop()!;
      this.now = Math.max(this.now, at);
      run();
      await settled();
      for (const hook of this.#hooks) hook();
    }
    this.now = Math.max(this.now, end);
  }
}

/** All promises that can go on have gone on. */
export const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** The client's machine: while it is stopped nothing runs on it, and what is due runs when it goes on. */
export class Machine {
  stopped = false;
  gone = false; // the process has crashed: nothing reaches it any more
  readonly #due: (() => void)[] = [];

  constructor(
    private readonly time: Time,
    private readonly random: Random,
  ) {}

  /** Runs now, when the machine goes on, or never. */
  deliver(run: () => void): void {
    if (this.gone) return;
    if (this.stopped) this.#due.push(run);
    else run();
  }

  goOn(): void {
    this.stopped = false;
    // A loop may see timers or sockets first. Each socket's messages keep their order: they are one queue below.
    for (const run of this.random() < 0.5 ? this.#due.splice(0) : this.#due.splice(0).reverse()) this.deliver(run);
  }

  clock(): Clock {
    return {
      now: () => this.time.now,
      random: this.random,
      after: (ms, run) => {
        let cancelled = false;
        const cancel = this.time.after(ms, () => this.deliver(() => cancelled || run()));
        return () => {
          cancelled = true;
          cancel();
        };
      },
    };
  }
}

/** The network between the machine and the server. */
export class Network {
  /** Nothing passes. What is sent meanwhile arrives late, or, on a connection that was let go, never. */
  cut = false;
  /** WebSockets are blocked: handshakes fail, requests pass. */
  blocked = false;
  /** Nobody takes connections. */
  refuses = false;
  readonly #late: (() => void)[] = [];

  constructor(
    readonly time: Time,
    readonly random: Random,
  ) {}

  /** What passes arrives after a while. */
  pass(run: () => void, delay = this.latency()): void {
    this.time.after(delay, () => {
      if (this.cut) this.#late.push(run);
      else run();
    });
  }

  latency(): number {
    return 2 + this.random() * 40;
  }

  mend(): void {
    this.cut = false;
    for (const run of this.#late.splice(0)) this.time.after(this.latency(), run);
  }
}

export interface Answer {
  status: number;
  body: unknown;
}

/** What the platform talks to. */
export interface Server {
  /** A handshake that has arrived. */
  accept(peer: Peer, protocols: string[]): void;
  request(body: { query: string; variables: Record<string, unknown> }, headers: Record<string, string>): Answer;
}

/** One end-to-end connection, as the server has it. */
export class Peer {
  open = true;
  /** Neither side hears the other any more, and nobody is told. */
  swallowed = false;
  received: (frame: Record<string, unknown>) => void = () => undefined;
  ended: () => void = () => undefined;
  #arrival = 0;

  constructor(
    private readonly network: Network,
    private readonly machine: Machine,
    private readonly events: SocketEvents,
  ) {}

  /** In order, as TCP has it. */
  toClient(run: () => void): void {
    if (!this.open) return;
    const { time } = this.network;
    this.#arrival = Math.max(this.#arrival, time.now + this.network.latency());
    this.network.pass(() => {
      if (!this.swallowed) this.machine.deliver(() => this.open && run());
    }, this.#arrival - time.now);
  }

  send(frame: object): void {
    const text = JSON.stringify(frame);
    this.toClient(() => this.events.message(text));
  }

  toServer(run: () => void): void {
    this.network.pass(() => {
      if (!this.swallowed && this.open) run();
    });
  }

  pong(mark: number): void {
    this.toClient(() => this.events.pong(mark));
  }

  /** The server, or something between, ends it, and both sides are told. */
  reset(reason = "closed with 1006"): void {
    if (!this.open) return;
    if (this.swallowed) return this.ended();
    this.toClient(() => {
      this.open = false;
      this.events.closed(reason);
    });
    this.ended();
  }

  /** The client has ended it. */
  leave(): void {
    this.open = false;
    this.network.pass(() => this.ended());
  }
}

/** The platform of a client on a machine; `pings` as Node can and browsers cannot. */
export function platformOf(
  machine: Machine,
  network: Network,
  server: Server,
  options: { pings: boolean; surroundings?: Set<Surroundings>; peers: Set<Peer> },
): Platform {
  const { random } = network;
  const openSocket = (_url: string, protocols: string[], events: SocketEvents): Socket => {
    const peer = new Peer(network, machine, events);
    options.peers.add(peer);
    peer.toServer(() => {
      if (network.refuses || network.blocked) return peer.reset("refused");
      peer.toClient(() => events.opened());
      server.accept(peer, protocols);
    });
    return {
      send: (text) => peer.toServer(() => peer.received(JSON.parse(text) as Record<string, unknown>)),
      close: () => peer.leave(),
      ...(options.pings && { ping: (mark: number) => peer.toServer(() => peer.pong(mark)) }),
    };
  };
  const fetch = (_url: unknown, init: RequestInit): Promise<Response> =>
    new Promise((resolve, reject) => {
      init.signal!.addEventListener("abort", () => reject(new Error("aborted")));
      network.pass(() => {
        if (network.refuses) return machine.deliver(() => reject(new Error("refused")));
        const { status, body } = server.request(JSON.parse(String(init.body)), init.headers as Record<string, string>);
        const text = JSON.stringify(body);
        if (random() < 0.01) return machine.deliver(() => reject(new Error("reset")));
        network.pass(() => machine.deliver(() => resolve(new Response(text, { status }))));
      });
    });
  return {
    clock: machine.clock(),
    fetch: fetch as typeof globalThis.fetch,
    openSocket,
    hidden: () => false,
    watch: (surroundings) => {
      options.surroundings?.add(surroundings);
      return () => options.surroundings?.delete(surroundings);
    },
    ...(options.pings && { reaches: async () => !network.cut && !network.refuses }),
  };
}
