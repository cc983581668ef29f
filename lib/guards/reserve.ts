/**
 * The checks of a run when it is scheduled. At its time they are repeated (`admit`), with the facts of that time: which
 * runs started meanwhile, and how many are in flight.
 */
import type { Reason } from '../model/completion-event.ts';
import { guardKey } from '../model/guard-key.ts';
import { instancesOf, type Run } from '../model/run.ts';
import { take } from './agenda.ts';
import { ASK_ANEW } from './ask-anew.ts';
import { frozenBy } from './freeze.ts';
import type { Admission, GuardContext } from './guard.ts';
import { cancelled, instanceLimit, leave } from './guards.ts';
import { restoreTimes, times } from './times.ts';

export interface Appointed {
  at: Date;
  /** The time after which it is not sent; absent for a recurrence. */
  until?: Date | undefined;
}

/** @returns a refusal leaves nothing behind */
export async function reserve(
  run: Run,
  { at, until }: Appointed,
  context: GuardContext,
): Promise<Extract<Admission, { kind: 'admitted' | 'refused' }>> {
  const { store } = context;
  for (const guard of [
    frozenAt(at, until === undefined),
    instanceLimit,
    times,
    claimsAt(at),
    place(at, until),
    cancelled,
  ]) {
    const admission = await guard(run, context);
    if (admission.kind !== 'refused') continue;
    await restoreTimes(run, store);
    await leave(run, store);
    return admission;
  }
  return { kind: 'admitted' };
}

/**
 * By the switch now, and by a window at its time. Each time of a recurrence is asked by itself, and a run that waits for
 * the end of a freeze may do so then.
 */
function frozenAt(at: Date, isRecurring: boolean) {
  return async (run: Run, { store, now }: GuardContext): Promise<Admission> => {
    const { freeze, windows } = run.guards;
    if (freeze === 'wait') return { kind: 'admitted' };
    const switched = await frozenBy({}, await store.freeze(now), now);
    const frozen = switched ?? (isRecurring ? undefined : await frozenBy({ windows }, undefined, at));
    if (frozen === undefined) return { kind: 'admitted' };
    const advice =
      switched === undefined ? 'Ask for another time.' : `When the freeze is over, ask anew. ${ASK_ANEW}`;
    return refused({ ...frozen.reason, advice });
  };
}

/** Whether a past run's window or cooldown will still last at that time. */
function claimsAt(at: Date) {
  return async (run: Run, { store }: GuardContext): Promise<Admission> => {
    const { dedupe, cooldownMs } = run.guards;
    const windows = [
      { guard: 'dedupe', isAsked: dedupe !== undefined, words: 'ran for the same key, and its window' },
      { guard: 'cooldown', isAsked: cooldownMs !== undefined, words: 'ran, and its cooldown' },
    ];
    for (const { guard, isAsked, words } of windows) {
      if (!isAsked) continue;
      const claim = await store.claimant(guard, run.rule, guardKey(run), at);
      if (claim === undefined || claim.runId === run.runId) continue;
      return refused({
        code: `guard.${guard}`,
        message: `${claim.runId} ${words} is not over at ${at.toISOString()}.`,
        advice: 'Ask for a later time.',
      });
    }
    return { kind: 'admitted' };
  };
}

/**
 * Written before the check for a cancel: a cancel by rule writes its tombstone first and reads the agenda afterwards, so
 * one of the two sees the other.
 */
function place(at: Date, until: Date | undefined) {
  return async (run: Run, { store, now }: GuardContext): Promise<Admission> => {
    const appointment = {
      runId: run.runId,
      at: at.toISOString(),
      ...(until !== undefined && { until: until.toISOString() }),
      key: guardKey(run) ?? '',
      // How many a tagged fleet has is asked at its time: one at the least.
      instances: Math.max(1, instancesOf(run).length),
    };
    const conflict = await take(run.rule, appointment, run, store, now);
    return conflict === undefined ? { kind: 'admitted' } : refused(conflict);
  };
}

function refused(reason: Reason): Admission {
  return { kind: 'refused', reason };
}
