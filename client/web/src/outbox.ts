/**
 * Mutations that wait for the network: durable, bounded, in order per item, each applied exactly once.
 *
 * An entry has its `clientMutationId` when it is queued and keeps it, so that the server knows a repeat. Entries of one
 * `ordering` go one after the other, each when the one before has ended; others go side by side. Transient failures are
 * repeated with full jitter, and at once when the network returns. Any other failure ends its entry, and the next goes
 * on.
 *
 * Several tabs or processes may share a store: all of them add, one sends (`OutboxStore.alone`), and all are told what
 * became of an entry. Should two ever send at once, then the server still applies each mutation once and in order,
 * because nobody sends an entry before the one ahead of it was answered.
 */

import { fullJitter } from "./backoff.js";
import { type Clock, systemClock } from "./clock.js";
import {
  GraphQLFailure,
  HeadwaterError,
  isTransient,
  NotQueueable,
  OutboxExpired,
  OutboxUnusable,
  Unreachable,
} from "./errors.js";
import {
  type Ended,
  type Entry,
  flat,
  type Mutation,
  type News,
  type Outcome,
  type OutboxStore,
  unflat,
} from "./outbox-store.js";
import { typed } from "./thrown.js";

export type { Mutation, Optimistic, OutboxStore } from "./outbox-store.js";

export interface OutboxOptions {
  /** How many entries at most, with those that failed and of which nobody was told; 1000 when omitted. */
  limit?: number;
  /**
   * For how long after it was sent first an entry may be repeated, in milliseconds; 23 hours when omitted. It must be
   * less than the time for which the server remembers a `clientMutationId` (its parameter RetentionHours, 24 hours).
   */
  repeatForMs?: number;
  /** How many entries are under way at once, of different items; 4 when omitted. */
  parallel?: number;
  /** Whether the network is known to be gone, so that trying is of no use. */
  offline?: () => boolean;
  /** Whether the server takes connections, asked cheaply; none where the platform tells when the network returns. */
  reaches?: (() => Promise<boolean>) | undefined;
  clock?: Clock;
}

/** Opens an outbox for a client, which says how a mutation is sent. */
export type OpenOutbox = (send: (mutation: Mutation) => Promise<unknown>, options: OutboxOptions) => Outbox;

/** An outbox in a store, as `connect({ outbox })` takes it. */
export function outboxIn(store: OutboxStore): OpenOutbox {
  return (send, options) => new Outbox(store, send, options);
}

interface Lane {
  readonly entries: Entry[];
  busy: boolean;
  failures: number;
  /** When to try its first entry again. */
  notBefore: number;
}

interface Wait {
  readonly mutation: Mutation;
  readonly promise: Promise<unknown>;
  resolve(data: unknown): void;
  reject(error: unknown): void;
}

const LEAST_PAUSE_MS = 20;
const PROBE_MS = 1000;

// A clock that went back by more makes the age of an attempt unknown.
const CLOCK_TOLERANCE_MS = 5 * 60_000;

export class Outbox {
  readonly #store: OutboxStore;
  readonly #send: (mutation: Mutation) => Promise<unknown>;
  readonly #limit: number;
  readonly #repeatForMs: number;
  readonly #parallel: number;
  readonly #offline: () => boolean;
  readonly #reaches: (() => Promise<boolean>) | undefined;
  readonly #clock: Clock;

  /** What is queued, in this program or by others, as far as this one knows. */
  readonly #entries = new Map<string, Entry>();
  /** What failed, and nobody here waited for. */
  readonly #failed = new Map<string, Entry>();
  readonly #waits = new Map<string, Wait>();
  readonly #onAdded = new Set<(entry: Entry) => void>();
  readonly #onEnded = new Set<(entry: Entry, ended: Outcome) => void>();
  readonly #onFailed = new Set<() => void>();
  readonly #closing = new AbortController();
  readonly #opened: Promise<void>;
  readonly #done: Promise<void>;

  // While it is this one's turn to send:
  #lanes: Map<string, Lane> | undefined;
  #underWay = 0;
  /** Failures in a row to reach the server at all, and when to try again. */
  #unreached = 0;
  #notBefore = 0;
  #probing = false;
  #cancelTimer = (): void => undefined;

  /**
   * @param send sends a mutation once and answers its `data`; it throws as `Client.query` does.
   */
  constructor(store: OutboxStore, send: (mutation: Mutation) => Promise<unknown>, options: OutboxOptions = {}) {
    this.#store = store;
    this.#send = send;
    this.#limit = options.limit ?? 1000;
    this.#repeatForMs = options.repeatForMs ?? 23 * 3_600_000;
    this.#parallel = options.parallel ?? 4;
    this.#offline = options.offline ?? (() => false);
    this.#reaches = options.reaches;
    this.#clock = options.clock ?? systemClock;
    const stop = store.listen((news) => this.#heard(news));
    this.#closing.signal.addEventListener("abort", stop);
    this.#opened = store.entries().then((entries) => entries.forEach((entry) => this.#note(entry)), unusable);
    this.#opened.catch(() => {}); // whoever adds or asks is told
    this.#done = this.#run();
    this.#done.catch(() => {});
  }

  /** How many mutations are to be sent. */
  get size(): number {
    return this.#entries.size;
  }

  /** What is to be sent, oldest first. */
  async entries(): Promise<Entry[]> {
    await this.#opened;
    return [...this.#entries.values()].sort((a, b) => a.number - b.number);
  }

  /** Has a listener called for each entry: those that are there, and those added from now on, by whoever. */
  onAdded(listener: (entry: Entry) => void): () => void {
    for (const entry of this.#entries.values()) listener(entry);
    this.#onAdded.add(listener);
    return () => this.#onAdded.delete(listener);
  }

  /** Has a listener called for each entry that ends, also of those that were queued by others or before a restart. */
  onEnded(listener: (entry: Entry, outcome: Outcome) => void): () => void {
    this.#onEnded.add(listener);
    return () => this.#onEnded.delete(listener);
  }

  /**
   * Queue a mutation.
   *
   * @returns when it is safely kept. `outcome` is the answer's data, or throws what ended it, whenever that may be.
   * @throws OutboxFull, OutboxLocked, OutboxUnusable: nothing was queued.
   * @throws NotQueueable: its id is that of another mutation in the queue.
   */
  async add(mutation: Mutation): Promise<{ entry: Entry; outcome: Promise<unknown> }> {
    const outcome = this.#wait(mutation);
    try {
      await this.#opened;
      const entry = await this.#keep(mutation);
      this.#store.tell({ added: entry });
      this.#added(entry);
      return { entry, outcome };
    } catch (error) {
      this.#waits.get(mutation.id)?.reject(error);
      throw error;
    }
  }

  /**
   * What failed without anybody waiting for it: after a restart, or queued by a tab that is gone. One counts as told
   * when the next is asked for. Ends when the client is closed.
   */
  async *failures(): AsyncGenerator<{ readonly entry: Entry; readonly error: HeadwaterError }, void, undefined> {
    const { signal } = this.#closing;
    await this.#opened;
    while (!signal.aborted) {
      for (const entry of this.#failed.values()) {
        yield { entry, error: unflat(entry.failure!) };
        await this.#store.remove(entry);
        this.#failed.delete(entry.id);
      }
      if (this.#failed.size > 0 || signal.aborted) continue;
      await new Promise<void>((more) => {
        this.#onFailed.add(more);
        signal.addEventListener("abort", () => more(), { once: true });
      });
    }
  }

  /** The network may be back: try at once what waits for another attempt. */
  wake(): void {
    this.#unreached = 0;
    this.#notBefore = 0;
    for (const lane of this.#lanes?.values() ?? []) lane.notBefore = 0;
    this.#pump();
  }

  /** Stop sending; what is queued stays so. */
  async close(): Promise<void> {
    this.#closing.abort();
    await this.#done.catch(() => {});
    await this.#store.close();
    const closed = new Unreachable("the client was closed; the mutation is still queued");
    for (const wait of this.#waits.values()) wait.reject(closed);
  }

  async #run(): Promise<void> {
    await this.#opened;
    const { signal } = this.#closing;
    for (let failures = 0; !signal.aborted; failures += 1) {
      const turn = this.#store.alone((over) => this.#sendAll(over), signal);
      await turn.catch(() => new Promise<void>((over) => this.#clock.after(this.#jitter(failures), over)));
    }
  }

  async #sendAll(over: AbortSignal): Promise<void> {
    if (over.aborted) return;
    const ended = new Promise<void>((resolve) => over.addEventListener("abort", () => resolve()));
    try {
      await Promise.race([ended, this.#begin(over)]);
      await ended;
    } finally {
      // Whoever is next may send again what is under way: the server knows it by its id.
      this.#lanes = undefined;
      this.#cancelTimer();
    }
  }

  async #begin(over: AbortSignal): Promise<void> {
    const entries = await this.#store.entries();
    if (over.aborted) return;
    this.#lanes = new Map();
    this.#store.tell({ sending: true });
    for (const entry of entries) if (!entry.failure) this.#added(entry);
    await this.#reconcile(entries);
  }

  #heard(news: News): void {
    if ("added" in news) this.#added(news.added);
    else if ("ended" in news) this.#ended(news.ended);
    else
      void this.#store.entries().then(
        (entries) => this.#reconcile(entries),
        () => {},
      );
  }

  async #keep(mutation: Mutation): Promise<Entry> {
    const fresh = { ...mutation, queuedAt: this.#clock.now(), sentAt: null, failure: null };
    const kept = await this.#store.add(fresh, this.#limit).catch(unusable);
    if (kept.document === mutation.document && equal(kept.variables, mutation.variables)) return kept;
    throw new NotQueueable(`${mutation.id} is the id of another mutation in the queue`);
  }

  /** A mutation of ours that is not there any more, and of whose end nobody told: asking again answers the same. */
  async #reconcile(entries: readonly Entry[]): Promise<void> {
    const there = new Set(entries.map(({ id }) => id));
    for (const [id, entry] of this.#entries) {
      if (there.has(id) || this.#lanes?.get(laneOf(entry))?.entries.includes(entry)) continue;
      const wait = this.#waits.get(id);
      if (wait === undefined) {
        this.#ended({ id });
        continue;
      }
      this.#entries.delete(id);
      await this.add(wait.mutation).catch(() => {}); // whoever waits is told
    }
  }

  #note(entry: Entry): void {
    if (entry.failure) return this.#noteFailure(entry);
    if (this.#entries.has(entry.id)) return;
    this.#entries.set(entry.id, entry);
    for (const listener of this.#onAdded) listener(entry);
  }

  #noteFailure(entry: Entry): void {
    this.#failed.set(entry.id, entry);
    for (const more of this.#onFailed) more();
    this.#onFailed.clear();
  }

  #added(entry: Entry): void {
    this.#note(entry);
    if (this.#lanes === undefined) return;
    const name = laneOf(entry);
    let lane = this.#lanes.get(name);
    if (lane === undefined) this.#lanes.set(name, (lane = { entries: [], busy: false, failures: 0, notBefore: 0 }));
    if (lane.entries.some(({ id }) => id === entry.id)) return;
    // News of several tabs may come in another order than their entries' numbers.
    const place = lane.entries.findIndex(({ number }, index) => number > entry.number && !(lane.busy && index === 0));
    lane.entries.splice(place < 0 ? lane.entries.length : place, 0, entry);
    this.#pump();
  }

  /** Send what can be sent now, and come again when there is more. */
  #pump(): void {
    this.#cancelTimer();
    if (this.#lanes === undefined || this.#offline()) return; // until its turn, or `wake`
    const now = this.#clock.now();
    // One asks for all whether the server can be reached again.
    const parallel = this.#unreached > 0 ? 1 : this.#parallel;
    let next = Infinity;
    for (const [name, lane] of this.#lanes) {
      if (this.#underWay >= parallel) return; // whichever ends first comes here again
      if (lane.busy) continue;
      const at = Math.max(lane.notBefore, this.#notBefore);
      if (at <= now) void this.#attempt(name, lane);
      else next = Math.min(next, at);
    }
    if (next < Infinity)
      this.#cancelTimer = this.#clock.after(Math.max(LEAST_PAUSE_MS, next - now), () => this.#pump());
  }

  async #attempt(name: string, lane: Lane): Promise<void> {
    const entry = lane.entries[0]!;
    lane.busy = true;
    this.#underWay += 1;
    try {
      const ended = await this.#outcome(entry);
      // An error is kept until somebody is told. An answer is told before its entry is removed: should this program end
      // between the two, then it is asked for and told again.
      if (ended.error) await this.#store.put({ ...entry, failure: ended.error });
      this.#store.tell({ ended });
      if (!ended.error) await this.#store.remove(entry);
      lane.entries.shift();
      lane.failures = lane.notBefore = this.#unreached = 0;
      this.#ended(ended);
    } catch (error) {
      this.#postpone(name, lane, error);
    } finally {
      lane.busy = false;
      this.#underWay -= 1;
      if (lane.entries.length === 0 && this.#lanes?.get(name) === lane) this.#lanes.delete(name);
      this.#pump();
    }
  }

  /** How an entry ends; throws when it is to be tried again. */
  async #outcome(entry: Entry): Promise<Ended> {
    const { id } = entry;
    const now = this.#clock.now();
    const age = now - (entry.sentAt ?? now);
    if (age > this.#repeatForMs || age < -CLOCK_TOLERANCE_MS) return { id, error: flat(new OutboxExpired(id)) };
    try {
      if (entry.sentAt === null) {
        await this.#store.put({ ...entry, sentAt: now });
        (entry as { sentAt: number }).sentAt = now;
      }
      return { id, data: await this.#send(entry) };
    } catch (error) {
      if (isTransient(error) || !(error instanceof HeadwaterError)) throw error;
      return { id, error: flat(error) };
    }
  }

  #postpone(name: string, lane: Lane, error: unknown): void {
    const now = this.#clock.now();
    if (error instanceof GraphQLFailure) {
      const least = (error.info as { retryAfterMs?: number } | null)?.retryAfterMs ?? 0;
      lane.notBefore = now + least + this.#jitter(lane.failures++);
      this.#unreached = 0;
      if (least > 0) this.#notBefore = lane.notBefore; // a limit of the caller's, not of the item's
    } else {
      // The network, or the store. Whether it is this entry only, another one finds out: it goes behind the others.
      if (this.#lanes?.delete(name)) this.#lanes.set(name, lane);
      // Several that were under way together fail together.
      if (now >= this.#notBefore) this.#notBefore = now + this.#jitter(this.#unreached++);
      void this.#probe();
    }
  }

  /** While the server is not reached: ask cheaply whether it is there, and try at once when it is there again. */
  async #probe(): Promise<void> {
    if (this.#probing || !this.#reaches) return;
    this.#probing = true;
    for (let was = true; this.#unreached > 0 && this.#lanes; ) {
      const is = await this.#reaches();
      if (is && !was) this.wake();
      was = is;
      await new Promise<void>((later) => this.#clock.after(PROBE_MS, later));
    }
    this.#probing = false;
  }

  #jitter(attempt: number): number {
    return fullJitter(attempt, () => this.#clock.random());
  }

  #wait(mutation: Mutation): Promise<unknown> {
    const known = this.#waits.get(mutation.id);
    if (known) return known.promise;
    let resolve!: (data: unknown) => void;
    let reject!: (error: unknown) => void;
    const promise = new Promise((resolved, rejected) => ([resolve, reject] = [resolved, rejected]));
    const forget = () => this.#waits.delete(mutation.id);
    promise.then(forget, forget); // and so an end that nobody waits for is not an unhandled rejection
    this.#waits.set(mutation.id, { mutation, promise, resolve, reject });
    return promise;
  }

  #ended(ended: Ended): void {
    const entry = this.#entries.get(ended.id);
    const outcome: Outcome = ended.error ? { error: unflat(ended.error) } : { data: ended.data };
    this.#entries.delete(ended.id);
    if (entry) for (const listener of this.#onEnded) listener(entry, outcome);
    const wait = this.#waits.get(ended.id);
    if (!("error" in outcome)) return wait?.resolve(outcome.data);
    if (entry === undefined) return;
    if (wait === undefined) return this.#noteFailure({ ...entry, failure: ended.error! });
    wait.reject(outcome.error);
    this.#store.remove(entry).catch(() => {}); // told twice then: by `failures` too
  }
}

function unusable(error: unknown): never {
  throw typed(error, OutboxUnusable);
}

const equal = (one: unknown, other: unknown) => JSON.stringify(one) === JSON.stringify(other);

function laneOf({ ordering, id }: Mutation): string {
  return ordering === null ? `alone:${id}` : `order:${ordering}`;
}
