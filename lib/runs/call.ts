/** The call of a marked attempt: the last look before it, the call itself, and what its answer means for the run. */
import { releaseClaims, standing } from '../guards/guards.ts';
import { isOpen, type Run, type RunInvocation } from '../model/run.ts';
import { isCalledOff } from '../model/run-waves.ts';
import { concealReason } from '../model/secret-parameters.ts';
import type { Target } from '../model/target.ts';
import type { InvokeOutcome, Provider, ProviderFailure } from '../providers/provider.ts';
import { breachOf } from './approval-seal.ts';
import { afterUnavailable } from './availability.ts';
import { isCancelledInPart } from './cancel-part.ts';
import { type DispatchContext, retryLater, type Step } from './dispatch-context.ts';
import { editInvocation, invocationOf, withInvocation } from './invocation.ts';
import { unlockRescued, unlockWaiting } from './lock-instances.ts';
import { refusalOf, refuse } from './refusal.ts';
import { change } from './settle.ts';
import { hindranceBy, isPast, notAdmitted, waitFor } from './waiting.ts';

/** Another process has taken over the run, and sends it. */
const RETRY_MS = 5_000;

/** Certainly without effect so far. */
export const PLANNED = { state: 'planned' } as const;

/** One invocation on its way to its provider. */
export interface Task {
  run: Run;
  target: Target;
  index: number;
  invocation: RunInvocation;
  /** It was marked in the write that stored its run, and has not been asked for. */
  isFresh: boolean;
  provider: Provider;
  context: DispatchContext;
  storeSent: StoreSent;
}

/** Stores a run of which nothing is left to send. */
export type StoreSent = (run: Run) => Promise<Run>;

/** The attempt is marked: this is the last look before the call. */
export async function ask(task: Task): Promise<Step> {
  const { target, index, invocation, provider, context } = task;
  const { store, guards, lastLook, circuits, now } = context;
  // Before the last look, which nothing may come after but the call.
  const breach = await breachOf(task.run, context);
  const away = await circuits.enter(target, task.run.runId);
  const look = await lastLook(task.run, now());
  const stored = look.run ?? task.run;
  if (stored.status !== 'dispatching' || stored.leaseUntil !== task.run.leaseUntil) {
    return retryLater(stored, RETRY_MS, 'another attempt took this run over');
  }
  if (!isMarked(stored, task)) return { kind: 'next', run: stored };
  const seen = { ...stored, admittedAt: task.run.admittedAt };
  const unlock = () => unlockRescued(seen, invocation.instances, context);
  // Cancelled, or stopped, since it was marked: nothing was asked of the provider yet.
  if (isCalledOff(stored)) {
    await unlock();
    return { kind: 'next', run: await editInvocation(stored, index, store, { state: 'dropped' }) };
  }
  if (isCancelledInPart(stored, invocation)) {
    await unlock();
    return { kind: 'next', run: await editInvocation(stored, index, store, PLANNED) };
  }
  const unmark = { index, edit: PLANNED };
  if (stored.admittedAt === undefined && !isPast(seen, now())) {
    const admission = await standing(look, seen, now());
    if (admission.kind !== 'admitted') {
      // One that waits keeps its claims, and is asked all again.
      if (admission.kind === 'refused') await Promise.all([releaseClaims(seen, guards), unlock()]);
      return await unlockWaiting(await notAdmitted(stored, admission, context, unmark), context);
    }
  }
  const run = { ...seen, admittedAt: seen.admittedAt ?? now().toISOString() };
  const hindrance = breach ?? (await hindranceBy(look, run, now()));
  if (hindrance !== undefined) {
    await unlock();
    return await unlockWaiting(await waitFor(run, hindrance, context, unmark), context);
  }
  if (away !== undefined) {
    return await unlockWaiting(await waitFor(run, away, context, unmark), context);
  }
  const outcome = await provider.invoke(invocationOf(run, target, invocation));
  const known = outcomeWithoutSecrets(run, outcome);
  const [step] = await Promise.all([conclude(run, index, known, context), noteCall(task, known)]);
  return step;
}

/** A call that never reached the cloud (our own rate limit, credentials) says nothing of it. */
async function noteCall({ run, target, context }: Task, outcome: InvokeOutcome): Promise<void> {
  const failure: ProviderFailure | undefined = outcome.kind === 'sent' ? undefined : outcome.failure;
  const isOutage = failure?.isOutage === true;
  if (failure !== undefined && !isOutage && failure.requestId === undefined) return;
  await context.circuits.note(target, run.runId, isOutage ? failure : undefined);
}

/** A vendor's message may repeat the refused value. */
function outcomeWithoutSecrets(run: Run, outcome: InvokeOutcome): InvokeOutcome {
  return outcome.kind === 'sent'
    ? outcome
    : { ...outcome, failure: concealReason(run.target, outcome.failure) };
}

async function conclude(
  run: Run,
  index: number,
  outcome: InvokeOutcome,
  context: DispatchContext,
): Promise<Step> {
  const { store, now, log } = context;
  switch (outcome.kind) {
    case 'sent':
      return await sent(run, index, outcome, context);
    case 'unknown': {
      const { failure } = outcome;
      log.warn('run.unanswered', { runId: run.runId, code: failure.code });
      const hindrance = { retryAfterMs: failure.retryAfterMs ?? 2_000, reason: failure };
      return await waitFor(run, hindrance, context, { index, edit: { unansweredAt: now().toISOString() } });
    }
    case 'notSent': {
      const { failure } = outcome;
      if (failure.isUnavailable === true && run.onUnavailable !== 'fail') {
        return await unlockWaiting(await afterUnavailable(run, index, failure, context), context);
      }
      if (failure.isRetryable) {
        const hindrance = { retryAfterMs: failure.retryAfterMs ?? 1_000, reason: failure };
        return await unlockWaiting(await waitFor(run, hindrance, context, { index, edit: PLANNED }), context);
      }
      log.warn('run.refused', { runId: run.runId, code: failure.code });
      return { kind: 'next', run: await refuse(run, index, refusalOf(run, index, failure), store) };
    }
  }
}

/** The result of the last call is stored when the run is handed over, with all other changes. */
export async function sent(
  run: Run,
  index: number,
  { invocationId, requestId }: { invocationId: string; requestId?: string | undefined },
  { store, now }: DispatchContext,
): Promise<Step> {
  const at = now().toISOString();
  const withSent = (current: Run): Run => {
    const { startedAt = at, admittedAt = at, outbox } = current;
    const isStart = current.startedAt === undefined;
    const known: Run = {
      ...current,
      startedAt,
      admittedAt,
      outbox: isStart ? [...outbox, 'run.started'] : outbox,
    };
    return withInvocation(known, index, { state: 'sent', invocationId, requestId });
  };
  const known = withSent(run);
  return { kind: 'next', run: known.invocations.some(isOpen) ? await change(store, run, withSent) : known };
}

/** Whether the stored run still has the attempt of this task. */
export function isMarked({ invocations }: Run, { index, invocation }: Task): boolean {
  const stored = invocations[index];
  return stored?.token === invocation.token && stored.state === 'attempting';
}
