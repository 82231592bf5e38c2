/**
 * Headwater's client, in a browser.
 *
 *     import { connect } from "headwater";
 *
 *     const hw = connect({ url, apiKey });
 *     for await (const change of hw.live("room:lobby")) console.log(change.seq, change.item?.text);
 */
import { Client, type ConnectOptions } from "./client.js";
import { browser } from "./platform.js";

export * from "./main.js";

/** A client. It connects when something is to be followed or asked. */
export function connect(options: ConnectOptions): Client {
  return new Client(browser, options);
}
