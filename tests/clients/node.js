// `node node.js ./amplify.js`: a client library in this process.
import WebSocket from "ws";
import { calls } from "./calls.js";
import { emit, serve } from "./lines.js";

globalThis.WebSocket ??= WebSocket; // Node has one of its own from version 22 on
const { connect } = await import(process.argv[2]);
await serve(calls(connect, emit));
process.exit();
