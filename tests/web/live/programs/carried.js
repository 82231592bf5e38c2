// `node carried.js amplify|apollo`: the library in this process, its subscriptions carried by the real other one.
import { createRequire } from "node:module";
import WebSocket from "ws";
import { calls } from "./calls.js";
import { emit, serve } from "./lines.js";

globalThis.WebSocket ??= WebSocket; // Node has one of its own from version 22 on

const REGION = "us-east-1";
const transports = {
  async amplify() {
    const { Amplify } = await import("aws-amplify");
    const { generateClient } = await import("aws-amplify/api");
    const { amplifyTransport } = await import("headwater/amplify");
    return ({ url, apiKey }) => {
      Amplify.configure({ API: { GraphQL: { endpoint: url, region: REGION, defaultAuthMode: "apiKey", apiKey } } });
      return amplifyTransport(generateClient());
    };
  },
  async apollo() {
    // CommonJS, because AWS's auth link does not sign in Node as an ES module; bundlers take either.
    const require = createRequire(import.meta.url);
    const { ApolloClient, ApolloLink, HttpLink, InMemoryCache } = require("@apollo/client");
    const { createAuthLink } = require("aws-appsync-auth-link");
    const { createSubscriptionHandshakeLink } = require("aws-appsync-subscription-link");
    const { apolloTransport } = await import("headwater/apollo");
    return ({ url, apiKey }) => {
      const where = { url, region: REGION, auth: { type: "API_KEY", apiKey } };
      const http = new HttpLink({ uri: url, includeExtensions: false });
      const link = ApolloLink.from([createAuthLink(where), createSubscriptionHandshakeLink(where, http)]);
      return apolloTransport(new ApolloClient({ link, cache: new InMemoryCache() }));
    };
  },
};

const answer = calls(() => undefined, emit, await transports[process.argv[2]]());
await serve(({ call, argument }) => answer(call, argument));
process.exit();
