/**
 * `guards.lock`: an instance has one run at a time, of all rules that say so. It is asked last, right before the send, so that
 * a run that waits for something else holds no instance.
 */
import type { Reason } from '../model/completion-event.ts';
import { instancesOf, type Run } from '../model/run.ts';
import type { RunId } from '../model/run-request.ts';
import type { GuardStore } from '../store/guard-store.ts';
import type { HeldLock, InstanceLocks, Locking } from '../store/instance-locks.ts';
import { ADMITTED, type Admission } from './guard.ts';

/** How long a run waits for an instance before it asks again. */
const RETRY_MS = 3_000;
/** The message names so many runs, and so many instances of each. */
const MAX_NAMED = 5;

export interface LockContext {
  store: InstanceLocks;
  now: Date;
  /** After that the locks are free, whatever became of the run. */
  until: Date;
  /** Whether a run holds nothing any more, although its locks are still there: its process died at its end. */
  hasEnded: (runId: RunId) => Promise<boolean>;
}

/** Takes all instances of a run that it still has to be sent to, or none. Safe to call again. */
export async function lockInstances(
  run: Run,
  { store, now, until, hasEnded }: LockContext,
): Promise<Admission> {
  const locking = lockingOf(run, unsentInstances(run));
  if (locking === undefined) return ADMITTED;
  const held = await store.lockInstances(locking, until, now);
  if (held.length === 0) return ADMITTED;
  if (!(await freeEnded(held, locking, { store, hasEnded }))) return waitsFor(held);
  const others = await store.lockInstances(locking, until, now);
  return others.length === 0 ? ADMITTED : waitsFor(others);
}

/** Gives back all that the run has. Safe to call again. */
export async function unlockInstances(run: Run, store: Pick<GuardStore, 'unlockInstances'>): Promise<void> {
  const locking = lockingOf(run, instancesOf(run));
  if (locking !== undefined) await store.unlockInstances(locking);
}

/** Nothing where the rule asks for no locks. */
function lockingOf({ runId, target, guards }: Run, instances: readonly string[]): Locking | undefined {
  if (target === undefined || guards.lock !== true || instances.length === 0) return undefined;
  const { provider, region } = target;
  return { runId, provider, region, instances };
}

/** What was sent keeps its locks: that one of the others is not free takes none of these away. */
function unsentInstances(run: Run): string[] {
  const over = run.invocations.filter(({ state }) => state !== 'planned' && state !== 'attempting');
  const done = new Set([...over.flatMap(({ instances }) => instances), ...(run.skipped ?? [])]);
  return instancesOf(run).filter((instanceId) => !done.has(instanceId));
}

/** @returns whether any of the holders has ended */
async function freeEnded(
  held: readonly HeldLock[],
  locking: Locking,
  { store, hasEnded }: Pick<LockContext, 'store' | 'hasEnded'>,
): Promise<boolean> {
  const freed = await Promise.all(
    [...Map.groupBy(held, ({ runId }) => runId)].map(async ([runId, locks]) => {
      if (!(await hasEnded(runId))) return false;
      await store.unlockInstances({
        ...locking,
        runId,
        instances: locks.map(({ instanceId }) => instanceId),
      });
      return true;
    }),
  );
  return freed.includes(true);
}

function waitsFor(held: readonly HeldLock[]): Admission {
  return { kind: 'wait', retryAfterMs: RETRY_MS, reason: reasonOf(held) };
}

function reasonOf(held: readonly HeldLock[]): Reason {
  const holders = [...Map.groupBy(held, ({ runId }) => runId)].map(
    ([runId, locks]) => `${runId} has ${named(locks.map(({ instanceId }) => instanceId))}`,
  );
  return {
    code: 'guard.lock',
    message: `${named(holders, '; ')}: an instance has one run at a time (lock).`,
    advice: 'It waits for them to end, up to its deadline.',
  };
}

function named(all: readonly string[], between = ', '): string {
  const more = all.length > MAX_NAMED ? ` and ${all.length - MAX_NAMED} more` : '';
  return `${all.slice(0, MAX_NAMED).join(between)}${more}`;
}
