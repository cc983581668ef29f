/** The vendor's flow control: by API and region; who is over it in one minute is refused until the next begins. */
export interface Throttle {
  /** @returns whether this request is refused */
  isRefused(action: string, regionId: string): boolean;
}

export function createThrottle(requestsPerMinute: number, epochMs: () => number): Throttle {
  let minute = -1;
  let counts = new Map<string, number>();
  return {
    isRefused(action, regionId) {
      const current = Math.floor(epochMs() / 60_000);
      if (current !== minute) {
        minute = current;
        counts = new Map();
      }
      const key = `${regionId}/${action}`;
      const count = (counts.get(key) ?? 0) + 1;
      counts.set(key, count);
      return count > requestsPerMinute;
    },
  };
}
