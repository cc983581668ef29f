/** A clock that is moved on as soon as nothing is left to do at its time: hours of waiting take as long as their work. */
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Clock } from '../lib/providers/clock.ts';

export interface SimulatedClock extends Clock {
  sleep(ms: number): Promise<void>;
  /** Moves on until this is done. What it waits for must wait on this clock, and on nothing outside of this process. */
  until<Result>(work: Promise<Result>): Promise<Result>;
}

export function simulatedClock(startMs: number): SimulatedClock {
  let nowMs = startMs;
  const timers = new Map<number, Set<() => void>>();

  const schedule = (delayMs: number, task: () => void): (() => void) => {
    const atMs = nowMs + Math.max(0, delayMs);
    const due = timers.get(atMs) ?? new Set();
    due.add(task);
    timers.set(atMs, due);
    return () => due.delete(task);
  };

  return {
    epochMs: () => nowMs,
    monotonicMs: () => nowMs,
    schedule,
    sleep: (ms) =>
      new Promise((resolve) => {
        schedule(ms, resolve);
      }),
    async until(work) {
      let isDone = false;
      const outcome = work.finally(() => {
        isDone = true;
      });
      // Heard of at the end.
      outcome.catch(() => undefined);
      for (;;) {
        await nextTurn();
        if (isDone) return await outcome;
        const atMs = [...timers.keys()].reduce((a, b) => Math.min(a, b), Infinity);
        if (atMs === Infinity)
          throw new Error('nothing is waited for on the clock, and the work is not done');
        nowMs = atMs;
        const due = timers.get(atMs) ?? new Set();
        timers.delete(atMs);
        for (const task of due) task();
      }
    },
  };
}
