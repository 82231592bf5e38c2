/** An outbox that browsers keep across restarts, in IndexedDB. */
export { indexedDBOutbox } from "./outbox-indexeddb.js";
