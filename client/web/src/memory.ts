/** An outbox that ends with the program, for tests and where nothing may be stored. */
export { memoryOutbox, Shelf } from "./outbox-memory.js";
