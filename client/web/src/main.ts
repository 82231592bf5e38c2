/** What `headwater` exports on every platform; `connect` comes from the platform's own entry. */
export { fullJitter } from "./backoff.js";
export type { Change, Resync } from "./changes.js";
export { Client, type ConnectOptions } from "./client.js";
export { apiKey, authorizer, type Authorization, type Credentials, jwt, type ToAuthorize, type Token } from "./credentials.js";
export { type CursorStore, localStorageCursors, memoryCursors } from "./cursors.js";
export * from "./errors.js";
export { Feed, type FeedOptions } from "./feed.js";
export type { TypedDocument } from "./generated/documents.js";
export type { Cart, Message, Notice, Presence, Product, Profile, ShopOrder } from "./generated/types.js";
export type { SendOptions } from "./messages.js";
export type { MutateOptions, Mutating } from "./mutations.js";
export type { OpenOutbox, Optimistic, Outbox, OutboxOptions } from "./outbox.js";
export type { Entry } from "./outbox-store.js";
export type { State } from "./states.js";
export type { ItemOf } from "./topics.js";
export type { Listener, Operation, Payload, Status, Subscription, Transport } from "./transport.js";
