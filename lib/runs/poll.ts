/**
 * The poller: one loop at a time takes the runs that are due, asks the providers about many in one go, stores what
 * they say, settles, and gives each run that is still open its next time. It also finishes what others left undone:
 * a dispatch that died, an event that was recorded and not sent.
 */
import { messageOf } from '../errors.ts';
import type { ProviderName } from '../model/provider-name.ts';
import {
  isAwaitingSchedule,
  isTerminalRun,
  type Run,
  type RunTask,
  sentInvocations,
  timerOf,
} from '../model/run.ts';
import { ownTask, taskKey, withTasks } from '../model/run-tasks.ts';
import { isTerminalTask } from '../model/status.ts';
import { type InvocationReading, providerOf, type TaskReport } from '../providers/provider.ts';
import { finishCancel } from './cancel.ts';
import { resume } from './dispatch.ts';
import type { DispatchContext } from './dispatch-context.ts';
import { comeBack, fireHere } from './fire-here.ts';
import { giveUpAt, nextPollAt } from './poll-timing.ts';
import { change, deliverOne, endRun, settle } from './settle.ts';

export interface PollContext extends DispatchContext {
  /** Who holds the lease: unique for each function instance. */
  owner: string;
  /** For one call, in milliseconds. */
  budgetMs: number;
}

export type PollReport =
  /** Another loop is at work. */
  | { kind: 'busy' }
  | {
      kind: 'done';
      /** Invocations that were read. */
      read: number;
      /** Runs that ended. */
      settled: number;
      /** Dispatches that were taken over. */
      rescued: number;
      /** Runs that could not be seen to this time. */
      failed: number;
    };

type Counts = Omit<Extract<PollReport, { kind: 'done' }>, 'kind'>;

const LEASE = 'poller';
const BATCH = 100;
/** What is due within this time is waited for; later has its own wake-up. */
const PATIENCE_MS = 2_000;
/** The least wait between two looks, also when the index still shows what has been done already. */
const PAUSE_MS = 100;
/** The schedule looks this often by itself. */
const MINUTE_MS = 60_000;

export async function poll(context: PollContext): Promise<PollReport> {
  const { store, owner, now, leaseMs } = context;
  if (!(await store.acquireLease(LEASE, owner, now(), leaseMs))) return { kind: 'busy' };
  const counts: Counts = { read: 0, settled: 0, rescued: 0, failed: 0 };
  try {
    await loop(context, counts);
  } finally {
    await store.releaseLease(LEASE, owner);
  }
  // Only now: a wake-up that found the lease held was for something that is in the table by now.
  const next = await store.nextDue();
  if (next !== undefined && next.getTime() - now().getTime() < MINUTE_MS) {
    await context.wake(next > now() ? next : now());
  }
  return { kind: 'done', ...counts };
}

async function loop(context: PollContext, counts: Counts): Promise<void> {
  const { store, owner, now, leaseMs, budgetMs, sleep } = context;
  const endsAt = now().getTime() + budgetMs;
  for (;;) {
    const due = await store.due(now(), BATCH);
    await pass(due, context, counts);
    const next = await store.nextDue();
    if (next === undefined) return;
    const waitMs = Math.max(next.getTime() - now().getTime(), PAUSE_MS);
    if (waitMs > PATIENCE_MS || now().getTime() + waitMs >= endsAt) return;
    await sleep(waitMs);
    // Somebody may have taken over while we slept for too long.
    if (!(await store.acquireLease(LEASE, owner, now(), leaseMs))) return;
  }
}

async function pass(due: readonly Run[], context: PollContext, counts: Counts): Promise<void> {
  const open: Run[] = [];
  for (const run of due) {
    await guarded(run, context, counts, async () => {
      if (isAwaitingSchedule(run)) await awaitTime(run, context);
      else if (isTerminalRun(run)) await deliverOne(run, context);
      else if (run.cancel !== undefined) {
        await finishCancel(run, context);
        counts.rescued += 1;
      } else if (run.status !== 'dispatching') open.push(run);
      else {
        // What is out already is read also while the rest waits.
        const after = await rescue(run, context, counts);
        if (after.status === 'dispatching' && sentInvocations(after).length > 0) open.push(after);
      }
    });
  }
  const byProvider = Map.groupBy(open, ({ target }) => target?.provider);
  await Promise.all(
    [...byProvider].map(async ([provider, runs]) => {
      if (provider === undefined) return;
      await readRuns(provider, runs, context, counts);
    }),
  );
}

/** What the provider fires is looked after by `tendSchedules`. */
async function awaitTime(run: Run, context: PollContext): Promise<void> {
  if (timerOf(run) === undefined) await lookLater(run, context, MINUTE_MS);
  else await fireHere(run, context);
}

async function rescue(run: Run, context: PollContext, counts: Counts): Promise<Run> {
  const result = await resume(run, context);
  counts.rescued += 1;
  const { run: after } = result;
  if (result.kind === 'retry' && timerOf(after) !== undefined) {
    await comeBack(after, result.retryAfterMs, context);
    return after;
  }
  // Another attempt is at work on it: it is looked at again when that one's lease has run out.
  if (result.kind === 'retry' && after.pollAt === run.pollAt)
    await lookLater(after, context, result.retryAfterMs);
  return after;
}

async function readRuns(
  provider: ProviderName,
  runs: readonly Run[],
  context: PollContext,
  counts: Counts,
): Promise<void> {
  const { providers, log } = context;
  const ended = new Set(
    runs
      .flatMap(({ tasks }) => tasks)
      .filter(({ status }) => isTerminalTask(status))
      .map(({ taskId }) => taskId),
  );
  const refs = runs.flatMap((run) =>
    sentInvocations(run).map(({ invocationId, instances }) => ({
      region: run.target?.region ?? '',
      invocationId,
      instances,
    })),
  );
  counts.read += refs.length;
  let readings = new Map<string, InvocationReading>();
  try {
    const read = await providerOf(providers, provider).read(refs, {
      wantsOutput: (taskId) => !ended.has(taskId),
    });
    readings = new Map(read.map((reading) => [reading.invocationId, reading]));
  } catch (thrown) {
    log.error('poll.unread', { provider, error: messageOf(thrown) });
  }
  for (const run of runs) {
    await guarded(run, context, counts, () => takeReadings(run, readings, context, counts));
  }
}

async function takeReadings(
  run: Run,
  readings: ReadonlyMap<string, InvocationReading>,
  context: PollContext,
  counts: Counts,
): Promise<void> {
  const { store, now, timing, log } = context;
  let isComplete = true;
  const reports: TaskReport[] = [];
  for (const { invocationId } of sentInvocations(run)) {
    const reading = readings.get(invocationId);
    if (reading?.kind === 'read') reports.push(...reading.tasks);
    else {
      isComplete = false;
      const code = reading?.failure.code ?? 'unread';
      log.warn('invocation.unread', {
        runId: run.runId,
        invocationId,
        code,
        error: reading?.failure.message,
      });
    }
  }
  const settled = await settle(run, context, reports);
  if (isTerminalRun(settled)) {
    counts.settled += 1;
    return;
  }
  if (settled.status !== 'dispatching' && now() >= giveUpAt(settled, timing)) {
    await giveUp(settled, context);
    counts.settled += 1;
    return;
  }
  await change(store, settled, (current) => {
    if (isTerminalRun(current)) return undefined;
    const counted = { ...current, failedReadings: isComplete ? 0 : current.failedReadings + 1 };
    return { ...counted, pollAt: nextPollAt(counted, now(), timing).toISOString() };
  });
}

/** Long after its time-out the provider still does not say how it ended: a person has to look. */
async function giveUp(run: Run, context: PollContext): Promise<void> {
  const open = lostTasks(run).map(({ instanceId }) => instanceId);
  const reason = {
    code: 'poll.gave-up',
    message: `The provider has not said how it ended on ${open.join(', ')}, long after its time-out.`,
    advice: `Look at ${sentInvocations(run)
      .map(({ invocationId }) => invocationId)
      .join(', ')} at the provider before it is run again.`,
  };
  await endRun(run, 'unknown', reason, context, (current) => withTasks(current, lostTasks(current)));
}

function lostTasks(run: Run): RunTask[] {
  const known = new Map(run.tasks.map((task) => [taskKey(task), task]));
  return sentInvocations(run).flatMap(({ invocationId, instances }) =>
    instances.flatMap((instanceId) => {
      const task = known.get(taskKey({ invocationId, instanceId }));
      if (task !== undefined && isTerminalTask(task.status)) return [];
      return ownTask({
        taskId: `${invocationId}/${instanceId}`,
        ...task,
        invocationId,
        instanceId,
        status: 'lost',
        providerStatus: task?.providerStatus ?? 'never listed',
        started: task?.started === 'yes' ? 'yes' : 'maybe',
        error: { code: 'poll.gave-up', message: 'The provider never said how it ended.' },
      });
    }),
  );
}

/** What goes wrong with one run stops no other, and is tried again later. */
async function guarded(
  run: Run,
  context: PollContext,
  counts: Counts,
  see: () => Promise<void>,
): Promise<void> {
  try {
    await see();
  } catch (thrown) {
    counts.failed += 1;
    context.log.error('poll.failed', {
      runId: run.runId,
      error: messageOf(thrown),
      stack: thrown instanceof Error ? thrown.stack : undefined,
    });
    await change(context.store, run, (current) => {
      if (current.pollAt === undefined) return undefined;
      const counted = { ...current, failedReadings: current.failedReadings + 1 };
      return { ...counted, pollAt: nextPollAt(counted, context.now(), context.timing).toISOString() };
    });
  }
}

async function lookLater(run: Run, { store, now }: PollContext, ms: number): Promise<void> {
  await change(store, run, (current) =>
    isTerminalRun(current) ? undefined : { ...current, pollAt: new Date(now().getTime() + ms).toISOString() },
  );
}
