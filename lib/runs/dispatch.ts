/**
 * Dispatch: takes a run request from the queue to the provider, once. The run is stored before the provider is called, and
 * the invocation id afterwards. If a process dies between the two, the next attempt first searches for the invocation.
 */
import { publish, runEvent } from '../completions/publish.ts';
import { admit, admitEarly, releaseClaims } from '../guards/guards.ts';
import {
  isOpen,
  isTerminalRun,
  isUnresolved,
  type Run,
  type RunInvocation,
  sentInvocations,
} from '../model/run.ts';
import type { RunRequest } from '../model/run-request.ts';
import { isCalledOff } from '../model/run-waves.ts';
import { providerOf } from '../providers/provider.ts';
import { askApproval, seeToApproval } from './ask-approval.ts';
import { holdUnavailable } from './availability.ts';
import { PLANNED } from './call.ts';
import { dropCancelled } from './cancel-part.ts';
import { chooseInstances, concludeChoice, resolveFleet } from './choose-instances.ts';
import { type DispatchContext, type DispatchResult, retryLater, type Step } from './dispatch-context.ts';
import { lockOnce } from './lock-instances.ts';
import { newRun, rejectedRun } from './new-run.ts';
import { type Attempt, attempting, send, sendFresh } from './send.ts';
import { change, deliverOne, endRun, hasUntold, type SettleContext, take } from './settle.ts';
import { stopSent } from './stop-sent.ts';
import { type Edited, hindranceOf, isPast, notAdmitted, waitFor } from './waiting.ts';

/** Carries out a `run` request. Safe to call again with the same request at any point. */
export async function dispatchRun(
  runRequest: Extract<RunRequest, { action: 'run' }>,
  context: DispatchContext,
): Promise<DispatchResult> {
  const { now, leaseMs, providers } = context;
  const leaseUntil = new Date(now().getTime() + leaseMs);
  const provider = providerOf(providers, runRequest.target.provider);
  const planned = newRun(runRequest, provider, leaseUntil);
  if (isUnresolved(planned)) return await dispatchUnresolved(planned, context);
  return await dispatchNew(planned, context);
}

async function dispatchNew(planned: Run, context: DispatchContext): Promise<DispatchResult> {
  const { store, now, providers } = context;
  // If no request precedes the call, the first attempt is marked in the write that stores the run.
  const { target, approval } = planned;
  const isMarked = planned.onUnavailable === 'fail' && target !== undefined && approval === undefined;
  const { isNew, run: stored } = await store.create(
    isMarked ? attempting(planned, 0, providerOf(providers, target.provider), now()) : planned,
  );
  return isNew ? await attempt(stored, context, isMarked) : await resume(stored, context);
}

/**
 * The cloud is asked for the instances before the run is stored: if this process dies in between, nothing was sent, and
 * the message asks again. Without an answer the run is stored as it is, so that people see what it waits for.
 */
async function dispatchUnresolved(planned: Run, context: DispatchContext): Promise<DispatchResult> {
  const { store } = context;
  const known = await store.get(planned.runId);
  if (known !== undefined) return await resume(known, context);
  const choice = await chooseInstances(planned, context);
  if (choice.kind === 'chosen') return await dispatchNew(choice.run, context);
  const { isNew, run: stored } = await store.create(planned);
  if (!isNew) return await resume(stored, context);
  const step = await concludeChoice(stored, choice, context);
  return step.kind === 'next' ? await attempt(step.run, context) : step;
}

/** Continues a stored run that may not have been sent completely: after a repeated message, or a takeover by the poller. */
export async function resume(stored: Run, context: DispatchContext): Promise<DispatchResult> {
  const { now, log } = context;
  // A cancel with this id has the same rule and event: the rule's action was `cancel` then.
  if (stored.status !== 'dispatching' || stored.cancel !== undefined) {
    log.info('run.known', { runId: stored.runId, status: stored.status });
    // The attempt that sent it may have died before it could ask for the stop.
    if (!isTerminalRun(stored)) await stopSent(stored, context);
    if (sentInvocations(stored).length === 0) {
      return { kind: 'done', run: await deliverOne(stored, context) };
    }
    // The poller publishes what becomes of it, and marks that a little later: to publish here too would be a repetition.
    if (hasUntold(stored)) await context.wake(now());
    return { kind: 'done', run: stored };
  }
  const approval = await seeToApproval(stored, context);
  if (approval.kind !== 'next') return approval;
  return await takeOver(approval.run, context);
}

/** Takes the lease of a run whose attempt is over, or dead, and tries it again. */
async function takeOver(stored: Run, context: DispatchContext): Promise<DispatchResult> {
  const { store, now, leaseMs } = context;
  const heldMs = Date.parse(stored.leaseUntil ?? stored.requestedAt) - now().getTime();
  if (heldMs > 0) return retryLater(stored, heldMs, 'another attempt is at work on this run');
  const leaseUntil = new Date(now().getTime() + leaseMs).toISOString();
  const taken = await store.save({ ...stored, leaseUntil, pollAt: leaseUntil });
  if (taken.kind === 'conflict') return retryLater(taken.run, leaseMs, 'another attempt took this run over');
  return await attempt(taken.run, context);
}

/** Stores a rejected match and tells its destinations. */
export async function recordRejection(
  runRequest: Extract<RunRequest, { action: 'reject' }>,
  context: SettleContext,
): Promise<DispatchResult> {
  const { run } = await context.store.create(rejectedRun(runRequest, context.now()));
  return { kind: 'done', run: await deliverOne(run, context) };
}

/**
 * Sends what is open of a run whose lease this process has.
 * @param isFresh the first that is open is marked as attempted, but the provider was not called yet
 */
export async function attempt(
  leased: Run,
  context: DispatchContext,
  isFresh = false,
): Promise<DispatchResult> {
  const resolved = await resolveFleet(leased, context);
  if (resolved.kind !== 'next') return resolved;
  let step = await prepare(resolved.run, context, isFresh);
  let isFirst = isFresh;
  const shared: Attempt = { storeSent: (sent) => storeSent(sent, context), lock: lockOnce(context) };
  while (step.kind === 'next') {
    const { run } = step;
    const index = run.invocations.findIndex(isOpen);
    if (index === -1) return await handOver(run, context);
    step = await (isFirst ? sendFresh : send)(run, index, context, shared);
    isFirst = false;
    // An invocation that a dead process marked and never sent must still pass the guards.
    if (step.kind === 'next' && step.run.admittedAt === undefined && step.run.invocations.some(isOpen)) {
      step = await prepare(step.run, context);
    }
  }
  return step;
}

/** The checks before the first call of this attempt. */
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
  // First search for it; the guards are checked only if it was not sent.
  if (isUncertain) return { kind: 'next', run };
  if (isCalledOff(run)) {
    const dropped = await change(store, run, (current) => withoutPlanned(current));
    if (!dropped.invocations.some(isOpen)) return { kind: 'next', run: dropped };
  }
  const unmark = isFresh ? { index: run.invocations.findIndex(isOpen), edit: PLANNED } : undefined;
  if (run.admittedAt !== undefined || isPast(run, now())) {
    // It has waited: check again whether it may be sent, before any write or call.
    const hindrance = await hindranceOf(run, context);
    if (hindrance !== undefined) return await waitFor(run, hindrance, context, unmark);
  }
  if (run.admittedAt !== undefined) return await holdBack(run, context, unmark);
  const ask = isFresh ? admitEarly : admit;
  const admission = await ask(run, { store: guards, now: now() });
  if (admission.kind === 'approval') return await askApproval(run, context);
  if (admission.kind !== 'admitted') return await notAdmitted(run, admission, context, unmark);
  // Freezes and cancels are asked before the call. If it waits for anything first, it has not been let in.
  if (isFresh) return await holdBack(run, context, unmark);
  // Stored with the next write; until then the guards are asked again, and recognise the run.
  return await holdBack({ ...run, admittedAt: now().toISOString() }, context, unmark);
}

/** While its cloud or its instances cannot take a command: before the attempt is marked, and its locks are taken. */
async function holdBack(run: Run, context: DispatchContext, unmark: Edited | undefined): Promise<Step> {
  const away = run.target && context.circuits.away(run.target);
  if (away !== undefined) return await waitFor(run, away, context, unmark);
  return await holdUnavailable(run, context);
}

/** Everything is sent: from here on the poller owns the run. */
async function handOver(sent: Run, context: DispatchContext): Promise<DispatchResult> {
  const { log } = context;
  const run = await storeSent(sent, context);
  log.info('run.sent', {
    runId: run.runId,
    rule: run.rule,
    invocationIds: run.invocations.flatMap(({ invocationId }) => invocationId ?? []),
  });
  if (run.target !== undefined) {
    const { provider, region } = run.target;
    context.metrics?.add('RunsSent', 1, { provider, region });
  }
  // A cancel that arrived during the send could not know the invocations.
  await stopSent(run, context);
  // Pending events, or the immediate end of a run whose invocations were all refused.
  const told = await deliverOne(run, context);
  if (told.pollAt !== undefined) await context.wake(new Date(told.pollAt));
  return { kind: 'done', run: told };
}

/** Stores the result of the last call and all other changes in one write. Safe to call again. */
async function storeSent(sent: Run, context: DispatchContext): Promise<Run> {
  if (sent.status !== 'dispatching') return sent;
  const isTold = await tellStart(sent, context);
  return await change(context.store, sent, (current) => {
    if (isTerminalRun(current) || current.status !== 'dispatching') return undefined;
    return handedOver(current, sent, isTold, context);
  });
}

/**
 * Publishes the start before it is stored. If this process dies in between, the process that finds the invocation
 * publishes it again, under the same id. Chats are told after it is stored.
 */
async function tellStart(run: Run, { publishing, now }: DispatchContext): Promise<boolean> {
  if (!run.outbox.includes('run.started') || run.replyTo !== undefined) return false;
  const started: Run = { ...run, status: 'pending' };
  const event = runEvent(started, 'fleet-reflex.run.started', [], publishing.stage, now());
  const [outcome] = await publish([{ run, events: [event] }], publishing);
  return outcome?.status === 'fulfilled';
}

/** @param sent the invocations as this attempt knows them; everything else is as stored */
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

/** Nothing of it is sent any more, whatever else it would wait for. */
function withoutPlanned(run: Run): Run | undefined {
  if (!run.invocations.some(({ state }) => state === 'planned')) return undefined;
  const invocations = run.invocations.map(
    (invocation): RunInvocation =>
      invocation.state === 'planned' ? { ...invocation, state: 'dropped' } : invocation,
  );
  return { ...run, invocations };
}

function isUntouched({ state }: RunInvocation): boolean {
  return state === 'planned' || state === 'dropped';
}
