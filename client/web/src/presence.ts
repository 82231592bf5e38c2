/**
 * Being present in a room: join, give signs of life in the server's rhythm, leave. docs/presence.md has the model.
 *
 * Two things end a presence without its client: the server has heard nothing for two intervals, or took the right away.
 * In the first case the client joins again, in the second it stops and says so in `error`.
 */
import { fullJitter } from "./backoff.js";
import type { Client } from "./client.js";
import { type Clock, systemClock } from "./clock.js";
import { GraphQLFailure, type HeadwaterError, Internal, isTransient, NotFound, UnexpectedAnswer, Unreachable } from "./errors.js";
import { HEARTBEAT, JOIN_ROOM, LEAVE_ROOM, type TypedDocument } from "./generated/documents.js";
import type { Presence } from "./generated/types.js";
import { newId } from "./mutations.js";

export type { Presence };

export interface PresentOptions {
  /** What others see; counts only for callers without a signed-in user. */
  readonly name?: string | undefined;
  /** Of this device or tab, the same for as long as it runs, and shown to nobody; by default a new one. */
  readonly clientId?: string | undefined;
  /** Time and chance, for tests. */
  readonly clock?: Clock;
}

/** Of a client, what presence needs. */
export type Asking = Pick<Client, "query" | "states">;

// Heartbeats come after this part of the interval, and a little more by chance: early enough that what takes a while on
// the way is not late, not so early that the server takes it for one too many (half an interval).
const EARLIEST = 0.85;
const SPREAD = 0.1;

// What is not answered by then is tried again: one heartbeat may be lost, but there is no time to wait 35 s for it.
const ATTEMPT_MS = 7_000;
const LEAVE_MS = 2_000;

// How often the clock is looked at. Timers of a machine that slept may go off late by as long as it did.
const TICK_MS = 1_000;

// After these, timers may be late, or the network back.
const EVENTS = ["online", "visibilitychange", "pageshow"] as const;

/** Be present in a room until `close`, or the end of the client. It joins at once. */
export function present(client: Asking, roomId: string, options: PresentOptions = {}): Present {
  return new Present(client, roomId, options);
}

/**
 * Whether someone is to be shown as grey: a heartbeat is overdue, or nothing has been told of them for too long.
 *
 * @param now the server's time in ms since the epoch, as `Present.serverTime` has it
 * @param greyAfterSeconds as `joinRoom` and `presence` answer it
 */
export function isGrey(presence: Pick<Presence, "absent" | "lastSeen">, now: number, greyAfterSeconds: number): boolean {
  return presence.absent || now - Date.parse(presence.lastSeen) > greyAfterSeconds * 1000;
}

/** Presence in one room. */
export class Present {
  /** Tells this client from the other devices of its user. To be shown to nobody. */
  readonly clientId: string;
  /** The presence as the server last answered it; null before that. */
  presence: Presence | null = null;
  /** What has ended it; null while it goes on, and after it was closed. */
  error: HeadwaterError | null = null;
  /** The interval, as the server last answered it. */
  heartbeatSeconds = 0;
  /** For `isGrey`. */
  greyAfterSeconds = 0;
  readonly #clock: Clock;
  readonly #ready: Promise<void>;
  readonly #run: Promise<void>;
  readonly #giveUp = new AbortController();
  // When the last question that was answered was asked, and answered.
  #askedAt = -Infinity;
  #answeredAt = -Infinity;
  #ended = false;
  #closing: Promise<void> | null = null;
  #wake: () => void = () => undefined;

  constructor(
    private readonly client: Asking,
    readonly roomId: string,
    private readonly options: PresentOptions,
  ) {
    this.clientId = options.clientId ?? newId();
    this.#clock = options.clock ?? systemClock;
    const { promise, resolve, reject } = settleable();
    this.#ready = promise;
    this.#ready.catch(() => {}); // who does not ask is told by `error`
    this.#run = this.#live(resolve).finally(() => {
      this.#ended = true;
      for (const event of EVENTS) globalThis.removeEventListener?.(event, this.#look);
      reject(this.error ?? new Unreachable("the presence was closed"));
    });
    this.#run.catch(() => {});
    for (const event of EVENTS) globalThis.addEventListener?.(event, this.#look);
    void this.#follow();
  }

  /**
   * Returns when it has joined, however long the network is away.
   *
   * @throws Unauthorized, InvalidInput: the server refused it.
   * @throws Unreachable: it was closed.
   */
  async ready(): Promise<this> {
    await this.#ready;
    return this;
  }

  /** Whether the server, as far as is known, still counts this client as being in the room. */
  get isPresent(): boolean {
    const silent = this.#clock.now() - this.#askedAt;
    return !this.#ended && !this.#closing && silent >= 0 && silent < 2000 * this.heartbeatSeconds;
  }

  /** The time by the server's clock in ms since the epoch, from its last answer; null before there is one. */
  get serverTime(): number | null {
    return this.presence && Date.parse(this.presence.lastSeen) + this.#clock.now() - this.#answeredAt;
  }

  /** Whether someone in the room is to be shown as grey. All are, too, while the feed that shows them is not `live`. */
  isGrey(presence: Presence): boolean {
    const now = this.serverTime;
    return now === null || isGrey(presence, now, this.greyAfterSeconds);
  }

  /** Leave the room, unless that takes more than 2 s: then the presence ends by itself. */
  close(): Promise<void> {
    return (this.#closing ??= this.#leave());
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #leave(): Promise<void> {
    this.#giveUp.abort();
    this.#wake();
    await this.#run;
    if (this.error) return;
    // What was asked last may have arrived without an answer, so one leaves in any case.
    await this.#ask(LEAVE_ROOM, this.#input, LEAVE_MS).catch(() => {});
  }

  get #input(): { roomId: string; clientId: string } {
    return { roomId: this.roomId, clientId: this.clientId };
  }

  /** The client's states tell of its end, and of a network that is back. */
  async #follow(): Promise<void> {
    for await (const state of this.client.states()) {
      if (this.#ended) return;
      if (state === "live" || state === "catching-up") this.#wake();
    }
    await this.close();
  }

  readonly #look = (): void => this.#wake();

  async #live(joined: () => void): Promise<void> {
    let attempt = 0;
    while (!this.#closing) {
      try {
        await this.#giveSign();
      } catch (thrown) {
        if (this.#closing) return;
        if (!isTransient(thrown) && !(thrown instanceof Internal)) {
          this.error = thrown as HeadwaterError;
          return;
        }
        await this.#pause(Math.max(least(thrown), fullJitter(attempt++, this.#clock.random)));
        continue;
      }
      attempt = 0;
      joined();
      await this.#nextIsDue();
    }
  }

  async #giveSign(): Promise<void> {
    if (this.isPresent) {
      try {
        return await this.#beat();
      } catch (thrown) {
        if (!(thrown instanceof NotFound)) throw thrown;
        this.#askedAt = -Infinity;
      }
    }
    // A heartbeat was NotFound; or it would be, because the server has heard nothing for two intervals.
    await this.#join();
  }

  async #join(): Promise<void> {
    const { name } = this.options;
    const askedAt = this.#clock.now();
    const { joinRoom } = await this.#ask(JOIN_ROOM, { ...this.#input, ...(name !== undefined && { name }) }, ATTEMPT_MS, this.#giveUp);
    if (!joinRoom) throw new UnexpectedAnswer("joinRoom answered nothing");
    this.greyAfterSeconds = joinRoom.greyAfterSeconds;
    this.#answered(askedAt, joinRoom.presence, joinRoom.heartbeatSeconds);
  }

  async #beat(): Promise<void> {
    const askedAt = this.#clock.now();
    const { heartbeat } = await this.#ask(HEARTBEAT, this.#input, ATTEMPT_MS, this.#giveUp);
    if (!heartbeat || !this.presence) throw new UnexpectedAnswer("heartbeat answered nothing");
    this.#answered(askedAt, { ...this.presence, lastSeen: heartbeat.lastSeen, absent: false }, heartbeat.heartbeatSeconds);
  }

  #answered(askedAt: number, presence: Presence, heartbeatSeconds: number): void {
    this.presence = presence;
    this.heartbeatSeconds = heartbeatSeconds;
    this.#askedAt = askedAt;
    this.#answeredAt = this.#clock.now();
  }

  /** Runs a mutation, by `query` because that can be given up. */
  async #ask<Data, Input>(
    document: TypedDocument<Data, { input: Input }>,
    input: Input,
    ms: number,
    closing?: AbortController,
  ): Promise<Data> {
    const giveUp = new AbortController();
    const abandon = (): void => giveUp.abort();
    if (closing?.signal.aborted) abandon();
    closing?.signal.addEventListener("abort", abandon);
    const cancel = this.#clock.after(ms, abandon);
    try {
      return await this.client.query(document, { input }, { signal: giveUp.signal });
    } finally {
      cancel();
      closing?.signal.removeEventListener("abort", abandon);
    }
  }

  async #nextIsDue(): Promise<void> {
    // From when it was asked: the server heard it no sooner than that.
    const interval = Math.floor(1000 * this.heartbeatSeconds * (EARLIEST + SPREAD * this.#clock.random()));
    while (!this.#closing) {
      const passed = this.#clock.now() - this.#askedAt;
      if (passed >= interval || passed < 0) return; // below 0: somebody has set the clock back
      await this.#pause(Math.min(interval - passed, TICK_MS));
    }
  }

  /** Wait for so long, or until something says that it is time to look. */
  #pause(ms: number): Promise<void> {
    if (this.#closing) return Promise.resolve();
    return new Promise((resolve) => {
      const cancel = this.#clock.after(ms, resolve);
      this.#wake = () => {
        cancel();
        resolve();
      };
    });
  }
}

/** For how many ms the server wants to be left alone. */
function least(error: unknown): number {
  return (error instanceof GraphQLFailure && (error.info as { retryAfterMs?: number } | null)?.retryAfterMs) || 0;
}

function settleable(): { promise: Promise<void>; resolve: () => void; reject: (error: unknown) => void } {
  let resolve!: () => void;
  let reject!: (error: unknown) => void;
  const promise = new Promise<void>((yes, no) => {
    resolve = yes;
    reject = no;
  });
  return { promise, resolve, reject };
}
