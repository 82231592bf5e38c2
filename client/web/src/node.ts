/** What only Node has: an outbox and cursors in files. `connect` and all else come from "headwater". */
export { fileOutbox } from "./outbox-file.js";
export { fileCursors } from "./cursors-file.js";
