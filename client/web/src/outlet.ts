/**
 * What a feed has for whoever iterates over it: changes in the order of their numbers, as many as memory allows.
 *
 * A reader that falls behind by more than that gets the rest from the change log, when it comes to it: being slow costs
 * reads and never a change, and a feed that nobody iterates over stays small.
 */
import type { Change, Resync } from "./changes.js";

type Item<T> = Change<T> | Resync<T>;

const MOST_WAITING = 1000;

export interface OutletSource<T> {
  /**
   * What the log has after a number, or the state as it is now where the log no longer reaches back to it. Patient until
   * there is something; nothing when the feed is closed.
   */
  read(after: number): Promise<readonly Item<T>[]>;
  /** The number of the last change that the feed has taken off the wire. */
  position(): number;
}

export class Outlet<T> {
  readonly #source: OutletSource<T>;
  readonly #waiting: Item<T>[] = [];
  #last = 0; // the number of the last one that was put or read
  #behind = false; // later ones were let go
  #ended: { readonly error: unknown } | null = null;
  readonly #readers = new Set<() => void>();

  constructor(source: OutletSource<T>) {
    this.#source = source;
  }

  /** What is put from here on follows this number. */
  begin(after: number): void {
    this.#last = after;
  }

  put(items: readonly Item<T>[]): void {
    for (const item of items) {
      if (item.kind === "RESYNC") {
        this.#behind = false;
        this.#last = item.position;
      } else if (this.#behind || item.seq <= this.#last) {
        continue;
      } else if (this.#waiting.length >= MOST_WAITING) {
        this.#behind = true;
        continue;
      } else {
        this.#last = item.seq;
      }
      this.#waiting.push(item);
    }
    this.#wake();
  }

  /** Nothing follows what waits, or what waits is let go and `error` thrown. */
  end(error: unknown = null): void {
    this.#ended ??= { error };
    if (error === null) this.#waiting.length = 0;
    this.#behind = false;
    this.#wake();
  }

  /** The next one, when there is one; undefined at the end. */
  async next(): Promise<Item<T> | undefined> {
    for (;;) {
      const item = this.#waiting.shift();
      if (item) return item;
      if (this.#ended?.error) throw this.#ended.error;
      if (this.#ended) return undefined;
      if (this.#behind) await this.#readOn();
      else await new Promise<void>((resolve) => this.#readers.add(resolve));
    }
  }

  #wake(): void {
    for (const resolve of this.#readers) resolve();
    this.#readers.clear();
  }

  async #readOn(): Promise<void> {
    const after = this.#last;
    const items = await this.#source.read(after);
    if (this.#ended || this.#last > after) return; // another reader has read it, or the feed begins anew
    this.#behind = false;
    this.put(items);
    if (this.#last < this.#source.position()) this.#behind = true;
  }
}
