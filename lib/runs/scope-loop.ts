/**
 * The loop of one scope, a provider's region: it reads once which runs are live there, and from then on only what was
 * written since. All else is in memory: runs at the provider are looked at together, the others are seen to when their
 * time has come. A look that finds nothing new reads and writes nothing in the table.
 */
import { isTerminalStatus, type Run, sentInvocations } from '../model/run.ts';
import type { RunId } from '../model/run-request.ts';
import type { LiveRun } from '../store/live-index.ts';
import { createWatch, LOOK_TIMING } from './watch.ts';

/** What became of a look at one run. */
export interface Looked {
  /** As it is stored now. */
  run: Run;
  /** The provider could not say how it is. */
  hasFailed: boolean;
}

export interface ScopeLoopParts {
  /** Those written after that time; absent: all. */
  live: (after?: string) => Promise<readonly LiveRun[]>;
  getMany: (runIds: readonly RunId[]) => Promise<readonly Run[]>;
  /** Asks the provider about these runs, and stores and tells what is new. One entry for each that it could see to. */
  look: (runs: readonly Run[]) => Promise<readonly Looked[]>;
  /** Sees to a run that is not, or not only, at the provider: rescues, fires, tells. @returns it as it is stored now */
  act: (run: Run) => Promise<Run>;
  /** False when another loop has taken the scope over. */
  keepLease: () => Promise<boolean>;
  /** Writes what was put off; all of it at the end. */
  flush: (isEnd: boolean) => Promise<void>;
  now: () => Date;
  sleep: (ms: number) => Promise<void>;
  /** Epoch milliseconds. */
  endsAtMs: number;
}

/** Between two readings of the index. */
const INDEX_MS = 1_250;
/** The index may show a write late, after others that came later: so much is read again each time. */
const INDEX_LAG_MS = 5_000;
/** A run that a dispatch is at work on is fetched so long after its last write: most are sent by then. */
const DISPATCH_MS = 2_000;
/** So long it looks for new runs when there is nothing left to do, and what is due within it is waited for. */
export const LINGER_MS = 3_000;
const LEAST_SLEEP_MS = 50;
const LOOKS_AT_ONCE = 4;
const ACTS_AT_ONCE = 16;
const FETCHED_AT_ONCE = 100;
/** A run that could not be seen to is tried again after that. */
const AGAIN_MS = 10_000;

interface Entry {
  /** When it is fetched, or seen to. */
  atMs: number;
  /** What is known of it, once it was fetched. */
  run?: Run;
}

/** When an entry of the index needs to be fetched. */
export function wantedAtMs({ status, pollAt, at }: LiveRun, nowMs: number): number {
  const dueMs = Date.parse(pollAt);
  // What is out already of one that waits is looked at meanwhile.
  if (status === 'dispatching') return Math.min(dueMs, Date.parse(at) + DISPATCH_MS);
  return status === 'scheduled' || isTerminalStatus(status) ? dueMs : nowMs;
}

/**
 * Runs until there is nothing to do for a while, the time is over, or another has taken the scope.
 * @returns when somebody has to look again, in epoch milliseconds; undefined where nothing is left to do
 */
export async function tendScope(parts: ScopeLoopParts): Promise<number | undefined> {
  const { live, getMany, now, sleep } = parts;
  const watch = createWatch(LOOK_TIMING);
  /** Runs that somebody has to fetch or to see to at a time. */
  const waiting = new Map<RunId, Entry>();
  const inHand = new Map<RunId, Promise<void>>();
  /** The newest that is known of each run, those that have ended too. */
  const revisions = new Map<RunId, number>();
  let readAtMs = -Infinity;
  let newest: string | undefined;
  let busyAtMs = now().getTime();

  /** Sorts a run by what there is to do with it. */
  const take = (run: Run): void => {
    const { runId, revision, status, pollAt } = run;
    if (revision < (revisions.get(runId) ?? 0)) return;
    revisions.set(runId, revision);
    const isAtProvider = !isTerminalStatus(status) && sentInvocations(run).length > 0;
    if (isAtProvider) watch.set(run);
    else watch.delete(runId);
    const isActed = !isAtProvider || status === 'dispatching';
    if (isActed && pollAt !== undefined) waiting.set(runId, { atMs: Date.parse(pollAt), run });
    else waiting.delete(runId);
  };

  const readIndex = async (): Promise<void> => {
    const nowMs = now().getTime();
    if (nowMs < readAtMs + INDEX_MS) return;
    readAtMs = nowMs;
    const after =
      newest === undefined ? undefined : new Date(Date.parse(newest) - INDEX_LAG_MS).toISOString();
    for (const entry of await live(after)) {
      const { runId, revision, at } = entry;
      if (newest === undefined || at > newest) newest = at;
      // What is in hand is taken up again when it is done.
      if ((revisions.get(runId) ?? -1) >= revision || inHand.has(runId)) continue;
      revisions.set(runId, revision);
      waiting.set(runId, { atMs: wantedAtMs(entry, nowMs) });
    }
  };

  const dueNow = (): [RunId, Entry][] => {
    const nowMs = now().getTime();
    return [...waiting].filter(([runId, { atMs }]) => atMs <= nowMs && !inHand.has(runId));
  };

  const fetchDue = async (): Promise<void> => {
    const ids = dueNow().flatMap(([runId, { run }]) => (run === undefined ? [runId] : []));
    for (let start = 0; start < ids.length; start += FETCHED_AT_ONCE) {
      const chunk = ids.slice(start, start + FETCHED_AT_ONCE);
      for (const runId of chunk) waiting.delete(runId);
      for (const run of await getMany(chunk)) take(run);
    }
  };

  const startActs = (): void => {
    for (const [runId, { run }] of dueNow()) {
      if (run === undefined || inHand.size >= ACTS_AT_ONCE) continue;
      waiting.delete(runId);
      inHand.set(
        runId,
        parts
          .act(run)
          .then(take, () => {
            waiting.set(runId, { atMs: now().getTime() + AGAIN_MS });
          })
          .finally(() => inHand.delete(runId)),
      );
    }
  };

  const lookOnce = async (): Promise<boolean> => {
    const runs = watch.take(now().getTime());
    if (runs.length === 0) return false;
    const looked = new Map((await parts.look(runs)).map((one) => [one.run.runId, one]));
    for (const { runId } of runs) {
      const one = looked.get(runId);
      watch.looked(runId, one?.hasFailed ?? true);
      if (one !== undefined) take(one.run);
    }
    return true;
  };
  /** Where there are more than the provider's rate covers, there is always one to look at: a round is not longer than this. */
  const lookAtAll = async (): Promise<void> => {
    const untilMs = Math.min(parts.endsAtMs, now().getTime() + INDEX_MS);
    const worker = async (): Promise<void> => {
      while (now().getTime() < untilMs && (await lookOnce()));
    };
    await lookOnce();
    await Promise.all(Array.from({ length: LOOKS_AT_ONCE }, worker));
  };

  const nextAtMs = (): number => {
    const times = [watch.nextAtMs() ?? Infinity, ...[...waiting.values()].map(({ atMs }) => atMs)];
    return times.reduce((a, b) => Math.min(a, b));
  };

  let isOurs = true;
  for (;;) {
    await readIndex();
    await fetchDue();
    startActs();
    await lookAtAll();
    const nowMs = now().getTime();
    const isBusy = watch.size > 0 || inHand.size > 0 || nextAtMs() <= nowMs + LINGER_MS;
    if (isBusy) busyAtMs = nowMs;
    if (nowMs >= parts.endsAtMs || nowMs - busyAtMs >= LINGER_MS) break;
    await parts.flush(false);
    await sleep(Math.max(LEAST_SLEEP_MS, Math.min(nextAtMs(), readAtMs + INDEX_MS) - nowMs));
    isOurs = await parts.keepLease();
    if (!isOurs) break;
  }
  await Promise.all(inHand.values());
  await parts.flush(true);
  if (!isOurs) return undefined;
  const next = nextAtMs();
  return next === Infinity ? undefined : next;
}
