/**
 * Dispatch: takes a run request from the queue to the provider, once. The run is stored before the provider is
 * called and the invocation id after it; whatever happens between the two, the next attempt finds out first.
 */

import type { Admission } from '../guards/guard.ts';
import { admit, releaseClaims } from '../guards/guards.ts';
import { isTerminalRun, type Run, type RunInvocation } from '../model/run.ts';
import type { RunRequest } from '../model/run-request.ts';
import { providerOf } from '../providers/provider.ts';
import { holdUnavailable } from './availability.ts';
import { dropCancelled } from './cancel-part.ts';
import { type DispatchContext, type DispatchResult, retryLater, type Step } from './dispatch-context.ts';
import { newRun, rejectedRun } from './new-run.ts';
import { nextPollAt } from './poll-timing.ts';
import { send } from './send.ts';
import { change, deliverOne, endRun, type SettleContext, settle } from './settle.ts';
import { stopSent } from './stop-sent.ts';
import { hindranceOf, isPast, waitFor } from './waiting.ts';

/** Carries out a `run` request. Safe to call again with the same request at any point. */
export async function dispatchRun(
  request: Extract<RunRequest, { action: 'run' }>,
  context: DispatchContext,
): Promise<DispatchResult> {
  const { store, now, leaseMs, providers } = context;
  const leaseUntil = new Date(now().getTime() + leaseMs);
  const provider = providerOf(providers, request.target.provider);
  const { isNew, run: stored } = await store.create(newRun(request, provider, leaseUntil));
  return isNew ? await attempt(stored, context) : await resume(stored, context);
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

async function attempt(leased: Run, context: DispatchContext): Promise<DispatchResult> {
  let step = await prepare(leased, context);
  while (step.kind === 'next') {
    const index = step.run.invocations.findIndex(isOpen);
    if (index === -1) return await handOver(step.run, context);
    step = await send(step.run, index, context);
  }
  return step;
}

/** Everything that is asked before the first call of this attempt. */
async function prepare(leased: Run, context: DispatchContext): Promise<Step> {
  const { store, guards, now } = context;
  let run = await dropCancelled(leased, store);
  if (run.cancelRequestedAt !== undefined && run.invocations.every(isUntouched)) {
    const by = run.cancelledBy ?? 'a request';
    await releaseClaims(run, guards);
    const reason = { code: 'run.cancelled', message: `It was cancelled by ${by} before it was sent.` };
    return { kind: 'done', run: await endRun(run, 'stopped', reason, context) };
  }
  const isUncertain = run.invocations.some(({ state }) => state === 'attempting');
  if (run.admittedAt === undefined) {
    const late = isPast(run, now()) ? await hindranceOf(run, context) : undefined;
    if (late !== undefined) return await waitFor(run, late, context);
    const admission = await admit(run, { store: guards, now: now() });
    if (admission.kind !== 'admitted') return await notAdmitted(run, admission, context);
    run = await change(store, run, (current) => ({ ...current, admittedAt: now().toISOString() }));
  } else if (!isUncertain) {
    // It has waited: whether it still may be sent is asked before anything is written or asked for it.
    const hindrance = await hindranceOf(run, context);
    if (hindrance !== undefined) return await waitFor(run, hindrance, context);
  }
  return isUncertain ? { kind: 'next', run } : await holdUnavailable(run, context);
}

async function notAdmitted(
  run: Run,
  admission: Exclude<Admission, { kind: 'admitted' }>,
  context: DispatchContext,
): Promise<Step> {
  if (admission.kind === 'wait') return await waitFor(run, admission, context);
  context.log.info('run.stopped', { runId: run.runId, rule: run.rule, guard: admission.reason.code });
  return { kind: 'done', run: await endRun(run, 'rejected', admission.reason, context) };
}

/** Nothing is left to send: from here on it is the poller's. */
async function handOver(sent: Run, context: DispatchContext): Promise<DispatchResult> {
  const { store, now, log } = context;
  let run = await change(store, sent, (current) => {
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
  await stopSent(run, context);
  // Delivers `run.started`; ends the run at once when the provider took none of its invocations.
  run = await settle(run, context);
  if (run.pollAt !== undefined) await context.wake(new Date(run.pollAt));
  return { kind: 'done', run };
}

function isUntouched({ state }: RunInvocation): boolean {
  return state === 'planned' || state === 'dropped';
}

/** Not sent as far as anybody knows: it is to be sent, or looked for. */
function isOpen({ state }: RunInvocation): boolean {
  return state === 'planned' || state === 'attempting';
}
