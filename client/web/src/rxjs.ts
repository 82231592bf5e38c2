/** Live topics as RxJS observables. Each subscription is a feed of its own; unsubscribing closes it. */

import { Observable, type Subscriber } from "rxjs";

import type { Change, Resync } from "./changes.js";
import type { Client } from "./client.js";
import type { Feed, FeedOptions } from "./feed.js";
import type { State } from "./states.js";
import type { ItemOf } from "./topics.js";

/**
 * The changes of a topic, each exactly once and in order, as `live` iterates over them.
 *
 * It errors with what ended the feed, and completes when the client is closed. With a cursor store, a change counts as
 * handled when `next` has returned.
 */
export function feed$<Name extends string>(
  client: Client,
  topic: Name,
  options?: FeedOptions,
): Observable<Change<ItemOf<Name>> | Resync<ItemOf<Name>>> {
  return following(client, topic, options, async (feed, subscriber) => {
    for await (const change of feed) subscriber.next(change);
  });
}

/** The items of a topic: as they are now, and again whenever they differ. */
export function items$<Name extends string>(
  client: Client,
  topic: Name,
  options?: FeedOptions,
): Observable<ReadonlyMap<string, ItemOf<Name>>> {
  return following(client, topic, options, async (feed, subscriber) => {
    let last: ReadonlyMap<string, ItemOf<Name>> | null = null;
    const tell = (): void => {
      // Before the snapshot there is nothing to tell of, unless a mutation under way is shown.
      if (feed.position === null && feed.items.size === 0) return;
      if (feed.items !== last) subscriber.next((last = feed.items));
    };
    subscriber.add(feed.watch(tell));
    tell();
    await ended(feed);
  });
}

/** The states of a topic's feed, from the one that it begins with to `closed`. */
export function states$(client: Client, topic: string, options?: FeedOptions): Observable<State> {
  return following(client, topic, options, async (feed, subscriber) => {
    for await (const state of feed.states()) subscriber.next(state);
    await ended(feed);
  });
}

function following<Name extends string, T>(
  client: Client,
  topic: Name,
  options: FeedOptions | undefined,
  follow: (feed: Feed<ItemOf<Name>>, subscriber: Subscriber<T>) => Promise<void>,
): Observable<T> {
  return new Observable((subscriber) => {
    const feed = client.live(topic, options);
    subscriber.add(() => void feed.close());
    follow(feed, subscriber).then(
      () => subscriber.complete(),
      (error: unknown) => subscriber.error(error),
    );
  });
}

/** Returns when a feed was closed; throws what else ended it. */
async function ended<T>(feed: Feed<T>): Promise<void> {
  for await (const state of feed.states()) if (state === "closed") break;
  if (feed.error) throw feed.error;
}
