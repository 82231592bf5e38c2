/** An outbox that ends with the program, for tests and where nothing may be stored. */
import { outboxIn, type OpenOutbox } from "./outbox.js";
import { memoryOutbox as inMemory, type Shelf } from "./outbox-memory.js";

export { Shelf } from "./outbox-memory.js";

/** @param shelf what several outboxes of one program share, as tabs share a database. */
export function memoryOutbox(shelf?: Shelf): OpenOutbox {
  return outboxIn(inMemory(shelf));
}
