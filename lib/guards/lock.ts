/**
 * `guards.lock`: an instance has one run at a time, of all rules but those that say `lock: false`. It is asked last, right
 * before the send, so that a run that waits for something else holds no instance. An instance is free as soon as the task
 * on it has ended: that is stored in the run, so that it takes no write of its own. What is left of the locks is removed
 * at the run's end.
 */
import { unsentInstances } from '../model/at-work.ts';
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
  /** On which of the instances whose locks it has a run is not at work any more: its task there has ended, or the run. */
  leftBy: (runId: RunId, instances: readonly string[]) => Promise<readonly string[]>;
}

/** Takes all instances that a run, or the wave that has begun, is still to be sent to, or none. Safe to call again. */
export async function lockInstances(
  run: Run,
  { store, now, until, leftBy }: LockContext,
): Promise<Admission> {
  const locking = lockingOf(run, unsentInstances(run));
  if (locking === undefined) return ADMITTED;
  const held = await store.lockInstances(locking, until, now);
  if (held.length === 0) return ADMITTED;
  if (!(await freeLeft(held, locking, { store, leftBy }))) return waitsFor(held);
  const others = await store.lockInstances(locking, until, now);
  return others.length === 0 ? ADMITTED : waitsFor(others);
}

/** Gives back what the run has of these. Safe to call again. */
export async function unlockInstances(
  run: Run,
  store: Pick<GuardStore, 'unlockInstances'>,
  instances: readonly string[] = instancesOf(run),
): Promise<void> {
  const locking = lockingOf(run, instances);
  if (locking !== undefined) await store.unlockInstances(locking);
}

/** Nothing where the rule wants no locks, or the request is of a version before they were the default. */
function lockingOf({ runId, target, guards }: Run, instances: readonly string[]): Locking | undefined {
  if (target === undefined || guards.lock !== true || instances.length === 0) return undefined;
  const { provider, region } = target;
  return { runId, provider, region, instances };
}

/** @returns whether any of the holders has left any of the instances */
async function freeLeft(
  held: readonly HeldLock[],
  locking: Locking,
  { store, leftBy }: Pick<LockContext, 'store' | 'leftBy'>,
): Promise<boolean> {
  const freed = await Promise.all(
    [...Map.groupBy(held, ({ runId }) => runId)].map(async ([runId, locks]) => {
      const instances = await leftBy(
        runId,
        locks.map(({ instanceId }) => instanceId),
      );
      if (instances.length > 0) await store.unlockInstances({ ...locking, runId, instances });
      return instances.length > 0;
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
