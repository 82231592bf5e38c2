/**
 * A live topic: its items as they are now, and each of its changes exactly once and in order, over a connection that may
 * come and go.
 *
 * Subscribe and wait for the acknowledgement; read the topic's head; read the snapshot, which holds at least everything
 * up to the head; read the log after the head; then take what is pushed. No instant lies between these steps in which a
 * change could be missed. A jump in the numbers is read from the log at once. A quiet topic looks at the log twice after
 * it went live and then once a minute, because AppSync may lose a push without a word, and where nothing follows, no
 * jump in the numbers shows it.
 */
import { fullJitter } from "./backoff.js";
import type { Change, Page, Resync } from "./changes.js";
import type { Clock } from "./clock.js";
import type { CursorStore } from "./cursors.js";
import {
  CursorsUnreadable,
  GraphQLFailure,
  HeadwaterError,
  InvalidInput,
  MissingChanges,
  Unauthorized,
  UnexpectedAnswer,
  Unreachable,
} from "./errors.js";
import type { Requests } from "./http.js";
import { Outlet } from "./outlet.js";
import { Sequence } from "./sequence.js";
import { type State, StateCell } from "./states.js";
import { typed } from "./thrown.js";
import type { Listing, Topic } from "./topics.js";
import type { Listener, Payload, Status, Subscription, Transport } from "./transport.js";
import { View } from "./view.js";

const PAGE_LIMIT = 1000;
const READ_MS = 15_000;
// When the log is looked at although nothing seems to be missing: after going live, then after silence.
const FIRST_LOOKS_MS = [2_000, 10_000];
const SILENCE_MS = 60_000;
const POLL_MS = 3_000;
// How often the log is asked again for an entry that must be there (with full jitter: about 3 s in all).
const MOST_FRUITLESS_READS = 5;

export interface FeedOptions {
  /** The number of the last change already known, to resume after it; by default what is stored, else what is new. */
  readonly after?: number;
  /** Whether to read the items as they are now, for `items`; so by default. */
  readonly snapshot?: boolean;
  /** Where the feed's position is kept across restarts. */
  readonly cursor?: CursorStore;
  /** How many items to keep, the newest; 1000 by default. */
  readonly keep?: number;
  /** Of `client:<id>`, as `registerClient` answers it. */
  readonly lease?: string;
}

/** What a feed needs of its client. */
export interface FeedContext {
  readonly clock: Clock;
  readonly requests: Requests;
  readonly transport: Transport;
  /** Notice that this process slept, before anybody reads what was last said. */
  check(): void;
  /** Something of the feed has changed. */
  changed(): void;
  /** Show in a view what mutations under way are expected to do; the result ends that. */
  attach(topic: string, view: View<unknown>, changed: () => void): () => void;
}

export class Feed<T> implements AsyncIterable<Change<T> | Resync<T>> {
  readonly #topic: Topic<T>;
  readonly #context: FeedContext;
  readonly #options: FeedOptions;
  // Not View<T> itself: a feed of messages is to pass for a feed of anything.
  readonly #view: Pick<View<T>, "items" | "pending" | "apply" | "replace">;
  readonly #states = new StateCell();
  readonly #watchers = new Set<() => void>();
  readonly #detach: () => void;
  #subscription: Subscription | null = null;
  #status: Status = "connecting";
  #sequence: Sequence<T> | null = null;
  readonly #outlet = new Outlet<T>({
    read: (after) => this.#readPatiently(after),
    position: () => this.#sequence!.position,
  });
  #handedOut: number | null = null; // the number of the last change that the reader was given
  #saved: number | null = null;
  #cursorName: string;
  /** Numbers up to here are in the snapshot: their changes are for the reader alone. */
  #shownTo = 0;
  #behind = true; // the log may hold changes that no push has announced
  #error: HeadwaterError | null = null;
  #closed = false;

  #reading: Promise<void> | null = null;
  #lookWanted = false;
  /** Aborted when requests from before need not be waited for any more. */
  #requests = new AbortController();
  readonly #pauses = new Set<() => void>();
  #looks: (() => void)[] = [];
  #cancelSilence = (): void => undefined;

  constructor(topic: Topic<T>, context: FeedContext, options: FeedOptions) {
    this.#topic = topic;
    this.#cursorName = topic.name;
    this.#context = context;
    this.#options = options;
    const view = new View<T>(options.keep ?? 1000, topic.kind.order);
    this.#view = view;
    this.#detach = context.attach(topic.name, view as View<unknown>, () => this.#changed());
    void this.#begin();
  }

  /** The topic's name, as it was asked for. */
  get topic(): string {
    return this.#topic.name;
  }

  /** The newest items as they are now, by key, with what mutations under way are expected to do. */
  get items(): ReadonlyMap<string, T> {
    return this.#view.items;
  }

  /** The keys of items that a mutation under way is expected to change. */
  get pending(): ReadonlySet<string> {
    return this.#view.pending;
  }

  get state(): State {
    this.#context.check();
    return this.#states.current;
  }

  /** The state that was told last; `state` looks at the clock first. */
  get lastState(): State {
    return this.#states.current;
  }

  /** The current state, then each one that follows, up to and with `closed`. */
  states(): AsyncGenerator<State, void, undefined> {
    return this.#states.iterate();
  }

  /** How changes come now. */
  get transport(): "websocket" | "polling" {
    return this.#status === "polling" ? "polling" : "websocket";
  }

  /** The number of the last change handed out: the cursor to resume after, in this feed or another. Null at first. */
  get position(): number | null {
    return this.#handedOut;
  }

  /** What ended the feed, if an error did. */
  get error(): HeadwaterError | null {
    return this.#error;
  }

  /** Resolves when the feed is live for the first time. Throws what ended it before that. */
  async ready(): Promise<this> {
    for await (const state of this.states()) {
      if (state === "live") return this;
    }
    throw this.#error ?? new Unreachable(`${this.topic}: the feed was closed`);
  }

  /** Call back when items or the state have changed; the result ends that. */
  watch(watcher: () => void): () => void {
    this.#watchers.add(watcher);
    return () => this.#watchers.delete(watcher);
  }

  /**
   * Each change once, in order, from the beginning of the feed on. With a cursor store, the position is saved when the
   * next change is asked for. Several iterations of one feed share its changes. Ending one does not end the feed.
   */
  [Symbol.asyncIterator](): AsyncIterableIterator<Change<T> | Resync<T>, undefined> {
    const iterator: AsyncIterableIterator<Change<T> | Resync<T>, undefined> = {
      next: async () => {
        await this.#save();
        const value = await this.#outlet.next();
        if (value === undefined) return { done: true, value };
        this.#handedOut = value.kind === "RESYNC" ? value.position : value.seq;
        return { done: false, value };
      },
      return: async () => ({ done: true, value: undefined }),
      [Symbol.asyncIterator]: () => iterator,
    };
    return iterator;
  }

  /** Call back with each change and its cursor; the position is saved after the callback has returned. */
  async forEach(callback: (change: Change<T> | Resync<T>, cursor: number) => void | Promise<void>): Promise<void> {
    for await (const change of this) await callback(change, this.#handedOut!);
  }

  /** End the feed. Changes that were not handed out yet are dropped. */
  async close(): Promise<void> {
    this.#end(null);
    await this.#reading;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  // --- the connection ---

  async #begin(): Promise<void> {
    await null; // whoever has called `live` has the feed before anything is told of it
    if (this.#closed) return;
    const { subscription: query } = this.#topic.kind;
    const listener: Listener = {
      status: (status) => this.#tellStatus(status),
      acknowledged: (gap) => this.#acknowledged(gap),
      next: (payload) => this.#pushed(payload),
      failed: (error) => this.#end(error),
    };
    this.#subscription = this.#context.transport.subscribe({ query, variables: this.#topic.subscribing }, listener);
    if (this.#closed) this.#subscription.close();
  }

  #tellStatus(status: Status): void {
    this.#status = status;
    if (status === "polling") void this.#look();
    else if (status !== "up" && status !== "stale") this.#stopLooking();
    this.#tell();
  }

  async #acknowledged(gap: boolean): Promise<void> {
    if (gap) {
      this.#behind = true;
      // A read from before may wait for an answer, or for its next attempt, in a network that is gone.
      this.#interrupt();
    }
    this.#stopLooking();
    this.#looks = FIRST_LOOKS_MS.map((ms) => this.#context.clock.after(ms, () => void this.#look()));
    this.#plan();
    await this.#look();
  }

  #pushed(payload: Payload): void {
    const wire = payload.data?.[this.#topic.kind.subscriptionField];
    if (this.#closed || !this.#sequence) return; // the log, which is yet to be read, has it
    // An envelope that the server could not deliver whole: which numbers it had, only the log can tell.
    if (!wire) this.#behind = true;
    else {
      try {
        const changes = this.#sequence.push(this.#topic.envelope(wire));
        this.#take(changes);
        // Only what is new says that pushes arrive: repeated ones may hide that a last one was lost.
        if (changes.length > 0) this.#plan();
      } catch (error) {
        return this.#end(typed(error, UnexpectedAnswer));
      }
    }
    if (this.#behind || this.#sequence.fetchAfter !== null) void this.#look();
    this.#tell();
  }

  // --- the log ---

  /** The log is looked at after silence, and from time to time where nothing is pushed. */
  #plan(): void {
    this.#cancelSilence();
    if (this.#closed) return;
    const wait = this.#status === "polling" ? POLL_MS : SILENCE_MS;
    this.#cancelSilence = this.#context.clock.after(wait, () => void this.#look());
  }

  #stopLooking(): void {
    this.#cancelSilence();
    for (const cancel of this.#looks) cancel();
    this.#looks = [];
  }

  /** Read the log until it has nothing more. Returns when that is so, or when there is no connection to read it for. */
  #look(): Promise<void> {
    if (this.#closed) return Promise.resolve();
    this.#lookWanted = true;
    return (this.#reading ??= this.#readOn().finally(() => {
      this.#reading = null;
      this.#plan();
      this.#tell();
    }));
  }

  async #readOn(): Promise<void> {
    let failures = 0;
    let fruitless = 0;
    while (!this.#closed && (this.#lookWanted || (this.#sequence && this.#sequence.fetchAfter !== null))) {
      this.#lookWanted = false; // whoever wants a look from here on gets another one
      try {
        if (!this.#sequence) await this.#readState(null);
        const sequence = this.#sequence!;
        const after = sequence.position;
        const page = await this.#read(after);
        if (this.#closed) return;
        failures = 0;
        if (page.resyncRequired && sequence.position > after) {
          this.#lookWanted = true; // pushes have led beyond what the log no longer has, while it was asked
          continue;
        }
        await this.#takePage(sequence, page);
        if (this.#lookWanted || this.#sequence!.position > after || this.#sequence!.fetchAfter === null) {
          fruitless = 0;
        } else {
          if (fruitless === MOST_FRUITLESS_READS) throw new MissingChanges(after);
          await this.#pause(fruitless++);
        }
      } catch (error) {
        if (this.#closed) return;
        if (isLasting(error)) return this.#end(typed(error, UnexpectedAnswer));
        this.#lookWanted = true;
        if (this.#status === "offline" || this.#status === "connecting") return; // the acknowledgement comes again
        await this.#pause(failures++);
      }
    }
  }

  async #takePage(sequence: Sequence<T>, page: Page<T>): Promise<void> {
    const changes = sequence.fill(page);
    if (changes === null) {
      await this.#readState(sequence);
    } else {
      this.#take(changes);
      if (!this.#lookWanted) this.#behind = false;
    }
    this.#tell();
  }

  /** Begin, or begin anew where the log no longer reaches back to. */
  async #readState(lost: Sequence<T> | null): Promise<void> {
    const { after, snapshot = true, cursor } = this.#options;
    if (!lost && cursor) await this.#load(cursor);
    let position = lost ? null : (after ?? this.#saved);
    if (position === null || snapshot) {
      const head = await this.#head();
      const items = snapshot || lost ? await this.#snapshot() : [];
      if (this.#closed) return;
      this.#view.replace(items);
      this.#shownTo = head;
      position ??= head;
    }
    this.#sequence = new Sequence(position!);
    this.#behind = this.#lookWanted = true;
    if (lost) this.#outlet.put([this.#resync(position!)]);
    else this.#handOutAfter(position!);
    this.#changed();
  }

  async #load(cursor: CursorStore): Promise<void> {
    const { changes, changesField, idVariable } = this.#topic.kind;
    // Another user's cursor would be of another topic: the server knows whose it is.
    if (!idVariable) {
      this.#cursorName = ((await this.#ask(changes, changesField, { after: 0, limit: 1 })) as { topic: string }).topic;
    }
    try {
      this.#saved = (await cursor.load(this.#cursorName)) ?? null;
    } catch (error) {
      throw typed(error, CursorsUnreadable);
    }
  }

  #handOutAfter(position: number): void {
    this.#outlet.begin(position);
    this.#handedOut = position;
    // A cursor store gets the beginning too, so that what follows is handed out whatever happens.
    this.#save().catch((error: unknown) => this.#end(typed(error, CursorsUnreadable)));
  }

  #take(changes: Change<T>[]): void {
    if (changes.length === 0) return;
    for (const change of changes) if (change.seq > this.#shownTo) this.#view.apply(change);
    this.#outlet.put(changes);
    this.#changed();
  }

  #resync(position: number, items = this.items): Resync<T> {
    return { topic: this.topic, kind: "RESYNC", items, position };
  }

  async #read(after: number): Promise<Page<T>> {
    const { changes, changesField } = this.#topic.kind;
    return this.#topic.page(await this.#ask(changes, changesField, { after, limit: PAGE_LIMIT }));
  }

  /** For a reader that fell behind: it waits as long as it takes, also for a log that is later than a push. */
  async #readPatiently(after: number): Promise<readonly (Change<T> | Resync<T>)[]> {
    for (let failures = 0; !this.#closed; failures += 1) {
      try {
        const page = await this.#read(after);
        if (page.resyncRequired) return [this.#resync(page.headSeq, new Map(await this.#snapshot()))];
        if (page.items.length > 0) return page.items;
      } catch (error) {
        if (isLasting(error)) throw error;
      }
      if (!this.#closed) await this.#pause(failures);
    }
    return [];
  }

  async #head(): Promise<number> {
    const { head, changesField } = this.#topic.kind;
    const page = (await this.#ask(head, changesField, {})) as { headSeq: number };
    return page.headSeq;
  }

  async #snapshot({ keep = 1000 } = this.#options): Promise<(readonly [string, T])[]> {
    const { kind } = this.#topic;
    const all: T[] = [];
    for (const listing of keep > 0 ? kind.snapshot : []) {
      const items = await this.#list(listing, keep);
      all.push(...(listing.newestFirst ? items.reverse() : items));
    }
    const found = new Map(all.map((item) => [kind.key(item), item]));
    for (const { kind: what, key, item } of kind.indexed && keep > 0 ? await this.#newest() : []) {
      if (what === "REMOVE") found.delete(key);
      else if (item) found.set(key, item);
    }
    return [...found];
  }

  /** The log's newest changes, up to a page's limit: what an index may not have yet. */
  async #newest(): Promise<Change<T>[]> {
    const head = await this.#head();
    // The first place after which all is kept: usually the first one tried, else found by halving.
    let place = Math.max(0, head - PAGE_LIMIT);
    let page = await this.#read(place);
    if (page.resyncRequired) {
      let end = head;
      while (end - place > 1) {
        const middle = (place + end) >> 1;
        if ((await this.#read(middle)).resyncRequired) place = middle;
        else end = middle;
      }
      page = await this.#read(end);
    }
    const changes = [...page.items];
    while (page.lastSeq < head && page.items.length) {
      page = await this.#read(page.lastSeq); // a page ends at its size, too
      changes.push(...page.items);
    }
    return changes;
  }

  async #list({ document, field, pageSize, order, newestFirst, shown }: Listing<T>, keep: number): Promise<T[]> {
    const items: T[] = [];
    let nextToken: string | null = null;
    do {
      // The newest are wanted: of those that come oldest first, all have to be read.
      const limit = newestFirst ? Math.min(pageSize ?? 1, keep - items.length) : pageSize;
      const page = pageSize === null ? {} : { limit, nextToken, ...(order && { order }) };
      const answer = (await this.#ask(document, field, page)) as { nextToken?: string | null } | null;
      items.push(...shown(answer));
      nextToken = answer?.nextToken ?? null;
    } while (nextToken !== null && !(newestFirst && items.length >= keep));
    return items;
  }

  async #ask(query: string, field: string, variables: Readonly<Record<string, unknown>>): Promise<unknown> {
    const operation = { query, variables: { ...this.#topic.variables, ...variables } };
    const { signal } = this.#requests;
    return (await this.#context.requests.execute(operation, { signal, timeoutMs: READ_MS }))[field];
  }

  async #pause(attempt: number): Promise<void> {
    const wait = fullJitter(attempt, () => this.#context.clock.random());
    await new Promise<void>((resolve) => {
      const end = (): void => {
        cancel();
        this.#pauses.delete(end);
        resolve();
      };
      const cancel = this.#context.clock.after(wait, end);
      this.#pauses.add(end);
    });
  }

  #interrupt(): void {
    this.#requests.abort();
    this.#requests = new AbortController();
    for (const end of [...this.#pauses]) end();
  }

  // --- what can be said ---

  #tell(): void {
    this.#states.set(this.#stateNow());
    this.#changed();
  }

  #stateNow(): State {
    if (this.#closed) return "closed";
    if (this.#status === "polling") return "stale";
    if (this.#status !== "up") return this.#status;
    return this.#behind || !this.#sequence || this.#sequence.fetchAfter !== null ? "catching-up" : "live";
  }

  #changed(): void {
    for (const watcher of [...this.#watchers]) {
      try {
        watcher();
      } catch (error) {
        // The caller's own: it is reported as of any listener, and the feed goes on.
        this.#context.clock.after(0, () => {
          throw error;
        });
      }
    }
    this.#context.changed();
  }

  async #save(): Promise<void> {
    const position = this.#handedOut;
    if (!this.#options.cursor || position === null || position === this.#saved) return;
    await this.#options.cursor.save(this.#cursorName, position);
    this.#saved = position;
  }

  #end(error: HeadwaterError | null): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#error = error;
    this.#stopLooking();
    this.#interrupt();
    this.#subscription?.close();
    this.#detach();
    this.#outlet.end(error);
    this.#tell();
  }
}

/** Whether reading again would fail again. What else a server says, a defect of its own say, may pass. */
function isLasting(error: unknown): boolean {
  if (!(error instanceof GraphQLFailure)) return !(error instanceof Unreachable);
  return error.type === null || error instanceof Unauthorized || error instanceof InvalidInput;
}
