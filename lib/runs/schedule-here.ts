/**
 * The action `schedule`: a run that waits for its time in our table, and is sent by us. A provider's own schedule has no
 * guards and no kill switch; here both are checked when it is scheduled, and again when it fires.
 */

import { FleetReflexError } from '../errors.ts';
import { reserve } from '../guards/reserve.ts';
import { after } from '../model/after.ts';
import type { Reason } from '../model/completion-event.ts';
import type { ScheduleRequest } from '../model/live-schedule.ts';
import { isAwaitingSchedule, type Run, timerOf } from '../model/run.ts';
import type { RunRequest } from '../model/run-request.ts';
import { type Providers, providerOf } from '../providers/provider.ts';
import { recurrencesOf } from '../providers/registry.ts';
import { whyNotAt } from '../rules/instant.ts';
import type { DispatchContext, DispatchResult } from './dispatch-context.ts';
import { newRun, type Splitting } from './new-run.ts';
import { change, deliverOne, endRun } from './settle.ts';

const ARRANGE_MS = 15 * 60_000;
/** The poller comes each minute by itself. */
const MINUTE_MS = 60_000;

export type TimedRequest = ScheduleRequest & { execution: NonNullable<ScheduleRequest['execution']> };

/** Whether we fire it; schedules of earlier versions are fired by the provider. */
export function isFiredHere(runRequest: ScheduleRequest): runRequest is TimedRequest {
  return runRequest.execution !== undefined;
}

/** Carries out a `schedule` request with an `execution`. Safe to call again with the same request at any point. */
export async function scheduleHere(
  runRequest: TimedRequest,
  context: DispatchContext,
): Promise<DispatchResult> {
  const { run } = await context.store.create(timedRun(runRequest, context));
  return { kind: 'done', run: await setTimer(run, context) };
}

/** Never `dispatching` before its time: any process may send a `dispatching` run. */
export function timedRun(
  runRequest: TimedRequest,
  { providers, now, leaseMs }: Pick<DispatchContext, 'now' | 'leaseMs'> & { providers: Providers<Splitting> },
): Run {
  const { at, recurrence, execution, ...rest } = runRequest;
  const { deadlineMs, ...how } = execution;
  // A recurrence has no time of its own yet, so its message may be this late.
  const deadline =
    at === undefined
      ? after(new Date(runRequest.requestedAt), Math.max(deadlineMs, ARRANGE_MS))
      : after(new Date(at), deadlineMs);
  const asked: Extract<RunRequest, { action: 'run' }> = {
    ...rest,
    ...how,
    action: 'run',
    deadline: deadline.toISOString(),
  };
  // If this process dies, the poller sets the timer.
  const { leaseUntil: _, ...run } = newRun(
    asked,
    providerOf(providers, runRequest.target.provider),
    after(now(), leaseMs),
  );
  return {
    ...run,
    status: 'scheduled',
    invocations: [],
    schedule: {
      at,
      recurrence,
      timer: { deadlineMs },
    },
  };
}

/** Checks the guards, and lets the run wait. A run with a timer is not changed. */
export async function setTimer(run: Run, context: DispatchContext): Promise<Run> {
  const { store, guards, now, log, wake } = context;
  const timer = timerOf(run);
  if (timer === undefined || timer.nextAt !== undefined || !isAwaitingSchedule(run)) {
    log.info('run.known', { runId: run.runId, status: run.status });
    return await deliverOne(run, context);
  }
  // A late or redriven message: a recurrence of last week is no longer wanted.
  if (now() >= new Date(run.deadline)) return await endRun(run, 'expired', late(run), context);
  const first = await firstTime(run, now());
  if (!first.ok) return await endRun(run, 'rejected', first.reason, context);
  const until = run.schedule?.recurrence === undefined ? after(first.at, timer.deadlineMs) : undefined;
  const admission = await reserve(run, { at: first.at, until }, { store: guards, now: now() });
  if (admission.kind === 'refused') {
    log.info('run.stopped', { runId: run.runId, rule: run.rule, guard: admission.reason.code });
    return await endRun(run, 'rejected', admission.reason, context);
  }
  const waiting = await change(store, run, (current) =>
    isAwaitingSchedule(current) && current.cancelRequestedAt === undefined
      ? waitingUntil(current, first.at)
      : undefined,
  );
  log.info('run.scheduled', { runId: run.runId, rule: run.rule, at: first.at.toISOString() });
  if (first.at < after(now(), MINUTE_MS)) await wake(first.at > now() ? first.at : now());
  return waiting;
}

/** The same run, waiting for that time. */
export function waitingUntil(run: Run, at: Date): Run {
  const timer = timerOf(run);
  if (timer === undefined) return run;
  const nextAt = at.toISOString();
  return {
    ...run,
    schedule: { ...run.schedule, timer: { ...timer, nextAt } },
    deadline: after(at, timer.deadlineMs).toISOString(),
    waitingFor: { code: 'schedule.at', message: `It waits for its time, ${nextAt}.` },
    pollAt: nextAt,
  };
}

function late({ deadline, requestedAt }: Run): Reason {
  return {
    code: 'schedule.late',
    message: `It was asked for at ${requestedAt}, and came here after its deadline ${deadline}. Nothing was scheduled.`,
    advice: 'Ask for it again, if it is still wanted.',
  };
}

type FirstTime = { ok: true; at: Date } | { ok: false; reason: Reason };

/** When a run that waits for its time is to be sent first. */
export async function firstTime(run: Run, now: Date): Promise<FirstTime> {
  const at = run.schedule?.at;
  // Whether a late run is still sent is decided when it fires.
  const time = at === undefined ? await comesNext(run, now) : ({ ok: true, at: new Date(at) } as const);
  const problem = time.ok && time.at > now ? whyNotAt(time.at.toISOString(), now) : undefined;
  return problem === undefined
    ? time
    : {
        ok: false,
        reason: { code: 'schedule.invalid', message: `${problem}.`, advice: 'Look at the year.' },
      };
}

/** The next firing of a run's recurrence after that time. */
export async function comesNext(run: Run, from: Date): Promise<FirstTime> {
  const { target, schedule, requestedAt } = run;
  const recurrence = schedule?.recurrence ?? '';
  try {
    const recurrences = target && (await recurrencesOf(target.provider));
    const at = recurrences?.nextTime(recurrence, from, new Date(requestedAt));
    if (at !== undefined) return { ok: true, at };
    return {
      ok: false,
      reason: { code: 'schedule.never', message: `The recurrence '${recurrence}' has no further time.` },
    };
  } catch (error) {
    // Another version of the functions may know the cloud, so the run is not ended.
    if (!(error instanceof FleetReflexError) || error.disposition !== 'drop') throw error;
    return { ok: false, reason: { code: 'schedule.invalid', message: error.message } };
  }
}
