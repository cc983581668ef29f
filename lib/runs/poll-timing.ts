/** How long a run is polled before it is given up. watch.ts decides when it is polled. */
import type { Run } from '../model/run.ts';
import { lastSentAt } from '../model/run-waves.ts';

export interface PollTiming {
  /** How long after the time-out the run is given up. */
  graceMs: number;
  /** The time-out of a run that does not state one: the providers' largest. */
  longestTimeoutSeconds: number;
}

/** Who ends a run tells it at once. What is not out after this the poller tells: that process has died. */
export const TELLING_MS = 3_000;

export const POLL_TIMING: PollTiming = { graceMs: 10 * 60_000, longestTimeoutSeconds: 86_400 };

/** The time from which no further report is expected. */
export function giveUpAt(run: Run, timing: PollTiming): Date {
  const startedMs = Date.parse(lastSentAt(run) ?? run.requestedAt);
  const timeoutSeconds = run.target?.timeoutSeconds ?? timing.longestTimeoutSeconds;
  return new Date(startedMs + timeoutSeconds * 1000 + timing.graceMs);
}
