/**
 * `guards.breaker`: opens after so many runs of the rule in a row that did not succeed. After `reset` exactly one run is
 * let through: its success closes the breaker, its failure opens it again. Runs are in a row by the times of their ends,
 * so that an end that is told twice, or late, changes nothing.
 */
import * as z from 'zod';
import type { Reason } from '../model/completion-event.ts';
import type { Run } from '../model/run.ts';
import { RunId } from '../model/run-request.ts';
import type { Cell, Revised } from '../store/cell.ts';
import type { GuardStore } from '../store/guard-store.ts';
import { ADMITTED, type Admission, type GuardContext } from './guard.ts';

const Breaker = z.strictObject({
  /** In a row, oldest first; while it is open, those that opened it. */
  failures: z.array(z.strictObject({ runId: RunId, at: z.iso.datetime() })),
  /** The end of the last run that succeeded: what ended before it counts no more. */
  succeededAt: z.iso.datetime().optional(),
  /** Absent: it is closed. */
  openedAt: z.iso.datetime().optional(),
  /** The run that is let through to try. */
  triedBy: RunId.optional(),
});
type Breaker = z.infer<typeof Breaker>;

type Limit = NonNullable<Run['guards']['breaker']>;

export async function breaker(run: Run, { store, now }: GuardContext): Promise<Admission> {
  const { breaker: limit } = run.guards;
  if (limit === undefined) return ADMITTED;
  const reason = await store.revise(cellOf(run), (known) => ask(known, run.runId, limit, now));
  return reason === undefined ? ADMITTED : { kind: 'refused', reason };
}

/** What the end of a run says of its rule. A run that never started anything says nothing: another may try. */
export async function noteForBreaker(run: Run, store: GuardStore): Promise<void> {
  const { breaker: limit } = run.guards;
  if (limit === undefined) return;
  await store.revise(cellOf(run), (known) => ({ state: afterEnd(known, run, limit), answer: undefined }));
}

function cellOf({ rule }: Run): Cell<Breaker> {
  return { guard: 'breaker', of: rule, schema: Breaker, empty: { failures: [] } };
}

function ask(
  known: Breaker,
  runId: RunId,
  { resetMs }: Limit,
  now: Date,
): Revised<Breaker, Reason | undefined> {
  const { openedAt, triedBy } = known;
  if (openedAt === undefined || triedBy === runId) return { state: known, answer: undefined };
  const tryAt = new Date(Date.parse(openedAt) + resetMs);
  if (now < tryAt)
    return { state: known, answer: open(known, `It is tried again at ${tryAt.toISOString()}.`) };
  if (triedBy !== undefined) return { state: known, answer: open(known, `The run ${triedBy} tries it now.`) };
  return { state: { ...known, triedBy: runId }, answer: undefined };
}

function open({ failures, openedAt }: Breaker, next: string): Reason {
  const runs = failures.map(({ runId }) => runId).join(', ');
  return {
    code: 'guard.breaker',
    message: `The breaker of the rule is open since ${openedAt}: its last runs did not succeed (${runs}). ${next}`,
    advice: 'Look at why those runs did not succeed. This run stays rejected; a new event starts a new one.',
  };
}

function afterEnd(known: Breaker, run: Run, { failures: most }: Limit): Breaker {
  const { runId, endedAt: at } = run;
  const outcome = outcomeOf(run);
  const { failures, succeededAt, openedAt, triedBy } = known;
  if (openedAt !== undefined && triedBy !== runId) return known;
  if (outcome === 'nothing' || at === undefined) {
    return triedBy === runId ? { failures, succeededAt, openedAt } : known;
  }
  if (outcome === 'succeeded') {
    const last = succeededAt !== undefined && succeededAt > at ? succeededAt : at;
    return { failures: failures.filter((failure) => failure.at > last), succeededAt: last };
  }
  if (failures.some((failure) => failure.runId === runId) || (succeededAt ?? '') >= at) return known;
  const inRow = [...failures, { runId, at }].toSorted((a, b) => (a.at < b.at ? -1 : 1)).slice(-most);
  const isOpen = openedAt !== undefined || inRow.length >= most;
  return { failures: inRow, succeededAt, openedAt: isOpen ? at : undefined };
}

/** What a person stopped, and what was never sent, says nothing of whether the rule works. */
function outcomeOf({ status }: Run): 'succeeded' | 'failed' | 'nothing' {
  switch (status) {
    case 'succeeded':
      return 'succeeded';
    case 'failed':
    case 'partly_failed':
    case 'timed_out':
    case 'unknown':
      return 'failed';
    case 'dispatching':
    case 'scheduled':
    case 'pending':
    case 'running':
    case 'stopping':
    case 'stopped':
    case 'partly_stopped':
    case 'rejected':
    case 'expired':
      return 'nothing';
  }
}
