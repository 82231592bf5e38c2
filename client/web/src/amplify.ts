/**
 * Subscriptions carried by AWS Amplify, for applications that have it anyway and want no second connection.
 *
 *     const hw = connect({ url, credentials, transport: amplifyTransport(generateClient()) });
 *
 * Amplify makes its connection anew by itself and gives its own credentials at each start. It notices silence after 65 s
 * (`stale`), so a feed may say `live` for that long after a connection has died without a word.
 */
import { Hub } from "aws-amplify/utils";
import { Adapter, carriedError } from "./adapter.js";
import { Unreachable } from "./errors.js";
import type { Payload, Status, Transport } from "./transport.js";

interface AmplifyObserver {
  next(payload: Payload): void;
  error(error: unknown): void;
  complete(): void;
}

/** What `generateClient()` of `aws-amplify/api` gives. */
export interface AmplifyClient {
  // Amplify's own type tells queries from subscriptions by their text, which is not known here.
  // eslint-disable-next-line @typescript-eslint/no-explicit-any
  graphql(options: any, headers?: any): any;
}

export interface AmplifyOptions {
  /** Amplify's `authMode`, where it is not the configured one. */
  readonly authMode?: string;
  /** For `authMode: "lambda"`. */
  readonly authToken?: string;
}

// Amplify's ConnectionState; what is not here says nothing of a subscription.
const STATUS: Readonly<Record<string, Status>> = {
  Connecting: "connecting",
  ConnectedPendingKeepAlive: "stale",
  ConnectedPendingNetwork: "stale",
  ConnectionDisrupted: "offline",
  ConnectionDisruptedPendingNetwork: "offline",
};

/** A transport for `connect`. */
export function amplifyTransport(client: AmplifyClient, options: AmplifyOptions = {}): Transport {
  return new Adapter((operation, carried) => {
    const { query, variables } = operation;
    const mine = JSON.stringify(variables);
    const name = nameOf(query);
    let last = "";
    // The acknowledgement comes as an event that names the operation, the connection's state as another.
    const unlisten = Hub.listen("api", ({ payload: { event, data } }) => {
      const told = data as { query?: string; variables?: object; connectionState?: string } | undefined;
      if (event === "Subscription ack" && nameOf(told?.query) === name && JSON.stringify(told?.variables) === mine) {
        carried.acknowledged();
      } else if (event === "ConnectionStateChange") {
        const state = told?.connectionState ?? "";
        const status = STATUS[state];
        if (status) carried.status(status);
        // Heard again after a silence, without a new acknowledgement.
        else if (state === "Connected" && last.startsWith("ConnectedPending")) carried.acknowledged();
        last = state;
      }
    });
    const observer: AmplifyObserver = {
      next: (payload) => carried.next(payload),
      error: (error) => carried.ended(carriedError(error)),
      complete: () => carried.ended(new Unreachable("Amplify has ended the subscription")),
    };
    const subscription = client.graphql({ query, variables, ...options }).subscribe(observer) as { unsubscribe(): void };
    return () => {
      unlisten();
      subscription.unsubscribe();
    };
  });
}

function nameOf(query: string | undefined): string | undefined {
  return /subscription\s+(\w+)/.exec(query ?? "")?.[1];
}
