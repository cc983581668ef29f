/** A run in a list: what the API, the command line and a chat show of it in one line. It is stored beside the run. */
import * as z from 'zod';
import { CompletionEventData, Reason } from './completion-event.ts';
import { CancelOrder, instancesOf, isWaiting, knownTarget, Run, RunSchedule } from './run.ts';

export const RunSummary = CompletionEventData.pick({
  runId: true,
  rule: true,
  provider: true,
  region: true,
  command: true,
  invocationIds: true,
  status: true,
  reason: true,
  trigger: true,
  startedAt: true,
  endedAt: true,
}).extend({
  /** The reason while it waits. */
  waitingFor: Reason.optional(),
  instances: z.array(z.string()),
  schedule: RunSchedule.omit({ timer: true })
    .extend({ firedBy: z.enum(['provider', 'fleet-reflex']), nextAt: z.string().optional() })
    .optional(),
  cancel: CancelOrder.optional(),
  requestedAt: z.string(),
  cancelledInstances: Run.shape.cancelledInstances,
  cancelRequestedAt: z.string().optional(),
  cancelledBy: z.string().optional(),
});
export type RunSummary = z.infer<typeof RunSummary>;

export function summariseRun(run: Omit<Run, 'tasks'>): RunSummary {
  const isCancelled = run.cancelRequestedAt !== undefined;
  return {
    runId: run.runId,
    rule: run.rule,
    status: run.status,
    reason: run.reason,
    waitingFor: isWaiting(run) ? run.waitingFor : undefined,
    ...knownTarget(run),
    instances: [...instancesOf(run)],
    schedule: run.schedule && viewOf(run.schedule),
    cancel: run.cancel,
    invocationIds: run.invocations.flatMap(({ invocationId }) => invocationId ?? []),
    trigger: run.trigger,
    requestedAt: run.requestedAt,
    startedAt: run.startedAt,
    endedAt: run.endedAt,
    cancelledInstances: run.cancelledInstances,
    ...(isCancelled && { cancelRequestedAt: run.cancelRequestedAt, cancelledBy: run.cancelledBy }),
  };
}

function viewOf({ timer, ...schedule }: RunSchedule): RunSummary['schedule'] {
  return { ...schedule, firedBy: timer === undefined ? 'provider' : 'fleet-reflex', nextAt: timer?.nextAt };
}
