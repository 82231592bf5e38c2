/**
 * A topic's changes, each once and in the order of their numbers. No I/O: envelopes and pages in, changes out.
 *
 * The numbers of a topic have no gap, so a lost push shows as a jump. `fetchAfter` then names the cursor to read the
 * change log from; what arrives meanwhile is held back until the log has filled the hole.
 */
import type { Change, Envelope, Page } from "./changes.js";

export class Sequence<T> {
  #position: number;
  #head: number; // the highest number known to exist
  readonly #held = new Map<number, Change<T>>();
  readonly #maxHeld: number;

  /**
   * @param after the number of the last change that the reader already has; 0 when it has none.
   * @param maxHeld how many pushed changes are held back behind a hole. Beyond that the ones farthest from the hole are
   *   let go: the log has them too, so a bound costs a read and never a change.
   */
  constructor(after: number, maxHeld = 1000) {
    if (!Number.isInteger(after) || after < 0) {
      throw new RangeError(`after=${after}: a cursor is 0 or the number of a change`);
    }
    this.#position = this.#head = after;
    this.#maxHeld = maxHeld;
  }

  /** The number of the last change that came out. */
  get position(): number {
    return this.#position;
  }

  /** The cursor to read the change log from now; null while nothing is known to be missing. */
  get fetchAfter(): number | null {
    return this.#head > this.#position ? this.#position : null;
  }

  /** How many changes wait behind a hole. */
  get held(): number {
    return this.#held.size;
  }

  /** Take an envelope off the socket and return what can be handed out now. */
  push(envelope: Envelope<T>): Change<T>[] {
    this.#head = Math.max(this.#head, envelope.lastSeq);
    return this.#take(envelope.items);
  }

  /**
   * Take a page of the change log and return what can be handed out now; null when the log no longer reaches back to
   * the cursor, and nothing was taken.
   */
  fill(page: Page<T>): Change<T>[] | null {
    if (page.resyncRequired) return null;
    this.#head = Math.max(this.#head, page.headSeq);
    return this.#take(page.items);
  }

  #take(items: readonly Change<T>[]): Change<T>[] {
    const ready: Change<T>[] = [];
    for (const change of items) {
      this.#head = Math.max(this.#head, change.seq);
      // Only a pointer: a hole, which the log fills with the whole change.
      if (change.truncated && change.source === "push") continue;
      if (change.seq === this.#position + 1) {
        // A push of the same number that already waits is the one to hand out: it did arrive by push.
        let next: Change<T> | undefined = this.#release(change.seq) ?? change;
        while (next) {
          ready.push(next);
          this.#position = next.seq;
          next = this.#release(next.seq + 1);
        }
      } else if (change.seq > this.#position && change.source === "push") {
        this.#hold(change);
      }
      // What is left has been handed out before, or lies behind a hole of the log and will be read again.
    }
    return ready;
  }

  #release(seq: number): Change<T> | undefined {
    const change = this.#held.get(seq);
    if (change) this.#held.delete(seq);
    return change;
  }

  #hold(change: Change<T>): void {
    if (!this.#held.has(change.seq)) this.#held.set(change.seq, change);
    if (this.#held.size > this.#maxHeld) this.#held.delete(Math.max(...this.#held.keys()));
  }
}
