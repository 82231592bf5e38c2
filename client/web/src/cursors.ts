/**
 * Where a feed keeps how far it has come, so that it resumes there after a restart.
 *
 * A change is handed out first and its number saved after it was handled, so across a crash each change is handed out at
 * least once; while the process lives, exactly once.
 */

/** The caller's own store: a database, a service. */
export interface CursorStore {
  /** The number of the last change of a topic that was handled; null when there is none. */
  load(topic: string): number | null | Promise<number | null>;
  save(topic: string, seq: number): void | Promise<void>;
}

/** Forgotten with the process: to resume one feed where another ended. */
export function memoryCursors(): CursorStore {
  const cursors = new Map<string, number>();
  return {
    load: (topic) => cursors.get(topic) ?? null,
    save: (topic, seq) => void cursors.set(topic, seq),
  };
}

/** In the browser's localStorage, a key for each topic. */
export function localStorageCursors(prefix = "headwater:cursor:"): CursorStore {
  return {
    load(topic) {
      const seq = Number(localStorage.getItem(prefix + topic) ?? Number.NaN);
      return Number.isInteger(seq) && seq >= 0 ? seq : null;
    },
    save: (topic, seq) => localStorage.setItem(prefix + topic, String(seq)),
  };
}
