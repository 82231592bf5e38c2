/** The kinds of topics that a client can follow, a row each: a new context is a row here and a file of operations. */
import { type Change, changeFromWire, type Envelope, type Page, type WireChange } from "./changes.js";
import { UnknownTopic } from "./errors.js";
import * as documents from "./generated/documents.js";
import type { Message, Profile } from "./generated/types.js";
import type { Rank } from "./view.js";

/** The type of the items of each kind. */
export interface Items {
  room: Message;
  user: Profile;
}

/** The type of the items of a topic, by its name: `room:lobby`, `user`. */
export type ItemOf<Name extends string> = Name extends `${infer Prefix}:${string}`
  ? Prefix extends keyof Items
    ? Items[Prefix]
    : unknown
  : Name extends keyof Items
    ? Items[Name]
    : unknown;

/** How the topics of a prefix are subscribed to, caught up with, and read as they are now. */
export interface TopicKind<T> {
  /** The variable of all its operations that takes the id; null where the token names the topic. */
  readonly idVariable: string | null;
  readonly subscription: string;
  readonly subscriptionField: string;
  readonly changes: string;
  readonly head: string;
  readonly changesField: string;
  /** Reads the items, newest first, `pageSize` at a time; null for what has no pages. */
  readonly snapshot: string;
  readonly snapshotField: string;
  readonly pageSize: number | null;
  /** The items in what the snapshot's field answers. */
  shown(answer: Answer): readonly T[];
  /** The member of a change that holds the item. */
  readonly item: string;
  key(item: T): string;
  /** What to show items by; without it, the order in which they came. */
  order?(item: T): Rank;
}

// What AppSync answers is as the schema says: the operations are held against it.
// eslint-disable-next-line @typescript-eslint/no-explicit-any
type Answer = any;

const KINDS: { readonly [Prefix in keyof Items]: TopicKind<Items[Prefix]> } = {
  room: {
    idVariable: "roomId",
    subscription: documents.ON_MESSAGES,
    subscriptionField: "onMessages",
    changes: documents.MESSAGE_CHANGES,
    head: documents.MESSAGE_HEAD,
    changesField: "messageChanges",
    snapshot: documents.MESSAGES,
    snapshotField: "messages",
    pageSize: 100,
    shown: (answer) => answer.items,
    item: "message",
    key: ({ id }) => id,
    order: ({ sentAt }) => sentAt,
  },
  user: {
    idVariable: null,
    subscription: documents.ON_USER,
    subscriptionField: "onUser",
    changes: documents.USER_CHANGES,
    head: documents.USER_HEAD,
    changesField: "userChanges",
    snapshot: documents.ME,
    snapshotField: "me",
    pageSize: null,
    shown: (answer) => (answer ? [answer.profile] : []),
    item: "profile",
    key: ({ id }) => id,
  },
};

/** One topic: its name, its kind, and the variables that name it to the API. */
export class Topic<T> {
  constructor(
    readonly name: string,
    readonly kind: TopicKind<T>,
    readonly variables: Readonly<Record<string, string>>,
  ) {}

  /** What the subscription delivers. */
  envelope(wire: Answer): Envelope<T> {
    return { firstSeq: wire.firstSeq, lastSeq: wire.lastSeq, items: this.#changes(wire, "push") };
  }

  /** What a read of the log answers. */
  page(wire: Answer): Page<T> {
    const { lastSeq, headSeq, resyncRequired } = wire;
    return { items: this.#changes(wire, "catch-up"), lastSeq, headSeq, resyncRequired };
  }

  #changes(wire: Answer, source: Change["source"]): Change<T>[] {
    return wire.items.map((item: WireChange) => changeFromWire<T>(wire.topic, this.kind.item, item, source));
  }
}

/**
 * The topic of a name: `room:lobby`, or `user` for the caller's own.
 *
 * @throws UnknownTopic: there is no such kind, or the name has an id that it must not have, or none.
 */
export function topicOf<Name extends string>(name: Name): Topic<ItemOf<Name>> {
  const colon = name.indexOf(":");
  const prefix = colon < 0 ? name : name.slice(0, colon);
  const id = colon < 0 ? "" : name.slice(colon + 1);
  if (!Object.hasOwn(KINDS, prefix)) {
    throw new UnknownTopic(`${name}: the kinds of topics are ${Object.keys(KINDS).join(", ")}`);
  }
  const kind = KINDS[prefix as keyof Items] as unknown as TopicKind<ItemOf<Name>>;
  const { idVariable } = kind;
  if (idVariable === null && id) throw new UnknownTopic(`${name}: the token says whose it is, write ${prefix}`);
  if (idVariable !== null && !id) throw new UnknownTopic(`${name}: write ${prefix}:<id>`);
  return new Topic(name, kind, idVariable === null ? {} : { [idVariable]: id });
}
