/** Proves of a page of runs that each has what it needs to end, and that each end was told. It sends no command. */
import {
  isAwaitingSchedule,
  isBetweenWaves,
  isTerminalRun,
  type Run,
  sentInvocations,
} from '../model/run.ts';
import { inTurns } from '../providers/in-turns.ts';
import type { DispatchContext } from './dispatch-context.ts';
import { giveUpAt } from './poll-timing.ts';
import { change, hasUntold } from './settle.ts';
import { type Finding, repairable } from './sweep.ts';

export type SweepContext = Pick<
  DispatchContext,
  'store' | 'guards' | 'providers' | 'timing' | 'wake' | 'now'
>;

export interface RunsSwept {
  findings: Finding[];
  /** So many were looked at. */
  seen: number;
  /** The invocations that these runs know, for comparing with a cloud that takes no mark of ours. */
  known: { provider: string; region: string; command: string; invocationIds: string[] }[];
  /** Absent on the last page. */
  cursor?: string;
}

/** One request of the table reads so many. */
const PAGE = 25;
const REPAIRS_AT_ONCE = 5;
/** What is at work now is not looked at: it ends, or is told, in this time. */
const AT_WORK_MS = 2 * 60_000;

/** @param since runs that were asked for since then */
export async function sweepRuns(
  { since, cursor, isDryRun }: { since: Date; cursor?: string | undefined; isDryRun: boolean },
  context: SweepContext,
): Promise<RunsSwept> {
  const { store } = context;
  const page = await store.list({ limit: PAGE, ...(cursor !== undefined && { cursor }) });
  const listed = page.runs.filter(({ requestedAt }) => requestedAt >= since.toISOString());
  const runs = new Map(
    (await store.getMany(listed.map(({ runId }) => runId))).map((run) => [run.runId, run]),
  );
  const findings = await inTurns(listed, REPAIRS_AT_ONCE, async ({ runId }) => {
    const run = runs.get(runId);
    return run === undefined ? unreadable(runId) : await sweepRun(run, isDryRun, context);
  });
  const isLast = listed.length < page.runs.length || page.cursor === undefined;
  return {
    findings: findings.filter((finding) => finding !== undefined),
    seen: listed.length,
    known: [...runs.values()].flatMap(knownOf),
    ...(!isLast && page.cursor !== undefined && { cursor: page.cursor }),
  };
}

async function sweepRun(run: Run, isDryRun: boolean, context: SweepContext): Promise<Finding | undefined> {
  const found = faultOf(run, context);
  if (found === undefined) return undefined;
  return await repairable(found, isDryRun, async () => {
    const { store, now, wake } = context;
    // The poller does what is left: it finds the run in the index of live runs again.
    const woken = await change(store, run, (current) =>
      faultOf(current, context) === undefined ? undefined : { ...current, pollAt: now().toISOString() },
    );
    if (woken.revision !== run.revision) await wake(now());
  });
}

function faultOf(run: Run, { now, timing }: SweepContext): Omit<Finding, 'state'> | undefined {
  const { runId, status, pollAt } = run;
  const nowMs = now().getTime();
  const isOld = (time: string | undefined) => time !== undefined && Date.parse(time) + AT_WORK_MS < nowMs;
  if (isTerminalRun(run)) {
    if (!hasUntold(run) || !isOld(run.endedAt)) return undefined;
    return {
      code: 'events.untold',
      where: runId,
      message: `It ended as ${status} at ${run.endedAt}, and not all of its completion events are known to be out.`,
      advice: `The poller is woken and publishes them, under their ids. If it is found again, look in the poller's log for poll.untold: does a destination of the rule ${run.rule} refuse them?`,
    };
  }
  if (pollAt === undefined) {
    return {
      code: 'run.unwatched',
      where: runId,
      message: `It is ${status}, and not in the index of live runs: nobody would look at it again.`,
      advice: 'It is put there, and the poller woken.',
    };
  }
  const dueAt = dueOf(run, timing);
  if (!isOld(dueAt)) return undefined;
  return {
    code: 'run.overdue',
    where: runId,
    message: `It is ${status}, and should have been seen to at ${dueAt}.`,
    advice:
      'The poller is woken. If it is found again: does the poller run, and what does its log say of this run?',
  };
}

/** When the poller should have seen to it at the latest. */
function dueOf(run: Run, timing: SweepContext['timing']): string | undefined {
  const isTimed = run.status === 'dispatching' || isAwaitingSchedule(run) || isBetweenWaves(run);
  return isTimed ? run.pollAt : giveUpAt(run, timing).toISOString();
}

function unreadable(runId: string): Finding {
  return {
    code: 'run.unreadable',
    where: runId,
    message: 'It is listed, and this version cannot read it, or it is gone.',
    advice: 'Look for run.unreadable in the logs; the version that wrote it can read it.',
    state: 'person',
  };
}

function knownOf(run: Run): RunsSwept['known'] {
  const { target } = run;
  if (target === undefined) return [];
  const invocationIds = sentInvocations(run).map(({ invocationId }) => invocationId);
  return [{ provider: target.provider, region: target.region, command: target.command, invocationIds }];
}
