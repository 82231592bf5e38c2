/** What an outbox keeps, where, and what those who share a store tell each other. All of it is plain data. */

import { failure, GraphQLFailure, HeadwaterError, OutboxExpired, OutboxFull } from "./errors.js";

/** What a mutation is expected to do to an item of a topic: `item` under `key`, or nothing under it. Plain data. */
export interface Optimistic {
  readonly topic: string;
  /** The item's key; for a new item that the server will name, any that is not in use. */
  readonly key: string;
  readonly item: unknown;
  /**
   * Where the item's key is in the value of the mutation's field; `["id"]` when omitted. An answer without it ends what
   * is shown at once, and the item is shown again when its change comes.
   */
  readonly answerKey?: readonly (string | number)[];
}

/** A mutation as it is queued: plain data, since it may outlive the program that made it. */
export interface Mutation {
  /** Its `clientMutationId`. */
  readonly id: string;
  readonly document: string;
  /** With the `clientMutationId` where the API wants it. */
  readonly variables: Readonly<Record<string, unknown>>;
  /** What it must keep its order with: mutations of the same value are sent one after the other. Null for none. */
  readonly ordering: string | null;
  readonly optimistic: readonly Optimistic[];
}

/** A queued mutation. Times are in milliseconds since 1970. */
export interface Entry extends Mutation {
  /** Its place in the queue. */
  readonly number: number;
  readonly queuedAt: number;
  /** When it was sent for the first time; null before that. */
  readonly sentAt: number | null;
  /** What ended it, when nobody has been told yet. */
  readonly failure: FlatError | null;
}

/** How an entry ended: with the answer's data (none when nobody knows it any more), or with an error. */
export interface Ended {
  readonly id: string;
  readonly data?: unknown;
  readonly error?: FlatError;
}

/** What those who share a store tell each other. `sending`: someone else sends from now on. */
export type News = { readonly added: Entry } | { readonly ended: Ended } | { readonly sending: true };

/** Where entries are kept. What a promise has confirmed survives the end of the program. */
export interface OutboxStore {
  /** All entries, in order of their numbers. */
  entries(): Promise<Entry[]>;
  /**
   * Keeps a mutation, and answers it with its number. One that is there already stays as it is, and is answered.
   *
   * @throws OutboxFull when there are `limit` entries.
   */
  add(entry: Omit<Entry, "number">, limit: number): Promise<Entry>;
  /** Keeps an entry as it is now, in place of the one of its number. */
  put(entry: Entry): Promise<void>;
  remove(entry: Entry): Promise<void>;
  /**
   * Runs `work` when its turn has come to send, alone of all who share the store. `over` is aborted when the turn is
   * over, as it is when `closing` is aborted; `work` then returns at once. Returns after `work`, or without it when
   * `closing` is aborted before its turn.
   */
  alone(work: (over: AbortSignal) => Promise<void>, closing: AbortSignal): Promise<void>;
  /** Tells the others who share the store. */
  tell(news: News): void;
  /** Has a listener called with what others tell; returns what ends that. */
  listen(listener: (news: News) => void): () => void;
  close(): void | Promise<void>;
}

/** What became of a queued mutation: the answer's `data`, undefined when nobody knows it any more; or what ended it. */
export type Outcome = { readonly data: unknown } | { readonly error: HeadwaterError };

/** An error as others who share the store get it. */
export interface FlatError {
  readonly name: string;
  readonly message: string;
  readonly errors?: GraphQLFailure["errors"];
  readonly data?: unknown;
  readonly id?: string;
}

export function flat(error: HeadwaterError): FlatError {
  const { name, message } = error;
  if (error instanceof OutboxExpired) return { name, message, id: error.id };
  return error instanceof GraphQLFailure
    ? { name, message, errors: error.errors, data: error.data }
    : { name, message };
}

export function unflat({ name, message, errors, data, id }: FlatError): HeadwaterError {
  if (errors) return failure(errors, data);
  if (name === "OutboxExpired") return new OutboxExpired(id ?? "");
  return Object.assign(new HeadwaterError(message), { name });
}

export function full(limit: number): OutboxFull {
  return new OutboxFull(`${limit} mutations are queued, as many as may be; nothing was queued`);
}
