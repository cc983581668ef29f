/**
 * A cancel is stored under its own run id, so that it acts once, is listed beside the runs, and records which runs it
 * stopped. It publishes no events: the stopped runs publish theirs.
 */
import type { Run } from '../model/run.ts';
import type { RunId, RunRequest } from '../model/run-request.ts';
import { TOMBSTONE_MS } from '../store/tombstones.ts';
import { described } from './new-run.ts';

/** The record that is stored before any run is stopped: if this process dies, the poller continues after the lease. */
export function cancelRecord(
  runRequest: Extract<RunRequest, { action: 'cancel' }>,
  { now, leaseMs }: { now: () => Date; leaseMs: number },
): Run {
  const { rule, trigger, targetRule, targetRunId, instances, key, requestedAt } = runRequest;
  const by = runRequest.by ?? `${trigger.source} ${trigger.type} (${rule})`;
  // No reply is sent for it, so it needs no address.
  const { replyTo: _, ...known } = described(runRequest);
  return {
    ...known,
    cancel: { targetRule, key, targetRunId, instances, by },
    guards: {},
    onUnavailable: 'fail',
    deadline: new Date(Date.parse(requestedAt) + TOMBSTONE_MS).toISOString(),
    status: 'dispatching',
    invocations: [],
    pollAt: new Date(now().getTime() + leaseMs).toISOString(),
  };
}

/** The result of a cancel. */
export interface CancelEnd {
  /** false: a cloud did not answer for some of the runs. */
  isComplete: boolean;
  stopped: readonly RunId[];
  /** Live runs that the cancel does not affect. */
  spared: readonly RunId[];
  /** The run that does not have the instances, or no part that could be stopped. */
  refused: readonly RunId[];
}

/** The cancel with its end, which names the runs. */
export function endedCancel(
  record: Run,
  { isComplete, stopped, spared, refused }: CancelEnd,
  now: Date,
): Run {
  const { pollAt: _, cancel, ...rest } = record;
  const message = [
    stopped.length > 0 ? `It stopped ${named(stopped)}.` : 'No run was left that it could stop.',
    ...ifAny(spared, 'It is not for', 'asked for after it, or of another episode of the alert.'),
    ...ifAny(refused, 'It changed nothing of', 'its instances are others, or it recurs and has no part.'),
  ].join(' ');
  return {
    ...rest,
    ...(cancel && { cancel: { ...cancel, stopped: [...stopped] } }),
    status: isComplete && refused.length === 0 ? 'succeeded' : 'failed',
    reason: isComplete
      ? { code: refused.length === 0 ? 'cancel.done' : 'cancel.refused', message }
      : {
          code: 'cancel.unanswered',
          message: `${message} A cloud did not take the request for others.`,
          advice:
            'Look at the runs of the rule that have not ended, and at the cloud whether they still run.',
        },
    endedAt: now.toISOString(),
  };
}

function ifAny(runIds: readonly RunId[], words: string, because: string): string[] {
  return runIds.length === 0 ? [] : [`${words} ${named(runIds)}: ${because}`];
}

const MAX_NAMED = 10;

function named(runIds: readonly RunId[]): string {
  const more = runIds.length - MAX_NAMED;
  return `${runIds.slice(0, MAX_NAMED).join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
}
