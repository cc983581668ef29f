/**
 * Applies task reports to a run, and ends it. Facts are stored first, then events are sent, then they are marked as sent; a
 * crash in between sends them again.
 */
import {
  type PublishContext,
  publish,
  runEvent,
  type Telling,
  taskCompleted,
} from '../completions/publish.ts';
import { leave } from '../guards/guards.ts';
import type { Log } from '../logging.ts';
import type { Metrics } from '../metrics.ts';
import { after } from '../model/after.ts';
import type { Reason } from '../model/completion-event.ts';
import { isCutShort } from '../model/resume.ts';
import { isTerminalRun, type PendingEvent, type Run, type RunTask, sentInvocations } from '../model/run.ts';
import { taskKey, withTasks } from '../model/run-tasks.ts';
import { hasLaterWave, withNeverStarted } from '../model/run-waves.ts';
import { concealOutput, concealReason, forgetSecrets, shownFollowUps } from '../model/secret-parameters.ts';
import { type AggregateStatus, aggregateStatus, isTerminalTask, type TaskStatus } from '../model/status.ts';
import type { TaskReport } from '../providers/provider.ts';
import type { RunsQueue } from '../queues/runs-queue.ts';
import type { GuardStore } from '../store/guard-store.ts';
import type { RunStore } from '../store/run-store.ts';
import { followUpRequest, withNext } from './follow-up.ts';
import { awaitsOutput, deliveryErrorOf } from './output-delivery.ts';
import { TELLING_MS } from './poll-timing.ts';
import { reasonFor } from './run-reason.ts';
import { askGate } from './wave-gate.ts';

export interface SettleContext {
  store: RunStore;
  guards: GuardStore;
  publishing: PublishContext;
  /** Where the runs that follow others are asked for. */
  runsQueue: Pick<RunsQueue, 'send'>;
  log: Log;
  /** Default: none. */
  metrics?: Metrics;
  now: () => Date;
}

/** Applies the change to the newest stored run; retries if another process wrote first. */
export async function change(
  store: RunStore,
  run: Run,
  edit: (current: Run) => Run | undefined,
): Promise<Run> {
  let current = run;
  for (;;) {
    const next = edit(current);
    if (next === undefined) return current;
    const saved = await store.save(next);
    if (saved.kind === 'saved') return saved.run;
    current = saved.run;
  }
}

/**
 * The run with these reports of its tasks: its tasks, its status, and its end when all tasks have ended. Nothing is
 * stored.
 * @returns the same run if nothing changed
 */
export function take(
  run: Run,
  reports: readonly TaskReport[],
  { now, log }: Pick<SettleContext, 'now' | 'log'>,
): Run {
  if (isTerminalRun(run)) return run;
  const news = reports.filter((report) => !awaitsOutput(report, now())).map((report) => taskOf(run, report));
  for (const conflict of conflictsOf(run, news)) log.warn('task.conflict', { runId: run.runId, ...conflict });
  const known = askGate(withTasks(run, news), now());
  if (known.status === 'dispatching') return known;
  const status = aggregateStatus(expectedStatuses(known));
  if (known.status === status) return known;
  if (!isEnd(status)) return { ...known, status };
  return ended(known, status, now(), reasonFor(known, status, known.tasks));
}

/**
 * Stores the changes in the provider's reports, and publishes every event that is due.
 * @returns the run as it is stored now
 */
export async function settle(
  run: Run,
  context: SettleContext,
  reports: readonly TaskReport[] = [],
): Promise<Run> {
  const settled = await change(context.store, run, (current) => {
    const next = take(current, reports, context);
    return next === current ? undefined : next;
  });
  return await deliverOne(settled, context);
}

/**
 * Ends a run for a reason of our own. An ended run is not changed.
 * @param edit further changes at its end; undefined: the run goes on
 */
export async function endRun(
  run: Run,
  status: 'rejected' | 'expired' | 'unknown' | 'failed' | 'stopped',
  reason: Reason,
  context: SettleContext,
  edit: (current: Run) => Run | undefined = (current) => current,
): Promise<Run> {
  const stored = await change(context.store, run, (current) => {
    const edited = isTerminalRun(current) ? undefined : edit(current);
    if (edited === undefined) return undefined;
    const end = ended(edited, status, context.now(), reason);
    return { ...end, pollAt: after(context.now(), TELLING_MS).toISOString() };
  });
  return await deliverOne(stored, context);
}

/** What of a run is out, and why something of it is not. */
export interface Told {
  run: Run;
  outbox: readonly PendingEvent[];
  /** The keys of the tasks. */
  tasks: ReadonlySet<string>;
  failure?: unknown;
}

/**
 * Publishes the pending events of many runs, tasks before the run's end, and asks for the runs that follow: a destination
 * that is down does not keep these back. Nothing is stored: `markTold` does that, together with others or soon after.
 */
export async function deliver(runs: readonly Run[], context: SettleContext): Promise<Told[]> {
  const { publishing, log } = context;
  const prepared = await Promise.allSettled(runs.map(async (run) => await untold(run, context)));
  const tellings = prepared.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
  const [outcomes, followed] = await Promise.all([
    publish(tellings, publishing),
    askForNext(tellings, context),
  ]);
  const outcomeOf = new Map(tellings.map((telling, index) => [telling, outcomes[index]]));
  return runs.map((run, index): Told => {
    const one = prepared[index];
    if (one === undefined || one.status === 'rejected') return { run, ...NOTHING, failure: one?.reason };
    const outcome = outcomeOf.get(one.value);
    const hasNext = run.outbox.includes('follow-up');
    if (outcome?.status === 'rejected') {
      const outbox: PendingEvent[] = hasNext && followed.status === 'fulfilled' ? ['follow-up'] : [];
      return { run, ...NOTHING, outbox, failure: outcome.reason };
    }
    for (const task of one.value.tasks) {
      log.info('task.completed', { runId: run.runId, taskId: task.taskId, status: task.status });
    }
    for (const pending of run.outbox.filter((it) => it === 'run.completed' || it === 'run.rejected')) {
      const { runId, rule, status, reason, next } = run;
      log.info(pending, { runId, rule, status, reason: reason?.code, next: next?.runId });
    }
    const told = { run, outbox: run.outbox, tasks: new Set(one.value.tasks.map(taskKey)) };
    if (!hasNext || followed.status === 'fulfilled') return told;
    const outbox = run.outbox.filter((pending) => pending !== 'follow-up');
    return { ...told, outbox, failure: followed.reason };
  });
}

/** In one send; whoever repeats it asks for the same runs. */
async function askForNext(
  tellings: readonly Untold[],
  { runsQueue }: Pick<SettleContext, 'runsQueue'>,
): Promise<PromiseSettledResult<void>> {
  const requests = tellings.flatMap(({ run }) =>
    run.outbox.includes('follow-up') ? (followUpRequest(run) ?? []) : [],
  );
  const [outcome] = await Promise.allSettled([
    requests.length > 0 ? runsQueue.send(requests) : Promise.resolve(),
  ]);
  return outcome;
}

const NOTHING = { outbox: [], tasks: new Set<string>() } as const;

/** Publishes the pending events of one run, and stores that they are out. @throws what a destination threw */
export async function deliverOne(run: Run, context: SettleContext): Promise<Run> {
  const [told] = await deliver([run], context);
  if (told?.failure !== undefined) {
    await markTold([told], context);
    throw told.failure;
  }
  const [marked] = told === undefined ? [] : await markTold([told], context);
  return marked ?? run;
}

/**
 * Stores which events are out; for runs that have ended together, many in one write. If this is lost, the same events are
 * published again under the same ids.
 * @returns the runs as they are stored now
 */
export async function markTold(
  all: readonly Told[],
  { store }: Pick<SettleContext, 'store'>,
): Promise<Run[]> {
  const isNews = ({ outbox, tasks }: Told) => outbox.length > 0 || tasks.size > 0;
  const over = all.filter((told) => isNews(told) && isTerminalRun(told.run));
  const [marked] = await Promise.all([
    Promise.all(
      all.map(async (told) => {
        if (isTerminalRun(told.run) || !isNews(told)) return withMarks(told.run, told);
        return await change(store, told.run, (current) => withMarks(current, told));
      }),
    ),
    over.length > 0 && store.markTold(over.map((told) => withMarks(told.run, told))),
  ]);
  return marked;
}

/** The run with these events marked as published. */
export function withMarks(run: Run, told: Pick<Told, 'outbox' | 'tasks'>): Run {
  if (told.outbox.length === 0 && told.tasks.size === 0) return run;
  const outbox = run.outbox.filter((pending) => !told.outbox.includes(pending));
  const tasks = run.tasks.map((task) =>
    told.tasks.has(taskKey(task)) ? { ...task, isEventSent: true } : task,
  );
  const next = { ...run, outbox, tasks };
  if (!isTerminalRun(next) || outbox.length > 0) return next;
  // A reported run needs no more polling. Its reply address is deleted, because it lets anyone write to the chat, and so
  // are secrets, which are needed only for sending and reading.
  return {
    ...next,
    ...forgetSecrets(run),
    followUps: isCutShort(run) ? shownFollowUps(run.followUps) : undefined,
    pollAt: undefined,
    replyTo: undefined,
    ...withoutSeal(run),
  };
}

/** A hash of a short secret can be guessed. */
function withoutSeal({ approval, target }: Run): Pick<Run, 'approval'> {
  if (approval?.asked === undefined || target?.secretParameters === undefined) return {};
  const { parameters: _, ...seal } = approval.asked.seal;
  return { approval: { ...approval, asked: { ...approval.asked, seal } } };
}

/** Whether an event of the run is due and not known to be out. */
export function hasUntold({ outbox, tasks }: Run): boolean {
  return outbox.length > 0 || tasks.some(isUntold);
}

function isUntold({ isEventSent, status }: RunTask): boolean {
  return !isEventSent && isTerminalTask(status);
}

type Untold = Telling & { run: Run; tasks: readonly RunTask[] };

async function untold(
  run: Run,
  { store, guards, publishing: { stage }, now }: SettleContext,
): Promise<Untold> {
  const isOver = run.outbox.includes('run.completed') || run.outbox.includes('run.rejected');
  const hasTasks = isOver || run.tasks.some(isUntold);
  const whole = hasTasks ? await store.outputs(run) : run;
  // The place in flight is freed before the event, so that a consumer of the event can start the next run.
  if (isOver) await leave(run, guards);
  const tasks = whole.tasks.filter(isUntold);
  const ends = (['run.completed', 'run.rejected'] as const).filter((pending) => run.outbox.includes(pending));
  return {
    run,
    tasks,
    events: [
      ...(run.outbox.includes('run.waiting')
        ? [runEvent(run, 'fleet-reflex.run.waiting', [], stage, now())]
        : []),
      ...(run.outbox.includes('run.started')
        ? [runEvent(run, 'fleet-reflex.run.started', [], stage, now())]
        : []),
      ...tasks.map((task) => taskCompleted(run, task, stage, now())),
      ...ends.map((pending) => runEvent(run, `fleet-reflex.${pending}`, whole.tasks, stage, now())),
    ],
  };
}

function ended(run: Run, status: Run['status'], now: Date, reason: Reason | undefined): Run {
  const { leaseUntil: _, ...rest } = withNeverStarted(run);
  // Nobody is waited for any more.
  const pending = rest.outbox.filter((it) => it !== 'run.waiting');
  const event: PendingEvent = status === 'rejected' ? 'run.rejected' : 'run.completed';
  return withNext({
    ...rest,
    status,
    // A guard's reason contains its key, which a rule may have made from a secret.
    ...(reason && { reason: concealReason(run.target, reason) }),
    endedAt: now.toISOString(),
    outbox: [...pending, event],
    // The poller has to tell it.
    pollAt: now.toISOString(),
  });
}

/** A task that the provider does not list yet counts as queued: a run ends only after every instance has ended. */
function expectedStatuses(run: Run): TaskStatus[] {
  const byKey = new Map(run.tasks.map((task) => [taskKey(task), task.status]));
  const statuses = sentInvocations(run).flatMap((invocation) =>
    invocation.instances.map(
      (instanceId) => byKey.get(taskKey({ invocationId: invocation.invocationId, instanceId })) ?? 'queued',
    ),
  );
  for (const invocation of run.invocations) {
    if (invocation.state === 'notSent') statuses.push(...invocation.instances.map(() => 'rejected' as const));
    if (invocation.state === 'dropped')
      statuses.push(...invocation.instances.map(() => 'cancelled' as const));
    if (invocation.state === 'planned' || invocation.state === 'attempting') statuses.push('queued');
  }
  if (hasLaterWave(run)) statuses.push('queued');
  return statuses;
}

function isEnd(status: AggregateStatus): boolean {
  return isTerminalRun({ status });
}

/** The first terminal state is kept, and a different later one is logged. */
function conflictsOf(run: Run, news: readonly RunTask[]) {
  const known = new Map(run.tasks.map((task) => [taskKey(task), task.status]));
  return news.flatMap((task) => {
    const stored = known.get(taskKey(task));
    const isConflict =
      stored !== undefined && stored !== task.status && isTerminalTask(stored) && isTerminalTask(task.status);
    return isConflict ? [{ taskId: task.taskId, stored, reported: task.status }] : [];
  });
}

function taskOf({ target }: Run, report: TaskReport): RunTask {
  const { providerStatus, outputDroppedBytes = 0, isOutputPending: _, output, error, ...facts } = report;
  const deliveryError = deliveryErrorOf(report);
  return {
    ...facts,
    output: output && concealOutput(target, output, outputDroppedBytes > 0),
    error: error && concealReason(target, error),
    outputDeliveryError: deliveryError && concealReason(target, deliveryError),
    providerStatus,
    outputDroppedBytes,
    isEventSent: false,
  };
}
