/** Takes one invocation of a run to the provider: resolves an earlier attempt, or calls the provider. */
import { ADMITTED, type Admission } from '../guards/guard.ts';
import { releaseClaims, standing } from '../guards/guards.ts';
import { lockInstances, unlockInstances } from '../guards/lock.ts';
import { isOpen, isTerminalStatus, type Run, type RunInvocation } from '../model/run.ts';
import { isCalledOff } from '../model/run-waves.ts';
import { concealReason } from '../model/secret-parameters.ts';
import type { Target } from '../model/target.ts';
import { type InvokeOutcome, type Provider, providerOf } from '../providers/provider.ts';
import { afterUnavailable } from './availability.ts';
import { dropCancelled, isCancelledInPart } from './cancel-part.ts';
import { type DispatchContext, retryLater, type Step } from './dispatch-context.ts';
import { editInvocation, type InvocationEdit, invocationOf, withInvocation } from './invocation.ts';
import { giveUpAt } from './poll-timing.ts';
import { reconcile } from './reconcile.ts';
import { refusalOf, refuse } from './refusal.ts';
import { change, endRun } from './settle.ts';
import { afterOwn, type Free, held, inLine, lookForTwin, noteOwn, takeTwin, twinKey } from './twin.ts';
import { hindranceBy, isPast, notAdmitted, waitFor } from './waiting.ts';

/** How long invocations of one process wait for each other in total. */
const IN_LINE_MS = 5_000;
/** How long to wait for a run of another process before the message returns to the queue: most answers take less. */
const PAUSES_MS = [100, 200, 400, 800] as const;

/** Another process has taken over the run, and sends it. */
const RETRY_MS = 5_000;

/** Certainly without effect so far. */
export const PLANNED = { state: 'planned' } as const;

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
        break;
    }
  }
  // From here on it certainly had no effect so far.
  if (isCalledOff(run)) {
    return { kind: 'next', run: await editInvocation(run, index, store, { state: 'dropped' }) };
  }
  if (isCancelledInPart(run, invocation)) {
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

interface Task {
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

/** What the invocations of a run that one process sends share. */
export interface Attempt {
  storeSent: StoreSent;
  lock: Lock;
}

/** Takes the locks of the run's instances. */
type Lock = (run: Run) => Promise<Admission>;

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
async function unlockWaiting(step: Step, { guards }: DispatchContext): Promise<Step> {
  if (step.kind !== 'retry') return step;
  const isOut = step.run.invocations.some(({ state }) => state === 'attempting' || state === 'sent');
  if (!isOut) await unlockInstances(step.run, guards);
  return step;
}

/** Stores a run of which nothing is left to send. */
type StoreSent = (run: Run) => Promise<Run>;

/** Another was faster; the run is as before. */
interface Overtaken {
  kind: 'overtaken';
  run: Run;
}

/** Calls the provider when no other run has an open attempt that looks the same. */
async function askAlone(key: string, task: Task): Promise<Step> {
  const { index, invocation, context } = task;
  const untilMs = context.now().getTime() + IN_LINE_MS;
  let { run } = task;
  let blocked = held('Another run');
  for (const pauseMs of [0, ...PAUSES_MS]) {
    if (pauseMs > 0) await context.sleep(pauseMs);
    const step = await inLine(key, run.runId, untilMs, context, async () => {
      const lately = task.isFresh ? context.lately.get(key) : undefined;
      if (lately !== undefined) {
        const step = await askInLine({ ...task, run }, afterOwn(key, lately, context));
        // Another process has taken the lease since.
        if (step.kind !== 'overtaken') return step;
      }
      const look = await lookForTwin(key, run, invocation, context);
      return look.kind === 'held' ? look : await askInLine({ ...task, run }, look);
    });
    if (step.kind === 'overtaken') run = step.run;
    else if (step.kind === 'held') blocked = step;
    else return step;
  }
  return await unlockWaiting(await waitFor(run, blocked, context, { index, edit: PLANNED }), context);
}

/** The next in line starts after the result is stored, because until then the invocation cannot be attributed. */
async function askInLine(task: Task, free: Free): Promise<Step | Overtaken> {
  const { invocation, context, storeSent } = task;
  context.lately.delete(free.key);
  const step = await askWithLease(task, free);
  if (step.kind !== 'next' || step.run.invocations.some(isOpen)) return step;
  const run = await storeSent(step.run);
  noteOwn(free, run, invocation, context);
  return { kind: 'next', run };
}

/**
 * Marks the attempt, takes the lease for it, and calls the provider. In this order, a marked attempt without the lease was
 * never sent, and the next run sees an attempt that has it.
 */
async function askWithLease(task: Task, free: Free): Promise<Step | Overtaken> {
  const { index, invocation, isFresh, context } = task;
  const { token } = invocation;
  if (isFresh && invocation.attemptedAt !== undefined) {
    const attempt = { runId: task.run.runId, token, attemptedAt: invocation.attemptedAt };
    return (await takeTwin(free, attempt, context)) ? await ask(task) : { kind: 'overtaken', run: task.run };
  }
  const attemptedAt = context.now().toISOString();
  const marked = await mark(task, { attemptedAt, twin: free.key });
  if (!isMarked(marked, task)) return { kind: 'next', run: marked };
  const attempt = { runId: marked.runId, token, attemptedAt };
  if (await takeTwin(free, attempt, context)) return await ask({ ...task, run: marked });
  return { kind: 'overtaken', run: await editInvocation(marked, index, context.store, PLANNED) };
}

/** Not if the invocation has changed: some of its instances were cancelled. */
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
async function ask(task: Task): Promise<Step> {
  const { target, index, invocation, provider, context } = task;
  const { store, guards, lastLook, now } = context;
  const look = await lastLook(task.run, now());
  const stored = look.run ?? task.run;
  if (stored.status !== 'dispatching' || stored.leaseUntil !== task.run.leaseUntil) {
    return retryLater(stored, RETRY_MS, 'another attempt took this run over');
  }
  if (!isMarked(stored, task)) return { kind: 'next', run: stored };
  // Cancelled, or stopped, since it was marked: nothing was asked of the provider yet.
  if (isCalledOff(stored)) {
    return { kind: 'next', run: await editInvocation(stored, index, store, { state: 'dropped' }) };
  }
  if (isCancelledInPart(stored, invocation)) {
    return { kind: 'next', run: await editInvocation(stored, index, store, PLANNED) };
  }
  const run = { ...stored, admittedAt: task.run.admittedAt };
  const unmark = { index, edit: PLANNED };
  if (stored.admittedAt === undefined && !isPast(run, now())) {
    const admission = await standing(look, run, now());
    if (admission.kind !== 'admitted') {
      // One that waits keeps its claims, and is asked all again.
      if (admission.kind === 'refused') await releaseClaims(run, guards);
      return await unlockWaiting(await notAdmitted(stored, admission, context, unmark), context);
    }
  }
  const hindrance = await hindranceBy(look, run, now());
  if (hindrance !== undefined) {
    return await unlockWaiting(await waitFor(run, hindrance, context, unmark), context);
  }
  const outcome = await provider.invoke(invocationOf(run, target, invocation));
  return await conclude(run, index, outcomeWithoutSecrets(run, outcome), context);
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
async function sent(
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
