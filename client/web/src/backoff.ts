/**
 * How long to wait before the next attempt: full jitter, as a pure function.
 *
 * Source: https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/. Spreading over the whole interval
 * keeps a thousand clients that lost the same server from returning in the same second.
 */

export const FIRST_MS = 200;
export const MOST_MS = 20_000;

/** Milliseconds to wait before attempt number `attempt` (0 is the first repetition); `random` is uniform in [0, 1). */
export function fullJitter(attempt: number, random: () => number = Math.random): number {
  return random() * Math.min(MOST_MS, FIRST_MS * 2 ** Math.min(attempt, 30));
}
