/** The locks of a run's instances, around its calls: taken before the first of an attempt, given back while it waits. */
import { ADMITTED, type Admission } from '../guards/guard.ts';
import { lockInstances, unlockInstances } from '../guards/lock.ts';
import { isAtWorkOn } from '../model/at-work.ts';
import { isTerminalStatus, type Run } from '../model/run.ts';
import type { RunId } from '../model/run-request.ts';
import { isUnreadable } from '../store/run-item.ts';
import type { DispatchContext, Step } from './dispatch-context.ts';
import { giveUpAt } from './poll-timing.ts';

/** Takes the locks of the run's instances. */
export type Lock = (run: Run) => Promise<Admission>;

/** Asks for the locks before the first call of an attempt: later ones have them. */
export function lockOnce({ guards, store, now, leaseMs, timing }: DispatchContext): Lock {
  let isLocked = false;
  return async (run) => {
    if (isLocked) return ADMITTED;
    // From now to the call it may take as long as the lease of the run.
    const endMs = giveUpAt({ ...run, startedAt: now().toISOString() }, timing).getTime();
    const admission = await lockInstances(run, {
      store: guards,
      now: now(),
      until: new Date(endMs + leaseMs),
      leftBy: (runId, instances) => leftBy(runId, instances, store),
    });
    isLocked = admission.kind === 'admitted';
    return admission;
  };
}

/** Only asked for what stands in the way. What a newer version wrote is believed to be at work as long as it is live. */
async function leftBy(
  runId: RunId,
  instances: readonly string[],
  store: Pick<DispatchContext['store'], 'glimpse' | 'get'>,
): Promise<readonly string[]> {
  const seen = await store.glimpse(runId);
  if (seen === undefined) return instances;
  if (seen === 'unreadable') return [];
  if (isTerminalStatus(seen.status)) return instances;
  const holder = await store.get(runId).catch((thrown: unknown) => {
    if (isUnreadable(thrown)) return 'unreadable' as const;
    throw thrown;
  });
  if (holder === 'unreadable') return [];
  return instances.filter((instanceId) => holder === undefined || !isAtWorkOn(holder, instanceId));
}

/** What waits holds no instance; what was sent, or may have been, keeps its own. */
export async function unlockWaiting(step: Step, { guards }: DispatchContext): Promise<Step> {
  if (step.kind !== 'retry') return step;
  const planned = step.run.invocations.filter(({ state }) => state === 'planned');
  const instances = planned.flatMap((invocation) => invocation.instances);
  await unlockInstances(step.run, guards, instances);
  return step;
}

/**
 * Of a run whose process died after it had the locks, and before it stored that the guards had let the run pass. Its end
 * would leave them: what no guard has admitted has no locks otherwise.
 */
export async function unlockRescued(
  run: Run,
  instances: readonly string[],
  { guards }: Pick<DispatchContext, 'guards'>,
): Promise<void> {
  if (run.admittedAt === undefined) await unlockInstances(run, guards, instances);
}
