/**
 * The end of a schedule that is not the rules' to end: one that fires once and has, or does not; one whose run was
 * cancelled. What is over is removed at the provider, but not before its run has ended: at Alibaba the schedule is
 * the running command.
 */

import { FleetReflexError } from '../errors.ts';
import { ASK_ANEW } from '../guards/ask-anew.ts';
import { after } from '../model/after.ts';
import type { Reason } from '../model/completion-event.ts';
import type { LiveSchedule, ScheduleRequest } from '../model/live-schedule.ts';
import { isAwaitingSchedule, isTerminalRun, type Run } from '../model/run.ts';
import { change, endRun } from '../runs/settle.ts';
import { patienceOf, type SchedulesContext, schedulesOf } from './context.ts';
import { lookAt } from './firings.ts';
import { isHeldAt, onceAt, requestOf } from './live-schedule.ts';
import { scheduleOnce, showing } from './schedule-once.ts';
import { keepUntil } from './scheduled-run.ts';

/** @returns whether it is gone now */
export async function finishIfOver(schedule: LiveSchedule, context: SchedulesContext): Promise<boolean> {
  const request = requestOf(schedule);
  if (schedule.firedAs !== undefined) {
    const run = await context.store.get(schedule.firedAs);
    return run === undefined || isTerminalRun(run) ? await forget(schedule, context) : false;
  }
  if (request === undefined) return await finishStanding(schedule, context);
  const run = await context.store.get(request.runId);
  if (run === undefined || isTerminalRun(run)) return await forget(schedule, context);
  // It has started, but the process that found out died before it stored that.
  if (!isAwaitingSchedule(run)) return false;
  if (schedule.scheduleId === undefined) {
    // Who was making it may have died: its message is with the dead letters, or will come again.
    const isLeft = context.now() >= after(new Date(schedule.madeAt), context.leaseMs);
    if (isLeft) await scheduleOnce(request, context);
    return false;
  }
  if (run.cancelRequestedAt !== undefined) return await takeBack(schedule, run, context);
  return await tendWaiting(schedule, request, run, context);
}

/** Whether a run of it has ended otherwise than well, so that the provider may have ended the schedule with it. */
export async function mayHaveEnded(
  schedule: LiveSchedule,
  { store, ledger }: SchedulesContext,
): Promise<boolean> {
  if (schedule.lastRun === undefined) return false;
  const run = await store.get(schedule.lastRun);
  if (run !== undefined && !isTerminalRun(run)) return false;
  const { lastRun: _, ...rest } = schedule;
  await ledger.save(rest);
  return run?.status !== 'succeeded';
}

/** A one-off of the rules file that did not fire: no run waits for it, so it is only logged. */
async function finishStanding(schedule: LiveSchedule, context: SchedulesContext): Promise<boolean> {
  if (!isLate(schedule, context)) return false;
  context.log.warn('schedule.silent', { schedule: schedule.name, expected: onceAt(schedule)?.toISOString() });
  return await forget(schedule, context);
}

async function tendWaiting(
  schedule: LiveSchedule,
  runRequest: ScheduleRequest,
  run: Run,
  context: SchedulesContext,
): Promise<boolean> {
  const { now, store } = context;
  const at = onceAt(schedule);
  // A sync may have made it anew.
  await showing(run, schedule, context);
  if (at !== undefined && at <= now() && isHeldAt(schedule, at)) {
    return await end(run, 'rejected', FROZEN, schedule, context);
  }
  if (isLate(schedule, context)) return await end(run, 'unknown', silent(schedule), schedule, context);
  const until = keepUntil(runRequest, context);
  const isKept = new Date(run.pollAt ?? 0) > after(until, -patienceOf(context).keepMs / 2);
  if (!isKept) {
    await change(store, run, (current) =>
      isAwaitingSchedule(current) && current.cancelRequestedAt === undefined
        ? { ...current, pollAt: until.toISOString() }
        : undefined,
    );
  }
  return false;
}

/**
 * Takes back a schedule whose run is to be cancelled: first at the provider, so that it cannot fire any more; and
 * should it have fired meanwhile, that is cancelled like any run.
 */
async function takeBack(schedule: LiveSchedule, run: Run, context: SchedulesContext): Promise<boolean> {
  await removeThere(schedule, context);
  await lookAt([schedule], context);
  const now = (await context.store.get(run.runId)) ?? run;
  if (isAwaitingSchedule(now)) {
    const by = run.cancelledBy ?? 'a request';
    const reason = { code: 'run.cancelled', message: `Its schedule was taken back: ${by} cancelled it.` };
    await endRun(now, 'stopped', reason, context);
  }
  await context.ledger.remove(schedule);
  return true;
}

async function end(
  run: Run,
  status: 'rejected' | 'unknown',
  reason: Reason,
  schedule: LiveSchedule,
  context: SchedulesContext,
): Promise<boolean> {
  await endRun(run, status, reason, context);
  return await forget(schedule, context);
}

async function forget(schedule: LiveSchedule, context: SchedulesContext): Promise<boolean> {
  await removeThere(schedule, context);
  await context.ledger.remove(schedule);
  return true;
}

async function removeThere(
  { scheduleId, region, provider }: LiveSchedule,
  { schedules }: SchedulesContext,
): Promise<void> {
  if (scheduleId === undefined) return;
  try {
    await schedulesOf(schedules, provider).remove({ region, scheduleId });
  } catch (error) {
    // Somebody took our mark off: it is theirs now.
    if (!(error instanceof FleetReflexError) || error.code !== 'provider.notOurs') throw error;
  }
}

function isLate(schedule: LiveSchedule, context: SchedulesContext): boolean {
  const at = onceAt(schedule);
  return at !== undefined && context.now() > after(at, patienceOf(context).silentMs);
}

const FROZEN: Reason = {
  code: 'guard.freeze',
  message: 'Its time came while all runs were frozen.',
  advice: `When the freeze is over, ask anew. ${ASK_ANEW}`,
};

function silent({ scheduleId, provider, timing }: LiveSchedule): Reason {
  const at = 'at' in timing ? timing.at : '';
  return {
    code: 'schedule.silent',
    message: `${provider} shows no firing of ${scheduleId} at ${at}.`,
    advice: 'Look at the provider whether the command ran at that time before anything is run again.',
  };
}
