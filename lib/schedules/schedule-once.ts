/**
 * The action `schedule`: creates the provider's schedule for one request, once. The run is stored before the call, and the
 * schedule has the run's id as its name, so that a retry finds it.
 */

import { randomUUID } from 'node:crypto';
import { FleetReflexError } from '../errors.ts';
import { admit } from '../guards/guards.ts';
import { after } from '../model/after.ts';
import type { Reason } from '../model/completion-event.ts';
import type { LiveSchedule, ScheduleRequest } from '../model/live-schedule.ts';
import { isAwaitingSchedule, type Run } from '../model/run.ts';
import { providerOf } from '../providers/provider.ts';
import { factsOf } from '../providers/registry.ts';
import type { DispatchResult } from '../runs/dispatch-context.ts';
import { change, deliverOne, endRun } from '../runs/settle.ts';
import { patienceOf, type SchedulesContext, schedulesOf } from './context.ts';
import { fromRequest, specOf } from './live-schedule.ts';
import { deadlineOf, scheduledRun } from './scheduled-run.ts';

const RETRY_MS = 5_000;

/** Carries out a `schedule` request. Safe to call again with the same request at any point. */
export async function scheduleOnce(
  runRequest: ScheduleRequest,
  context: SchedulesContext,
): Promise<DispatchResult> {
  const { store, now, leaseMs } = context;
  const { run } = await store.create(scheduledRun(runRequest, context));
  const lease = `schedule/${run.runId}`;
  const owner = randomUUID();
  if (!(await store.acquireLease(lease, owner, now(), leaseMs))) {
    return retry(run, RETRY_MS, 'another attempt is at work on this run');
  }
  try {
    return await arrange(runRequest, (await store.get(run.runId)) ?? run, context);
  } finally {
    await store.releaseLease(lease, owner);
  }
}

async function arrange(
  runRequest: ScheduleRequest,
  run: Run,
  context: SchedulesContext,
): Promise<DispatchResult> {
  const { ledger, guards, now, log } = context;
  if (!isAwaitingSchedule(run)) {
    log.info('run.known', { runId: run.runId, status: run.status });
    return { kind: 'done', run: await deliverOne(run, context) };
  }
  const wanted = fromRequest(runRequest, now());
  const earlier = await ledger.get(wanted);
  if (earlier?.scheduleId !== undefined) return { kind: 'done', run: await showing(run, earlier, context) };

  if (earlier === undefined) {
    const problem = problemOf(runRequest, context);
    if (problem !== undefined) return await reject(run, problem, context);
    if (run.cancelRequestedAt !== undefined) return await stop(run, context);
    const admission = await admit(run, { store: guards, now: now() });
    if (admission.kind === 'wait') return retry(run, admission.retryAfterMs, admission.reason.message);
    if (admission.kind === 'refused') return await reject(run, admission.reason, context);
    await ledger.add(wanted);
  }
  return await make(earlier ?? wanted, runRequest, run, context);
}

/** Asks the provider, and keeps what it says. */
async function make(
  schedule: LiveSchedule,
  runRequest: ScheduleRequest,
  run: Run,
  context: SchedulesContext,
): Promise<DispatchResult> {
  const { ledger, log, now, schedules, wake } = context;
  const isLate = now() >= deadlineOf(runRequest, context);
  let current = schedule;
  try {
    // It may be there from an attempt that was not answered, and may have fired: then it must not be made anew.
    const found = current.isUncertain ? await find(current, context) : undefined;
    if (found === undefined && isLate) return await giveUp(current, run, context);
    if (found === undefined && run.cancelRequestedAt !== undefined) {
      const stopped = await stop(run, context);
      await ledger.remove(current);
      return stopped;
    }
    if (found === undefined) {
      // Said before it is done: should this process end now, the next one looks first.
      current = (await ledger.save({ ...current, isUncertain: true })) ?? current;
    }
    const scheduleId =
      found ?? (await schedulesOf(schedules, current.provider).create(specOf(current))).scheduleId;
    const made = { ...current, scheduleId, isUncertain: false };
    await ledger.save(made);
    log.info('run.scheduled', { runId: run.runId, rule: run.rule, scheduleId, ...schedule.timing });
    if (runRequest.at !== undefined) await wakeFor(new Date(runRequest.at), { ...context, wake });
    return { kind: 'done', run: await showing(run, made, context) };
  } catch (error) {
    if (!(error instanceof FleetReflexError) || !error.code.startsWith('provider.')) throw error;
    if (error.disposition !== 'retry') {
      const rejected = await reject(run, reasonOf(error), context);
      await ledger.remove(current);
      return rejected;
    }
    log.warn('schedule.unanswered', { runId: run.runId, code: error.code, error: error.message });
    // A refusal for the rate has no effect; the outcome of other failures is unknown.
    if (error.code === 'provider.throttled' && !schedule.isUncertain) {
      await ledger.save({ ...current, isUncertain: false });
    }
    return retry(run, error.retryAfterMs ?? RETRY_MS, `${error.code}: ${error.message}`);
  }
}

async function find(
  { provider, region, name }: LiveSchedule,
  { schedules }: SchedulesContext,
): Promise<string | undefined> {
  return (await schedulesOf(schedules, provider).list(region)).find((existing) => existing.name === name)
    ?.scheduleId;
}

/** The time has come, or the patience has ended, and the provider does not show it. */
async function giveUp(schedule: LiveSchedule, run: Run, context: SchedulesContext): Promise<DispatchResult> {
  const reason = schedule.isUncertain ? uncertain(schedule, run) : expired(schedule, run);
  const ended = await endRun(run, schedule.isUncertain ? 'unknown' : 'expired', reason, context);
  // In this order: a run without its item would be taken for a new one.
  await context.ledger.remove(schedule);
  return { kind: 'done', run: ended };
}

function expired({ provider }: LiveSchedule, { deadline }: Run): Reason {
  return {
    code: 'schedule.expired',
    message: `The schedule could not be made before ${deadline}: ${provider} took no request until then.`,
  };
}

function uncertain({ name, provider }: LiveSchedule, { deadline }: Run): Reason {
  return {
    code: 'schedule.uncertain',
    message: `The schedule ${name} was asked for, ${provider} did not answer, and does not show it at ${deadline}.`,
    advice: 'Look at the provider whether the command ran at its time before anything is run again.',
  };
}

/** What can be refused before anybody is asked. */
function problemOf(runRequest: ScheduleRequest, context: SchedulesContext): Reason | undefined {
  const { at, recurrence } = runRequest;
  const { provider, instances } = runRequest.target;
  const now = context.now();
  const { maxInstances = 0 } = factsOf(provider).schedules ?? {};
  if (instances.length > maxInstances) {
    return {
      code: 'schedule.tooManyInstances',
      message: `A schedule of ${provider} takes at most ${maxInstances} instances, came ${instances.length}.`,
      advice: 'Let several rules make a schedule each, for a part of the instances.',
    };
  }
  if (providerOf(context.providers, provider).split(instances).length > 1) {
    return {
      code: 'schedule.mixedInstances',
      message: `A schedule of ${provider} takes instances of one kind, came ${instances.slice(0, 5).join(', ')}${instances.length > 5 ? ', …' : ''}.`,
      advice: 'Let a rule for each kind make a schedule of its own.',
    };
  }
  if (at !== undefined) {
    if (new Date(at) > now) return undefined;
    return {
      code: 'schedule.past',
      message: `The time ${at} was past when the schedule could be made (${now.toISOString()}).`,
      advice: 'Ask for a time that leaves room for the way there: some seconds at the least.',
    };
  }
  try {
    const [next] = schedulesOf(context.schedules, provider).nextTimes(recurrence ?? '', 1, now);
    if (next !== undefined) return undefined;
    return { code: 'schedule.never', message: `The recurrence '${recurrence}' has no further firing.` };
  } catch (error) {
    if (!(error instanceof FleetReflexError)) throw error;
    return { code: 'schedule.invalid', message: error.message };
  }
}

async function reject(run: Run, reason: Reason, context: SchedulesContext): Promise<DispatchResult> {
  return { kind: 'done', run: await endRun(run, 'rejected', reason, context) };
}

async function stop(run: Run, context: SchedulesContext): Promise<DispatchResult> {
  const by = run.cancelledBy ?? 'a request';
  const reason = {
    code: 'run.cancelled',
    message: `It was cancelled by ${by} before its schedule was made.`,
  };
  return { kind: 'done', run: await endRun(run, 'stopped', reason, context) };
}

/** The run says what the provider calls its schedule. */
export async function showing(
  run: Run,
  { scheduleId }: Pick<LiveSchedule, 'scheduleId'>,
  { store }: Pick<SchedulesContext, 'store'>,
): Promise<Run> {
  return await change(store, run, (current) =>
    current.schedule === undefined || scheduleId === undefined || current.schedule.scheduleId === scheduleId
      ? undefined
      : { ...current, schedule: { ...current.schedule, scheduleId } },
  );
}

async function wakeFor(at: Date, context: SchedulesContext): Promise<void> {
  const { wakeWithinMs, lookAgainMs } = patienceOf(context);
  if (at < after(context.now(), wakeWithinMs)) await context.wake(after(at, lookAgainMs));
}

/** The vendor's own code where there is one. */
function reasonOf(error: FleetReflexError): Reason {
  const { code } = error.details;
  return { code: typeof code === 'string' ? code : error.code, message: error.message };
}

function retry(run: Run, retryAfterMs: number, reason: string): DispatchResult {
  return { kind: 'retry', retryAfterMs, reason, run };
}
