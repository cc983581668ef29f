/** Runs invocations on the fleet: delivers to each instance, waits for what recurs, and stops what is to be stopped. */
import type { Clock } from '../../lib/providers/clock.ts';
import type { Collected } from '../fleet/buckets.ts';
import type { FleetEngine } from '../fleet/engine.ts';
import { hasFinished } from './aggregate.ts';
import { deliverOutput } from './delivery.ts';
import type { DeliveryFault, TaskFault } from './faults.ts';
import { type InstanceTask, type InvocationRecord, isOver, type TaskRun } from './invocations.ts';
import { createRecurrence, mayRunAgain } from './recurrence.ts';
import { createRunningTasks } from './running-tasks.ts';
import { accountAndDirectory } from './start-task.ts';
import { forcedEnd, NO_RUN, neverStarted, problemOf, refusedRun, runOf } from './task-ends.ts';
import { createTimers } from './timers.ts';

export interface RunnerOptions {
  engine: FleetEngine;
  clock: Clock;
  accountId: string;
  /**
   * What StopInvocation does with a command that runs already. `kill`, as the states Stopping and Terminated and the
   * agent's source have it; `leave`, as the text of the action has it.
   */
  stopsRunning: 'kill' | 'leave';
  /** How long a command stays Pending at the least. */
  deliveryMs: number;
  /** After this an instance whose agent is offline counts as not reached. The vendor's is one minute. */
  deliveryTimeoutMs: number;
  /** The fault of an instance's next task. */
  takeFault: (instanceId: string) => TaskFault | undefined;
  /** The fault of the delivery of an instance's next output. */
  takeDeliveryFault: (instanceId: string) => DeliveryFault | undefined;
  /** Told when nothing of an invocation will run any more. */
  onOver: (record: InvocationRecord) => void;
}

export interface Runner {
  start(record: InvocationRecord): void;
  /** @param instanceIds absent: all. */
  stop(record: InvocationRecord, instanceIds: readonly string[] | undefined): void;
  /** The schedule of a live invocation was changed. */
  reschedule(record: InvocationRecord): void;
  /** An instance came up: what waits for a reboot runs. */
  instanceStarted(record: InvocationRecord, instanceId: string): void;
  /** Stops every timer; running commands are the engine's. */
  close(): void;
}

const RETRY_DELIVERY_MS = 200;

export function createRunner(options: RunnerOptions): Runner {
  const { engine, clock, accountId, stopsRunning, deliveryMs, deliveryTimeoutMs } = options;
  const timers = createTimers(clock);
  const delivering = { buckets: engine.buckets, takeFault: options.takeDeliveryFault, later: timers.later };

  const now = (): Date => new Date(clock.epochMs());

  const update = (task: InstanceTask, change: Partial<InstanceTask>): void => {
    Object.assign(task, change, { updatedAt: now() });
  };

  const endIfOver = (record: InvocationRecord): void => {
    if (!isOver(record)) return;
    recurrence.disarm(record);
    options.onOver(record);
  };

  /** One run has ended: what the task is now, and whether it waits for the next. */
  const settle = (
    record: InvocationRecord,
    task: InstanceTask,
    ended: TaskRun,
    collected?: Collected,
  ): void => {
    const { instanceId, repeats } = task;
    const delivery = deliverOutput(record, ended, { instanceId, repeats, collected }, delivering);
    const run = { ...ended, delivery };
    task.history.push(run);
    const isStopped = task.stoppedAt !== undefined;
    // A run that reports failure ends its schedule (the document, `Failed`); a time-out does not.
    const goesOn = !isStopped && run.status !== 'Failed' && mayRunAgain(record, now());
    update(task, { ...run, status: goesOn ? 'Scheduled' : run.status });
    endIfOver(record);
  };

  const running = createRunningTasks({ engine, accountId, timers, now, update, onEnd: settle });

  const deliver = (
    record: InvocationRecord,
    task: InstanceTask,
    givesUpAtMs: number,
    fault: TaskFault | undefined,
  ): void => {
    if (task.status !== 'Pending') return;
    const instance = engine.instances.get(task.instanceId);
    const isLate = clock.monotonicMs() >= givesUpAtMs;
    const forced = forcedEnd(fault);
    const problem = forced?.when === 'before' ? forced : problemOf(instance, record.command, isLate);
    if (problem !== undefined) {
      settle(record, task, refusedRun(problem));
    } else if (instance?.agent === 'offline') {
      timers.later(RETRY_DELIVERY_MS, () => deliver(record, task, givesUpAtMs, fault));
    } else if (record.repeatMode === 'DryRun') {
      rehearse(record, task);
    } else {
      running.run(record, task, fault);
    }
  };

  const beginDelivery = (record: InvocationRecord, task: InstanceTask): void => {
    const givesUpAtMs = clock.monotonicMs() + deliveryTimeoutMs;
    update(task, { ...NO_RUN, status: 'Pending' });
    const fault = options.takeFault(task.instanceId);
    const forced = forcedEnd(fault);
    // Pending without a time: until somebody stops it.
    if (fault?.status === 'Pending' && fault.ms === undefined && forced === undefined) return;
    const delayMs = forced?.when === 'after' ? deliveryMs : (fault?.ms ?? deliveryMs);
    timers.later(delayMs, () => deliver(record, task, givesUpAtMs, fault));
  };

  /** DryRun: all that can be asked without running anything. */
  const rehearse = (record: InvocationRecord, task: InstanceTask): void => {
    void engine.check(accountAndDirectory(record, task)).then((errorInfo) => {
      if (task.status !== 'Pending' || timers.isClosed) return;
      const run =
        errorInfo === ''
          ? { ...NO_RUN, status: 'Success' as const, finishedAt: now() }
          : runOf(neverStarted(errorInfo, now()));
      settle(record, task, run);
    });
  };

  const recurrence = createRecurrence(clock, timers, (record) => {
    for (const task of record.tasks) {
      // What still runs from the time before is left alone.
      if (task.status === 'Scheduled') beginDelivery(record, task);
    }
  });

  const stopTask = (record: InvocationRecord, task: InstanceTask): void => {
    if (hasFinished(task.status) || task.stoppedAt !== undefined) return;
    if (!running.has(task)) {
      const place = { instanceId: task.instanceId, repeats: task.repeats, collected: undefined };
      const delivery = deliverOutput(record, { status: 'Cancelled' }, place, delivering);
      update(task, { status: 'Cancelled', stoppedAt: now(), delivery });
    } else if (stopsRunning === 'kill') {
      update(task, { status: 'Stopping', stoppedAt: now() });
      running.kill(task);
    } else {
      update(task, { stoppedAt: now() });
    }
  };

  return {
    start(record) {
      if (record.repeatMode === 'Period') recurrence.arm(record);
      if (record.repeatMode === 'Once' || record.repeatMode === 'DryRun') {
        for (const task of record.tasks) beginDelivery(record, task);
      }
    },
    stop(record, instanceIds) {
      if (instanceIds === undefined) record.stoppedAt ??= now();
      for (const task of record.tasks) {
        if (instanceIds === undefined || instanceIds.includes(task.instanceId)) stopTask(record, task);
      }
      endIfOver(record);
    },
    reschedule: (record) => recurrence.arm(record),
    instanceStarted(record, instanceId) {
      if (record.repeatMode !== 'NextRebootOnly' && record.repeatMode !== 'EveryReboot') return;
      const task = record.tasks.find((candidate) => candidate.instanceId === instanceId);
      if (task?.status === 'Scheduled') beginDelivery(record, task);
    },
    close: () => timers.close(),
  };
}
