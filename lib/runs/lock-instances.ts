/** The locks of a run's instances, around its calls: taken before the first of an attempt, given back while it waits. */
import { ADMITTED, type Admission } from '../guards/guard.ts';
import { lockInstances, unlockInstances } from '../guards/lock.ts';
import { isTerminalStatus, type Run } from '../model/run.ts';
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
      async hasEnded(runId) {
        const holder = await store.glimpse(runId);
        return holder === undefined || (holder !== 'unreadable' && isTerminalStatus(holder.status));
      },
    });
    isLocked = admission.kind === 'admitted';
    return admission;
  };
}

/** A run that waits holds no instance, unless something of it may be at work there. */
export async function unlockWaiting(step: Step, { guards }: DispatchContext): Promise<Step> {
  if (step.kind !== 'retry') return step;
  const isOut = step.run.invocations.some(({ state }) => state === 'attempting' || state === 'sent');
  if (!isOut) await unlockInstances(step.run, guards);
  return step;
}
