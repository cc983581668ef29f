/** Nobody can say any more how a run ended: a person must check. */
import type { Reason } from '../model/completion-event.ts';
import { type Run, type RunTask, sentInvocations } from '../model/run.ts';
import { ownTask, taskKey, withTasks } from '../model/run-tasks.ts';
import { isTerminalTask } from '../model/status.ts';
import { endRun, type SettleContext } from './settle.ts';

interface Why extends Reason {
  /** The same for one of its tasks. */
  taskMessage: string;
}

/**
 * Ends it as `unknown`, and its unfinished tasks as `lost`.
 * @param why default: the provider has not reported its end long after its time-out
 * @returns the stored run
 */
export async function giveUp(run: Run, context: SettleContext, why: Why = overdue(run)): Promise<Run> {
  const { taskMessage, ...reason } = why;
  const error = { code: why.code, message: taskMessage };
  return await endRun(run, 'unknown', reason, context, (current) =>
    withTasks(current, lostTasks(current, error)),
  );
}

function overdue(run: Run): Why {
  const code = 'poll.gave-up';
  const taskMessage = 'The provider never said how it ended.';
  const open = lostTasks(run, { code, message: taskMessage }).map(({ instanceId }) => instanceId);
  const invocations = sentInvocations(run).map(({ invocationId }) => invocationId);
  return {
    code,
    message: `The provider has not said how it ended on ${open.join(', ')}, long after its time-out.`,
    advice: `Look at ${invocations.join(', ')} at the provider before it is run again.`,
    taskMessage,
  };
}

function lostTasks(run: Run, error: Reason): RunTask[] {
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
        error,
      });
    }),
  );
}
