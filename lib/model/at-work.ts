/** On which instances a run is at work, or may be soon: for who else wants one of them. */
import { isOpen, isTerminalRun, type Run } from './run.ts';
import { taskKey } from './run-tasks.ts';
import { isTerminalTask } from './status.ts';

/**
 * Not any more: the task there has ended. Not yet: the instance is of a later wave. An attempt whose outcome nobody knows
 * counts as work.
 */
export function isAtWorkOn(run: Run, instanceId: string): boolean {
  if (isTerminalRun(run)) return false;
  const ended = new Set(run.tasks.filter(({ status }) => isTerminalTask(status)).map(taskKey));
  return run.invocations.some((invocation) => {
    if (!invocation.instances.includes(instanceId)) return false;
    if (isOpen(invocation)) return true;
    const { state, invocationId = '' } = invocation;
    return state === 'sent' && !ended.has(taskKey({ invocationId, instanceId }));
  });
}

/** The instances of what is not known to be sent: in waves, of the wave that has begun. */
export function unsentInstances({ invocations }: Pick<Run, 'invocations'>): string[] {
  return invocations.filter(isOpen).flatMap(({ instances }) => instances);
}
