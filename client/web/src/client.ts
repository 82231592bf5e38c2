/** A connection to one API as one caller: queries and mutations over HTTP, live topics over one WebSocket. */
import { apiKey, type Credentials } from "./credentials.js";
import { endpoint } from "./endpoint.js";
import { NoEndpoint, Unreachable } from "./errors.js";
import { Feed, type FeedContext, type FeedOptions } from "./feed.js";
import type { TypedDocument } from "./generated/documents.js";
import type { Message } from "./generated/types.js";
import { Http, type Requests } from "./http.js";
import { send, type SendOptions } from "./messages.js";
import { type MutateOptions, type Mutating, Mutations } from "./mutations.js";
import type { OpenOutbox, Outbox, OutboxOptions } from "./outbox.js";
import type { Platform } from "./platform.js";
import { Realtime } from "./realtime.js";
import { leastOf, type State, StateCell } from "./states.js";
import { type ItemOf, topicOf } from "./topics.js";
import type { Transport } from "./transport.js";

export interface ConnectOptions {
  /** The GraphQL endpoint; a relative one is of the page's own host. */
  readonly url: string;
  /** The WebSocket; by default AppSync's for `url`. */
  readonly realtimeUrl?: string;
  /** An AppSync API key: short for `credentials: apiKey(...)`. */
  readonly apiKey?: string;
  /** Who calls: `apiKey(...)`, `jwt(...)`, `authorizer(...)`, or `iam(...)` from "headwater/iam". */
  readonly credentials?: Credentials;
  /** What carries subscriptions instead of the client's own WebSocket: Amplify's or Apollo's. */
  readonly transport?: Transport;
  /** Where mutations wait for the network: `indexedDBOutbox` of "headwater/indexeddb", say. */
  readonly outbox?: OpenOutbox;
  readonly outboxOptions?: OutboxOptions;
}

export class Client {
  readonly #requests: Requests;
  readonly #transport: Transport;
  readonly #outbox: Outbox | null;
  readonly #mutations: Mutations;
  readonly #feeds = new Set<Feed<unknown>>();
  readonly #states = new StateCell();
  readonly #unwatch: () => void;
  readonly #context: FeedContext;

  constructor(platform: Platform, options: ConnectOptions) {
    const credentials = options.credentials ?? (options.apiKey === undefined ? null : apiKey(options.apiKey));
    if (!credentials) throw new NoEndpoint("who calls? connect({ url, apiKey }) or connect({ url, credentials })");
    const where = endpoint(options.url, options.realtimeUrl);
    const http = new Http(platform, where, credentials);
    const { clock } = platform;
    this.#requests = http;
    this.#transport = options.transport ?? new Realtime(platform, where, credentials, () => http.answers());
    const send = (query: string, variables: Readonly<Record<string, unknown>>) => http.execute({ query, variables });
    this.#outbox =
      options.outbox?.(({ document, variables }) => send(document, variables), {
        clock,
        reaches: platform.reaches && (() => platform.reaches!(where.url)),
        ...options.outboxOptions,
      }) ?? null;
    this.#mutations = new Mutations(send, this.#outbox);
    this.#context = {
      clock,
      requests: this.#requests,
      transport: this.#transport,
      check: () => this.#transport.check?.(),
      changed: () => this.#tell(),
      attach: (topic, view, changed) => this.#mutations.attach(topic, view, changed),
    };
    const wake = (): void => this.#outbox?.wake();
    const nothing = (): void => undefined;
    this.#unwatch = platform.watch({ returned: wake, resumed: wake, lost: nothing, freezing: nothing });
  }

  /** The least that can be said of all feeds: `live` when all of them are. */
  get state(): State {
    this.#transport.check?.();
    return this.#states.current;
  }

  /** The current state, then each one that follows, up to and with `closed`. */
  states(): AsyncGenerator<State, void, undefined> {
    return this.#states.iterate();
  }

  /** Mutations that wait for the network; null without an outbox. */
  get outbox(): Outbox | null {
    return this.#outbox;
  }

  /**
   * Follow a topic: `live("room:lobby")`, or `live("user")` for the caller's own. It begins at once.
   *
   * @throws UnknownTopic
   * @throws Unreachable: the client was closed.
   */
  live<Name extends string>(name: Name, options: FeedOptions = {}): Feed<ItemOf<Name>> {
    if (this.#states.current === "closed") throw new Unreachable("the client was closed");
    const feed = new Feed(topicOf(name, options.lease), this.#context, options);
    this.#feeds.add(feed);
    this.#tell();
    return feed;
  }

  /**
   * Run a query.
   *
   * @returns its `data`
   * @throws GraphQLFailure: the API answered with errors (its `data` holds what there is besides).
   * @throws Unreachable: there was no answer.
   */
  async query<Data, Variables>(
    document: TypedDocument<Data, Variables>,
    variables?: Variables,
    options: { signal?: AbortSignal } = {},
  ): Promise<Data> {
    return (await this.#requests.execute({ query: document, variables: variables ?? {} }, options)) as Data;
  }

  /**
   * Run a mutation. It throws as `query` does. It is never repeated by itself unless it is queued: after Unreachable
   * repeat it with the same `clientMutationId`, if at all.
   */
  mutate<Data, Variables>(
    document: TypedDocument<Data, Variables>,
    variables: Variables,
    options?: MutateOptions,
  ): Mutating<Data> {
    return this.#mutations.mutate(document, variables, options);
  }

  /** Say something in a room, which comes into being with its first message. It throws as `mutate` does. */
  sendMessage(roomId: string, text: string, options: SendOptions = {}): Mutating<Message> {
    return send(this, { roomId, text, ...options }, this.#context.clock.now());
  }

  /** End all feeds and close the connection. What is queued stays queued. */
  async close(): Promise<void> {
    this.#unwatch();
    await Promise.all([...this.#feeds].map((feed) => feed.close()));
    this.#transport.close();
    await this.#outbox?.close();
    this.#states.set("closed");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #tell(): void {
    const states: State[] = [];
    for (const feed of this.#feeds) {
      const state = feed.lastState;
      if (state === "closed") this.#feeds.delete(feed);
      states.push(state);
    }
    const before = this.#states.current;
    const now = leastOf(states);
    this.#states.set(now);
    if (now !== before && (now === "catching-up" || now === "live")) this.#outbox?.wake();
  }
}
