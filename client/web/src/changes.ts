/** What travels: a topic's changes, as they are handed out and as the wire carries them. */
import { UnexpectedAnswer } from "./errors.js";

/** What a topic hands out: a change of one item. */
export interface Change<T = unknown> {
  readonly topic: string;
  /** Its number in the topic: gap-free, and the cursor to resume from. */
  readonly seq: number;
  readonly kind: "INSERT" | "MODIFY" | "REMOVE";
  /** The key of the item; in a REMOVE, of what went. */
  readonly key: string;
  /** The item after the change; null in a REMOVE, and when `truncated`. */
  readonly item: T | null;
  readonly eventId: string;
  /** When it was numbered (ISO 8601). Never goes back along a topic. */
  readonly at: string;
  readonly traceId: string | null;
  /** Whether it was pushed over the socket or read from the change log. */
  readonly source: "push" | "catch-up";
  /**
   * The rare change whose item was too large for a push and is gone by now, so that the log has not got it either: a
   * later change of the same `key` tells what became of it. What is only too large for a push comes whole.
   */
  readonly truncated: boolean;
}

/**
 * Changes were lost for good: the log no longer reached back to the cursor. `items` is the state read anew instead, and
 * the changes after number `position` follow.
 */
export interface Resync<T = unknown> {
  readonly topic: string;
  readonly kind: "RESYNC";
  readonly items: ReadonlyMap<string, T>;
  readonly position: number;
}

/** One push: the changes of a topic that were published together, numbers `firstSeq` to `lastSeq`. */
export interface Envelope<T> {
  readonly firstSeq: number;
  readonly lastSeq: number;
  readonly items: readonly Change<T>[];
}

/**
 * A page of the change log. `headSeq` is the topic's newest number. With `resyncRequired` the log no longer reaches back
 * to the cursor, and `items` says nothing about what lies between.
 */
export interface Page<T> {
  readonly items: readonly Change<T>[];
  readonly lastSeq: number;
  readonly headSeq: number;
  readonly resyncRequired: boolean;
}

/** A change as the schema has it, its item under the name of its type. */
export type WireChange = { readonly [member: string]: unknown };

/**
 * A change of the schema: its item is in one of the members `itemNames` (`message`; `profile` or `notice`).
 *
 * @throws UnexpectedAnswer: it is not as the schema says.
 */
export function changeFromWire<T>(
  topic: string,
  itemNames: readonly string[],
  wire: WireChange,
  source: Change["source"],
): Change<T> {
  const { seq, kind, key, eventId, at, traceId = null, truncated } = wire;
  if (!Number.isInteger(seq) || typeof key !== "string") {
    throw new UnexpectedAnswer(`a change of ${topic} is not as the schema says: ${JSON.stringify(wire).slice(0, 200)}`);
  }
  const item = itemNames.map((name) => wire[name]).find((found) => found !== null && found !== undefined) ?? null;
  return { topic, seq, kind, key, item, eventId, at, traceId, source, truncated: truncated === true } as Change<T>;
}
