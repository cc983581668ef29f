/**
 * Finds the firings of schedules, and makes a run of each, which the poller completes. It reads again some time before the
 * last known firing, because a provider may show one late; a firing still gives one run, because the run's id is derived
 * from it.
 */

import { FleetReflexError, messageOf } from '../errors.ts';
import { after } from '../model/after.ts';
import type { LiveSchedule } from '../model/live-schedule.ts';
import type { Run } from '../model/run.ts';
import { factsOf } from '../providers/registry.ts';
import type { Firing } from '../providers/schedules.ts';
import { patienceOf, type SchedulesContext, schedulesOf } from './context.ts';
import { expectedAt, isDue } from './expected.ts';
import { beginFired } from './fired-run.ts';
import { firingKey } from './firing-key.ts';
import { isHeldAt, onceAt } from './live-schedule.ts';

export interface Collected {
  schedule: LiveSchedule;
  firing: Firing;
  run: Run;
}

/**
 * Reads the firings of due schedules. Makes no request if none is due.
 * @param known all schedules of the ledger; default: it is read
 * @returns the new firings
 */
export async function collectFirings(
  context: SchedulesContext,
  known?: readonly LiveSchedule[],
): Promise<Collected[]> {
  const schedules = known ?? (await context.ledger.all()).schedules;
  return await lookAt(
    schedules.filter((schedule) => isDue(schedule, context)),
    context,
  );
}

/** Asks about these schedules, whether their time has come or not. What cannot be asked now is asked again. */
export async function lookAt(
  schedules: readonly LiveSchedule[],
  context: SchedulesContext,
): Promise<Collected[]> {
  const collected: Collected[] = [];
  const named = schedules.filter(({ scheduleId }) => scheduleId !== undefined);
  const groups = Map.groupBy(named, ({ provider, region }) => `${provider}/${region}`);
  for (const group of groups.values()) {
    for (const { schedule, firings } of await ask(group, context)) {
      try {
        collected.push(...(await take(schedule, firings, context)));
      } catch (thrown) {
        // A destination that is away, say: what is not remembered here is found again the next time.
        context.log.error('schedule.failed', { schedule: schedule.name, error: messageOf(thrown) });
      }
    }
  }
  return collected;
}

interface Answer {
  schedule: LiveSchedule;
  firings: Firing[];
}

/** All of a region in one question; should one of them be refused, each by itself. @param since default: what is known */
async function ask(
  group: readonly LiveSchedule[],
  context: SchedulesContext,
  since?: Date,
): Promise<Answer[]> {
  const [first] = group;
  if (first === undefined) return [];
  const { overlapMs, lookAnywayMs } = patienceOf(context);
  const from = Math.min(...group.map(({ lookedFrom }) => Date.parse(lookedFrom)));
  const ids = group.flatMap(({ scheduleId }) => scheduleId ?? []);
  try {
    const firings = await schedulesOf(context.schedules, first.provider).firings(
      first.region,
      ids,
      since ?? new Date(from - overlapMs),
    );
    return group.map((schedule) => ({
      schedule,
      firings: firings.filter(({ scheduleId }) => scheduleId === schedule.scheduleId),
    }));
  } catch (error) {
    if (!(error instanceof FleetReflexError)) throw error;
    const names = group.map(({ name }) => name);
    const isTooMuch = error.code === 'provider.inconclusive';
    if (isTooMuch && group.length === 1 && since === undefined) {
      // After days of silence there may be more than can be read: rather the last hour than nothing for ever.
      context.log.error('schedules.skipped', { names, from: new Date(from).toISOString() });
      return await ask(group, context, after(context.now(), -lookAnywayMs));
    }
    if ((error.disposition === 'retry' && !isTooMuch) || group.length === 1) {
      context.log.warn('schedules.unread', { names, code: error.code, error: error.message });
      return [];
    }
    const answers: Answer[] = [];
    for (const schedule of group) answers.push(...(await ask([schedule], context)));
    return answers;
  }
}

/** Makes runs of new firings, and stores how far they are known. */
async function take(
  schedule: LiveSchedule,
  firings: readonly Firing[],
  context: SchedulesContext,
): Promise<Collected[]> {
  const { ledger, log, now } = context;
  const { overlapMs, silentMs } = patienceOf(context);
  const since = after(new Date(schedule.lookedFrom), -overlapMs);
  const within = firings.filter(({ at }) => new Date(at) >= since);
  const collected: Collected[] = [];
  let { firedAs, lastRun } = schedule;
  for (const firing of within) {
    if (schedule.recent.includes(firingKey(firing))) continue;
    const run = await beginFired(schedule, firing, context);
    log.info('schedule.fired', {
      schedule: schedule.name,
      scheduleId: firing.scheduleId,
      invocationId: firing.invocationId,
      runId: run.runId,
      reason: firing.reason,
    });
    collected.push({ schedule, firing, run });
    if (onceAt(schedule) !== undefined) firedAs = run.runId;
    else if (factsOf(schedule.provider).schedules?.endsWithFailure === true) lastRun = run.runId;
  }
  const last = within.reduce((latest, { at }) => (at > latest ? at : latest), schedule.lookedFrom);
  const expected = expectedAt(schedule, context);
  const isSilent =
    'recurrence' in schedule.timing &&
    collected.length === 0 &&
    expected !== undefined &&
    !isHeldAt(schedule, expected) &&
    now() > after(expected, silentMs);
  if (isSilent) {
    log.warn('schedule.silent', { schedule: schedule.name, expected: expected.toISOString() });
  }
  await ledger.save({
    ...schedule,
    lookedFrom: isSilent ? now().toISOString() : last,
    lookedAt: now().toISOString(),
    recent: within.map(firingKey),
    ...(firedAs !== undefined && { firedAs }),
    ...(lastRun !== undefined && { lastRun }),
  });
  return collected;
}
