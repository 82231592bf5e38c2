/** The kinds of topics that a client can follow, a row each: a new context is a row here and a file of operations. */
import { type Change, changeFromWire, type Envelope, type Page, type WireChange } from "./changes.js";
import { UnexpectedAnswer, UnknownTopic } from "./errors.js";
import * as documents from "./generated/documents.js";
import type { Cart, Message, Notice, Presence, Product, Profile, ShopOrder } from "./generated/types.js";
import type { Rank } from "./view.js";

/** The type of the items of each kind. */
export interface Items {
  room: Message;
  presence: Presence;
  user: Profile | Notice;
  client: Notice;
  product: Product;
  category: Product;
  cart: Cart;
  order: ShopOrder;
}

/** The type of the items of a topic, by its name: `room:lobby`, `user`. */
export type ItemOf<Name extends string> = Name extends `${infer Prefix}:${string}`
  ? Prefix extends keyof Items
    ? Items[Prefix]
    : unknown
  : Name extends keyof Items
    ? Items[Name]
    : unknown;

/** An operation that answers a topic's items, or those of one type. */
export interface Listing<T> {
  readonly document: string;
  readonly field: string;
  /** How many to ask for at a time; null for an operation without pages. */
  readonly pageSize: number | null;
  /** What else it is asked. */
  readonly order?: string;
  readonly newestFirst: boolean;
  /** The items in what the field answers, which may be null. */
  shown(answer: Answer): readonly T[];
}

/** How the topics of a prefix are subscribed to, caught up with, and read as they are now. */
export interface TopicKind<T> {
  /** The variable of all its operations that takes the id; null where the token alone names the topic. */
  readonly idVariable: string | null;
  /** Whether the token names the topic where no id is given. */
  readonly own?: true;
  /** Whether the snapshot comes from an index, which may not have the log's newest changes yet. */
  readonly indexed?: true;
  /** Whether only the holder of a lease may subscribe. */
  readonly needsLease?: true;
  readonly subscription: string;
  readonly subscriptionField: string;
  readonly changes: string;
  readonly head: string;
  readonly changesField: string;
  readonly snapshot: readonly Listing<T>[];
  /** The members of a change that may hold the item, one for each type. */
  readonly items: readonly string[];
  key(item: T): string;
  /** What to show items by; without it, the order in which they came. */
  order?(item: T): Rank;
}

// What AppSync answers is as the schema says: the operations are held against it.
// eslint-disable-next-line @typescript-eslint/no-explicit-any
type Answer = any;

const items = (answer: Answer): readonly never[] => answer?.items ?? [];
const one = (answer: Answer): readonly never[] => (answer ? [answer as never] : []);
const keyOf = ({ id }: { readonly id: string }): string => id;
const NOTICES: Listing<Notice> = {
  document: documents.NOTICES,
  field: "notices",
  pageSize: 100,
  newestFirst: false,
  shown: items,
};

const KINDS: { readonly [Prefix in keyof Items]: TopicKind<Items[Prefix]> } = {
  room: {
    idVariable: "roomId",
    subscription: documents.ON_MESSAGES,
    subscriptionField: "onMessages",
    changes: documents.MESSAGE_CHANGES,
    head: documents.MESSAGE_HEAD,
    changesField: "messageChanges",
    snapshot: [
      { document: documents.MESSAGES, field: "messages", pageSize: 100, order: "NEWEST_FIRST", newestFirst: true, shown: items },
    ],
    items: ["message"],
    key: keyOf,
    order: ({ sentAt }) => sentAt,
  },
  presence: {
    idVariable: "roomId",
    subscription: documents.ON_PRESENCE,
    subscriptionField: "onPresence",
    changes: documents.PRESENCE_CHANGES,
    head: documents.PRESENCE_HEAD,
    changesField: "presenceChanges",
    snapshot: [{ document: documents.PRESENCES, field: "presence", pageSize: 100, newestFirst: false, shown: items }],
    items: ["presence"],
    key: keyOf,
    order: ({ joinedAt }) => joinedAt,
  },
  user: {
    idVariable: null,
    own: true,
    subscription: documents.ON_USER,
    subscriptionField: "onUser",
    changes: documents.USER_CHANGES,
    head: documents.USER_HEAD,
    changesField: "userChanges",
    snapshot: [
      { document: documents.ME, field: "me", pageSize: null, newestFirst: false, shown: (me) => (me ? [me.profile] : []) },
      NOTICES,
    ],
    items: ["profile", "notice"],
    key: keyOf,
  },
  client: {
    idVariable: "clientId",
    needsLease: true,
    subscription: documents.ON_CLIENT,
    subscriptionField: "onClient",
    changes: documents.CLIENT_CHANGES,
    head: documents.CLIENT_HEAD,
    changesField: "clientChanges",
    snapshot: [NOTICES],
    items: ["notice"],
    key: keyOf,
    order: ({ sentAt }) => sentAt,
  },
  product: {
    idVariable: "id",
    subscription: documents.ON_PRODUCT,
    subscriptionField: "onProduct",
    changes: documents.PRODUCT_CHANGES,
    head: documents.PRODUCT_HEAD,
    changesField: "productChanges",
    snapshot: [{ document: documents.PRODUCT_BY_ID, field: "product", pageSize: null, newestFirst: false, shown: one }],
    items: ["product"],
    key: keyOf,
  },
  category: {
    idVariable: "category",
    subscription: documents.ON_CATEGORY,
    subscriptionField: "onCategory",
    changes: documents.CATEGORY_CHANGES,
    head: documents.CATEGORY_HEAD,
    changesField: "categoryChanges",
    snapshot: [{ document: documents.CATEGORY_PRODUCTS, field: "products", pageSize: 100, newestFirst: true, shown: items }],
    items: ["product"],
    key: keyOf,
    order: ({ createdAt }) => createdAt,
    indexed: true,
  },
  cart: {
    idVariable: "clientId",
    own: true,
    subscription: documents.ON_CART,
    subscriptionField: "onCart",
    changes: documents.CART_CHANGES,
    head: documents.CART_HEAD,
    changesField: "cartChanges",
    snapshot: [{ document: documents.GET_CART, field: "cart", pageSize: null, newestFirst: false, shown: one }],
    items: ["cart"],
    key: keyOf,
  },
  order: {
    idVariable: null,
    own: true,
    subscription: documents.ON_ORDER,
    subscriptionField: "onOrder",
    changes: documents.ORDER_CHANGES,
    head: documents.ORDER_HEAD,
    changesField: "orderChanges",
    snapshot: [{ document: documents.ORDERS, field: "orders", pageSize: 100, newestFirst: true, shown: items }],
    items: ["order"],
    key: keyOf,
    order: ({ placedAt }) => placedAt,
  },
};

/** One topic: its name, its kind, and the variables that name it to the API and those that subscribe to it. */
export class Topic<T> {
  constructor(
    readonly name: string,
    readonly kind: TopicKind<T>,
    readonly variables: Readonly<Record<string, string>>,
    readonly subscribing: Readonly<Record<string, string>>,
  ) {}

  /** What the subscription delivers. Throws UnexpectedAnswer. */
  envelope(wire: Answer): Envelope<T> {
    return { firstSeq: wire.firstSeq, lastSeq: this.#number(wire.lastSeq), items: this.#changes(wire, "push") };
  }

  /** What a read of the log answers. Throws UnexpectedAnswer. */
  page(wire: Answer): Page<T> {
    const headSeq = this.#number(wire?.headSeq);
    return { items: this.#changes(wire, "catch-up"), lastSeq: wire.lastSeq, headSeq, resyncRequired: wire.resyncRequired };
  }

  #changes(wire: Answer, source: Change["source"]): Change<T>[] {
    if (!Array.isArray(wire.items)) throw this.#unexpected(wire);
    return wire.items.map((item: WireChange) => changeFromWire<T>(wire.topic, this.kind.items, item, source));
  }

  #number(value: unknown): number {
    if (!Number.isInteger(value)) throw this.#unexpected(value);
    return value as number;
  }

  #unexpected(what: unknown): UnexpectedAnswer {
    return new UnexpectedAnswer(`what came for ${this.name} is not as the schema says: ${JSON.stringify(what)?.slice(0, 200)}`);
  }
}

/**
 * The topic of a name: `room:lobby`, or `user` or `cart` for the caller's own.
 *
 * @param lease what `registerClient` answered, for `client:<id>`.
 * @throws UnknownTopic: there is no such kind, the name has an id that it must not have, or none, or it needs a lease.
 */
export function topicOf<Name extends string>(name: Name, lease?: string): Topic<ItemOf<Name>> {
  const colon = name.indexOf(":");
  const prefix = colon < 0 ? name : name.slice(0, colon);
  const id = colon < 0 ? "" : name.slice(colon + 1);
  if (!Object.hasOwn(KINDS, prefix)) {
    throw new UnknownTopic(`${name}: the kinds of topics are ${Object.keys(KINDS).join(", ")}`);
  }
  const kind = KINDS[prefix as keyof Items] as unknown as TopicKind<ItemOf<Name>>;
  const { idVariable, own = false, needsLease = false } = kind;
  if (needsLease !== (lease !== undefined)) throw new UnknownTopic(`${name} ${needsLease ? "needs" : "takes no"} lease`);
  const owned = colon < 0 && own;
  if (!owned && idVariable === null) throw new UnknownTopic(`${name}: the token says whose it is, write ${prefix}`);
  if (!owned && !id) throw new UnknownTopic(`${name}: write ${prefix}:<id>`);
  const variables: Record<string, string> = owned ? {} : { [idVariable!]: id };
  return new Topic(name, kind, variables, lease === undefined ? variables : { ...variables, lease });
}
