/** A clock that stands still until a test moves it: timers run in their order, promises settle between them. */
import type { Clock } from '../../../lib/providers/clock.ts';

export interface ManualClock extends Clock {
  /** Moves the time forward, running what falls due. */
  advance(ms: number): Promise<void>;
}

export function createManualClock(epochStartMs = 1_700_000_000_000): ManualClock {
  let now = 0;
  let order = 0;
  const timers = new Map<number, { dueAt: number; task: () => void }>();
  const settle = async (): Promise<void> => {
    for (let turn = 0; turn < 10; turn += 1) await Promise.resolve();
  };
  const nextDue = (until: number): number | undefined => {
    let first: number | undefined;
    for (const [id, timer] of timers) {
      const best = first === undefined ? undefined : timers.get(first);
      if (timer.dueAt <= until && (best === undefined || timer.dueAt < best.dueAt)) first = id;
    }
    return first;
  };
  return {
    epochMs: () => epochStartMs + now,
    monotonicMs: () => now,
    schedule(delayMs, task) {
      order += 1;
      const id = order;
      timers.set(id, { dueAt: now + delayMs, task });
      return () => timers.delete(id);
    },
    async advance(ms) {
      const until = now + ms;
      await settle();
      for (let id = nextDue(until); id !== undefined; id = nextDue(until)) {
        const timer = timers.get(id);
        timers.delete(id);
        now = Math.max(now, timer?.dueAt ?? now);
        timer?.task();
        await settle();
      }
      now = until;
    },
  };
}
