/** What only Node has: an outbox and cursors in files. `connect` and all else come from "headwater". */
import { outboxIn, type OpenOutbox } from "./outbox.js";
import { fileOutbox as inFiles } from "./outbox-file.js";

export { fileCursors } from "./cursors-file.js";

/** @param directory made when it is not there; one for each user. While another process has it: OutboxLocked. */
export function fileOutbox(directory: string): OpenOutbox {
  return outboxIn(inFiles(directory));
}
