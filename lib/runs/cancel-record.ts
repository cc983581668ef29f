/**
 * A cancel as it is stored: under its own run id, so that it is done once, is listed beside the runs, and says what it
 * stopped. It publishes nothing: the runs that it stops tell of themselves.
 */
import type { Run } from '../model/run.ts';
import type { RunId, RunRequest } from '../model/run-request.ts';
import { TOMBSTONE_MS } from '../store/tombstones.ts';
import { described } from './new-run.ts';

/** What is done before anything is stopped: should this process die, the poller goes on after the lease. */
export function cancelRecord(
  request: Extract<RunRequest, { action: 'cancel' }>,
  { now, leaseMs }: { now: () => Date; leaseMs: number },
): Run {
  const { rule, trigger, targetRule, targetRunId, instances, key, requestedAt } = request;
  const by = request.by ?? `${trigger.source} ${trigger.type} (${rule})`;
  // It answers nobody, so that it needs no address.
  const { replyTo: _, ...known } = described(request);
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

/** What became of it. */
export interface CancelEnd {
  /** false: a cloud could not be asked about some. */
  isComplete: boolean;
  stopped: readonly RunId[];
  /** Live runs that it was not for. */
  spared: readonly RunId[];
  /** The run that has not the instances, or no part that could be stopped. */
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
