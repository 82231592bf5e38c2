/** Headwater's client, in Node. */
import { Client, type ConnectOptions } from "./client.js";
import { node } from "./platform.node.js";

export * from "./main.js";

/** A client. It connects when something is to be followed or asked. */
export function connect(options: ConnectOptions): Client {
  return new Client(node, options);
}
