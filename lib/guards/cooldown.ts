/**
 * `guards.cooldown`: no new run of the rule (of the key, if it has one) for so long after one began. What comes meanwhile
 * is rejected (`keep: first`), or the latest of it waits and runs when the time is over (`keep: last`).
 */
import * as z from 'zod';
import { guardKey } from '../model/guard-key.ts';
import { isOwnLine } from '../model/resume.ts';
import type { Run } from '../model/run.ts';
import { RunId } from '../model/run-request.ts';
import type { Cell } from '../store/cell.ts';
import type { GuardStore } from '../store/guard-store.ts';
import { ADMITTED, type Admission, type GuardContext } from './guard.ts';

/** The latest that asked; what is older is of no interest any more. */
const Latest = z.strictObject({ runId: RunId, askedAt: z.iso.datetime() }).nullable();
type Latest = z.infer<typeof Latest>;

export async function cooldown(run: Run, { store, now }: GuardContext): Promise<Admission> {
  const { cooldownMs, cooldownKeep = 'first' } = run.guards;
  if (cooldownMs === undefined) return ADMITTED;
  const key = guardKey(run);
  // What is resumed is of an earlier event: it never takes the place of a later one, nor waits for it.
  const isLatest = cooldownKeep === 'last' && run.resumes === undefined;
  const before = isLatest ? await becomeLatest(run, store) : undefined;
  if (before?.isLater === true)
    return refused(`The run ${before.runId} is of a later event and runs in its place.`);
  const until = new Date(now.getTime() + cooldownMs);
  const claim = await store.claim('cooldown', run.rule, key, run.runId, until, now);
  if (claim.isOurs || isOwnLine(run, claim.runId)) return ADMITTED;
  const since = `The rule ran last as ${claim.runId} and cools down until ${claim.until.toISOString()}`;
  if (!isLatest) return refused(`${since}.`);
  return {
    kind: 'later',
    at: claim.until,
    reason: { code: CODE, message: `${since}. This run is of the latest event, and is sent then.` },
    insteadOf: before?.runId,
  };
}

/** For a run that never started anything: one that was before it, and still waits, may run. */
export async function releaseCooldown(run: Run, store: GuardStore): Promise<void> {
  const { cooldownMs, cooldownKeep } = run.guards;
  if (cooldownMs === undefined) return;
  await store.release('cooldown', run.rule, guardKey(run), run.runId);
  if (cooldownKeep !== 'last') return;
  await store.revise(cellOf(run), (known) => ({
    state: known?.runId === run.runId ? null : known,
    answer: undefined,
  }));
}

const CODE = 'guard.cooldown';

function refused(message: string): Admission {
  return { kind: 'refused', reason: { code: CODE, message } };
}

function cellOf(run: Run): Cell<Latest> {
  return { guard: 'latest', of: run.rule, key: guardKey(run), schema: Latest, empty: null };
}

/** @returns another that was the latest before; `isLater`: it still is */
async function becomeLatest(
  run: Run,
  store: GuardStore,
): Promise<{ runId: RunId; isLater: boolean } | undefined> {
  const { runId } = run;
  // Where somebody chose its time, it is of that time; one that was put off is of the time when it was asked for.
  const askedAt = run.schedule?.at ?? run.requestedAt;
  return await store.revise(cellOf(run), (known) => {
    if (known === null) return { state: { runId, askedAt }, answer: undefined };
    if (known.runId === runId) return { state: known, answer: undefined };
    const isLater = known.askedAt === askedAt ? known.runId > runId : known.askedAt > askedAt;
    return {
      state: isLater ? known : { runId, askedAt },
      answer: { runId: known.runId, isLater },
    };
  });
}
