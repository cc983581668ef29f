/**
 * Looks after all schedules, for the poller to call each time: what fired becomes runs, what is over goes, and rules
 * and providers are kept in step. One query to the table when there is nothing to do, and no request to a provider.
 */
import { FleetReflexError, messageOf } from '../errors.ts';
import type { LiveSchedule } from '../model/live-schedule.ts';
import type { StandingSchedule } from '../rules/rule.ts';
import type { SyncState } from '../store/schedule-ledger.ts';
import type { SchedulesContext } from './context.ts';
import { lookNextAt } from './expected.ts';
import { finishIfOver, mayHaveEnded } from './finish.ts';
import { collectFirings } from './firings.ts';
import { heldByWindows, holdChangesAt } from './hold.ts';
import { requestOf } from './live-schedule.ts';
import { bringInStep, nextSyncAt, underLease } from './sync.ts';

export interface WantedSchedules {
  /** Of the rules file: when it is another, the file is read. */
  digest: string;
  /** Reads the file's `schedules`. Only called when it has to be: the poller loads no rule parser otherwise. */
  load: () => Promise<readonly StandingSchedule[]>;
}

export interface TendContext extends SchedulesContext {
  wanted: WantedSchedules;
}

export async function tendSchedules(context: TendContext): Promise<void> {
  const { schedules, sync } = await context.ledger.all();
  if (schedules.length === 0 && isEmpty(sync) && digestOf(context.wanted, false) === sync.digest) return;
  await underLease(context, async () => {
    await tend(context);
    return { kind: 'tended' };
  });
}

async function tend(context: TendContext): Promise<void> {
  const { ledger, guards, now, wake } = context;
  // Read again: only the lease holder may rely on this state.
  const { schedules, sync } = await ledger.all();
  const isFrozen = (await guards.freeze(now())) !== undefined;
  await collectFirings(context, schedules);
  let isOther = false;
  for (const schedule of (await ledger.all()).schedules) {
    if (await finish(schedule, context)) isOther = true;
    // One that was made while the freeze was set, or lifted: the last sync did not see it.
    if (requestOf(schedule) !== undefined && schedule.scheduleId !== undefined) {
      if (isFrozen !== (schedule.heldSince !== undefined) && schedule.firedAs === undefined) isOther = true;
    }
  }
  const isDue =
    sync === undefined ||
    sync.digest !== digestOf(context.wanted, isFrozen) ||
    (sync.nextAt !== undefined && new Date(sync.nextAt) <= now()) ||
    isOther;
  if (isDue) await syncNow(isFrozen, context);
  const next = lookNextAt((await ledger.all()).schedules, context);
  if (next !== undefined) await wake(next);
}

/** @returns whether it may have ended at the provider. What goes wrong with one is tried again, and stops no other. */
async function finish(schedule: LiveSchedule, context: SchedulesContext): Promise<boolean> {
  const { log } = context;
  try {
    const isGone = await finishIfOver(schedule, context);
    if (isGone) log.info('schedule.over', { schedule: schedule.name });
    return !isGone && (await mayHaveEnded(schedule, context));
  } catch (thrown) {
    const code = thrown instanceof FleetReflexError ? thrown.code : undefined;
    log.error('schedule.failed', { schedule: schedule.name, code, error: messageOf(thrown) });
    return false;
  }
}

async function syncNow(isFrozen: boolean, context: TendContext): Promise<void> {
  const { ledger, log, wanted } = context;
  let standing: readonly StandingSchedule[];
  try {
    standing = await wanted.load();
  } catch (error) {
    // A broken file changes nothing: what was in step stays as it is.
    if (!(error instanceof FleetReflexError)) throw error;
    log.error('schedules.unreadable', { code: error.code, error: error.message });
    return;
  }
  const { schedules } = await ledger.all();
  const held = await heldByWindows(standing, context);
  const applied = await bringInStep(held, schedules, isFrozen, context);
  const isAnyWanted = standing.length > 0 || schedules.some((schedule) => requestOf(schedule) !== undefined);
  const times = [nextSyncAt(applied, isAnyWanted, context), await holdChangesAt(standing, context)];
  const [nextAt] = times.filter((time) => time !== undefined).toSorted((a, b) => a.getTime() - b.getTime());
  await ledger.saveSync({
    version: 1,
    digest: digestOf(wanted, isFrozen),
    ...(nextAt && { nextAt: nextAt.toISOString() }),
  });
}

function digestOf({ digest }: WantedSchedules, isFrozen: boolean): string {
  return isFrozen ? `${digest} frozen` : digest;
}

/** Nothing was wanted, and nothing had to be done. */
function isEmpty(sync: SyncState | undefined): sync is SyncState {
  return sync !== undefined && sync.nextAt === undefined;
}
