/**
 * Runs invocations on the fleet: delivers to each instance, waits for what recurs, and stops what is to be stopped.
 * Which ErrorCode goes with which status is not documented; the pairs here are inferred from the names
 * (shared/reference/status-map.md, section 4).
 */
import type { InstanceStatus } from '../../lib/providers/alibaba/task-status.ts';
import { nextRun } from '../../lib/providers/alibaba/timetable.ts';
import type { Clock } from '../../lib/providers/clock.ts';
import type { FleetEngine } from '../fleet/engine.ts';
import type { FleetInstance } from '../fleet/fleet-file.ts';
import { CLOUD_ASSISTANT_OUTPUT } from '../fleet/output.ts';
import type { TaskEnd, TaskHandle } from '../fleet/task.ts';
import { hasFinished } from './aggregate.ts';
import { fitsOs, type StoredCommand } from './commands.ts';
import type { TaskFault } from './faults.ts';
import { INSTANCE_ERRORS, type InstanceErrorCode } from './instance-errors.ts';
import { type InstanceTask, type InvocationRecord, isOver, type TaskRun } from './invocations.ts';
import { withLauncher } from './launcher.ts';
import { fillPlaceholders } from './placeholders.ts';

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

  const update = (task: InstanceTask, change: Partial<InstanceTask>): void => {
    Object.assign(task, change, { updatedAt: now() });
  };

  const failed = (code: InstanceErrorCode): Pick<TaskRun, 'errorCode' | 'errorInfo'> => ({
    errorCode: code,
    errorInfo: INSTANCE_ERRORS[code],
  });

  const endIfOver = (record: InvocationRecord): void => {
    if (!isOver(record)) return;
    schedules.get(record.invokeId)?.();
    schedules.delete(record.invokeId);
    options.onOver(record);
  };

  /** One run has ended: what the task is now, and whether it waits for the next. */
  const settle = (record: InvocationRecord, task: InstanceTask, run: TaskRun): void => {
    handles.delete(task);
    task.history.push(run);
    const isStopped = task.stoppedAt !== undefined;
    // A run that reports failure ends its schedule (the document, `Failed`); a time-out does not.
    const goesOn = !isStopped && run.status !== 'Failed' && mayRunAgain(record, now());
    update(task, { ...run, status: goesOn ? 'Scheduled' : run.status });
    endIfOver(record);
  };

  const refuse = (record: InvocationRecord, task: InstanceTask, problem: Problem): void => {
    settle(record, task, { ...NO_RUN, status: problem.status, ...failed(problem.code) });
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
    const problem = fault?.status === 'Aborted' ? NOT_DELIVERED : problemOf(instance, record.command, isLate);
    if (problem !== undefined) {
      refuse(record, task, problem);
    } else if (instance?.agent === 'offline') {
      later(RETRY_DELIVERY_MS, () => deliver(record, task, givesUpAtMs, fault));
    } else if (record.repeatMode === 'DryRun') {
      settle(record, task, { ...NO_RUN, status: 'Success', finishedAt: now() });
    } else {
      run(record, task, fault);
    }
  };

  const beginDelivery = (record: InvocationRecord, task: InstanceTask): void => {
    const givesUpAtMs = clock.monotonicMs() + deliveryTimeoutMs;
    update(task, { ...NO_RUN, status: 'Pending' });
    const fault = options.takeFault(task.instanceId);
    // Pending without a time: until somebody stops it.
    if (fault?.status === 'Pending' && fault.ms === undefined) return;
    const delayMs = fault?.status === 'Error' ? deliveryMs : (fault?.ms ?? deliveryMs);
    later(delayMs, () => deliver(record, task, givesUpAtMs, fault));
  };

  const run = (record: InvocationRecord, task: InstanceTask, fault: TaskFault | undefined): void => {
    let handle: TaskHandle;
    try {
      handle = startTask(record, task);
    } catch {
      // The fleet was stopped before this server.
      refuse(record, task, { status: 'Error', code: 'ExecutionException' });
      return;
    }
    handles.set(task, handle);
    // The agent goes silent: the command runs on, and nobody hears of it.
    const isHeard = (): boolean => handles.get(task) === handle && !isClosed;
    void handle.started.then((isRunning) => {
      if (!isRunning || !isHeard()) return;
      const status = task.status === 'Pending' ? 'Running' : task.status;
      update(task, { status, repeats: task.repeats + 1, startedAt: now() });
      if (fault?.status !== 'Error') return;
      later(fault.ms ?? 0, () => {
        if (isHeard())
          settle(record, task, { ...runSoFar(task), status: 'Error', ...failed('ClientNotResponse') });
      });
    });
    void handle.finished.then((end) => {
      const isLost = fault?.status === 'Error' && end.startedAt !== undefined;
      if (isHeard() && !isLost) settle(record, task, runOf(end, failed));
    });
  };

  const startTask = (record: InvocationRecord, task: InstanceTask): TaskHandle => {
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
      instanceId: task.instanceId,
      script: record.launcher === '' ? script : withLauncher(script, record.launcher),
      interpreter: 'shebang',
      ...(record.username !== '' && { username: record.username }),
      ...(record.workingDir !== '' && { workingDirectory: record.workingDir }),
      timeoutSeconds: record.timeoutSeconds,
      output: CLOUD_ASSISTANT_OUTPUT,
      killScope: record.terminationMode === 'ProcessTree' ? 'group' : 'process',
      drainMs: DRAIN_MS,
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

  const stopTask = (task: InstanceTask): void => {
    if (hasFinished(task.status) || task.stoppedAt !== undefined) return;
    const handle = handles.get(task);
    if (handle === undefined) {
      update(task, { status: 'Cancelled', stoppedAt: now() });
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
        if (instanceIds === undefined || instanceIds.includes(task.instanceId)) stopTask(task);
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

const NO_RUN: TaskRun = {
  status: 'Pending',
  exitCode: undefined,
  errorCode: '',
  errorInfo: '',
  output: Buffer.alloc(0),
  dropped: 0,
  startedAt: undefined,
  finishedAt: undefined,
};

/** What is known of a run that has not ended. */
function runSoFar(task: InstanceTask): TaskRun {
  return { ...NO_RUN, startedAt: task.startedAt };
}

interface Problem {
  status: InstanceStatus;
  code: InstanceErrorCode;
}

const NOT_DELIVERED: Problem = { status: 'Aborted', code: 'DeliveryTimeout' };

/** @param isLate whether the time to reach the instance is over. @returns undefined: deliver, or try again */
function problemOf(
  instance: FleetInstance | undefined,
  command: StoredCommand,
  isLate: boolean,
): Problem | undefined {
  if (instance === undefined) return { status: 'Aborted', code: 'InstanceNotExists' };
  if (instance.state !== 'running') return { status: 'Aborted', code: 'InstanceNotRunning' };
  if (instance.agent === 'not-installed') return { status: 'Aborted', code: 'ClientNotRunning' };
  if (instance.agent === 'offline') return isLate ? NOT_DELIVERED : undefined;
  if (!fitsOs(command, instance)) return { status: 'Invalid', code: 'CommandNotApplicable' };
  // Windows instances exist in the local fleet and run nothing.
  return instance.os === 'windows' ? { status: 'Error', code: 'ExecutionException' } : undefined;
}

function mayRunAgain(record: InvocationRecord, now: Date): boolean {
  if (record.repeatMode === 'EveryReboot') return true;
  if (record.repeatMode !== 'Period' || record.frequency === undefined) return false;
  return nextRun(record.frequency, now, record.createdAt) !== undefined;
}

function runOf(
  end: TaskEnd,
  failed: (code: InstanceErrorCode) => Pick<TaskRun, 'errorCode' | 'errorInfo'>,
): TaskRun {
  const base = {
    output: end.output,
    dropped: end.dropped,
    errorCode: '',
    errorInfo: '',
    ...(end.startedAt && { startedAt: end.startedAt }),
    finishedAt: end.endedAt,
  };
  switch (end.outcome) {
    case 'exited':
      if (end.exitCode === 0) return { ...base, status: 'Success', exitCode: 0 };
      return { ...base, status: 'Failed', exitCode: end.exitCode, ...failed('ExitCodeNonzero') };
    case 'timed_out':
      // 1, as the agent reports it; TAT has -1
      return { ...base, status: 'Timeout', exitCode: 1, ...failed('ExecutionTimeout') };
    case 'killed':
      // Killed before it was a process: it never started.
      if (end.startedAt === undefined) return { ...base, status: 'Cancelled' };
      return { ...base, status: 'Terminated', exitCode: 1 };
    case 'start_failed': {
      if (end.errorInfo.startsWith('InvalidUser'))
        return { ...base, status: 'Invalid', ...failed('AccountNotExists') };
      if (end.errorInfo.startsWith('InvalidWorkingDirectory')) {
        return { ...base, status: 'Invalid', ...failed('DirectoryNotExists') };
      }
      return { ...base, status: 'Error', ...failed('ExecutionException') };
    }
  }
}
