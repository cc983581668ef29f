/** Takes one invocation of a run to the provider: resolves an earlier attempt, or calls the provider. */
import type { Run } from '../model/run.ts';
import { isCalledOff } from '../model/run-waves.ts';
import { type Provider, providerOf } from '../providers/provider.ts';
import { ask, isMarked, PLANNED, type StoreSent, sent, type Task } from './call.ts';
import { dropCancelled, isCancelledInPart } from './cancel-part.ts';
import type { DispatchContext, Step } from './dispatch-context.ts';
import { askAlone, mark } from './in-line.ts';
import { editInvocation, withInvocation } from './invocation.ts';
import { type Lock, unlockRescued } from './lock-instances.ts';
import { reconcile } from './reconcile.ts';
import { endRun } from './settle.ts';
import { twinKey } from './twin.ts';
import { notAdmitted, waitFor } from './waiting.ts';

/** What the invocations of a run that one process sends share. */
export interface Attempt {
  storeSent: StoreSent;
  lock: Lock;
}

/** The run with an invocation marked as attempted, and by what looks where its provider tells it only by them. */
export function attempting(run: Run, index: number, provider: Provider, now: Date): Run {
  const invocation = run.invocations[index];
  if (invocation === undefined) return run;
  const twin = twinKey(run, invocation, provider);
  return withInvocation(run, index, { state: 'attempting', attemptedAt: now.toISOString(), twin });
}

/** Sends an invocation that was marked in the write that stored its run, so no earlier attempt can exist. */
export async function sendFresh(
  run: Run,
  index: number,
  context: DispatchContext,
  attempt: Attempt,
): Promise<Step> {
  const invocation = run.invocations[index];
  const { target } = run;
  if (invocation === undefined || target === undefined) return { kind: 'next', run };
  const provider = providerOf(context.providers, target.provider);
  const { storeSent } = attempt;
  const locked = await attempt.lock(run);
  if (locked.kind !== 'admitted') return await notAdmitted(run, locked, context, { index, edit: PLANNED });
  const task: Task = { run, target, index, invocation, isFresh: true, provider, context, storeSent };
  return invocation.twin === undefined ? await ask(task) : await askAlone(invocation.twin, task);
}

/** Safe to call again at any point. The invocation is `planned` or `attempting`, and afterwards neither, or it waits. */
export async function send(
  run: Run,
  index: number,
  context: DispatchContext,
  { storeSent, lock }: Attempt,
): Promise<Step> {
  const { store, now, log, providers } = context;
  const invocation = run.invocations[index];
  const { target } = run;
  if (invocation === undefined || target === undefined) return { kind: 'next', run };
  const provider = providerOf(providers, target.provider);
  if (invocation.state === 'planned' && isCancelledInPart(run, invocation)) {
    return { kind: 'next', run: await dropCancelled(run, store) };
  }
  if (invocation.state === 'attempting') {
    const found = await reconcile(run, invocation, context);
    switch (found.kind) {
      case 'adopted':
        log.warn('run.adopted', { runId: run.runId, invocationId: found.invocationId });
        return await sent(run, index, { invocationId: found.invocationId }, context);
      case 'tooEarly':
        return await waitFor(run, found, context);
      case 'ambiguous':
        return { kind: 'done', run: await endRun(run, 'unknown', found.reason, context) };
      case 'none':
        await unlockRescued(run, invocation.instances, context);
        break;
    }
  }
  // From here on it certainly had no effect so far.
  if (isCalledOff(run)) {
    return { kind: 'next', run: await editInvocation(run, index, store, { state: 'dropped' }) };
  }
  // A process marked it and died: whether the guards were asked, nobody knows, so they are asked before it is sent.
  const isUnasked = run.admittedAt === undefined && invocation.state === 'attempting';
  if (isUnasked || isCancelledInPart(run, invocation)) {
    return { kind: 'next', run: await editInvocation(run, index, store, PLANNED) };
  }
  const locked = await lock(run);
  if (locked.kind !== 'admitted') return await notAdmitted(run, locked, context, { index, edit: PLANNED });
  const task: Task = { run, target, index, invocation, isFresh: false, provider, context, storeSent };
  const key = twinKey(run, invocation, provider);
  if (key !== undefined) return await askAlone(key, task);
  const marked = await mark(task, { attemptedAt: now().toISOString() });
  return isMarked(marked, task) ? await ask({ ...task, run: marked }) : { kind: 'next', run: marked };
}
