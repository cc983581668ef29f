/** Takes one invocation of a run to the provider: finds out what became of an earlier attempt, else asks. */
import type { Run, RunInvocation } from '../model/run.ts';
import { concealReason } from '../model/secret-parameters.ts';
import type { Target } from '../model/target.ts';
import { type InvokeOutcome, type Provider, providerOf } from '../providers/provider.ts';
import { afterUnavailable } from './availability.ts';
import { dropCancelled, isCancelledInPart } from './cancel-part.ts';
import type { DispatchContext, Step } from './dispatch-context.ts';
import { editInvocation, type InvocationEdit, invocationOf, withInvocation } from './invocation.ts';
import { reconcile } from './reconcile.ts';
import { refusalOf, refuse } from './refusal.ts';
import { change, endRun } from './settle.ts';
import { type Free, held, inLine, lookForTwin, takeTwin, twinKey } from './twin.ts';
import { hindranceOf, waitFor } from './waiting.ts';

/** In one process the next in line waits for the one before it, in all not longer than this. */
const IN_LINE_MS = 5_000;
/** How long a run of another process is waited for before the queue does the waiting: most answers take less. */
const PAUSES_MS = [100, 200, 400, 800] as const;

/** Certainly without effect so far. */
const PLANNED = { state: 'planned' } as const;

/** Safe to call again at any point. The invocation is `planned` or `attempting`, and afterwards neither, or it waits. */
export async function send(run: Run, index: number, context: DispatchContext): Promise<Step> {
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
        break;
    }
  }
  // From here on it certainly had no effect so far.
  if (run.cancelRequestedAt !== undefined) {
    return { kind: 'next', run: await editInvocation(run, index, store, { state: 'dropped' }) };
  }
  if (isCancelledInPart(run, invocation)) {
    return { kind: 'next', run: await editInvocation(run, index, store, PLANNED) };
  }
  const task: Task = { run, target, index, invocation, provider, context };
  const key = twinKey(run, invocation, provider);
  if (key !== undefined) return await askAlone(key, task);
  const marked = await mark(task, { attemptedAt: now().toISOString() });
  return isMarked(marked, task) ? await ask({ ...task, run: marked }) : { kind: 'next', run: marked };
}

interface Task {
  run: Run;
  target: Target;
  index: number;
  invocation: RunInvocation;
  provider: Provider;
  context: DispatchContext;
}

/** Another was faster; the run is as before. */
interface Overtaken {
  kind: 'overtaken';
  run: Run;
}

/** Asks when no other run is in an attempt that looks the same. */
async function askAlone(key: string, task: Task): Promise<Step> {
  const { index, invocation, context } = task;
  const untilMs = context.now().getTime() + IN_LINE_MS;
  let { run } = task;
  let blocked = held('Another run');
  for (const pauseMs of [0, ...PAUSES_MS]) {
    if (pauseMs > 0) await context.sleep(pauseMs);
    const step = await inLine(key, run.runId, untilMs, context, async () => {
      const look = await lookForTwin(key, run, invocation, context);
      return look.kind === 'held' ? look : await askWithLease({ ...task, run }, look);
    });
    if (step.kind === 'overtaken') run = step.run;
    else if (step.kind === 'held') blocked = step;
    else return step;
  }
  return await waitFor(run, blocked, context, { index, edit: PLANNED });
}

/**
 * Marks the attempt, takes the lease for it, and makes it. In this order: an attempt that is marked and has no lease
 * was never sent, and one that has it is seen by whoever comes next.
 */
async function askWithLease(task: Task, free: Free): Promise<Step | Overtaken> {
  const { index, invocation, context } = task;
  const attemptedAt = context.now().toISOString();
  const marked = await mark(task, { attemptedAt, twin: free.key });
  if (!isMarked(marked, task)) return { kind: 'next', run: marked };
  const attempt = { runId: marked.runId, token: invocation.token, attemptedAt };
  if (await takeTwin(free, attempt, context)) return await ask({ ...task, run: marked });
  return { kind: 'overtaken', run: await editInvocation(marked, index, context.store, { state: 'planned' }) };
}

/** Not where the invocation is another by now: somebody cancelled instances of it. */
async function mark({ run, index, invocation, context }: Task, attempt: InvocationEdit): Promise<Run> {
  const edit = { state: 'attempting' as const, unansweredAt: undefined, ...attempt };
  return await change(context.store, run, (current) =>
    isOpenStill(current.invocations[index], invocation) ? withInvocation(current, index, edit) : undefined,
  );
}

function isOpenStill(stored: RunInvocation | undefined, { token }: RunInvocation): boolean {
  return stored?.token === token && (stored.state === 'planned' || stored.state === 'attempting');
}

function isMarked({ invocations }: Run, { index, invocation }: Task): boolean {
  const stored = invocations[index];
  return stored?.token === invocation.token && stored.state === 'attempting';
}

/** The attempt is marked: this is the last look before the call. */
async function ask({ run, target, index, invocation, provider, context }: Task): Promise<Step> {
  if (run.cancelRequestedAt !== undefined) {
    // Cancelled between the last look and the mark: nothing was asked of the provider yet.
    return { kind: 'next', run: await editInvocation(run, index, context.store, { state: 'dropped' }) };
  }
  const hindrance = await hindranceOf(run, context);
  if (hindrance !== undefined) return await waitFor(run, hindrance, context, { index, edit: PLANNED });
  const outcome = await provider.invoke(invocationOf(run, target, invocation));
  return await conclude(run, index, outcomeWithoutSecrets(run, outcome), context);
}

/** A vendor's message may repeat the value that it refuses. */
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
        return await afterUnavailable(run, index, failure, context);
      }
      if (failure.isRetryable) {
        const hindrance = { retryAfterMs: failure.retryAfterMs ?? 1_000, reason: failure };
        return await waitFor(run, hindrance, context, { index, edit: PLANNED });
      }
      log.warn('run.refused', { runId: run.runId, code: failure.code });
      return { kind: 'next', run: await refuse(run, index, refusalOf(run, index, failure), store) };
    }
  }
}

async function sent(
  run: Run,
  index: number,
  { invocationId, requestId }: { invocationId: string; requestId?: string | undefined },
  { store, now, providers }: DispatchContext,
): Promise<Step> {
  const provider = run.target && providerOf(providers, run.target.provider);
  const [stored] = await Promise.all([
    editInvocation(run, index, store, { state: 'sent', invocationId, requestId }, (current) =>
      current.startedAt === undefined
        ? { startedAt: now().toISOString(), outbox: [...current.outbox, 'run.started'] }
        : {},
    ),
    provider?.pushes && store.noteInvocation(provider.name, invocationId, run.runId),
  ]);
  return { kind: 'next', run: stored };
}
