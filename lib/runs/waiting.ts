/** A run that cannot be sent now: it goes back to the queue, until its deadline. */
import type { Reason } from '../completions/completion-event.ts';
import { releaseClaims } from '../guards/guards.ts';
import { type DispatchContext, retryLater, type Step } from './dispatch-context.ts';
import { refuse } from './refusal.ts';
import { isTerminalRun, type Run } from './run.ts';
import { change, endRun } from './settle.ts';

/** Gives the run back to the queue, or ends it when its deadline has passed. */
export async function waitFor(
  run: Run,
  retryAfterMs: number,
  { code, message, advice }: Reason,
  context: DispatchContext,
): Promise<Step> {
  const { store, guards, now } = context;
  const reason: Reason = { code, message, ...(advice !== undefined && { advice }) };
  if (now().toISOString() >= run.deadline && !run.invocations.some(({ state }) => state === 'attempting')) {
    if (run.invocations.some(({ state }) => state === 'sent')) return await giveUpRest(run, reason, context);
    await releaseClaims(run, guards);
    const expired = {
      ...reason,
      message: `It could not be sent before its deadline ${run.deadline}: ${message}`,
    };
    return { kind: 'done', run: await endRun(run, 'expired', expired, context) };
  }
  const freeAt = new Date(now().getTime() + retryAfterMs);
  const waiting = await change(store, run, (current) => {
    if (isTerminalRun(current)) return undefined;
    // The lease ends with the wait; the poller rescues the run if the message is lost.
    const rescueAt = new Date(freeAt.getTime() + context.leaseMs).toISOString();
    return { ...current, leaseUntil: freeAt.toISOString(), pollAt: rescueAt, waitingFor: reason };
  });
  return retryLater(waiting, retryAfterMs, `${code}: ${message}`);
}

/** The deadline passed with some invocations out: those go on, the others end as never started. */
async function giveUpRest(run: Run, reason: Reason, { store }: DispatchContext): Promise<Step> {
  let current = run;
  for (const [index, { state }] of run.invocations.entries()) {
    if (state !== 'planned') continue;
    current = await refuse(current, index, reason, store);
  }
  return { kind: 'next', run: current };
}
