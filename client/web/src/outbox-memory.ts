/** An outbox that ends with the program: for tests, and where nothing may be stored. */
import { type Entry, full, type News, type OutboxStore } from "./outbox-store.js";

/** What several outboxes of one program share, as tabs share a database. */
export class Shelf {
  readonly entries = new Map<string, Entry>();
  readonly listeners = new Map<OutboxStore, (news: News) => void>();
  turn: Promise<unknown> = Promise.resolve();
  number = 0;
}

export function memoryOutbox(shelf: Shelf = new Shelf()): OutboxStore {
  const store: OutboxStore = {
    entries: async () => [...shelf.entries.values()],
    async add(entry, limit) {
      const known = shelf.entries.get(entry.id);
      if (known) return known;
      if (shelf.entries.size >= limit) throw full(limit);
      const kept = { ...entry, number: (shelf.number += 1) };
      shelf.entries.set(kept.id, kept);
      return { ...kept };
    },
    async put(entry) {
      if (shelf.entries.has(entry.id)) shelf.entries.set(entry.id, entry);
    },
    async remove({ id }) {
      shelf.entries.delete(id);
    },
    async alone(work, closing) {
      const turn = shelf.turn.then(() => (closing.aborted ? undefined : work(closing)));
      shelf.turn = turn.catch(() => {});
      await Promise.race([turn, new Promise<void>((over) => closing.addEventListener("abort", () => over()))]);
    },
    tell(news) {
      for (const [other, listener] of shelf.listeners) if (other !== store) queueMicrotask(() => listener(news));
    },
    listen(listener) {
      shelf.listeners.set(store, listener);
      return () => shelf.listeners.delete(store);
    },
    close() {},
  };
  return store;
}
