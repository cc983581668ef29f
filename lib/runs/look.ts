/**
 * Polls many runs: reads all of them from the provider at once, stores the changes of each in one write, and publishes the
 * ends together. That the events are out is stored later, together with others: if this is lost, the same events are
 * published again under the same ids.
 */
import { messageOf } from '../errors.ts';
import { isTerminalRun, type Run } from '../model/run.ts';
import type { RunId } from '../model/run-request.ts';
import { taskKey } from '../model/run-tasks.ts';
import { openInvocations } from '../model/run-waves.ts';
import { isTerminalTask } from '../model/status.ts';
import { inTurns } from '../providers/in-turns.ts';
import { type InvocationReading, providerOf, type TaskReport } from '../providers/provider.ts';
import type { DispatchContext } from './dispatch-context.ts';
import { giveUp } from './give-up.ts';
import { giveUpAt } from './poll-timing.ts';
import { endGone, isGone, noteMissing } from './record-gone.ts';
import type { Looked } from './scope-loop.ts';
import { deliver, markTold, type Told, take, withMarks } from './settle.ts';
import { stopSent } from './stop-sent.ts';

export interface Looks {
  /** Polls runs of one provider and region. One entry for each run that could be processed. */
  look(runs: readonly Run[]): Promise<Looked[]>;
  /** Stores which events are out: all at the end, otherwise when there are many, or old ones. */
  flush(isEnd: boolean): Promise<void>;
  /** Invocations that were read, and runs that ended. */
  readonly counts: { read: number; settled: number; failed: number };
}

/** `running` is stored only after this time: most runs have ended by then. */
const GOES_ON_MS = 5_000;
const SAVES_AT_ONCE = 16;
const MARKS_AT_ONCE = 25;
const MARKS_WAIT_MS = 2_000;

export function createLooks(context: DispatchContext): Looks {
  const { store, providers, log, now } = context;
  const counts = { read: 0, settled: 0, failed: 0 };
  /** Live runs with unsaved changes: a state, or which events are out. */
  const going = new Map<RunId, { run: Run; hasState: boolean }>();
  const ended: Told[] = [];
  const stopped = new Set<RunId>();
  let endedAtMs = Infinity;

  async function look(runs: readonly Run[]): Promise<Looked[]> {
    const readings = await read(runs);
    const seen = await inTurns(runs, SAVES_AT_ONCE, (run) => attempt(run, () => takeReadings(run, readings)));
    const looked = seen.filter((one) => one !== undefined);
    const untold = looked.filter(({ run }) => hasNews(run));
    const outcomes = new Map(
      (
        await deliver(
          untold.map(({ run }) => run),
          context,
        )
      ).map((one) => [one.run.runId, one]),
    );
    return looked.map((one) => {
      const outcome = outcomes.get(one.run.runId);
      return outcome === undefined ? one : afterTelling(one, outcome);
    });
  }

  async function read(runs: readonly Run[]): Promise<ReadonlyMap<string, InvocationReading>> {
    const provider = runs[0]?.target?.provider;
    if (provider === undefined) return new Map();
    const known = runs.flatMap(({ tasks }) => tasks).filter(({ status }) => isTerminalTask(status));
    const settled = new Set(known.map(({ taskId }) => taskId));
    const refs = runs.flatMap((run) =>
      openInvocations(run).map(({ invocationId, instances }) => ({
        region: run.target?.region ?? '',
        invocationId,
        instances,
      })),
    );
    counts.read += refs.length;
    try {
      const readings = await providerOf(providers, provider).read(refs, {
        wantsOutput: (taskId) => !settled.has(taskId),
      });
      return new Map(readings.map((reading) => [reading.invocationId, reading]));
    } catch (thrown) {
      log.error('poll.unread', { provider, error: messageOf(thrown) });
      return new Map();
    }
  }

  async function takeReadings(run: Run, readings: ReadonlyMap<string, InvocationReading>): Promise<Looked> {
    const reports: TaskReport[] = [];
    let hasFailed = false;
    for (const { invocationId } of openInvocations(run)) {
      const reading = readings.get(invocationId);
      if (reading?.kind === 'read') reports.push(...reading.tasks);
      else if (reading?.kind !== 'missing') {
        hasFailed = true;
        const { code = 'unread', message } = reading?.failure ?? {};
        log.warn('invocation.unread', { runId: run.runId, invocationId, code, error: message });
      }
    }
    const current = await keep(run, reports, readings);
    await stopOnce(current);
    const isOpen = !isTerminalRun(current) && current.status !== 'dispatching';
    if (isOpen && isGone(current, now())) {
      counts.settled += 1;
      return { run: await endGone(current, context), hasFailed };
    }
    if (!isOpen || now() < giveUpAt(current, context.timing)) return { run: current, hasFailed };
    counts.settled += 1;
    return { run: await giveUp(current, context), hasFailed };
  }

  /** What a stopped rollout still runs is asked to stop; again by the next loop, which does not know of it. */
  async function stopOnce(run: Run): Promise<void> {
    const { stop, onStop } = run.waves ?? {};
    if (stop === undefined || onStop !== 'cancel' || isTerminalRun(run) || stopped.has(run.runId)) return;
    await stopSent(run, context);
    stopped.add(run.runId);
  }

  /** The run with the reports, stored if other processes need them. */
  async function keep(
    run: Run,
    reports: readonly TaskReport[],
    readings: ReadonlyMap<string, InvocationReading>,
  ): Promise<Run> {
    let known = withOwn(run);
    for (;;) {
      const next = noteMissing(take(known, reports, context), readings, now());
      if (next === known && going.get(run.runId)?.hasState !== true) return next;
      if (!mattersToOthers(known, next)) {
        going.set(run.runId, { run: next, hasState: true });
        return next;
      }
      const saved = await store.save(next);
      going.delete(run.runId);
      if (saved.kind === 'saved') {
        if (isTerminalRun(saved.run)) counts.settled += 1;
        return saved.run;
      }
      // Another process wrote first: apply the reports to the stored run.
      known = withMarks(saved.run, marksOf(next));
    }
  }

  /** The stored run with the unsaved changes. */
  function withOwn(run: Run): Run {
    const own = going.get(run.runId)?.run;
    if (own === undefined || own.revision === run.revision) return own ?? run;
    going.delete(run.runId);
    return withMarks(run, marksOf(own));
  }

  function mattersToOthers(known: Run, next: Run): boolean {
    if (isTerminalRun(next) || next.waves !== known.waves || endedTasks(next) > endedTasks(known))
      return true;
    if (next.missingSince !== known.missingSince) return true;
    return now().getTime() - Date.parse(next.startedAt ?? next.requestedAt) >= GOES_ON_MS;
  }

  function afterTelling(one: Looked, outcome: Told): Looked {
    const { run } = one;
    if (outcome.failure !== undefined) {
      counts.failed += 1;
      log.error('poll.untold', { runId: run.runId, error: messageOf(outcome.failure) });
      return { run: withMarks(run, outcome), hasFailed: true };
    }
    const marked = withMarks(run, outcome);
    if (isTerminalRun(run)) {
      ended.push(outcome);
      endedAtMs = Math.min(endedAtMs, now().getTime());
    } else going.set(run.runId, { run: marked, hasState: going.get(run.runId)?.hasState ?? false });
    return { ...one, run: marked };
  }

  /** A failure of one run does not stop the others, and is retried later. */
  async function attempt<Result>(run: Run, work: () => Promise<Result>): Promise<Result | undefined> {
    try {
      return await work();
    } catch (thrown) {
      counts.failed += 1;
      const stack = thrown instanceof Error ? thrown.stack : undefined;
      log.error('poll.failed', { runId: run.runId, error: messageOf(thrown), stack });
      return undefined;
    }
  }

  return {
    counts,
    look,
    async flush(isEnd) {
      const isDue = ended.length >= MARKS_AT_ONCE || now().getTime() - endedAtMs >= MARKS_WAIT_MS;
      const marks = isEnd || isDue ? ended.splice(0) : [];
      if (marks.length > 0) {
        endedAtMs = Infinity;
        await markTold(marks, context).catch((thrown: unknown) => {
          log.warn('poll.unmarked', { runs: marks.length, error: messageOf(thrown) });
        });
      }
      if (!isEnd) return;
      // If another process wrote first, it continues with the run.
      await inTurns([...going.values()], SAVES_AT_ONCE, ({ run }) => attempt(run, () => store.save(run)));
      going.clear();
    },
  };
}

/** Whether it has unpublished events. */
function hasNews(run: Run): boolean {
  return run.outbox.length > 0 || run.tasks.some((task) => isTerminalTask(task.status) && !task.isEventSent);
}

/** Of its tasks. */
function marksOf({ tasks }: Run): Pick<Told, 'outbox' | 'tasks'> {
  return { outbox: [], tasks: new Set(tasks.filter(({ isEventSent }) => isEventSent).map(taskKey)) };
}

function endedTasks({ tasks }: Run): number {
  return tasks.filter(({ status }) => isTerminalTask(status)).length;
}
