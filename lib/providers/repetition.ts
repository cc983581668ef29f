/**
 * Tries a call again where its own outcome says that this is safe and useful, within one deadline. The longer
 * patience (minutes, hours) is the queue's; this bridges a throttled second or a dropped read.
 */
import { type BackoffOptions, backoffMs } from './backoff.ts';
import { type Clock, pause, systemClock } from './clock.ts';

export interface RepetitionOptions extends BackoffOptions {
  /** Attempts in all, the first one included. */
  attempts: number;
  /** The budget for all attempts and waits together, in milliseconds; each attempt gets the remaining time. */
  deadlineMs: number;
  /** An attempt with less time than this is not begun. Default 100. */
  leastMs?: number;
  clock?: Clock;
}

/**
 * @param attempt makes one attempt within `leftMs`
 * @param mayRepeat whether this outcome is safe to try again, and not before how many milliseconds the vendor asks
 * @returns the outcome of the last attempt made
 */
export async function withRepetitions<T>(
  attempt: (leftMs: number, number: number) => Promise<T>,
  mayRepeat: (outcome: T) => false | { afterMs: number },
  options: RepetitionOptions,
): Promise<T> {
  const { attempts, deadlineMs, leastMs = 100, clock = systemClock } = options;
  const endsAt = clock.monotonicMs() + deadlineMs;
  for (let number = 0; ; number += 1) {
    const outcome = await attempt(endsAt - clock.monotonicMs(), number);
    if (number + 1 >= attempts) return outcome;
    const again = mayRepeat(outcome);
    if (again === false) return outcome;
    const waitMs = again.afterMs + backoffMs(number, options);
    if (clock.monotonicMs() + waitMs + leastMs > endsAt) return outcome;
    await pause(clock, waitMs);
  }
}
