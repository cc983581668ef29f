/** When a schedule should fire next, so that a provider is only asked when there may be something to hear. */

import { FleetReflexError } from '../errors.ts';
import { after } from '../model/after.ts';
import type { LiveSchedule } from '../model/live-schedule.ts';
import { patienceOf, type SchedulesContext, schedulesOf } from './context.ts';
import { isHeldAt, onceAt } from './live-schedule.ts';

type Expecting = Pick<SchedulesContext, 'schedules' | 'now' | 'patience'>;

/** A firing is shown with a time a little before or after the one that was meant; recurrences are 10 s and more. */
const TOLERANCE_MS = 5_000;

/** The first time without a known firing; undefined if no more are expected, or the time cannot be computed. */
export function expectedAt(schedule: LiveSchedule, { schedules }: Expecting): Date | undefined {
  const once = onceAt(schedule);
  if (once !== undefined) return schedule.firedAs === undefined ? once : undefined;
  if (!('recurrence' in schedule.timing)) return undefined;
  const from = new Date(schedule.lookedFrom);
  try {
    const times = schedulesOf(schedules, schedule.provider).nextTimes(schedule.timing.recurrence, 2, from);
    return times.find((time) => time > after(from, TOLERANCE_MS));
  } catch (error) {
    // The provider took what its reader here does not understand: then it is asked at intervals only.
    if (error instanceof FleetReflexError) return undefined;
    throw error;
  }
}

/** Whether to ask the provider now. */
export function isDue(schedule: LiveSchedule, context: Expecting): boolean {
  const { now } = context;
  if (schedule.scheduleId === undefined) return false;
  if (schedule.firedAs !== undefined) return false;
  const asked = new Date(schedule.lookedAt ?? schedule.madeAt);
  if (now() >= after(asked, patienceOf(context).lookAnywayMs)) return true;
  const expected = expectedAt(schedule, context);
  return expected !== undefined && expected <= now() && !isHeldAt(schedule, expected);
}

/**
 * When to look next, where the minute would be late: at a firing that is about to come, or again and again for one
 * that should have come just now.
 */
export function lookNextAt(schedules: readonly LiveSchedule[], context: Expecting): Date | undefined {
  const { wakeWithinMs, lookAgainMs } = patienceOf(context);
  const now = context.now();
  const times = schedules.flatMap((schedule) => {
    if (schedule.scheduleId === undefined) return [];
    const expected = expectedAt(schedule, context);
    if (expected === undefined || isHeldAt(schedule, expected)) return [];
    if (Math.abs(expected.getTime() - now.getTime()) > wakeWithinMs) return [];
    return [after(expected > now ? expected : now, lookAgainMs).getTime()];
  });
  return times.length === 0 ? undefined : new Date(Math.min(...times));
}
