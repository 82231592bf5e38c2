/**
 * What a feed needs of whatever carries subscriptions: ours (realtime.ts), Amplify's or Apollo's (adapters).
 *
 * A transport keeps a subscription going for as long as its owner wants it: it makes connections anew by itself, and
 * tells what it can vouch for. A feed never trusts it with a change: numbers and the log do that.
 */
import type { HeadwaterError } from "./errors.js";

export interface Operation {
  readonly query: string;
  readonly variables: Readonly<Record<string, unknown>>;
}

/**
 * What a transport can say of one subscription:
 *
 * - `connecting`: not acknowledged, an attempt is under way
 * - `up`: acknowledged, and the server was heard within the liveness window
 * - `stale`: acknowledged, and not heard within the window
 * - `offline`: the connection is known to be lost; waiting to retry
 * - `polling`: subscriptions are blocked here while requests are answered: read the log from time to time
 */
export type Status = "connecting" | "up" | "stale" | "offline" | "polling";

/** The `payload` of a `data` frame. */
export interface Payload {
  readonly data?: Readonly<Record<string, unknown>> | null;
  readonly errors?: readonly unknown[];
}

/** Who receives a subscription. */
export interface Listener {
  status(status: Status): void;
  /**
   * From now on pushes arrive, by a new connection or one that is heard again: look at the log.
   *
   * @param gap whether pushes may have been missed just before, because no other connection bore the subscription.
   * @returns when the log was read: the connection before may be let go then.
   */
  acknowledged(gap: boolean): Promise<void>;
  next(payload: Payload): void;
  /** The server refuses it, and no retry can mend that. Nothing follows. */
  failed(error: HeadwaterError): void;
}

export interface Subscription {
  close(): void;
}

export interface Transport {
  subscribe(operation: Operation, listener: Listener): Subscription;
  /** Notice that this process slept, before anybody reads what was last said. */
  check?(): void;
  close(): void;
}
