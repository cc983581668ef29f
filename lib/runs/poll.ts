/**
 * The poller: one loop at a time for each scope (a provider's region), all scopes side by side, so that a region that is
 * slow or fails delays no other. A loop has a short lease, which it renews; while it is at work it sends, ahead of time,
 * the wake-up of one that takes over should it die.
 */
import { messageOf } from '../errors.ts';
import type { RunId } from '../model/run-request.ts';
import type { LiveRun } from '../store/live-index.ts';
import { loopLease } from '../store/run-store.ts';
import type { DispatchContext } from './dispatch-context.ts';
import { createLooks } from './look.ts';
import { LINGER_MS, tendScope, wantedAtMs } from './scope-loop.ts';
import { seeTo } from './see-to.ts';

export interface PollContext extends DispatchContext {
  /** Who holds the leases: unique for each function instance. */
  owner: string;
  /** For one call, in milliseconds. */
  budgetMs: number;
  /** Of each minute, how many seconds a loop may be at work: 60 is all of it. */
  secondsPerMinute: number;
  /** Ensures that the poller runs at that time, independent of other wake-ups. */
  standIn: (at: Date) => Promise<void>;
}

export type PollReport =
  /** Other loops are processing all scopes that have work. */
  | { kind: 'busy' }
  | {
      kind: 'done';
      /** Invocations that were read, each time that they were. */
      read: number;
      /** Runs that ended. */
      settled: number;
      /** Dispatches that were taken over. */
      rescued: number;
      /** Runs that could not be seen to this time. */
      failed: number;
    };

type Counts = Omit<Extract<PollReport, { kind: 'done' }>, 'kind'>;

/** A killed loop's lease lasts this long … */
const LEASE_MS = 10_000;
const RENEW_MS = 4_000;
/** … until the next standby wake-up, which must arrive after the lease of its sender. */
const STAND_IN_EVERY_MS = 10_000;
const STAND_IN_AFTER_MS = LEASE_MS + STAND_IN_EVERY_MS;
/** The interval of the scheduled look. */
const MINUTE_MS = 60_000;

export async function poll(context: PollContext): Promise<PollReport> {
  const { store, owner, now, log } = context;
  const counts: Counts = { read: 0, settled: 0, rescued: 0, failed: 0 };
  const endsAtMs = now().getTime() + Math.min(context.budgetMs, context.secondsPerMinute * 1000);
  await store.adoptEarlier();
  const scopes = await store.scopes();
  let standInAtMs = -Infinity;
  const shared: Shared = {
    counts,
    endsAtMs,
    async standIn() {
      const nowMs = now().getTime();
      if (nowMs < standInAtMs + STAND_IN_EVERY_MS) return;
      standInAtMs = nowMs;
      await context.standIn(new Date(nowMs + STAND_IN_AFTER_MS));
    },
  };
  const outcomes = await Promise.all(
    [...scopes].map(async ([scope, lease]): Promise<Outcome> => {
      if (lease !== undefined && lease.owner !== owner && lease.until > now()) return { isBusy: true };
      try {
        return await tend(scope, context, shared);
      } catch (thrown) {
        counts.failed += 1;
        const stack = thrown instanceof Error ? thrown.stack : undefined;
        log.error('poll.scope-failed', { scope, error: messageOf(thrown), stack });
        return { isBusy: false };
      }
    }),
  );
  const next = outcomes.flatMap(({ nextAtMs }) => nextAtMs ?? []).reduce((a, b) => Math.min(a, b), Infinity);
  if (next < now().getTime() + MINUTE_MS) await context.wake(new Date(next));
  const isBusy = outcomes.some((one) => one.isBusy) && outcomes.every((one) => one.isBusy || one.isIdle);
  return isBusy ? { kind: 'busy' } : { kind: 'done', ...counts };
}

interface Outcome {
  /** Another loop is at work on it. */
  isBusy: boolean;
  /** There was nothing to do. */
  isIdle?: boolean;
  /** When the next look is needed, epoch milliseconds. */
  nextAtMs?: number | undefined;
}

/** What the loops of one process share. */
interface Shared {
  counts: Counts;
  endsAtMs: number;
  standIn: () => Promise<void>;
}

async function tend(scope: string, context: PollContext, shared: Shared): Promise<Outcome> {
  const { store, owner, now, secondsPerMinute } = context;
  for (let isIdle = true; ; isIdle = false) {
    const entries = await store.liveIn(scope);
    const soonest = soonestOf(entries, now());
    // Nothing is written where there is nothing to do.
    if (soonest > now().getTime() + LINGER_MS) {
      return { isBusy: false, isIdle, nextAtMs: soonest === Infinity ? undefined : soonest };
    }
    const begunMs = now().getTime();
    if (!(await store.acquireLease(loopLease(scope), owner, now(), LEASE_MS))) return { isBusy: true };
    let nextAtMs: number | undefined;
    let restMs = 0;
    try {
      nextAtMs = await loop(scope, entries, context, shared);
    } finally {
      const workedMs = now().getTime() - begunMs;
      restMs = Math.max(0, workedMs * (60 / secondsPerMinute - 1));
      const restUntil = restMs > 0 ? new Date(now().getTime() + restMs) : undefined;
      await store.releaseLease(loopLease(scope), owner, restUntil);
    }
    // Runs that arrive during the rest are found when it is over.
    if (restMs > 0) return { isBusy: false, nextAtMs: now().getTime() + restMs };
    if (now().getTime() >= shared.endsAtMs) return { isBusy: false, nextAtMs };
    // The reason for a wake-up that found the lease held is in the index by now: read the index again.
  }
}

async function loop(
  scope: string,
  entries: readonly LiveRun[],
  context: PollContext,
  { counts, endsAtMs, standIn }: Shared,
): Promise<number | undefined> {
  const { store, owner, now, sleep, log } = context;
  const looks = createLooks(context);
  let renewedAtMs = now().getTime();
  await standIn();
  const nextAtMs = await tendScope({
    live: async (after) => (after === undefined ? entries : await store.liveIn(scope, after)),
    getMany: (runIds: readonly RunId[]) => store.getMany(runIds),
    look: looks.look,
    flush: looks.flush,
    async act(run) {
      try {
        if ((await seeTo(run, context)) === 'rescued') counts.rescued += 1;
        return (await store.get(run.runId)) ?? run;
      } catch (thrown) {
        counts.failed += 1;
        const stack = thrown instanceof Error ? thrown.stack : undefined;
        log.error('poll.failed', { runId: run.runId, error: messageOf(thrown), stack });
        throw thrown;
      }
    },
    async keepLease() {
      const at = now();
      if (at.getTime() < renewedAtMs + RENEW_MS) return true;
      renewedAtMs = at.getTime();
      await standIn();
      return await store.acquireLease(loopLease(scope), owner, at, LEASE_MS);
    },
    now,
    sleep,
    endsAtMs,
  });
  counts.read += looks.counts.read;
  counts.settled += looks.counts.settled;
  counts.failed += looks.counts.failed;
  return nextAtMs;
}

function soonestOf(entries: readonly LiveRun[], now: Date): number {
  return entries.map((entry) => wantedAtMs(entry, now.getTime())).reduce((a, b) => Math.min(a, b), Infinity);
}
