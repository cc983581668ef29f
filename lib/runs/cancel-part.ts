/**
 * Cancelling some instances of a run. Unsent invocations omit them, sent ones are asked to stop on them, and the others
 * continue. The run records who cancelled which instances; the record is read again before each call.
 */
import type { Run, RunInvocation } from '../model/run.ts';
import { cancelledInstances, nextToken } from '../model/run.ts';
import { ownTask, withTasks } from '../model/run-tasks.ts';
import { withoutLater } from '../model/run-waves.ts';
import type { RunStore } from '../store/run-store.ts';
import { change } from './settle.ts';

/** Whether an invocation still has an instance that is cancelled. */
export function isCancelledInPart(run: Run, { instances }: RunInvocation): boolean {
  if (run.cancelledInstances === undefined) return false;
  const gone = cancelledInstances(run);
  return instances.some((instanceId) => gone.has(instanceId));
}

/** The run with this cancel on record. */
export function withCancelled(run: Run, instances: readonly string[], by: string, at: string): Run {
  const known = cancelledInstances(run);
  const news = [...new Set(instances)].filter((instanceId) => !known.has(instanceId));
  if (news.length === 0) return run;
  return withoutCancelled({
    ...run,
    cancelledInstances: [...(run.cancelledInstances ?? []), { instances: news, by, at }],
  });
}

/**
 * Removes cancelled instances from the planned invocations; each gets a task that reports it. An invocation keeps its
 * place but gets a new token, so that a process that is about to send it notices the change. An invocation in its attempt
 * is not changed: it may have been sent already.
 */
export function withoutCancelled(stored: Run): Run {
  const gone = cancelledInstances(stored);
  const run = withoutLater(stored, (instanceId) => gone.has(instanceId));
  if (!run.invocations.some((it) => it.state === 'planned' && isCancelledInPart(run, it)))
    return withDropped(run, gone);
  const dropped: RunInvocation[] = [];
  const tokens = run.invocations.map(({ token }) => token);
  const newToken = (): string => {
    const token = nextToken(run.runId, tokens);
    tokens.push(token);
    return token;
  };
  const invocations = run.invocations.map((invocation): RunInvocation => {
    if (invocation.state !== 'planned' || !isCancelledInPart(run, invocation)) return invocation;
    const left = invocation.instances.filter((instanceId) => !gone.has(instanceId));
    if (left.length === 0) return { ...invocation, state: 'dropped' };
    const without = invocation.instances.filter((instanceId) => gone.has(instanceId));
    const { wave } = invocation;
    dropped.push({ token: newToken(), wave, instances: without, state: 'dropped' });
    return { token: newToken(), wave, instances: left, state: 'planned' };
  });
  return withDropped({ ...run, invocations: [...invocations, ...dropped] }, gone);
}

/** The same for the stored run. */
export async function dropCancelled(run: Run, store: RunStore): Promise<Run> {
  if (run.cancelledInstances === undefined) return run;
  return await change(store, run, (current) => {
    const without = withoutCancelled(current);
    return without === current ? undefined : without;
  });
}

/** A task for each instance that no invocation will reach. */
function withDropped(run: Run, gone: ReadonlySet<string>): Run {
  const tasks = run.invocations.flatMap(({ state, token, instances }) =>
    state === 'dropped'
      ? instances
          .filter((instanceId) => gone.has(instanceId))
          .map((instanceId) =>
            ownTask({
              invocationId: token,
              taskId: `${token}/${instanceId}`,
              instanceId,
              status: 'cancelled',
              providerStatus: 'never sent',
            }),
          )
      : [],
  );
  return withTasks(run, tasks);
}
