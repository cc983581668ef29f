/** A vendor's frequency limit: so many requests in a window of time, for each key (an action of an account, of a region). */

export interface Limit {
  requests: number;
  windowMs: number;
  /** `sliding`: in any such time; `clock`: until the next minute (or second) of the clock begins. */
  window: 'sliding' | 'clock';
}

export interface Throttle {
  /** Counts a request. @returns false when it is over the limit; a refused one is not counted */
  admits(key: string): boolean;
}

/** @param nowMs monotonic for a sliding window, of the epoch for one of the clock */
export function createThrottle({ requests, windowMs, window }: Limit, nowMs: () => number): Throttle {
  const admitted = new Map<string, number[]>();
  const isSameWindow = (at: number, now: number): boolean =>
    window === 'sliding' ? now - at < windowMs : Math.floor(at / windowMs) === Math.floor(now / windowMs);
  return {
    admits(key) {
      const now = nowMs();
      const recent = (admitted.get(key) ?? []).filter((at) => isSameWindow(at, now));
      admitted.set(key, recent);
      if (recent.length >= requests) return false;
      recent.push(now);
      return true;
    },
  };
}
