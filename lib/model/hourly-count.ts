/**
 * How many runs of a rule began in the last hour, and on how many instances: one item for each rule, with a window that
 * slides, so that there is no edge at which twice as many fit. A run is in it once, however often it is counted.
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
  /** Not counted. `until`: when it would be; absent where it never is, for it alone is more than an hour's. */
  | { isWithin: false; by: 'runs' | 'instances'; until?: Date };

export interface HourlyCounts {
  /** Counts the run unless that would be too many. One conditional write where there is room. */
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
