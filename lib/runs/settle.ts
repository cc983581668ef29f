/**
 * What moves a run forward once something is known of it: task reports from the poller or from a push, and the end.
 * Facts are stored first, events are sent after, and marked sent after that; a crash in between sends them again.
 */
import { type PublishContext, publish, runEvent, taskCompleted } from '../completions/publish.ts';
import { leave } from '../guards/guards.ts';
import type { Log } from '../logging.ts';
import type { CompletionEvent, Reason } from '../model/completion-event.ts';
import { isTerminalRun, type PendingEvent, type Run, type RunTask, sentInvocations } from '../model/run.ts';
import { concealOutput, concealReason, forgetSecrets } from '../model/secret-parameters.ts';
import { type AggregateStatus, aggregateStatus, isTerminalTask, type TaskStatus } from '../model/status.ts';
import type { TaskReport } from '../providers/provider.ts';
import type { GuardStore } from '../store/guard-store.ts';
import type { RunStore } from '../store/run-store.ts';
import { awaitsOutput, deliveryErrorOf } from './output-delivery.ts';
import { reasonFor } from './run-reason.ts';

export interface SettleContext {
  store: RunStore;
  guards: GuardStore;
  publishing: PublishContext;
  log: Log;
  now: () => Date;
}

/** Writes the change onto the newest state of the run, again when somebody else was faster. */
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

/** Stores what a provider reports of tasks; answers how many moved. What is known to be settled is left alone. */
export async function storeReports(
  run: Run,
  reports: readonly TaskReport[],
  known: readonly RunTask[],
  { store, log, now }: SettleContext,
): Promise<number> {
  const before = new Map(known.map((task) => [taskKey(task), task.status]));
  let moved = 0;
  for (const report of reports) {
    if (awaitsOutput(report, now())) continue;
    const stored = before.get(taskKey(report));
    if (stored === report.status) continue;
    if (stored !== undefined && isTerminalTask(stored)) {
      // The first terminal state stands, whoever reported it.
      if (isTerminalTask(report.status)) {
        log.warn('task.conflict', {
          runId: run.runId,
          taskId: report.taskId,
          stored,
          reported: report.status,
        });
      }
      continue;
    }
    if (await store.putTask(taskOf(run, report))) moved += 1;
  }
  return moved;
}

/**
 * Brings the run's status in line with its tasks, ends it when all have ended, and delivers every event that is due.
 * @returns the run as it is stored now
 */
export async function settle(run: Run, context: SettleContext): Promise<Run> {
  const tasks = await context.store.tasks(run.runId);
  let settled = run;
  if (!isTerminalRun(run) && run.status !== 'dispatching') {
    const status = aggregateStatus(expectedStatuses(run, tasks));
    settled = await change(context.store, run, (current) => {
      if (isTerminalRun(current) || current.status === status) return undefined;
      return isEnd(status)
        ? ended(current, status, context.now(), reasonFor(current, status, tasks))
        : { ...current, status };
    });
  }
  return await deliver(settled, tasks, context);
}

/** Ends a run for a reason of our own. A run that has ended already stays as it is. */
export async function endRun(
  run: Run,
  status: 'rejected' | 'expired' | 'unknown' | 'failed' | 'stopped',
  reason: Reason,
  context: SettleContext,
): Promise<Run> {
  const stored = await change(context.store, run, (current) =>
    isTerminalRun(current) ? undefined : ended(current, status, context.now(), reason),
  );
  return await deliver(stored, await context.store.tasks(stored.runId), context);
}

/** Sends the events that are facts and not known to be sent, tasks before the run's end, and marks them. */
export async function deliver(
  run: Run,
  tasks: readonly RunTask[],
  { store, guards, publishing, log, now }: SettleContext,
): Promise<Run> {
  let current = run;
  if (current.outbox.includes('run.started')) {
    await tell(
      current,
      [runEvent(current, 'fleet-reflex.run.started', [], publishing.stage, now())],
      publishing,
    );
    current = await delivered(store, current, 'run.started');
  }
  for (const task of tasks) {
    if (task.isEventSent || !isTerminalTask(task.status)) continue;
    await tell(current, [taskCompleted(current, task, publishing.stage, now())], publishing);
    await store.markTaskSent(task);
    log.info('task.completed', { runId: run.runId, taskId: task.taskId, status: task.status });
  }
  for (const pending of ['run.completed', 'run.rejected'] as const) {
    if (!current.outbox.includes(pending)) continue;
    // The place in flight is given back before the event, so that who hears of the end can start the next one.
    await leave(current, guards);
    await tell(
      current,
      [runEvent(current, `fleet-reflex.${pending}`, tasks, publishing.stage, now())],
      publishing,
    );
    current = await delivered(store, current, pending);
    log.info(pending, {
      runId: run.runId,
      rule: run.rule,
      status: current.status,
      reason: current.reason?.code,
    });
  }
  return current;
}

async function tell(run: Run, events: readonly CompletionEvent[], publishing: PublishContext): Promise<void> {
  const [outcome] = await publish([{ run, events }], publishing);
  if (outcome?.status === 'rejected') throw outcome.reason;
}

async function delivered(store: RunStore, run: Run, event: PendingEvent): Promise<Run> {
  return await change(store, run, (current) => {
    const outbox = current.outbox.filter((pending) => pending !== event);
    const { pollAt: _, replyTo: __, ...done } = current;
    // A run that has ended and told everyone needs no more looking at. Where the chat was told goes too: whoever has
    // such an address can write there. And so do secrets, which only what is still to be sent or read needs.
    return isTerminalRun(current) && outbox.length === 0
      ? { ...done, ...forgetSecrets(current), outbox }
      : { ...current, outbox };
  });
}

function ended(run: Run, status: Run['status'], now: Date, reason: Reason | undefined): Run {
  const { leaseUntil: _, ...rest } = run;
  const event: PendingEvent = status === 'rejected' ? 'run.rejected' : 'run.completed';
  return {
    ...rest,
    status,
    // A guard names the key that it was asked with, and a rule may have made that of a secret.
    ...(reason && { reason: concealReason(run.target, reason) }),
    endedAt: now.toISOString(),
    outbox: [...run.outbox, event],
    // Until the event is known to be out, the poller has to look.
    pollAt: now.toISOString(),
  };
}

/** A task that the provider does not list yet counts as queued: a run is not over before each instance has ended. */
function expectedStatuses(run: Run, tasks: readonly RunTask[]): TaskStatus[] {
  const byKey = new Map(tasks.map((task) => [taskKey(task), task.status]));
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
  return statuses;
}

function isEnd(status: AggregateStatus): boolean {
  return isTerminalRun({ status });
}

function taskKey({ invocationId, instanceId }: { invocationId: string; instanceId: string }): string {
  return `${invocationId}#${instanceId}`;
}

function taskOf({ runId, target }: Run, report: TaskReport): RunTask {
  const { vendorStatus, outputDroppedBytes = 0, isOutputPending: _, output, error, ...facts } = report;
  const deliveryError = deliveryErrorOf(report);
  return {
    version: 1,
    runId,
    ...facts,
    output: output && concealOutput(target, output, outputDroppedBytes > 0),
    error: error && concealReason(target, error),
    outputDeliveryError: deliveryError && concealReason(target, deliveryError),
    providerStatus: vendorStatus,
    outputDroppedBytes,
    isEventSent: false,
  };
}
