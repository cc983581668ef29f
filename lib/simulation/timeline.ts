/** A clock of our own, with what is to happen at its times: a day of runs goes by as quickly as it can be worked off. */

export interface Timeline {
  now(): Date;
  /** @param at a time that has passed already: at the next move of the clock */
  plan(at: Date, happening: () => Promise<void>): void;
  /** Moves the clock there; what is planned until then happens at its time, in order. It never goes back. */
  advance(to: Date): Promise<void>;
}

interface Planned {
  at: number;
  happening: () => Promise<void>;
}

export function timeline(start: Date): Timeline {
  let nowMs = start.getTime();
  /** Latest first, so that the next one is taken off the end. */
  const planned: Planned[] = [];
  return {
    now: () => new Date(nowMs),
    plan(at, happening) {
      const entry = { at: at.getTime(), happening };
      planned.splice(placeOf(planned, entry.at), 0, entry);
    },
    async advance(to) {
      for (let next = planned.at(-1); next !== undefined && next.at <= to.getTime(); next = planned.at(-1)) {
        planned.pop();
        nowMs = Math.max(nowMs, next.at);
        await next.happening();
      }
      nowMs = Math.max(nowMs, to.getTime());
    },
  };
}

/** Before everything of that time or earlier: of one time, what was planned first happens first. */
function placeOf(planned: readonly Planned[], at: number): number {
  let low = 0;
  let high = planned.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((planned[middle]?.at ?? 0) > at) low = middle + 1;
    else high = middle;
  }
  return low;
}
