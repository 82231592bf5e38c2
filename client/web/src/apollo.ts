/**
 * Subscriptions carried by Apollo Client with AWS's link, for applications that have these anyway.
 *
 *     const hw = connect({ url, credentials, transport: apolloTransport(client) });
 *
 * The link tells of `start_ack` when asked to. It ends its subscriptions when its connection is lost, and they are begun
 * anew here. It notices silence after five minutes (AppSync's `connectionTimeoutMs`), so a feed may say `live` for that
 * long after a connection has died without a word.
 */
import type { ApolloClient } from "@apollo/client";
import { ApolloLink } from "@apollo/client/link";
import { parse } from "graphql";
import { Adapter, carriedError } from "./adapter.js";
import { Unreachable } from "./errors.js";
import type { Payload, Transport } from "./transport.js";

// What aws-appsync-subscription-link looks for in an operation's context.
const CONTROL_EVENTS = { controlMessages: { "@@controlEvents": true } };

/** A transport for `connect`. */
export function apolloTransport(client: ApolloClient): Transport {
  return new Adapter(({ query, variables }, carried) => {
    // By the link: the client itself leaves out results without data, and the acknowledgement is one.
    const request = { query: parse(query), variables, context: CONTROL_EVENTS };
    const subscription = ApolloLink.execute(client.link, request, { client }).subscribe({
      next: (result) => {
        const { controlMsgType } = (result.extensions ?? {}) as { controlMsgType?: string };
        if (controlMsgType === "CONNECTED") carried.acknowledged();
        else carried.next(result as Payload);
      },
      error: (error: unknown) => carried.ended(carriedError(error)),
      complete: () => carried.ended(new Unreachable("Apollo has ended the subscription")),
    });
    return () => subscription.unsubscribe();
  });
}
