/** What a feed, or the client as a whole, can truthfully say of itself. */

/**
 * - `connecting`: no subscription is acknowledged, an attempt is under way
 * - `catching-up`: acknowledged; the change log is being read, or a hole filled
 * - `live`: acknowledged, nothing known to be missing, and the server was heard within the liveness window
 * - `stale`: the server was not heard within the window, or WebSockets are blocked and the log is polled: what is shown
 *   may be old
 * - `offline`: the connection is known to be lost; waiting to retry
 * - `closed`: ended by the caller, or by an error that no retry can mend
 */
export type State = "connecting" | "catching-up" | "live" | "stale" | "offline" | "closed";

/** From the least to the most that can be said. */
const ORDER: readonly State[] = ["offline", "connecting", "stale", "catching-up", "live"];

// What a reader of states that does not keep up gets of them: the newest.
const MOST_WAITING = 100;

/** The least of several states; `connecting` when there are none, and closed ones do not count. */
export function leastOf(states: Iterable<State>): State {
  let least = ORDER.length;
  for (const state of states) if (state !== "closed") least = Math.min(least, ORDER.indexOf(state));
  return ORDER[least] ?? "connecting";
}

/** A state that can be read, watched and iterated over. After `closed` it does not change any more. */
export class StateCell {
  #state: State = "connecting";
  readonly #watchers = new Set<(state: State) => void>();

  get current(): State {
    return this.#state;
  }

  set(state: State): void {
    if (state === this.#state || this.#state === "closed") return;
    this.#state = state;
    for (const watcher of [...this.#watchers]) watcher(state);
  }

  /** Call back at each change; the result ends that. */
  watch(watcher: (state: State) => void): () => void {
    this.#watchers.add(watcher);
    return () => this.#watchers.delete(watcher);
  }

  /** The current state, then each one that follows, up to and with `closed`. */
  async *iterate(): AsyncGenerator<State, void, undefined> {
    const waiting: State[] = [this.#state];
    let wake = (): void => undefined;
    const unwatch = this.watch((state) => {
      waiting.push(state);
      if (waiting.length > MOST_WAITING) waiting.shift();
      wake();
    });
    try {
      for (;;) {
        const state = waiting.shift();
        if (state === undefined) {
          await new Promise<void>((resolve) => (wake = resolve));
          continue;
        }
        yield state;
        if (state === "closed") return;
      }
    } finally {
      unwatch();
    }
  }
}
