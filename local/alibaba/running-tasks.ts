/** The running tasks: starts them, applies faults, kills them, and reports their end. */
import type { Collected } from '../fleet/buckets.ts';
import type { TaskHandle } from '../fleet/task.ts';
import type { TaskFault } from './faults.ts';
import type { InstanceTask, InvocationRecord, TaskRun } from './invocations.ts';
import { type Place, startTask } from './start-task.ts';
import { brokenRun, forcedEnd, type Problem, refusedRun, runOf } from './task-ends.ts';
import type { Timers } from './timers.ts';

export interface RunningTasks {
  run(record: InvocationRecord, task: InstanceTask, fault: TaskFault | undefined): void;
  /** @returns false where nothing of it runs */
  has(task: InstanceTask): boolean;
  kill(task: InstanceTask): void;
}

interface RunningTasksOptions extends Place {
  timers: Timers;
  now: () => Date;
  update: (task: InstanceTask, change: Partial<InstanceTask>) => void;
  /** Told of each run that has ended. */
  onEnd: (record: InvocationRecord, task: InstanceTask, run: TaskRun, collected?: Collected) => void;
}

export function createRunningTasks(options: RunningTasksOptions): RunningTasks {
  const { engine, timers, now, update } = options;
  const handles = new Map<InstanceTask, TaskHandle>();

  const end: RunningTasksOptions['onEnd'] = (record, task, run, collected) => {
    handles.delete(task);
    options.onEnd(record, task, run, collected);
  };

  return {
    run(record, task, fault) {
      const collected = record.ossOutputDelivery === '' ? undefined : engine.buckets.collect();
      let handle: TaskHandle;
      try {
        handle = startTask(options, record, task, collected);
      } catch {
        // The fleet was stopped before this server.
        end(record, task, refusedRun({ status: 'Error', code: 'ExecutionException' }));
        return;
      }
      handles.set(task, handle);
      const isHeard = (): boolean => handles.get(task) === handle && !timers.isClosed;
      const forced = forcedEnd(fault);
      const breakIt = (problem: Problem): void => {
        const { bytes: output, dropped } = handle.output();
        const soFar = { startedAt: task.startedAt, output, dropped, now: now() };
        end(record, task, brokenRun(problem, soFar), collected);
        // The agent went silent: the command continues, but its end is never reported.
        if (problem.code !== 'ClientNotResponse') handle.kill();
      };
      void handle.started.then((isRunning) => {
        if (!isRunning || !isHeard()) return;
        const status = task.status === 'Pending' ? 'Running' : task.status;
        update(task, { status, repeats: task.repeats + 1, startedAt: now() });
        if (forced?.when !== 'after') return;
        timers.later(fault?.ms ?? 0, () => {
          if (isHeard()) breakIt(forced);
        });
      });
      void handle.finished.then((ended) => {
        // The fault has not occurred yet, so the command's own end is not reported.
        const isLost = forced?.when === 'after' && ended.startedAt !== undefined;
        if (isHeard() && !isLost) end(record, task, runOf(ended), collected);
      });
    },
    has: (task) => handles.has(task),
    kill: (task) => handles.get(task)?.kill(),
  };
}
