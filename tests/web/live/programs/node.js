// `node node.js`: the library in this process.
import { fileOutbox } from "headwater/node";
import { calls } from "./calls.js";
import { emit, serve } from "./lines.js";

const answer = calls(fileOutbox, emit);
await serve(({ call, argument }) => answer(call, argument));
process.exit();
