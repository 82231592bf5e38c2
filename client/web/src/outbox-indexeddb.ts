/** An outbox in a browser's IndexedDB, which all tabs of an origin share: one of them sends, by a Web Lock. */

import { type Entry, full, type News, type OutboxStore } from "./outbox-store.js";

const STORE = "mutations";

/**
 * @param name of the outbox: one for each user of a browser, so that nobody sends what another has queued.
 */
export function indexedDBOutbox(name = "headwater"): OutboxStore {
  let opened: Promise<IDBDatabase> | undefined;
  const channel = new BroadcastChannel(`headwater-outbox-${name}`);

  /** Opened when it is needed, and again when the browser has closed it, because its data were cleared for example. */
  function database(): Promise<IDBDatabase> {
    const forget = () => (opened = undefined);
    if (opened === undefined) {
      opened = open(`headwater-outbox-${name}`);
      opened.then((found) => (found.onclose = forget), forget);
    }
    return opened;
  }

  /** Returns when the transaction is on disk: its work has been asked for and its commit confirmed. */
  async function write<T>(work: (store: IDBObjectStore, answer: (value: T) => void) => void): Promise<T> {
    const transaction = (await database()).transaction(STORE, "readwrite", { durability: "strict" });
    return new Promise((resolve, reject) => {
      let answered: T;
      transaction.oncomplete = () => resolve(answered);
      transaction.onabort = transaction.onerror = () => reject(transaction.error ?? new Error("IndexedDB gave up"));
      work(transaction.objectStore(STORE), (value) => (answered = value));
    });
  }

  return {
    entries: async () => result((await database()).transaction(STORE).objectStore(STORE).getAll()),
    async add(entry, limit) {
      const kept = await write<Entry | undefined>((store, answer) => {
        const known: IDBRequest<Entry | undefined> = store.index("id").get(entry.id);
        const count = store.count();
        count.onsuccess = () => {
          if (known.result) return answer(known.result);
          if (count.result >= limit) return answer(undefined);
          const added = store.add(entry);
          added.onsuccess = () => answer({ ...entry, number: added.result as number });
        };
      });
      if (kept === undefined) throw full(limit);
      return kept;
    },
    put: (entry) => write((store) => store.put(entry)),
    remove: ({ number }) => write((store) => store.delete(number)),
    async alone(work, closing) {
      // Without locks (a page that is not served securely) every tab sends: more requests, the same effects.
      if (!globalThis.navigator?.locks) return work(closing);
      const turn = navigator.locks.request(`headwater-outbox-${name}`, { signal: closing }, () => work(closing));
      await turn.catch((error: unknown) => {
        if (!closing.aborted) throw error;
      });
    },
    tell: (news) => channel.postMessage(news),
    listen(listener) {
      channel.onmessage = ({ data }: MessageEvent<News>) => listener(data);
      return () => (channel.onmessage = null);
    },
    close() {
      channel.close();
      opened?.then(
        (found) => found.close(),
        () => {},
      );
    },
  };
}

function open(name: string): Promise<IDBDatabase> {
  const opening = indexedDB.open(name, 1);
  opening.onupgradeneeded = () => {
    const store = opening.result.createObjectStore(STORE, { keyPath: "number", autoIncrement: true });
    store.createIndex("id", "id", { unique: true });
  };
  return result(opening);
}

function result<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error ?? new Error("IndexedDB gave no answer"));
  });
}
