/**
 * `guards.maxInFlight`: so many runs of the rule at the same time. One more waits (`queue`), is rejected (`skip`), or takes
 * the place of an older one (`replace`), which is cancelled; then nothing older than the newest runs is ever sent.
 */
import * as z from 'zod';
import { type Run, timerOf } from '../model/run.ts';
import { RunId } from '../model/run-request.ts';
import type { Cell } from '../store/cell.ts';
import type { GuardStore } from '../store/guard-store.ts';
import { ASK_ANEW } from './ask-anew.ts';
import { breaker } from './breaker.ts';
import { ADMITTED, type Admission, type GuardContext } from './guard.ts';

/** How long a run that found the flight full waits before it asks again. */
const RETRY_MS = 5_000;
/** What was asked to stop has often stopped by then. */
const REPLACE_RETRY_MS = 2_000;

/** The newest runs that are in flight, or are to be, newest first. */
const Newest = z.array(z.strictObject({ runId: RunId, askedAt: z.iso.datetime() }));
type Newest = z.infer<typeof Newest>;

export async function inFlight(run: Run, context: GuardContext): Promise<Admission> {
  const { store } = context;
  const { maxInFlight: max } = run.guards;
  if (max === undefined) return ADMITTED;
  const whenFull = whenFullOf(run);
  const newest = whenFull === 'replace' ? await contend(run, max, store) : [];
  if (whenFull === 'replace' && !newest.includes(run.runId)) {
    return refused(
      `The run ${newest[0]} of the rule is newer and takes its place (maxInFlight: replace).`,
      ASK_ANEW,
    );
  }
  if (await store.enterFlight(run.rule, run.runId, max)) return ADMITTED;
  const full = `The rule has ${max} ${max === 1 ? 'run' : 'runs'} in flight already, its limit (maxInFlight)`;
  switch (whenFull) {
    case 'queue': {
      const advice = 'It waits for one to end, up to its deadline.';
      return { kind: 'wait', retryAfterMs: RETRY_MS, reason: { code: CODE, message: `${full}.`, advice } };
    }
    case 'skip':
      return refused(`${full}, and one more is left out (skip).`, ASK_ANEW);
    case 'replace': {
      // Nothing is stopped for a run that would be refused then.
      const mayTry = await breaker(run, context);
      if (mayTry.kind !== 'admitted') return mayTry;
      const replaces = (await store.flight(run.rule)).filter((runId) => !newest.includes(runId));
      const message = `${full}; it takes the place of ${replaces.join(', ') || 'one that ends'}.`;
      const advice = 'It waits for that one to end, up to its deadline.';
      return {
        kind: 'wait',
        retryAfterMs: REPLACE_RETRY_MS,
        reason: { code: CODE, message, advice },
        replaces,
      };
    }
  }
}

/** What is resumed is of an earlier event: it never takes the place of a later one. */
function whenFullOf({ guards: { whenFull }, resumes }: Run): 'queue' | 'skip' | 'replace' {
  return whenFull === 'replace' && resumes !== undefined ? 'skip' : (whenFull ?? 'queue');
}

/** The run is over, or is not to be sent: its place is free. Safe to call again. */
export async function leaveFlight(run: Run, store: GuardStore): Promise<void> {
  const { maxInFlight, whenFull } = run.guards;
  if (maxInFlight === undefined) return;
  await store.leaveFlight(run.rule, run.runId);
  if (whenFull !== 'replace') return;
  await store.revise(cellOf(run), (known) => {
    const others = known.filter(({ runId }) => runId !== run.runId);
    return { state: others.length === known.length ? known : others, answer: undefined };
  });
}

const CODE = 'guard.in-flight';

function refused(message: string, advice: string): Admission {
  return { kind: 'refused', reason: { code: CODE, message, advice } };
}

function cellOf({ rule }: Run): Cell<Newest> {
  return { guard: 'newest', of: rule, schema: Newest, empty: [] };
}

/** @returns the runs that are to be in flight: the newest of those that are, and of those that have asked */
async function contend(run: Run, max: number, store: GuardStore): Promise<readonly RunId[]> {
  const { runId } = run;
  const own = { runId, askedAt: timerOf(run)?.nextAt ?? run.requestedAt };
  return await store.revise(cellOf(run), (known) => {
    const idsOf = (state: Newest) => state.map((one) => one.runId);
    if (known.some((one) => one.runId === runId)) return { state: known, answer: idsOf(known.slice(0, max)) };
    const next = [...known, own].toSorted(newestFirst).slice(0, max);
    const isAmong = next.some((one) => one.runId === runId);
    return { state: isAmong ? next : known, answer: idsOf(next) };
  });
}

type Contender = Newest[number];

function newestFirst(a: Contender, b: Contender): number {
  if (a.askedAt !== b.askedAt) return a.askedAt > b.askedAt ? -1 : 1;
  return a.runId > b.runId ? -1 : 1;
}
