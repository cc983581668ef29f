/** Runs invocations on the fleet: delivers to each instance, waits for what recurs, and stops what is to be stopped. */
import { nextRun } from '../../lib/providers/alibaba/timetable.ts';
import type { Clock } from '../../lib/providers/clock.ts';
import type { Collected } from '../fleet/buckets.ts';
import type { FleetEngine } from '../fleet/engine.ts';
import { CLOUD_ASSISTANT_OUTPUT } from '../fleet/output.ts';
import type { TaskHandle } from '../fleet/task.ts';
import { hasFinished } from './aggregate.ts';
import { deliverOutput } from './delivery.ts';
import type { DeliveryFault, TaskFault } from './faults.ts';
import { type InstanceTask, type InvocationRecord, isOver, type TaskRun } from './invocations.ts';
import { withLauncher } from './launcher.ts';
import { fillPlaceholders } from './placeholders.ts';
import {
  brokenRun,
  forcedEnd,
  NO_RUN,
  neverStarted,
  type Problem,
  problemOf,
  refusedRun,
  runOf,
} from './task-ends.ts';

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
  /** What is to befall the next task of an instance. */
  takeFault: (instanceId: string) => TaskFault | undefined;
  /** What is to befall the delivery of the next output of an instance. */
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

/** setTimeout takes no more. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;
const RETRY_DELIVERY_MS = 200;
const DRAIN_MS = 200;

export function createRunner(options: RunnerOptions): Runner {
  const { engine, clock, accountId, stopsRunning, deliveryMs, deliveryTimeoutMs } = options;
  const timers = new Set<() => void>();
  const schedules = new Map<string, () => void>();
  const handles = new Map<InstanceTask, TaskHandle>();
  let isClosed = false;

  const now = (): Date => new Date(clock.epochMs());

  const later = (delayMs: number, work: () => void): (() => void) => {
    const cancel = clock.schedule(Math.min(LONGEST_TIMER_MS, Math.max(0, delayMs)), () => {
      timers.delete(cancel);
      if (!isClosed) work();
    });
    timers.add(cancel);
    return () => {
      cancel();
      timers.delete(cancel);
    };
  };

  const delivering = { buckets: engine.buckets, takeFault: options.takeDeliveryFault, later };

  const update = (task: InstanceTask, change: Partial<InstanceTask>): void => {
    Object.assign(task, change, { updatedAt: now() });
  };

  const endIfOver = (record: InvocationRecord): void => {
    if (!isOver(record)) return;
    schedules.get(record.invokeId)?.();
    schedules.delete(record.invokeId);
    options.onOver(record);
  };

  /** One run has ended: what the task is now, and whether it waits for the next. */
  const settle = (
    record: InvocationRecord,
    task: InstanceTask,
    ended: TaskRun,
    collected?: Collected,
  ): void => {
    handles.delete(task);
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

  const refuse = (record: InvocationRecord, task: InstanceTask, problem: Problem): void => {
    settle(record, task, refusedRun(problem));
  };

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
      refuse(record, task, problem);
    } else if (instance?.agent === 'offline') {
      later(RETRY_DELIVERY_MS, () => deliver(record, task, givesUpAtMs, fault));
    } else if (record.repeatMode === 'DryRun') {
      rehearse(record, task);
    } else {
      run(record, task, fault);
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
    later(delayMs, () => deliver(record, task, givesUpAtMs, fault));
  };

  /** DryRun: all that can be asked without running anything. */
  const rehearse = (record: InvocationRecord, task: InstanceTask): void => {
    void engine.check(accountAndDirectory(record, task)).then((errorInfo) => {
      if (task.status !== 'Pending' || isClosed) return;
      const run =
        errorInfo === ''
          ? { ...NO_RUN, status: 'Success' as const, finishedAt: now() }
          : runOf(neverStarted(errorInfo, now()));
      settle(record, task, run);
    });
  };

  const run = (record: InvocationRecord, task: InstanceTask, fault: TaskFault | undefined): void => {
    const collected = record.ossOutputDelivery === '' ? undefined : engine.buckets.collect();
    let handle: TaskHandle;
    try {
      handle = startTask(record, task, collected);
    } catch {
      // The fleet was stopped before this server.
      refuse(record, task, { status: 'Error', code: 'ExecutionException' });
      return;
    }
    handles.set(task, handle);
    const isHeard = (): boolean => handles.get(task) === handle && !isClosed;
    const forced = forcedEnd(fault);
    const breakIt = (problem: Problem): void => {
      const { bytes: output, dropped } = handle.output();
      settle(
        record,
        task,
        brokenRun(problem, { startedAt: task.startedAt, output, dropped, now: now() }),
        collected,
      );
      // The agent went silent: the command runs on, and nobody hears of it.
      if (problem.code !== 'ClientNotResponse') handle.kill();
    };
    void handle.started.then((isRunning) => {
      if (!isRunning || !isHeard()) return;
      const status = task.status === 'Pending' ? 'Running' : task.status;
      update(task, { status, repeats: task.repeats + 1, startedAt: now() });
      if (forced?.when !== 'after') return;
      later(fault?.ms ?? 0, () => {
        if (isHeard()) breakIt(forced);
      });
    });
    void handle.finished.then((end) => {
      // What is to befall it has not yet: its own end is not heard of.
      const isLost = forced?.when === 'after' && end.startedAt !== undefined;
      if (isHeard() && !isLost) settle(record, task, runOf(end), collected);
    });
  };

  const startTask = (
    record: InvocationRecord,
    task: InstanceTask,
    collected: Collected | undefined,
  ): TaskHandle => {
    const builtIns = {
      RegionId: record.regionId,
      AccountId: accountId,
      InstanceId: task.instanceId,
      InstanceName: engine.instances.get(task.instanceId)?.name ?? task.instanceId,
      InvokeId: record.invokeId,
      CommandId: record.command.commandId,
    };
    const script = record.command.enableParameter
      ? fillPlaceholders(record.content, record.parameters, builtIns)
      : record.content;
    return engine.startTask({
      ...accountAndDirectory(record, task),
      script: record.launcher === '' ? script : withLauncher(script, record.launcher),
      interpreter: 'shebang',
      timeoutSeconds: record.timeoutSeconds,
      output: CLOUD_ASSISTANT_OUTPUT,
      killScope: record.terminationMode === 'ProcessTree' ? 'group' : 'process',
      drainMs: DRAIN_MS,
      onOutput: collected?.add,
    });
  };

  const fire = (record: InvocationRecord): void => {
    for (const task of record.tasks) {
      // What still runs from the time before is left alone.
      if (task.status === 'Scheduled') beginDelivery(record, task);
    }
  };

  const arm = (record: InvocationRecord, after: Date): void => {
    schedules.get(record.invokeId)?.();
    schedules.delete(record.invokeId);
    const { frequency } = record;
    const at = frequency && nextRun(frequency, after, record.createdAt);
    if (at === undefined) return;
    const delayMs = at.getTime() - clock.epochMs();
    const isDue = delayMs <= LONGEST_TIMER_MS;
    const cancel = later(delayMs, () => {
      schedules.delete(record.invokeId);
      if (isDue) fire(record);
      // After its own time and not after now: a timer may come a moment early and would find the same time again.
      if (!isOver(record)) arm(record, isDue ? at : now());
    });
    schedules.set(record.invokeId, cancel);
  };

  const stopTask = (record: InvocationRecord, task: InstanceTask): void => {
    if (hasFinished(task.status) || task.stoppedAt !== undefined) return;
    const handle = handles.get(task);
    if (handle === undefined) {
      const place = { instanceId: task.instanceId, repeats: task.repeats, collected: undefined };
      const delivery = deliverOutput(record, { status: 'Cancelled' }, place, delivering);
      update(task, { status: 'Cancelled', stoppedAt: now(), delivery });
    } else if (stopsRunning === 'kill') {
      update(task, { status: 'Stopping', stoppedAt: now() });
      handle.kill();
    } else {
      update(task, { stoppedAt: now() });
    }
  };

  return {
    start(record) {
      if (record.repeatMode === 'Period') arm(record, now());
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
    reschedule: (record) => arm(record, now()),
    instanceStarted(record, instanceId) {
      if (record.repeatMode !== 'NextRebootOnly' && record.repeatMode !== 'EveryReboot') return;
      const task = record.tasks.find((candidate) => candidate.instanceId === instanceId);
      if (task?.status === 'Scheduled') beginDelivery(record, task);
    },
    close() {
      isClosed = true;
      for (const cancel of timers) cancel();
    },
  };
}

function mayRunAgain(record: InvocationRecord, now: Date): boolean {
  if (record.repeatMode === 'EveryReboot') return true;
  if (record.repeatMode !== 'Period' || record.frequency === undefined) return false;
  return nextRun(record.frequency, now, record.createdAt) !== undefined;
}

/** Who runs it, and where. */
function accountAndDirectory(record: InvocationRecord, { instanceId }: InstanceTask) {
  return {
    instanceId,
    ...(record.username !== '' && { username: record.username }),
    ...(record.workingDir !== '' && { workingDirectory: record.workingDir }),
  };
}
