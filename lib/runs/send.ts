/** Takes one invocation of a run to the provider: finds out what became of an earlier attempt, else asks. */
import type { DispatchContext, Step } from './dispatch-context.ts';
import { editInvocation, invocationOf } from './invocation.ts';
import { reconcile } from './reconcile.ts';
import { refuse } from './refusal.ts';
import type { Run } from './run.ts';
import { endRun } from './settle.ts';
import { waitFor } from './waiting.ts';

/** Safe to call again at any point. The invocation is `planned` or `attempting`, and afterwards neither, or it waits. */
export async function send(run: Run, index: number, context: DispatchContext): Promise<Step> {
  const { store, now, log, providers } = context;
  const invocation = run.invocations[index];
  if (invocation === undefined || run.provider === undefined) return { kind: 'next', run };
  if (run.cancelRequestedAt !== undefined && invocation.state === 'planned') {
    return { kind: 'next', run: await editInvocation(run, index, store, { state: 'dropped' }) };
  }
  if (invocation.state === 'attempting') {
    const found = await reconcile(run, invocation, context);
    switch (found.kind) {
      case 'adopted':
        log.warn('run.adopted', { runId: run.runId, invocationId: found.invocationId });
        return await sent(run, index, found.invocationId, undefined, context);
      case 'tooEarly':
        return await waitFor(run, found.retryAfterMs, found.reason, context);
      case 'ambiguous':
        return { kind: 'done', run: await endRun(run, 'unknown', found.reason, context) };
      case 'none':
        break;
    }
  }
  const attemptedAt = now().toISOString();
  const marked = await editInvocation(run, index, store, { state: 'attempting', attemptedAt });
  if (marked.cancelRequestedAt !== undefined) {
    // Cancelled between the last look and this mark: nothing was asked of the provider yet.
    return { kind: 'next', run: await editInvocation(marked, index, store, { state: 'dropped' }) };
  }
  const outcome = await providers[run.provider].invoke(invocationOf(marked, invocation));
  switch (outcome.kind) {
    case 'sent':
      return await sent(marked, index, outcome.invocationId, outcome.requestId, context);
    case 'unknown':
      log.warn('run.unanswered', { runId: run.runId, code: outcome.failure.code });
      return await waitFor(marked, outcome.failure.retryAfterMs ?? 2_000, outcome.failure, context);
    case 'notSent':
      if (outcome.failure.isRetryable) {
        const planned = await editInvocation(marked, index, store, { state: 'planned' });
        return await waitFor(planned, outcome.failure.retryAfterMs ?? 1_000, outcome.failure, context);
      }
      log.warn('run.refused', { runId: run.runId, code: outcome.failure.code });
      return { kind: 'next', run: await refuse(marked, index, outcome.failure, store) };
  }
}

async function sent(
  run: Run,
  index: number,
  invocationId: string,
  requestId: string | undefined,
  context: DispatchContext,
): Promise<Step> {
  const { store, now } = context;
  if (run.provider !== undefined) await store.claimInvocation(run.provider, invocationId, run.runId);
  const stored = await editInvocation(
    run,
    index,
    store,
    { state: 'sent', invocationId, ...(requestId !== undefined && { requestId }) },
    (current) =>
      current.startedAt === undefined
        ? { startedAt: now().toISOString(), outbox: [...current.outbox, 'run.started'] }
        : {},
  );
  return { kind: 'next', run: stored };
}
