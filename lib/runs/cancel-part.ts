/**
 * Cancelling some instances of a run. What is not sent yet goes without them; what is sent is asked to stop on them; the
 * rest goes on. Who cancelled which is part of the run, and is looked at again before each call.
 */
import type { Run, RunInvocation } from '../model/run.ts';
import { nextToken } from '../model/run.ts';
import { ownTask, withTasks } from '../model/run-tasks.ts';
import type { RunStore } from '../store/run-store.ts';
import { change } from './settle.ts';

/** Those that somebody cancelled by name. */
export function cancelledInstances({ cancelledInstances: parts = [] }: Run): ReadonlySet<string> {
  return new Set(parts.flatMap(({ instances }) => instances));
}

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
 * Takes cancelled instances out of what is planned; each gets a task that says so. An invocation keeps its place, and gets another token: whoever is
 * about to send it sees by that that it is another one. What is being attempted stays as it is: it may be out already.
 */
export function withoutCancelled(run: Run): Run {
  if (!run.invocations.some((it) => it.state === 'planned' && isCancelledInPart(run, it))) return run;
  const gone = cancelledInstances(run);
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
    dropped.push({ token: newToken(), instances: without, state: 'dropped' });
    return { token: newToken(), instances: left, state: 'planned' };
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

/** Each instance that will never be sent to gets a task that says so. */
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
