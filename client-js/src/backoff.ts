// How long to wait before the next attempt: exponential, with full jitter.

export const BACKOFF_FIRST_MS = 500;
export const BACKOFF_MAX_MS = 30_000;

/**
 * Milliseconds before attempt number `attempt` (0 is the first retry): anywhere between nothing and
 * 0.5 s × 2^attempt, at most 30 s, so that clients that lost one server do not come back in step.
 * `random` gives a number in [0, 1).
 */
export function backoffMs(attempt: number, random: () => number, firstMs = BACKOFF_FIRST_MS): number {
  const ceiling = Math.min(BACKOFF_MAX_MS, firstMs * 2 ** Math.min(Math.max(attempt, 0), 16));
  return Math.floor(random() * ceiling);
}
