// Calls from the test to the library, the same in Node and in a page. `emit` sends what feeds and mutations bring.
import { connect, GraphQLFailure, jwt } from "headwater";
import { SEND_MESSAGE } from "headwater/operations";

export function calls(outboxOf, emit, transportOf = () => undefined) {
  const feeds = new Map();
  let client;
  let tokens = [];
  const plain = ([key, item]) => [key, item && { ...item }];
  const functions = {
    // With `tokens` the caller is a signed-in user, who has the first one until the library asks for another.
    connect({ url, realtimeUrl, apiKey, outbox, tokens: given }) {
      tokens = given ?? [];
      const token = ({ renew }) => {
        if (renew && tokens.length > 1) tokens.shift();
        emit({ token: { renew, left: tokens.length } });
        return tokens[0];
      };
      const transport = transportOf({ url, apiKey });
      client = connect({
        ...(transport ? { transport } : {}),
        url,
        realtimeUrl,
        ...(given ? { credentials: jwt(token) } : { apiKey }),
        ...(outbox ? { outbox: outboxOf(outbox) } : {}),
      });
      const tellFailures = async () => {
        for await (const { entry, error } of client.outbox?.failures() ?? []) {
          emit({ ended: entry.id, error: described(error), late: true });
        }
      };
      tellFailures().catch(() => {}); // of an outbox that cannot be used: `queue` is told as well
    },
    live({ name, topic, options }) {
      const feed = client.live(topic, options);
      feeds.set(name, feed);
      const follow = async () => {
        try {
          for await (const change of feed) {
            const { items, ...rest } = change;
            const told = items ? { ...rest, items: [...items].map(plain) } : rest;
            emit({ feed: name, change: told, arrived: Date.now() });
          }
          emit({ feed: name, end: true });
        } catch (error) {
          emit({ feed: name, error: described(error) });
        }
      };
      const tell = async () => {
        for await (const state of feed.states()) emit({ feed: name, state, at: Date.now() });
      };
      void follow();
      void tell();
    },
    ready: async ({ name }) => void (await feeds.get(name).ready()),
    look({ name }) {
      const feed = feeds.get(name);
      const { position, state, transport } = feed;
      return { items: [...feed.items].map(plain), pending: [...feed.pending], position, state, transport };
    },
    close: async ({ name }) => void (await feeds.get(name).close()),
    // Answers when the mutation is safely queued; its end is emitted.
    async queue({ room, text, id, optimistic = true }) {
      const input = { roomId: room, text, author: "ada", ...(id ? { clientMutationId: id } : {}) };
      const item = { id: `new-${id}`, roomId: room, author: "ada", text, sentAt: new Date().toISOString(), version: 1 };
      const mutating = client.mutate(SEND_MESSAGE, { input }, {
        queue: true,
        ordering: `room:${room}`,
        optimistic: optimistic ? { topic: `room:${room}`, key: item.id, item } : [],
      });
      mutating.then(
        (data) => emit({ ended: mutating.id, data }),
        (error) => emit({ ended: mutating.id, error: described(error) }),
      );
      await mutating.queued;
      return mutating.id;
    },
    send: ({ room, text }) => client.mutate(SEND_MESSAGE, { input: { roomId: room, text, author: "ada" } }),
    waiting: async () => (await client.outbox.entries()).map(({ id }) => id),
    state: () => client.state,
    end: () => client.close(),
  };
  return async (call, argument) => {
    try {
      return { value: (await functions[call](argument)) ?? null };
    } catch (error) {
      return { error: described(error) };
    }
  };
}

function described(error) {
  const { name, message } = error;
  return { name, message, ...(error instanceof GraphQLFailure ? { type: error.type, info: error.info } : {}) };
}
