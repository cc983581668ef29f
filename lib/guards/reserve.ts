/**
 * What a run that is to start later is asked when it is scheduled. All of it is asked again when its time has come
 * (`admit`), with what only then can be known: whether others ran meanwhile, and how many are in flight.
 */
import type { Reason } from '../model/completion-event.ts';
import { guardKey } from '../model/guard-key.ts';
import { instancesOf, type Run } from '../model/run.ts';
import { take } from './agenda.ts';
import type { Admission, GuardContext } from './guard.ts';
import { cancelled, freeze, instanceLimit, leave } from './guards.ts';

export interface Appointed {
  at: Date;
  /** When it may not be sent any more; absent: again and again. */
  until?: Date | undefined;
}

/** @returns a refusal leaves nothing behind */
export async function reserve(
  run: Run,
  { at, until }: Appointed,
  context: GuardContext,
): Promise<Exclude<Admission, { kind: 'wait' }>> {
  const { store } = context;
  for (const guard of [freeze, instanceLimit, claimsAt(at), place(at, until), cancelled]) {
    const admission = await guard(run, context);
    if (admission.kind !== 'refused') continue;
    await leave(run, store);
    return admission;
  }
  return { kind: 'admitted' };
}

/** A run that has started may still be within its window or its cooldown then. */
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
 * Before the question whether it was cancelled: who cancels by a rule leaves word first and reads the agenda then, so
 * that one of the two sees the other.
 */
function place(at: Date, until: Date | undefined) {
  return async (run: Run, { store, now }: GuardContext): Promise<Admission> => {
    const appointment = {
      runId: run.runId,
      at: at.toISOString(),
      ...(until !== undefined && { until: until.toISOString() }),
      key: guardKey(run) ?? '',
      instances: instancesOf(run).length,
    };
    const conflict = await take(run.rule, appointment, run, store, now);
    return conflict === undefined ? { kind: 'admitted' } : refused(conflict);
  };
}

function refused(reason: Reason): Admission {
  return { kind: 'refused', reason };
}
