/**
 * The items of a feed as they are to be shown: what the server said and, over it, what the caller expects. No I/O.
 *
 * Below lie the items that changes and snapshots tell of. Above lies an entry for each mutation under way: an item put
 * in place of another or after all others, or one taken away. An entry leaves when its mutation has failed
 * (`rollBack`), or when the server's own change of the item has come (`apply`) and the answer too (`settle`), in
 * whichever order.
 */

/** What a view reads of a change; no `item` means that there is none now. */
export interface Changed<T> {
  readonly kind: "INSERT" | "MODIFY" | "REMOVE";
  readonly key: string;
  readonly item: T | null;
}

/** What items are sorted by, and ties by key. */
export type Rank = string | number;

type Place = readonly [Rank, string];

interface Entry<T> {
  key: string;
  item: T | null;
  settled: boolean;
  /** The count of changes when the entry was made. */
  since: number;
}

/** Items by key, in order, the newest `keep` of them. */
export class View<T> {
  readonly #keep: number;
  readonly #order: ((item: T) => Rank) | undefined;
  readonly #items = new Map<string, { rank: Rank; item: T }>();
  readonly #places: Place[] = []; // ascending
  #arrivals = 0;
  #floor: Place | undefined; // what ranks lower has fallen out
  readonly #entries = new Map<string, Entry<T>>();
  /** When keys changed last, by the count of changes; only while mutations wait for answers, and at most `keep`. */
  readonly #changedAt = new Map<string, number>();
  #changes = 0;
  #shown: ReadonlyMap<string, T> | undefined;

  /**
   * @param keep how many items of the server are kept. What has fallen out stays out, so that no item is missing
   *   between the oldest and the newest. Entries of mutations are shown besides; whoever makes them bounds them.
   * @param order what to sort items by; without it they stand as they came, and an update keeps its place.
   */
  constructor(keep = 1000, order?: (item: T) => Rank) {
    if (!(keep >= 0)) throw new RangeError(`keep=${keep}: a view keeps 0 items or more`);
    this.#keep = keep;
    this.#order = order;
  }

  /** What is to be shown, in order: a map of its own, which later changes leave alone, and the same one until then. */
  get items(): ReadonlyMap<string, T> {
    return (this.#shown ??= this.#composed());
  }

  /** The keys of items with a mutation that has not been answered. */
  get pending(): ReadonlySet<string> {
    return new Set([...this.#entries.values()].filter(({ settled }) => !settled).map(({ key }) => key));
  }

  /** Take in a change of the topic: each once, in the order of their numbers. */
  apply({ kind, key, item }: Changed<T>): void {
    if (kind === "REMOVE" || item === null) this.#takeOut(key);
    // Without an order nothing tells how old an item is; one that is changed and not known has fallen out.
    else if (this.#order || !this.#floor || kind === "INSERT" || this.#items.has(key)) this.#put(key, item);
    this.#toldOf(key);
  }

  /** Begin anew with a snapshot, oldest first. With `keep` items or more, older ones are taken to be left out. */
  replace(items: Iterable<readonly [string, T]>): void {
    this.#shown = undefined;
    this.#items.clear();
    this.#places.length = 0;
    this.#floor = undefined;
    for (const [key, item] of items) this.#put(key, item);
    if (this.#places.length === this.#keep) this.#floor = this.#places[0];
    for (const key of new Set([...this.#entries.values()].map((entry) => entry.key))) this.#toldOf(key);
  }

  /**
   * Show what mutation `id` is expected to do: `item` under `key`, or nothing under it. The same id again replaces what
   * it showed; of several entries of a key the last made is shown.
   */
  optimistic(id: string, key: string, item: T | null): void {
    this.#shown = undefined;
    this.#entries.set(id, { key, item, settled: false, since: this.#changes });
  }

  /**
   * Mutation `id` has succeeded.
   *
   * @param key the item's key as the server has it. The entry is shown under it until the server's change comes, or
   *   leaves at once if it has come. Without a key it leaves at once.
   * @param item what the answer says of the item, to be shown until then in place of what was expected.
   */
  settle(id: string, key: string | null = null, item?: T | null): void {
    const entry = this.#entries.get(id);
    if (entry === undefined) return;
    this.#shown = undefined;
    if (key === null || this.#wasTold(key, entry)) {
      this.#entries.delete(id);
    } else {
      entry.key = key;
      entry.settled = true;
      if (item !== undefined) entry.item = item;
      this.#boundSettled();
    }
    this.#forgetChanges();
  }

  /** Mutation `id` has failed: show what is there without it. */
  rollBack(id: string): void {
    if (this.#entries.delete(id)) this.#shown = undefined;
    this.#forgetChanges();
  }

  #composed(): ReadonlyMap<string, T> {
    const shown = new Map<string, T>();
    for (const [, key] of this.#places) shown.set(key, this.#items.get(key)!.item);
    for (const { key, item } of this.#entries.values()) {
      if (item === null) shown.delete(key);
      else shown.set(key, item);
    }
    return shown;
  }

  #put(key: string, item: T): void {
    const held = this.#items.get(key);
    const rank = this.#order ? this.#order(item) : (held?.rank ?? ++this.#arrivals);
    if (held) this.#takeOut(key);
    const place: Place = [rank, key];
    if (this.#floor && compare(place, this.#floor) < 0) return;
    this.#items.set(key, { rank, item });
    this.#places.splice(this.#indexOf(place), 0, place);
    this.#shown = undefined;
    if (this.#places.length > this.#keep) {
      const fallen = this.#places.shift()!;
      this.#items.delete(fallen[1]);
      this.#floor = this.#places[0] ?? fallen;
    }
  }

  #takeOut(key: string): void {
    const held = this.#items.get(key);
    if (held === undefined) return;
    this.#items.delete(key);
    this.#places.splice(this.#indexOf([held.rank, key]), 1);
    this.#shown = undefined;
  }

  /** Where a place is, or belongs. */
  #indexOf(place: Place): number {
    let low = 0;
    let high = this.#places.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (compare(this.#places[middle]!, place) < 0) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  #toldOf(key: string): void {
    if (this.#entries.size === 0) return;
    for (const [id, entry] of this.#entries) {
      if (entry.key === key && entry.settled) {
        this.#entries.delete(id);
        this.#shown = undefined;
      }
    }
    this.#changedAt.delete(key); // so that it is the newest below
    this.#changedAt.set(key, ++this.#changes);
    dropOldest(this.#changedAt, this.#changedAt.size - Math.max(1, this.#keep));
  }

  /** Whether the server has told of the item since the entry was made, or of its end. */
  #wasTold(key: string, { key: shownAs, item, since }: Entry<T>): boolean {
    if ((this.#changedAt.get(key) ?? 0) > since) return true;
    return this.#items.has(key) ? key !== shownAs : item === null;
  }

  #forgetChanges(): void {
    for (const { settled } of this.#entries.values()) if (!settled) return;
    this.#changedAt.clear();
  }

  /** A change that never comes (the server's item was equal) must not keep its entry for ever. */
  #boundSettled(): void {
    const settled = [...this.#entries].filter(([, entry]) => entry.settled);
    for (const [id] of settled.slice(0, Math.max(0, settled.length - this.#keep))) this.#entries.delete(id);
  }
}

function compare([a, aKey]: Place, [b, bKey]: Place): number {
  if (a !== b) return a < b ? -1 : 1;
  return aKey === bKey ? 0 : aKey < bKey ? -1 : 1;
}

function dropOldest(map: Map<string, unknown>, count: number): void {
  for (const key of map.keys()) {
    if (count-- <= 0) return;
    map.delete(key);
  }
}
