/**
 * Standing schedules and the windows of the file. The provider fires them and asks no window, so a schedule is disabled
 * there as long as its next time is in a closed window: it fires up to the window, and again after it.
 */
import { FleetReflexError } from '../errors.ts';
import { frozenBy } from '../guards/freeze.ts';
import { after } from '../model/after.ts';
import type { StandingSchedule } from '../rules/rule.ts';
import { patienceOf, type SchedulesContext, schedulesOf } from './context.ts';

type Holding = Pick<SchedulesContext, 'schedules' | 'now' | 'patience'>;

/** Recurrences are 10 s and more: so many times reach over the time between two comparisons. */
const AHEAD = 100;

/** The schedules as the provider shall have them now: one whose next time is in a closed window is not enabled. */
export async function heldByWindows(
  standing: readonly StandingSchedule[],
  context: Holding,
): Promise<StandingSchedule[]> {
  return await Promise.all(
    standing.map(async (schedule) => {
      const [next = context.now()] = nextTimes(schedule, 1, context);
      return (await isClosed(schedule, next)) ? { ...schedule, isEnabled: false } : schedule;
    }),
  );
}

/** After which firing one of them is to be held, or let go, before the next regular comparison. */
export async function holdChangesAt(
  standing: readonly StandingSchedule[],
  context: Holding,
): Promise<Date | undefined> {
  const { driftMs, lookAgainMs } = patienceOf(context);
  const until = after(context.now(), driftMs);
  const changes = standing.map(async (schedule) => {
    if (schedule.windows === undefined || !schedule.isEnabled) return [];
    const times = nextTimes(schedule, AHEAD, context);
    const closed = await Promise.all(times.map((time) => isClosed(schedule, time)));
    const change = times.find((time, at) => time <= until && closed[at + 1] === !closed[at]);
    return change === undefined ? [] : [after(change, lookAgainMs).getTime()];
  });
  const times = (await Promise.all(changes)).flat();
  return times.length === 0 ? undefined : new Date(Math.min(...times));
}

async function isClosed({ windows }: StandingSchedule, at: Date): Promise<boolean> {
  return windows !== undefined && (await frozenBy({ windows }, undefined, at)) !== undefined;
}

/** None where nobody here can read the recurrence: then the present counts. */
function nextTimes(
  { provider, timing, windows }: StandingSchedule,
  count: number,
  { schedules, now }: Holding,
): Date[] {
  if (windows === undefined) return [];
  if ('at' in timing) return [new Date(timing.at)];
  try {
    return schedulesOf(schedules, provider).nextTimes(timing.recurrence, count, now());
  } catch (error) {
    if (error instanceof FleetReflexError) return [];
    throw error;
  }
}
