/** How long a run is looked at before a person has to. When it is looked at is in watch.ts. */
import type { Run } from '../model/run.ts';

export interface PollTiming {
  /** After the time-out, this long is waited for the last word before the run is given up. */
  graceMs: number;
  /** The time-out of a run that does not state one: the providers' largest. */
  longestTimeoutSeconds: number;
}

export const POLL_TIMING: PollTiming = { graceMs: 10 * 60_000, longestTimeoutSeconds: 86_400 };

/** When there is no hope of another report. */
export function giveUpAt(run: Pick<Run, 'startedAt' | 'target' | 'requestedAt'>, timing: PollTiming): Date {
  const startedMs = Date.parse(run.startedAt ?? run.requestedAt);
  const timeoutSeconds = run.target?.timeoutSeconds ?? timing.longestTimeoutSeconds;
  return new Date(startedMs + timeoutSeconds * 1000 + timing.graceMs);
}
