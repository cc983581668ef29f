/**
 * Counts the runs of a rule in the last hour, and their instances: one item for each rule, with a sliding window, so that no
 * boundary admits twice the limit. A run counts once, however often it is added.
 */
import type { RunId } from './run-request.ts';

export const HOUR_MS = 60 * 60_000;

export interface HourlyLimits {
  runs: number;
  /** Absent: only runs are limited. */
  instances?: number | undefined;
}

export type Counted =
  | { isWithin: true }
  /** Refused. `until`: when there will be room; absent if the run alone exceeds the limit. */
  | { isWithin: false; by: 'runs' | 'instances'; until?: Date };

export interface HourlyCounts {
  /** Counts the run unless it exceeds the limit. One conditional write if there is room. */
  countRun(
    run: { rule: string; runId: RunId; instances: number },
    limits: HourlyLimits,
    now: Date,
  ): Promise<Counted>;
  /** Gives back what a run took that was not sent after all. */
  uncountRun(rule: string, runId: RunId): Promise<void>;
}

/** One run in the window. */
export interface Begun {
  /** Milliseconds of the epoch. */
  at: number;
  instances: number;
}

/** Why one more does not fit among those of the last hour; undefined when it does. */
export function whyNoRoom(
  begun: readonly Begun[],
  instances: number,
  limits: HourlyLimits,
): Extract<Counted, { isWithin: false }> | undefined {
  const oldestFirst = begun.toSorted((a, b) => a.at - b.at);
  const surplus = begun.length + 1 - limits.runs;
  const leaves = surplus > 0 ? oldestFirst[surplus - 1] : undefined;
  if (leaves !== undefined) {
    return { isWithin: false, by: 'runs', until: new Date(leaves.at + HOUR_MS) };
  }
  if (limits.instances === undefined) return undefined;
  if (instances > limits.instances) return { isWithin: false, by: 'instances' };
  let sum = instances + begun.reduce((total, it) => total + it.instances, 0);
  let until: Date | undefined;
  for (const { at, instances: freed } of oldestFirst) {
    if (sum <= limits.instances) break;
    sum -= freed;
    until = new Date(at + HOUR_MS);
  }
  return until === undefined ? undefined : { isWithin: false, by: 'instances', until };
}
