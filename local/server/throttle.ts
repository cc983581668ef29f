/** The vendor's frequency limit: so many requests a second, for each action of an account. */

export interface RateLimit {
  /** Counts a request. @returns false when it is over the limit; a refused one is not counted */
  admit(account: string, action: string): boolean;
}

const WINDOW_MS = 1000;

/** @param perSecond in any second, not only in a second of the clock */
export function createRateLimit(perSecond: number, monotonicMs: () => number): RateLimit {
  const admitted = new Map<string, number[]>();
  return {
    admit(account, action) {
      const key = `${account}/${action}`;
      const now = monotonicMs();
      const recent = (admitted.get(key) ?? []).filter((at) => now - at < WINDOW_MS);
      admitted.set(key, recent);
      if (recent.length >= perSecond) return false;
      recent.push(now);
      return true;
    },
  };
}
