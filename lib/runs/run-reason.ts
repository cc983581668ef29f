/** Why a run did not succeed, in one sentence: what the person on call reads first. */
import { countByStatus } from '../completions/publish.ts';
import type { Reason } from '../model/completion-event.ts';
import { instancesOf, type Run, type RunInvocation, type RunTask } from '../model/run.ts';
import type { AggregateStatus } from '../model/status.ts';

/** The reason of a run that has ended by its tasks; none where it succeeded. */
export function reasonFor(run: Run, status: AggregateStatus, tasks: readonly RunTask[]): Reason | undefined {
  if (status === 'succeeded') return undefined;
  const stop = stopOf(run);
  if (stop !== undefined) return stop;
  const cancelled = cancelOf(run);
  if ((status === 'stopped' || status === 'partly_stopped') && cancelled !== undefined) {
    const unsent = instancesOf(run).length - tasks.length;
    const counts = Object.entries(countByStatus(tasks)).map(([name, count]) => `${count} ${name}`);
    if (unsent > 0 && tasks.length > 0) counts.push(`${unsent} never started`);
    return {
      code: 'run.cancelled',
      message: `${cancelled}; its tasks ended as ${counts.join(', ') || 'never started'}.`,
    };
  }
  const bad = tasks.filter((task) => task.status !== 'succeeded');
  const [first] = bad;
  if (first === undefined) return { code: `run.${status}`, message: 'No task was started.' };
  const refused = refusedWhole(run, first);
  const rest =
    refused === undefined ? bad.slice(1) : bad.filter(({ invocationId }) => invocationId !== refused.token);
  const others = rest.length > 0 ? ` and ${rest.length} more of ${tasks.length}` : '';
  if (refused?.failure !== undefined) {
    const { code, message, advice } = refused.failure;
    return { code, message: `${withoutStop(message)}${others}.`, ...(advice !== undefined && { advice }) };
  }
  const advice = first.error?.advice;
  return {
    code: first.error?.code ?? `task.${first.status}`,
    message: `${first.instanceId} ${whatHappened(first)}${others}.`,
    ...(advice && { advice }),
  };
}

/** Of a rollout that a wave stopped. */
function stopOf({ waves, invocations, target }: Run): Reason | undefined {
  if (waves?.stop === undefined) return undefined;
  const unsent = invocations
    .filter(({ state }) => state === 'dropped' || state === 'notSent')
    .flatMap(({ instances }) => instances).length;
  const count = `; ${unsent} of ${target?.instances.length ?? 0} instances were never started`;
  const { message, code = 'wave.stopped' } = waves.stop;
  return {
    code,
    message: `${message.charAt(0).toUpperCase()}${message.slice(1)}${unsent > 0 ? count : ''}.`,
    advice:
      'Look at what failed. A run that was stopped does not go on: ask again for the instances that are left.',
  };
}

/** Who cancelled it, or which part of it. */
function cancelOf({ cancelledBy, cancelledInstances: parts = [] }: Run): string | undefined {
  if (cancelledBy !== undefined) return `${cancelledBy} cancelled it`;
  const said = parts.map(({ by, instances }) => {
    const others = instances.length > 5 ? ` and ${instances.length - 5} more` : '';
    return `${by} cancelled it on ${instances.slice(0, 5).join(', ')}${others}`;
  });
  return said.length === 0 ? undefined : said.join('; ');
}

/** The unsent invocation of several instances that the task belongs to: the task has no reason of its own. */
function refusedWhole({ invocations }: Run, { invocationId }: RunTask): RunInvocation | undefined {
  return invocations.find(
    ({ token, state, instances }) => state === 'notSent' && token === invocationId && instances.length > 1,
  );
}

/** A failed command is described by its exit code, in the same words for every cloud; otherwise in the cloud's words. */
export function whatHappened({ status, exitCode, error, providerStatus }: RunTask): string {
  if (status === 'failed' && exitCode !== undefined && exitCode !== 0) return `exited with ${exitCode}`;
  if (error !== undefined) return `(${providerStatus}): ${withoutStop(error.message)}`;
  return exitCode === undefined ? `ended as ${providerStatus}` : `exited with ${exitCode}`;
}

/** Without the final stop, to continue the sentence. */
export function withoutStop(message: string): string {
  return message.replace(/[.。]+$/, '');
}
