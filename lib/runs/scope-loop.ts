/**
 * The loop of one scope, a provider's region: it reads the live runs once, and then only newer writes. Everything else is
 * in memory: runs at the provider are polled together, the others are processed at their time. A poll without changes
 * reads and writes nothing in the table.
 */
import { isTerminalStatus, type Run } from '../model/run.ts';
import type { RunId } from '../model/run-request.ts';
import { openInvocations } from '../model/run-waves.ts';
import type { LiveRun } from '../store/live-index.ts';
import { createWatch, LOOK_TIMING } from './watch.ts';

/** The result of polling one run. */
export interface Looked {
  /** The stored run. */
  run: Run;
  /** The provider could not report its state. */
  hasFailed: boolean;
}

export interface ScopeLoopParts {
  /** Those written after that time; absent: all. */
  live: (after?: string) => Promise<readonly LiveRun[]>;
  getMany: (runIds: readonly RunId[]) => Promise<readonly Run[]>;
  /** Polls these runs, stores the changes and publishes them. One entry for each run that could be processed. */
  look: (runs: readonly Run[]) => Promise<readonly Looked[]>;
  /** Processes a run that is not, or not only, at the provider: takes over, fires, publishes. @returns the stored run */
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
/** The index may show writes out of order, so each read overlaps the previous one by this much. */
const INDEX_LAG_MS = 5_000;
/** A run in dispatch is fetched this long after its last write: most are sent by then. */
const DISPATCH_MS = 2_000;
/** How long an idle loop looks for new runs, and waits for runs that are due within that time. */
export const LINGER_MS = 3_000;
const LEAST_SLEEP_MS = 50;
const LOOKS_AT_ONCE = 4;
const ACTS_AT_ONCE = 16;
const FETCHED_AT_ONCE = 100;
/** A run that could not be processed is retried after this time. */
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
  // The sent invocations of a waiting run are polled meanwhile.
  if (status === 'dispatching') return Math.min(dueMs, Date.parse(at) + DISPATCH_MS);
  // Of one that is at its provider the time is past; between two waves it is that of the next one.
  return status === 'scheduled' || isTerminalStatus(status) ? dueMs : Math.max(nowMs, dueMs);
}

/**
 * Runs until the scope is idle for a while, the time is over, or another loop has taken the scope.
 * @returns when the next look is needed, in epoch milliseconds; undefined if there is nothing left to do
 */
export async function tendScope(parts: ScopeLoopParts): Promise<number | undefined> {
  const { live, getMany, now, sleep } = parts;
  const watch = createWatch(LOOK_TIMING);
  /** Runs to fetch or to process at a given time. */
  const waiting = new Map<RunId, Entry>();
  const inHand = new Map<RunId, Promise<void>>();
  /** The newest known state of each run, including ended ones. */
  const revisions = new Map<RunId, number>();
  let readAtMs = -Infinity;
  let newest: string | undefined;
  let busyAtMs = now().getTime();

  /** Decides what to do next with a run. */
  const take = (run: Run): void => {
    const { runId, revision, status, pollAt } = run;
    if (revision < (revisions.get(runId) ?? 0)) return;
    revisions.set(runId, revision);
    const isAtProvider = !isTerminalStatus(status) && openInvocations(run).length > 0;
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
      // A run in progress is queued again when it is done.
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
  /** The maximum length of a round, for more runs than the provider's rate covers. */
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
