/**
 * Keeps our side of a vendor's rate limit (TAT: 20 requests a second for each API) and shares it fairly: callers
 * take turns, and each caller's own requests keep their order. One limiter stands for one API of one account.
 *
 * A sliding log rather than a bucket: a bucket of 20 that refills at 20 a second lets almost 40 through within one
 * second. Here no second ever sees more than the limit, wherever its window starts.
 */
import { type Clock, systemClock } from './clock.ts';

export interface RateLimiterOptions {
  /** Requests that any one window may see; `Infinity` for no limit. */
  limit: number;
  /** The window in milliseconds. Default 1000. */
  windowMs?: number;
  clock?: Clock;
}

export interface RateLimiter {
  /**
   * Waits for a place. `true`: go now. `false`: no place came within `maxWaitMs`, and none was used; at once where
   * `holdFor` lasts as long.
   * @param caller whose turn it is; callers are served round-robin, one caller's requests first come first served
   * @param maxWaitMs default: as long as it takes
   */
  take(caller: string, maxWaitMs?: number): Promise<boolean>;
  /** Blocks all calls for this long, because the vendor reported that the account is over its limit. */
  holdFor(ms: number): void;
  /** How many milliseconds of `holdFor` are left. */
  readonly heldMs: number;
  /** How many wait now. */
  readonly waiting: number;
}

interface Waiter {
  settle: (mayGo: boolean) => void;
  stopTimer: (() => void) | undefined;
}

const GO = Promise.resolve(true);
const NO = Promise.resolve(false);

export function createRateLimiter(options: RateLimiterOptions): RateLimiter {
  const { limit, windowMs = 1000, clock = systemClock } = options;
  if (!(limit >= 1)) throw new RangeError(`limit: expected at least 1, got ${limit}`);
  if (!(windowMs > 0)) throw new RangeError(`windowMs: expected more than 0, got ${windowMs}`);

  // The times of the last `limit` departures, a ring: `admitted[next]` is the oldest. Without a limit none is kept.
  const isLimited = limit !== Infinity;
  const admitted: number[] = new Array(isLimited ? limit : 0).fill(-Infinity);
  let next = 0;
  let heldUntil = -Infinity;
  // A Map keeps insertion order: its first key is whose turn it is, and a served caller moves to the end.
  const queues = new Map<string, Waiter[]>();
  let waiting = 0;
  let isArmed = false;

  function nextPlaceAt(): number {
    const oldest = admitted[next] ?? -Infinity;
    return Math.max(oldest + windowMs, heldUntil);
  }

  function admit(now: number): void {
    if (!isLimited) return;
    admitted[next] = now;
    next = (next + 1) % limit;
  }

  function arm(now: number): void {
    if (isArmed || waiting === 0) return;
    isArmed = true;
    // Never early: a timer that fires a fraction before its time would find no place and be set again.
    clock.schedule(Math.max(1, Math.ceil(nextPlaceAt() - now)), () => {
      isArmed = false;
      serve();
    });
  }

  function serve(): void {
    let now = clock.monotonicMs();
    while (waiting > 0 && now >= nextPlaceAt()) {
      const turn = queues.entries().next().value;
      if (turn === undefined) break;
      const [caller, queue] = turn;
      const waiter = queue.shift();
      queues.delete(caller);
      if (queue.length > 0) queues.set(caller, queue);
      if (waiter === undefined) continue;
      waiting -= 1;
      waiter.stopTimer?.();
      admit(now);
      waiter.settle(true);
      now = clock.monotonicMs();
    }
    arm(now);
  }

  function leave(caller: string, waiter: Waiter): void {
    const queue = queues.get(caller);
    const at = queue?.indexOf(waiter) ?? -1;
    if (queue === undefined || at < 0) return;
    queue.splice(at, 1);
    if (queue.length === 0) queues.delete(caller);
    waiting -= 1;
    waiter.settle(false);
  }

  return {
    take(caller, maxWaitMs = Infinity) {
      const now = clock.monotonicMs();
      if (waiting === 0 && now >= nextPlaceAt()) {
        admit(now);
        return GO;
      }
      if (heldUntil - now >= maxWaitMs) return NO;
      return new Promise((settle) => {
        const waiter: Waiter = { settle, stopTimer: undefined };
        const queue = queues.get(caller);
        if (queue === undefined) queues.set(caller, [waiter]);
        else queue.push(waiter);
        waiting += 1;
        if (maxWaitMs !== Infinity) {
          waiter.stopTimer = clock.schedule(Math.max(0, maxWaitMs), () => leave(caller, waiter));
        }
        arm(now);
      });
    },
    holdFor(ms) {
      heldUntil = Math.max(heldUntil, clock.monotonicMs() + ms);
    },
    get heldMs() {
      return Math.max(0, heldUntil - clock.monotonicMs());
    },
    get waiting() {
      return waiting;
    },
  };
}
