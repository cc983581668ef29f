/**
 * Processes on a clock that is given. Whatever a process asks of others is a step: the request is under way for a while,
 * has its effect, and the answer is under way. A step's time comes from the seed, so that another seed is another order
 * of the same steps; nothing else waits, so that an hour takes as long as its work.
 */
import { setImmediate as nextTurn } from 'node:timers/promises';

export interface Simulation {
  /** Epoch milliseconds of the world; processes may have their clocks wrong. */
  now(): number;
  /** From 0 to 1, by the seed. */
  random(): number;
  schedule(atMs: number, act: () => void): void;
  sleep(ms: number): Promise<void>;
  /** No step is taken before this is done: what waits on something that is not this clock. */
  hold<Result>(work: () => Promise<Result>): Promise<Result>;
  /** Moves on until it is so, or nothing is left to do, or the time is over. */
  run(isDone: () => boolean, untilMs: number): Promise<void>;
  /** What happened, for the message of a failure. */
  trace(line: string): void;
  readonly lines: readonly string[];
}

interface Entry {
  atMs: number;
  number: number;
  act: () => void;
}

const MAX_LINES = 4_000;

export function simulation(startMs: number, seed: number): Simulation {
  const entries: Entry[] = [];
  const lines: string[] = [];
  const random = randomOf(seed);
  let nowMs = startMs;
  let number = 0;
  let held = 0;

  const schedule = (atMs: number, act: () => void): void => {
    number += 1;
    const entry = { atMs: Math.max(atMs, nowMs), number, act };
    let index = entries.length;
    while (index > 0 && (entries[index - 1]?.atMs ?? 0) > entry.atMs) index -= 1;
    entries.splice(index, 0, entry);
  };
  return {
    now: () => nowMs,
    random,
    schedule,
    sleep: (ms) =>
      new Promise((resolve) => {
        schedule(nowMs + ms, resolve);
      }),
    async hold(work) {
      held += 1;
      try {
        return await work();
      } finally {
        held -= 1;
      }
    },
    async run(isDone, untilMs) {
      for (;;) {
        do await nextTurn();
        while (held > 0);
        if (isDone()) return;
        const next = entries.shift();
        if (next === undefined || next.atMs > untilMs) return;
        nowMs = next.atMs;
        next.act();
      }
    },
    trace(line) {
      if (lines.length < MAX_LINES)
        lines.push(`${((nowMs - startMs) / 1000).toFixed(3).padStart(9)} ${line}`);
    },
    lines,
  };
}

/** mulberry32: short, and the same everywhere. */
function randomOf(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
