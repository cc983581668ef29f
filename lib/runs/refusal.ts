/** An invocation that will never be sent: each of its instances gets a task with the reason. */
import type { Reason } from '../model/completion-event.ts';
import type { Run } from '../model/run.ts';
import { ownTask, withTasks } from '../model/run-tasks.ts';
import type { ProviderFailure } from '../providers/provider.ts';
import type { RunStore } from '../store/run-store.ts';
import { editInvocation, type InvocationEdit } from './invocation.ts';
import { withoutStop } from './run-reason.ts';

/** Ends an invocation as never sent. `reason` is a sentence about the whole invocation. */
export async function refuse(
  run: Run,
  index: number,
  reason: Reason,
  store: RunStore,
  mark: Pick<InvocationEdit, 'isLate'> = {},
): Promise<Run> {
  const { code, message, advice } = reason;
  const failure = { code, message, advice };
  return await editInvocation(run, index, store, { state: 'notSent', failure, ...mark }, (current) => {
    const { token = '', instances = [] } = current.invocations[index] ?? {};
    const tasks = instances.map((instanceId) =>
      ownTask({
        invocationId: token,
        taskId: `${token}/${instanceId}`,
        instanceId,
        status: 'rejected',
        providerStatus: code,
        error: failure,
      }),
    );
    return { tasks: withTasks(current, tasks).tasks };
  });
}

/**
 * The reason of a refused invocation. A cloud refuses the whole invocation for one instance, and most of them are healthy:
 * only the instances that its message names are blamed. For a single instance the vendor's message is used.
 */
export function refusalOf(run: Run, index: number, { code, message, advice }: ProviderFailure): Reason {
  const instances = run.invocations[index]?.instances ?? [];
  if (instances.length <= 1) return { code, message, advice };
  const named = namedIn(message, instances);
  const because = named.length === 0 ? '' : ` because of ${namesOf(named)}`;
  const whole =
    named.length === instances.length
      ? namesOf(named)
      : `the whole invocation of ${instances.length} instances${because}`;
  return { code, message: `The cloud refused ${whole} (${code}): ${withoutStop(message)}.`, advice };
}

/** The instances whose id occurs in the vendor's message as a separate word. */
export function namedIn(message: string, instances: readonly string[]): string[] {
  const words = new Set(message.match(/[a-z]+-[0-9A-Za-z]+/g));
  return instances.filter((instanceId) => words.has(instanceId));
}

function namesOf(instances: readonly string[]): string {
  const [first, second, third, ...more] = instances;
  const shown = [first, second, third].filter((id) => id !== undefined).join(', ');
  return more.length === 0 ? shown : `${shown} and ${more.length} more`;
}
