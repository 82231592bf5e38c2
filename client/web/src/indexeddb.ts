/** An outbox that browsers keep across restarts, in IndexedDB. */
import { outboxIn, type OpenOutbox } from "./outbox.js";
import { indexedDBOutbox as inIndexedDB } from "./outbox-indexeddb.js";

/** @param name of the outbox: one for each user of a browser, so that nobody sends what another has queued. */
export function indexedDBOutbox(name?: string): OpenOutbox {
  return outboxIn(inIndexedDB(name));
}
