/** The timers of one local server: none fires after it was closed. */
import type { Clock } from '../../lib/providers/clock.ts';

/** setTimeout takes no more. */
export const LONGEST_TIMER_MS = 2 ** 31 - 1;

export interface Timers {
  /** @returns what takes it back */
  later(delayMs: number, work: () => void): () => void;
  readonly isClosed: boolean;
  close(): void;
}

export function createTimers(clock: Clock): Timers {
  const cancels = new Set<() => void>();
  let isClosed = false;
  return {
    later(delayMs, work) {
      const cancel = clock.schedule(Math.min(LONGEST_TIMER_MS, Math.max(0, delayMs)), () => {
        cancels.delete(cancel);
        if (!isClosed) work();
      });
      cancels.add(cancel);
      return () => {
        cancel();
        cancels.delete(cancel);
      };
    },
    get isClosed() {
      return isClosed;
    },
    close() {
      isClosed = true;
      for (const cancel of cancels) cancel();
    },
  };
}
