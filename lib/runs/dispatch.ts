/**
 * Dispatch: takes a run request from the queue to the provider, once. The run is stored before the provider is
 * called and the invocation id after it; whatever happens between the two, the next attempt finds out first.
 */
import { type Admission, admit, releaseClaims } from '../guards/guards.ts';
import type { Provider, ProviderFailure, ProviderName } from '../providers/provider.ts';
import { holdUnavailable } from './availability.ts';
import { stopSent } from './cancel.ts';
import { nextPollAt, type PollTiming } from './poll-timing.ts';
import { reconcile } from './reconcile.ts';
import { isTerminalRun, newRun, type Run, type RunInvocation, rejectedRun } from './run.ts';
import type { RunRequest } from './run-request.ts';
import { change, deliver, endRun, type SettleContext, settle } from './settle.ts';

export interface DispatchContext extends SettleContext {
  providers: Readonly<Record<ProviderName, Provider>>;
  /** How long one attempt may take before another may take over. */
  leaseMs: number;
  /** How long after an attempt with no answer a search that finds nothing is believed. */
  reconcileSettleMs: number;
  timing: PollTiming;
  /** Makes sure that the poller looks at that time. */
  wake: (at: Date) => Promise<void>;
}

/** What the queue shall do with the message. */
export type DispatchResult =
  | { kind: 'done'; run: Run }
  /** Ask again after that time; nothing is lost. */
  | { kind: 'retry'; retryAfterMs: number; because: string; run: Run };

/** Carries out a `run` request. Safe to call again with the same request at any point. */
export async function dispatchRun(
  request: Extract<RunRequest, { action: 'run' }>,
  context: DispatchContext,
): Promise<DispatchResult> {
  const { store, now, leaseMs, providers } = context;
  const leaseUntil = new Date(now().getTime() + leaseMs);
  const { isNew, run: stored } = await store.create(newRun(request, providers[request.provider], leaseUntil));
  return isNew ? await attempt(stored, context) : await resume(stored, context);
}

/** Carries on with a stored run that may not have been sent completely: a repeated message, or the poller's rescue. */
export async function resume(stored: Run, context: DispatchContext): Promise<DispatchResult> {
  const { store, now, leaseMs, log } = context;
  if (stored.status !== 'dispatching') {
    log.info('run.known', { runId: stored.runId, status: stored.status });
    // The attempt that sent it may have died before it could ask for the stop.
    if (stored.cancelRequestedAt !== undefined && !isTerminalRun(stored)) await stopSent(stored, context);
    return { kind: 'done', run: await deliver(stored, await store.tasks(stored.runId), context) };
  }
  const heldMs = Date.parse(stored.leaseUntil ?? stored.requestedAt) - now().getTime();
  if (heldMs > 0) return retryLater(stored, heldMs, 'another attempt is at work on this run');
  const leaseUntil = new Date(now().getTime() + leaseMs).toISOString();
  const taken = await store.save({ ...stored, leaseUntil, pollAt: leaseUntil });
  if (taken.kind === 'conflict') return retryLater(taken.run, leaseMs, 'another attempt took this run over');
  return await attempt(taken.run, context);
}

/** Stores a rejected match and tells its destinations. */
export async function recordRejection(
  request: Extract<RunRequest, { action: 'reject' }>,
  context: SettleContext,
): Promise<DispatchResult> {
  const { run } = await context.store.create(rejectedRun(request, context.now()));
  return { kind: 'done', run: await deliver(run, [], context) };
}

async function attempt(leased: Run, context: DispatchContext): Promise<DispatchResult> {
  const { store, guards, now, log } = context;
  let run = leased;
  if (run.cancelRequestedAt !== undefined && run.invocations.every(isUntouched)) {
    const by = run.cancelledBy ?? 'a request';
    await releaseClaims(run, guards);
    const reason = { code: 'run.cancelled', message: `It was cancelled by ${by} before it was sent.` };
    return { kind: 'done', run: await endRun(run, 'stopped', reason, context) };
  }
  if (run.admittedAt === undefined) {
    const admission = await admit(run, { store: guards, now: now() });
    if (admission.kind !== 'admitted') return await notAdmitted(run, admission, context);
    run = await change(store, run, (current) => ({ ...current, admittedAt: now().toISOString() }));
  }
  const held = await holdUnavailable(run, context);
  if (held.kind === 'wait') return await waitFor(held.run, held.retryAfterMs, held.reason, context);
  run = held.run;
  if (isTerminalRun(run)) return { kind: 'done', run };

  for (const [index, invocation] of run.invocations.entries()) {
    if (invocation.state !== 'planned' && invocation.state !== 'attempting') continue;
    const step = await send(run, index, context);
    if (step.kind !== 'next') return step;
    run = step.run;
  }
  run = await change(store, run, (current) => {
    if (isTerminalRun(current) || current.status !== 'dispatching') return undefined;
    const { leaseUntil: _, ...rest } = current;
    const firstPoll = nextPollAt(current, now(), context.timing).toISOString();
    return { ...rest, status: 'pending', pollAt: firstPoll };
  });
  log.info('run.sent', {
    runId: run.runId,
    rule: run.rule,
    invocationIds: run.invocations.flatMap(({ invocationId }) => invocationId ?? []),
  });
  // A cancel that came while it was being sent could not know the invocations.
  if (run.cancelRequestedAt !== undefined) await stopSent(run, context);
  // Delivers `run.started`; ends the run at once when the provider took none of its invocations.
  run = await settle(run, context);
  if (run.pollAt !== undefined) await context.wake(new Date(run.pollAt));
  return { kind: 'done', run };
}

type Step = { kind: 'next'; run: Run } | DispatchResult;

/** One invocation: find out what became of an earlier attempt, else ask the provider, and store what it says. */
async function send(run: Run, index: number, context: DispatchContext): Promise<Step> {
  const { store, now, log, providers } = context;
  const invocation = run.invocations[index];
  if (invocation === undefined || run.provider === undefined) return { kind: 'next', run };
  if (run.cancelRequestedAt !== undefined && invocation.state === 'planned') {
    return { kind: 'next', run: await update(run, index, context, () => ({ state: 'dropped' })) };
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
  const marked = await update(run, index, context, () => ({ state: 'attempting', attemptedAt }));
  if (marked.cancelRequestedAt !== undefined) {
    // Cancelled between the last look and this mark: nothing was asked of the provider yet.
    return { kind: 'next', run: await update(marked, index, context, () => ({ state: 'dropped' })) };
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
        const planned = await update(marked, index, context, () => ({ state: 'planned' }));
        return await waitFor(planned, outcome.failure.retryAfterMs ?? 1_000, outcome.failure, context);
      }
      log.warn('run.refused', { runId: run.runId, code: outcome.failure.code });
      return { kind: 'next', run: await refused(store, marked, index, outcome.failure, context) };
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
  const stored = await update(
    run,
    index,
    context,
    () => ({ state: 'sent', invocationId, ...(requestId !== undefined && { requestId }) }),
    (current) =>
      current.startedAt === undefined
        ? { startedAt: now().toISOString(), outbox: [...current.outbox, 'run.started'] }
        : {},
  );
  return { kind: 'next', run: stored };
}

/** The provider will not run it: each instance of the invocation gets a task that says why. */
async function refused(
  store: DispatchContext['store'],
  run: Run,
  index: number,
  failure: ProviderFailure,
  context: DispatchContext,
): Promise<Run> {
  const { code, message, advice } = failure;
  const invocation = run.invocations[index];
  for (const instanceId of invocation?.instances ?? []) {
    await store.putTask({
      version: 1,
      runId: run.runId,
      invocationId: invocation?.token ?? '',
      taskId: `${invocation?.token}/${instanceId}`,
      instanceId,
      status: 'rejected',
      providerStatus: code,
      started: 'no',
      outputDroppedBytes: 0,
      error: { code, message, advice },
      isEventSent: false,
    });
  }
  return await update(run, index, context, () => ({ state: 'notSent', failure: { code, message, advice } }));
}

async function notAdmitted(
  run: Run,
  admission: Exclude<Admission, { kind: 'admitted' }>,
  context: DispatchContext,
): Promise<DispatchResult> {
  if (admission.kind === 'wait') return await waitFor(run, admission.retryAfterMs, admission.reason, context);
  context.log.info('run.stopped', { runId: run.runId, rule: run.rule, guard: admission.reason.code });
  return { kind: 'done', run: await endRun(run, 'rejected', admission.reason, context) };
}

/** Gives the run back to the queue, or ends it when its deadline has passed. */
async function waitFor(
  run: Run,
  retryAfterMs: number,
  reason: { code: string; message: string; advice?: string | undefined },
  context: DispatchContext,
): Promise<DispatchResult> {
  const { store, guards, now } = context;
  if (now().toISOString() >= run.deadline && !run.invocations.some(({ state }) => state === 'attempting')) {
    if (run.invocations.some(({ state }) => state === 'sent')) return await giveUpRest(run, reason, context);
    await releaseClaims(run, guards);
    const expired = {
      code: reason.code,
      message: `It could not be sent before its deadline ${run.deadline}: ${reason.message}`,
      ...(reason.advice !== undefined && { advice: reason.advice }),
    };
    return { kind: 'done', run: await endRun(run, 'expired', expired, context) };
  }
  const freeAt = new Date(now().getTime() + retryAfterMs);
  const waiting = await change(store, run, (current) => {
    if (isTerminalRun(current)) return undefined;
    // The lease ends with the wait; the poller rescues the run if the message is lost.
    const rescueAt = new Date(freeAt.getTime() + context.leaseMs).toISOString();
    return { ...current, leaseUntil: freeAt.toISOString(), pollAt: rescueAt, waitingFor: reasonOf(reason) };
  });
  return retryLater(waiting, retryAfterMs, `${reason.code}: ${reason.message}`);
}

/** The deadline passed with some invocations out: those go on, the others end as never started. */
async function giveUpRest(
  run: Run,
  reason: { code: string; message: string; advice?: string | undefined },
  context: DispatchContext,
): Promise<DispatchResult> {
  let current = run;
  for (const [index, { state }] of run.invocations.entries()) {
    if (state !== 'planned') continue;
    const failure = { ...reason, advice: reason.advice ?? '', isRetryable: false };
    current = await refused(context.store, current, index, failure, context);
  }
  return await attempt(current, context);
}

async function update(
  run: Run,
  index: number,
  { store }: DispatchContext,
  edit: (invocation: RunInvocation) => Partial<RunInvocation>,
  also: (current: Run) => Partial<Run> = () => ({}),
): Promise<Run> {
  return await change(store, run, (current) => ({
    ...current,
    ...also(current),
    invocations: current.invocations.map((invocation, at) =>
      at === index ? { ...invocation, ...edit(invocation) } : invocation,
    ),
  }));
}

export function invocationOf(run: Run, { token, instances }: RunInvocation) {
  return {
    token,
    region: run.region ?? '',
    command: run.command ?? '',
    instances,
    parameters: run.parameters,
    ...(run.timeoutSeconds !== undefined && { timeoutSeconds: run.timeoutSeconds }),
    ...(run.username !== undefined && { username: run.username }),
    ...(run.workingDirectory !== undefined && { workingDirectory: run.workingDirectory }),
    labels: { 'fleet-reflex-run': token, 'fleet-reflex-rule': run.rule },
  };
}

function isUntouched({ state }: RunInvocation): boolean {
  return state === 'planned';
}

function reasonOf({ code, message, advice }: { code: string; message: string; advice?: string | undefined }) {
  return { code, message, ...(advice !== undefined && { advice }) };
}

function retryLater(run: Run, retryAfterMs: number, because: string): DispatchResult {
  return { kind: 'retry', retryAfterMs, because, run };
}
