/**
 * Looks after all schedules, for the poller to call each time: what fired becomes runs, what is over goes, and rules
 * and providers are kept in step. One query to the table when there is nothing to do, and no request to a provider.
 */
import { FleetReflexError } from '../errors.ts';
import type { StandingSchedule } from '../rules/rule.ts';
import type { SchedulesContext } from './context.ts';
import { lookNextAt } from './expected.ts';
import { finishIfOver, mayHaveEnded } from './finish.ts';
import { collectFirings } from './firings.ts';
import type { SyncState } from './ledger.ts';
import { type LiveSchedule, requestOf } from './live-schedule.ts';
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
  // Again, for only who has the lease knows that it stays so.
  const { schedules, sync } = await ledger.all();
  const isFrozen = (await guards.freeze(now())) !== undefined;
  await collectFirings(context, schedules);
  let hasEnded = false;
  for (const schedule of (await ledger.all()).schedules) {
    await finish(schedule, context);
    if (await mayHaveEnded(schedule, context)) hasEnded = true;
  }
  const isDue =
    sync === undefined ||
    sync.digest !== digestOf(context.wanted, isFrozen) ||
    (sync.nextAt !== undefined && new Date(sync.nextAt) <= now()) ||
    hasEnded;
  if (isDue) await syncNow(isFrozen, context);
  const next = lookNextAt((await ledger.all()).schedules, context);
  if (next !== undefined) await wake(next);
}

async function finish(schedule: LiveSchedule, context: SchedulesContext): Promise<void> {
  try {
    const isGone = await finishIfOver(schedule, context);
    if (isGone) context.log.info('schedule.over', { schedule: schedule.name });
  } catch (error) {
    // A provider that cannot be asked now is asked the next time; the other schedules are tended all the same.
    if (!isOfProvider(error)) throw error;
    context.log.warn('schedule.untended', {
      schedule: schedule.name,
      code: error.code,
      error: error.message,
    });
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
  const applied = await bringInStep(standing, schedules, isFrozen, context);
  const isAnyWanted = standing.length > 0 || schedules.some((schedule) => requestOf(schedule) !== undefined);
  const nextAt = nextSyncAt(applied, isAnyWanted, context);
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

function isOfProvider(error: unknown): error is FleetReflexError {
  return error instanceof FleetReflexError && /^(provider|credentials|secret)\./.test(error.code);
}
