/**
 * The time as the provider clients see it, handed in so that tests own it. Two readings, because they answer two
 * questions: what to write into a signature (wall clock) and how long something took (monotonic).
 */
export interface Clock {
  /** Milliseconds since the Unix epoch, for signatures; may jump. */
  epochMs(): number;
  /** Milliseconds since some start, fractions included; never goes back. For waits, windows and deadlines. */
  monotonicMs(): number;
  /** Runs `task` once after `delayMs`; the answer takes it back. */
  schedule(delayMs: number, task: () => void): () => void;
}

export const systemClock: Clock = {
  epochMs: () => Date.now(),
  monotonicMs: () => performance.now(),
  schedule: (delayMs, task) => {
    const timer = setTimeout(task, delayMs);
    return () => clearTimeout(timer);
  },
};

/** Waits on the given clock. */
export function pause(clock: Clock, delayMs: number): Promise<void> {
  return new Promise((resolve) => {
    clock.schedule(delayMs, resolve);
  });
}
