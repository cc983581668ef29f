/** A run in a list: what the API, the command line and a chat show of it in one line. It is stored beside the run. */
import * as z from 'zod';
import { CompletionEventData } from './completion-event.ts';
import { CancelOrder, instancesOf, isWaiting, knownTarget, Run, RunSchedule, Waiting } from './run.ts';
import { Resumes } from './run-request.ts';
import { cutIntoWaves } from './waves.ts';

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
  after: true,
  next: true,
  startedAt: true,
  endedAt: true,
}).extend({
  /** The reason while it waits. */
  waitingFor: Waiting.optional(),
  instances: z.array(z.string()),
  /** Of a run in waves: which of how many has begun, from 1 on. */
  wave: z.object({ number: z.int(), of: z.int() }).optional(),
  schedule: RunSchedule.omit({ timer: true })
    .extend({ firedBy: z.enum(['provider', 'fleet-reflex']), nextAt: z.string().optional() })
    .optional(),
  cancel: CancelOrder.optional(),
  resumes: Resumes.omit({ earlier: true }).optional(),
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
    wave: waveOf(run),
    schedule: run.schedule && viewOf(run.schedule),
    cancel: run.cancel,
    resumes: run.resumes && { runId: run.resumes.runId, by: run.resumes.by },
    invocationIds: run.invocations.flatMap(({ invocationId }) => invocationId ?? []),
    trigger: run.trigger,
    after: run.after,
    next: run.next,
    requestedAt: run.requestedAt,
    startedAt: run.startedAt,
    endedAt: run.endedAt,
    cancelledInstances: run.cancelledInstances,
    ...(isCancelled && { cancelRequestedAt: run.cancelRequestedAt, cancelledBy: run.cancelledBy }),
  };
}

function waveOf({ waves, target, invocations }: Omit<Run, 'tasks'>): RunSummary['wave'] {
  if (waves === undefined || target === undefined) return undefined;
  const begun = invocations.filter(({ state }) => state !== 'dropped').map(({ wave = 0 }) => wave + 1);
  return { number: Math.max(1, ...begun), of: cutIntoWaves(target.instances, waves.sizes).length };
}

function viewOf({ timer, ...schedule }: RunSchedule): RunSummary['schedule'] {
  return { ...schedule, firedBy: timer === undefined ? 'provider' : 'fleet-reflex', nextAt: timer?.nextAt };
}
