/**
 * When the poller looks at a run again: soon after its start, then in proportion to its age, and once right after its
 * time-out. Pure, so that cost and lag can be computed before they are measured.
 */
import type { Run } from '../model/run.ts';

export interface PollTiming {
  /** After the start. */
  firstMs: number;
  /** The next wait is this share of the run's age … */
  ageShare: number;
  /** … but never longer. */
  maxMs: number;
  /** After the time-out, this long is waited for the last word before the run is given up. */
  graceMs: number;
  /** The time-out of a run that does not state one: the providers' largest. */
  longestTimeoutSeconds: number;
}

export const POLL_TIMING: PollTiming = {
  firstMs: 1_000,
  ageShare: 0.25,
  maxMs: 60_000,
  graceMs: 10 * 60_000,
  longestTimeoutSeconds: 86_400,
};

export function nextPollAt(
  run: Pick<Run, 'startedAt' | 'target' | 'failedReadings'>,
  now: Date,
  timing: PollTiming,
): Date {
  const startedMs = Date.parse(run.startedAt ?? now.toISOString());
  const ageMs = Math.max(0, now.getTime() - startedMs);
  // A provider that could not be asked is asked less and less often.
  const patience = 2 ** Math.min(run.failedReadings, 6);
  const waitMs = Math.min(timing.maxMs, Math.max(timing.firstMs, ageMs * timing.ageShare) * patience);
  const timeoutMs =
    startedMs + (run.target?.timeoutSeconds ?? Number.POSITIVE_INFINITY) * 1000 + timing.firstMs;
  const next = now.getTime() + waitMs;
  // Just after the time-out the provider has the result: do not sleep past it.
  return new Date(timeoutMs > now.getTime() && timeoutMs < next ? timeoutMs : next);
}

/** When there is no hope of another report. */
export function giveUpAt(run: Pick<Run, 'startedAt' | 'target' | 'requestedAt'>, timing: PollTiming): Date {
  const startedMs = Date.parse(run.startedAt ?? run.requestedAt);
  return new Date(
    startedMs + (run.target?.timeoutSeconds ?? timing.longestTimeoutSeconds) * 1000 + timing.graceMs,
  );
}
