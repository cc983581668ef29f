/**
 * Dispatch: takes a run request from the queue to the provider, once. The run is stored before the provider is
 * called and the invocation id after it; whatever happens between the two, the next attempt finds out first.
 */
import { publish, runEvent } from '../completions/publish.ts';
import { admit, admitEarly, releaseClaims } from '../guards/guards.ts';
import { isTerminalRun, type Run, type RunInvocation } from '../model/run.ts';
import type { RunRequest } from '../model/run-request.ts';
import { providerOf } from '../providers/provider.ts';
import { holdUnavailable } from './availability.ts';
import { dropCancelled } from './cancel-part.ts';
import { type DispatchContext, type DispatchResult, retryLater, type Step } from './dispatch-context.ts';
import { isOpen } from './invocation.ts';
import { newRun, rejectedRun } from './new-run.ts';
import { attempting, PLANNED, send, sendFresh } from './send.ts';
import { change, deliverOne, endRun, type SettleContext, take } from './settle.ts';
import { stopSent } from './stop-sent.ts';
import { hindranceOf, isPast, notAdmitted, waitFor } from './waiting.ts';

/** Carries out a `run` request. Safe to call again with the same request at any point. */
export async function dispatchRun(
  request: Extract<RunRequest, { action: 'run' }>,
  context: DispatchContext,
): Promise<DispatchResult> {
  const { store, now, leaseMs, providers } = context;
  const leaseUntil = new Date(now().getTime() + leaseMs);
  const provider = providerOf(providers, request.target.provider);
  const planned = newRun(request, provider, leaseUntil);
  // Where nothing is asked of the cloud before the call, the first attempt is marked in the write that stores the run.
  const isMarked = request.onUnavailable === 'fail';
  const { isNew, run: stored } = await store.create(
    isMarked ? attempting(planned, 0, provider, now()) : planned,
  );
  return isNew ? await attempt(stored, context, isMarked) : await resume(stored, context);
}

/** Carries on with a stored run that may not have been sent completely: a repeated message, or the poller's rescue. */
export async function resume(stored: Run, context: DispatchContext): Promise<DispatchResult> {
  const { store, now, leaseMs, log } = context;
  // A cancel of this id is of the same rule and event, from when the rule cancelled: that was its action.
  if (stored.status !== 'dispatching' || stored.cancel !== undefined) {
    log.info('run.known', { runId: stored.runId, status: stored.status });
    // The attempt that sent it may have died before it could ask for the stop.
    if (!isTerminalRun(stored)) await stopSent(stored, context);
    return { kind: 'done', run: await deliverOne(stored, context) };
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
  return { kind: 'done', run: await deliverOne(run, context) };
}

/** @param isFresh its first invocation is marked as attempted, and nobody has been asked for it yet */
async function attempt(leased: Run, context: DispatchContext, isFresh = false): Promise<DispatchResult> {
  let step = await prepare(leased, context, isFresh);
  let isFirst = isFresh;
  while (step.kind === 'next') {
    const { run } = step;
    const index = run.invocations.findIndex(isOpen);
    if (index === -1) return await handOver(run, context);
    step = await (isFirst ? sendFresh : send)(run, index, context, (sent) => storeSent(sent, context));
    isFirst = false;
    // What was marked by a process that died, and never sent, has yet to pass the guards.
    if (step.kind === 'next' && step.run.admittedAt === undefined && step.run.invocations.some(isOpen)) {
      step = await prepare(step.run, context);
    }
  }
  return step;
}

/** Everything that is asked before the first call of this attempt. */
async function prepare(leased: Run, context: DispatchContext, isFresh = false): Promise<Step> {
  const { store, guards, now } = context;
  const run = await dropCancelled(leased, store);
  if (run.cancelRequestedAt !== undefined && run.invocations.every(isUntouched)) {
    const by = run.cancelledBy ?? 'a request';
    await releaseClaims(run, guards);
    const reason = { code: 'run.cancelled', message: `It was cancelled by ${by} before it was sent.` };
    return { kind: 'done', run: await endRun(run, 'stopped', reason, context) };
  }
  const isUncertain = !isFresh && run.invocations.some(({ state }) => state === 'attempting');
  // It is looked for first; whether it may be sent is asked when it is known not to be.
  if (isUncertain) return { kind: 'next', run };
  const unmark = isFresh ? { index: 0, edit: PLANNED } : undefined;
  if (run.admittedAt !== undefined || isPast(run, now())) {
    // It has waited: whether it still may be sent is asked before anything is written or asked for it.
    const hindrance = await hindranceOf(run, context);
    if (hindrance !== undefined) return await waitFor(run, hindrance, context, unmark);
  }
  if (run.admittedAt !== undefined) return await holdUnavailable(run, context);
  const ask = isFresh ? admitEarly : admit;
  const admission = await ask(run, { store: guards, now: now() });
  if (admission.kind !== 'admitted') return await notAdmitted(run, admission, context, unmark);
  // Stored with whatever is written next; until then the guards are asked again, and know the run.
  return await holdUnavailable({ ...run, admittedAt: now().toISOString() }, context);
}

/** Nothing is left to send: from here on it is the poller's. */
async function handOver(sent: Run, context: DispatchContext): Promise<DispatchResult> {
  const { log } = context;
  const run = await storeSent(sent, context);
  log.info('run.sent', {
    runId: run.runId,
    rule: run.rule,
    invocationIds: run.invocations.flatMap(({ invocationId }) => invocationId ?? []),
  });
  // A cancel that came while it was being sent could not know the invocations.
  await stopSent(run, context);
  // What is still to be told, or that it has ended at once: the provider took none of its invocations.
  const told = await deliverOne(run, context);
  if (told.pollAt !== undefined) await context.wake(new Date(told.pollAt));
  return { kind: 'done', run: told };
}

/** Stores what became of the last call with all else that is known then, in one write. Safe to call again. */
async function storeSent(sent: Run, context: DispatchContext): Promise<Run> {
  if (sent.status !== 'dispatching') return sent;
  const isTold = await tellStart(sent, context);
  return await change(context.store, sent, (current) => {
    if (isTerminalRun(current) || current.status !== 'dispatching') return undefined;
    return handedOver(current, sent, isTold, context);
  });
}

/**
 * Tells that it has started before that is stored: the provider knows it already, and should this process die between
 * the two, whoever finds the invocation tells it again, under the same id. A chat is told when it is stored.
 */
async function tellStart(run: Run, { publishing, now }: DispatchContext): Promise<boolean> {
  if (!run.outbox.includes('run.started') || run.replyTo !== undefined) return false;
  const started: Run = { ...run, status: 'pending' };
  const event = runEvent(started, 'fleet-reflex.run.started', [], publishing.stage, now());
  const [outcome] = await publish([{ run, events: [event] }], publishing);
  return outcome?.status === 'fulfilled';
}

/** @param sent what this attempt knows of the invocations; the rest is as it is stored */
function handedOver(current: Run, sent: Run, isTold: boolean, context: DispatchContext): Run {
  const ours = new Map(sent.invocations.map((invocation) => [invocation.token, invocation]));
  const { outbox, startedAt, admittedAt } = sent;
  const run: Run = {
    ...current,
    invocations: current.invocations.map((invocation) => ours.get(invocation.token) ?? invocation),
    outbox: isTold ? outbox.filter((pending) => pending !== 'run.started') : outbox,
    startedAt,
    admittedAt,
    status: 'pending',
    leaseUntil: undefined,
  };
  return take({ ...run, pollAt: context.now().toISOString() }, [], context);
}

function isUntouched({ state }: RunInvocation): boolean {
  return state === 'planned' || state === 'dropped';
}
