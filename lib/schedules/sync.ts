/**
 * Brings the providers' schedules in step with what is wanted: the `schedules` of the rules, and those that runs
 * made and that still live. Only ours are ever listed, so nothing else can be touched.
 */
import { randomUUID } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import { after } from '../model/after.ts';
import { keyOf, type LiveSchedule } from '../model/live-schedule.ts';
import type { StandingSchedule } from '../rules/rule.ts';
import type { RunStore } from '../store/run-store.ts';
import { type Applied, applySteps, describeStep, type Listing, listExisting, within } from './apply.ts';
import { patienceOf, type SchedulesContext } from './context.ts';
import { lookAt } from './firings.ts';
import { withMembers } from './fleet-members.ts';
import { asWanted, fromRules, onceAt, requestOf, specOf } from './live-schedule.ts';
import { type ExistingSchedule, isSameTiming, planSchedules } from './plan.ts';

/** One at a time works on the schedules, whichever function it is in. */
export async function underLease<Result>(
  {
    store,
    now,
    leaseMs,
  }: Pick<SchedulesContext, 'now' | 'leaseMs'> & {
    store: Pick<RunStore, 'acquireLease' | 'releaseLease'>;
  },
  work: () => Promise<Result>,
): Promise<Result | { kind: 'busy' }> {
  const owner = randomUUID();
  if (!(await store.acquireLease('schedules', owner, now(), leaseMs))) return { kind: 'busy' };
  try {
    return await work();
  } finally {
    await store.releaseLease('schedules', owner);
  }
}

/** For the lease holder. @param known all schedules of the ledger */
export async function bringInStep(
  wanted: readonly StandingSchedule[],
  known: readonly LiveSchedule[],
  isFrozen: boolean,
  context: SchedulesContext,
): Promise<Applied> {
  const { schedules, fleets, log, now } = context;
  // A schedule in creation is left to its creator.
  const ofRuns = known.filter((schedule) => requestOf(schedule) && schedule.scheduleId !== undefined);
  const all = [...wanted, ...ofRuns.map(asWanted)].map((schedule) =>
    isFrozen ? { ...schedule, isEnabled: false } : schedule,
  );
  // Skips the provider if there is no wanted and no known schedule.
  const places = [...all, ...known];
  const listing = await listExisting(places, schedules);
  const { existing } = listing;
  const { wanted: reachable, failed: unread } = await withMembers(within(all, listing), existing, fleets);
  const steps = planSchedules(reachable, existing, now());
  // What they did until now is only told as long as they are there.
  const touched = new Set(steps.flatMap((step) => ('scheduleId' in step ? [step.scheduleId] : [])));
  const there = new Set(existing.map(({ scheduleId }) => scheduleId));
  await lookAt(
    within(known, listing).filter(
      ({ scheduleId }) => scheduleId !== undefined && (touched.has(scheduleId) || !there.has(scheduleId)),
    ),
    context,
  );
  const applied = await applySteps(steps, schedules);
  const nowListing = applied.done.length === 0 ? listing : await listExisting(places, schedules);
  const result = { done: applied.done, failed: [...listing.unknown, ...unread, ...applied.failed] };
  for (const step of result.done) log.info('schedules.step', { step: describeStep(step) });
  for (const { what, error } of result.failed) {
    log.error('schedules.failed', { what, code: error.code, error: error.message });
  }
  await remember(reachable, nowListing, context);
  return result;
}

/** Makes the ledger say what the provider has. */
async function remember(
  wanted: readonly StandingSchedule[],
  listing: Listing,
  context: SchedulesContext,
): Promise<void> {
  const { ledger, now } = context;
  const there = new Map(listing.existing.map((schedule) => [keyOf(schedule), schedule]));
  const shall = new Map(wanted.map((schedule) => [keyOf(schedule), schedule]));
  // As it is by now: what they did was looked at in between.
  const known = within((await ledger.all()).schedules, listing);
  for (const schedule of known) {
    const key = keyOf(schedule);
    const found = there.get(key);
    const wants = shall.get(key);
    if (wants === undefined) {
      // A standing one that left the rules; one of a run goes with its run.
      if (requestOf(schedule) === undefined && found === undefined) await ledger.remove(schedule);
      continue;
    }
    await keep(schedule, wants, found, context);
  }
  const names = new Set(known.map(keyOf));
  for (const schedule of wanted) {
    const found = there.get(keyOf(schedule));
    if (found === undefined || names.has(keyOf(schedule))) continue;
    await ledger.add(fromRules(schedule, found.scheduleId, !found.isEnabled, now()));
  }
}

async function keep(
  schedule: LiveSchedule,
  wants: StandingSchedule,
  found: ExistingSchedule | undefined,
  { ledger, now }: SchedulesContext,
): Promise<void> {
  const isSameTime = isSameTiming(schedule.timing, wants.timing);
  // What fired once and is over is not listed any more, and is still known.
  const scheduleId = found?.scheduleId ?? schedule.scheduleId;
  const { firedAs, username: _, settings: _settings, followUps: _before, heldSince, ...rest } = schedule;
  // The actual state, not the wanted one: a provider that could not be reached still fires it.
  const isHeld = found === undefined ? !wants.isEnabled : !found.isEnabled;
  // What it missed while it was held is not waited for.
  const isNewStart = !isSameTime || (heldSince !== undefined && !isHeld);
  const kept: LiveSchedule = {
    ...rest,
    ...specOf(wants),
    instances: [...wants.instances],
    parameters: { ...wants.parameters },
    timing: wants.timing,
    notify: [...wants.notify],
    ...(wants.followUps && { followUps: [...wants.followUps] }),
    ...(isHeld && { heldSince: heldSince ?? now().toISOString() }),
    ...(scheduleId !== undefined && { scheduleId }),
    ...(isSameTime && firedAs !== undefined && { firedAs }),
    ...(isNewStart && { lookedFrom: now().toISOString() }),
  };
  // A standing one that is gone and shall not be there is forgotten.
  const isOver = (onceAt(wants)?.getTime() ?? Number.POSITIVE_INFINITY) <= now().getTime();
  if (requestOf(schedule) === undefined && found === undefined && !isOver) {
    await ledger.remove(schedule);
    return;
  }
  if (!isDeepStrictEqual(kept, schedule)) await ledger.save(kept);
}

/** When the two are to be compared again. */
export function nextSyncAt(
  applied: Applied,
  isAnyWanted: boolean,
  context: Pick<SchedulesContext, 'now' | 'patience'>,
): Date | undefined {
  const mayPass = applied.failed.some(({ error }) => error.disposition === 'retry');
  if (mayPass) return context.now();
  const isAny = isAnyWanted || applied.failed.length > 0;
  return isAny ? after(context.now(), patienceOf(context).driftMs) : undefined;
}
