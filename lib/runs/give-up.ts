/** The provider has not reported the end of a run long after its time-out: a person must check. */
import { type Run, type RunTask, sentInvocations } from '../model/run.ts';
import { ownTask, taskKey, withTasks } from '../model/run-tasks.ts';
import { isTerminalTask } from '../model/status.ts';
import { endRun, type SettleContext } from './settle.ts';

/** Ends it as `unknown`, and its unfinished tasks as `lost`. @returns the stored run */
export async function giveUp(run: Run, context: SettleContext): Promise<Run> {
  const open = lostTasks(run).map(({ instanceId }) => instanceId);
  const invocations = sentInvocations(run).map(({ invocationId }) => invocationId);
  const reason = {
    code: 'poll.gave-up',
    message: `The provider has not said how it ended on ${open.join(', ')}, long after its time-out.`,
    advice: `Look at ${invocations.join(', ')} at the provider before it is run again.`,
  };
  return await endRun(run, 'unknown', reason, context, (current) => withTasks(current, lostTasks(current)));
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
