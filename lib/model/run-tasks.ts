/** The tasks of a run: a task only moves forward, and its first terminal state is kept, from any reporter. */
import type { Run, RunTask } from './run.ts';
import { isTerminalTask, taskRank } from './status.ts';

/** A run has each instance once in an invocation. */
export function taskKey({ invocationId, instanceId }: Pick<RunTask, 'invocationId' | 'instanceId'>): string {
  return `${invocationId}#${instanceId}`;
}

/** Whether a report changes the known state of a task. */
export function movesForward(
  known: Pick<RunTask, 'status'> | undefined,
  { status }: Pick<RunTask, 'status'>,
): boolean {
  if (known === undefined) return true;
  return !isTerminalTask(known.status) && taskRank(known.status) < taskRank(status);
}

/** The run with these reports, its tasks in the order of their keys; the same run where none of them is further than what is known. */
export function withTasks(run: Run, reports: readonly RunTask[]): Run {
  const tasks = new Map(run.tasks.map((task) => [taskKey(task), task]));
  let hasMoved = false;
  for (const report of reports) {
    const key = taskKey(report);
    if (!movesForward(tasks.get(key), report)) continue;
    tasks.set(key, report);
    hasMoved = true;
  }
  if (!hasMoved) return run;
  const inOrder = [...tasks].toSorted(([a], [b]) => (a < b ? -1 : 1));
  return { ...run, tasks: inOrder.map(([, task]) => task) };
}

/** A task of an instance that was never sent to the provider, or never reported by it. */
export function ownTask(
  task: Pick<RunTask, 'invocationId' | 'taskId' | 'instanceId' | 'status' | 'providerStatus'> &
    Partial<RunTask>,
): RunTask {
  return { started: 'no', outputDroppedBytes: 0, isEventSent: false, ...task };
}
