/**
 * `guards.times`: a run only at the n-th event of a key within a time. The events before it end as rejected, and are
 * what is counted; the one that runs uses them up, so that the next n are counted anew.
 */
import * as z from 'zod';
import { type Run, timerOf } from '../model/run.ts';
import { RunId } from '../model/run-request.ts';
import type { Cell, Revised } from '../store/cell.ts';
import type { GuardStore } from '../store/guard-store.ts';
import { ADMITTED, type Admission, type GuardContext } from './guard.ts';

const Entry = z.strictObject({
  runId: RunId,
  /** Milliseconds of the epoch. */
  at: z.int(),
  /** The run that used it up; its own id where it is the one that ran. */
  usedBy: RunId.optional(),
});
type Entry = z.infer<typeof Entry>;
const Counted = z.array(Entry);
type Counted = z.infer<typeof Counted>;

type Limit = NonNullable<Run['guards']['times']>;

/** So many that are used up stay known: a run that asks again (its process died, it waits) has the same answer. */
const MAX_USED = 200;

export async function times(run: Run, { store, now }: GuardContext): Promise<Admission> {
  const { times: limit } = run.guards;
  // One whose time has come was counted when it was scheduled.
  if (limit === undefined || timerOf(run)?.nextAt !== undefined) return ADMITTED;
  const nth = await store.revise(cellOf(run, limit), (known) => count(known, run.runId, limit, now));
  if (nth === 'runs') return ADMITTED;
  const within = `${limit.withinMs / 1000} s`;
  return {
    kind: 'refused',
    reason: {
      code: 'guard.times',
      message: `It is counted: number ${nth} of the ${limit.count} within ${within} at which the rule runs, for the key ${JSON.stringify(limit.key)}.`,
    },
  };
}

/** For a run that never started anything: the events that it used up count again, and its own with them. */
export async function restoreTimes(run: Run, store: GuardStore): Promise<void> {
  const { times: limit } = run.guards;
  if (limit === undefined) return;
  const { runId } = run;
  await store.revise(cellOf(run, limit), (known) => ({
    state: known.some(({ usedBy }) => usedBy === runId)
      ? known.map(({ usedBy, ...entry }) => (usedBy === runId ? entry : { ...entry, usedBy }))
      : known,
    answer: undefined,
  }));
}

function cellOf({ rule }: Run, { key }: Limit): Cell<Counted> {
  return { guard: 'times', of: rule, key, schema: Counted, empty: [] };
}

/** @returns which one it is of those within the time, or that it runs */
function count(known: Counted, runId: RunId, limit: Limit, now: Date): Revised<Counted, number | 'runs'> {
  const since = now.getTime() - limit.withinMs;
  const own = known.find((entry) => entry.runId === runId);
  if (own?.usedBy === runId) return { state: known, answer: 'runs' };
  const live = known.filter(({ at, usedBy }) => usedBy === undefined && at > since);
  if (own !== undefined) return { state: known, answer: placeOf(own, known) };
  const used = known.filter(({ usedBy }) => usedBy !== undefined).slice(-MAX_USED);
  const entry: Entry = { runId, at: now.getTime() };
  if (live.length + 1 < limit.count) return { state: [...used, ...live, entry], answer: live.length + 1 };
  const usedNow = [...live, entry].map((one) => ({ ...one, usedBy: runId }));
  return { state: [...used, ...usedNow].slice(-MAX_USED - limit.count), answer: 'runs' };
}

/** The same number as at first, as far as it is known still. */
function placeOf(own: Entry, known: Counted): number {
  return known.filter(({ usedBy, at }) => usedBy === own.usedBy && at <= own.at).length;
}
