/**
 * `onUnavailable`, for instances that cannot take a command now: `fail` sends anyway and lets the provider refuse,
 * `retry` waits for them until the deadline, `skip` runs on the others and reports the skipped ones. Availability is
 * checked before the first call; the provider's refusal of the call counts too, because it is newer.
 */
import { releaseClaims } from '../guards/guards.ts';
import type { Reason } from '../model/completion-event.ts';
import { nextToken, type Run, type RunInvocation } from '../model/run.ts';
import { ownTask, withTasks } from '../model/run-tasks.ts';
import { type InstanceAvailability, type ProviderFailure, providerOf } from '../providers/provider.ts';
import type { DispatchContext, Step } from './dispatch-context.ts';
import { editInvocation } from './invocation.ts';
import { planInvocations } from './new-run.ts';
import { namedIn, refusalOf } from './refusal.ts';
import { withoutStop } from './run-reason.ts';
import { change, endRun } from './settle.ts';
import { waitFor } from './waiting.ts';

const RETRY_MS = 15_000;
const CODE = 'instances.unavailable';

/** Checks availability before the next call of the run. */
export async function holdUnavailable(run: Run, context: DispatchContext): Promise<Step> {
  const planned = run.invocations.filter(({ state }) => state === 'planned');
  const { target } = run;
  if (run.onUnavailable === 'fail' || target === undefined || planned.length === 0) {
    return { kind: 'next', run };
  }
  const provider = providerOf(context.providers, target.provider);
  const instances = planned.flatMap((invocation) => invocation.instances);
  const missing = missingOf(await provider.availability(target.region, instances));
  if (missing.size === 0) return { kind: 'next', run };
  if (run.onUnavailable === 'skip') return await leaveOut(run, missing, context);
  const names = [...missing].map(([instanceId, why]) => `${instanceId} (${why})`).join(', ');
  const reason: Reason = { code: CODE, message: `Cannot take a command now: ${names}.` };
  return await waitFor(run, { retryAfterMs: RETRY_MS, reason }, context);
}

/** After the provider has refused an invocation because instances cannot take a command now; nothing of it ran. */
export async function afterUnavailable(
  run: Run,
  index: number,
  failure: ProviderFailure,
  context: DispatchContext,
): Promise<Step> {
  const { store, providers } = context;
  const edit = { state: 'planned' as const };
  if (run.onUnavailable === 'retry') {
    const reason = { ...refusalOf(run, index, failure), code: CODE };
    return await waitFor(run, { retryAfterMs: RETRY_MS, reason }, context, { index, edit });
  }
  const planned = await editInvocation(run, index, store, edit);
  const instances = planned.invocations[index]?.instances ?? [];
  const said = `${failure.code}: ${failure.message}`;
  const [only, ...others] = instances;
  if (only !== undefined && others.length === 0)
    return await leaveOut(planned, new Map([[only, said]]), context);
  const named = namedIn(failure.message, instances);
  if (named.length > 0 && named.length < instances.length) {
    return await leaveOut(planned, new Map(named.map((id) => [id, said])), context);
  }
  const { target } = run;
  if (target !== undefined) {
    const missing = missingOf(
      await providerOf(providers, target.provider).availability(target.region, instances),
    );
    if (missing.size > 0) return await leaveOut(planned, missing, context);
  }
  // Neither identifies the instance: the halves are sent separately, until the refused instance is isolated.
  return { kind: 'next', run: await halve(planned, index, context) };
}

function missingOf(availability: readonly InstanceAvailability[]): Map<string, string> {
  const missing = availability.filter(({ isAvailable }) => !isAvailable);
  return new Map(missing.map(({ instanceId, reason }) => [instanceId, reason ?? 'unavailable']));
}

/** Removes them from the unsent invocations; each gets a task that reports it. */
async function leaveOut(
  run: Run,
  missing: ReadonlyMap<string, string>,
  context: DispatchContext,
): Promise<Step> {
  const { store, guards } = context;
  if (withoutInstances(run, missing, context).length === 0) {
    const names = [...missing].map(([instanceId, why]) => `${instanceId} (${withoutStop(why)})`).join(', ');
    const none = { code: CODE, message: `Cannot take a command now: ${names}. None is left to run on.` };
    await releaseClaims(run, guards);
    const ended = await endRun(run, 'rejected', none, context, (current) => withSkipped(current, missing));
    return { kind: 'done', run: ended };
  }
  const without = await change(store, run, (current) => ({
    ...withSkipped(current, missing),
    skipped: [...(current.skipped ?? []), ...missing.keys()],
    invocations: withoutInstances(current, missing, context),
  }));
  return { kind: 'next', run: without };
}

/** A task for each skipped instance. */
function withSkipped(run: Run, missing: ReadonlyMap<string, string>): Run {
  const tasks = [...missing].map(([instanceId, why]) =>
    ownTask({
      invocationId: 'skipped',
      taskId: `${run.runId}/${instanceId}`,
      instanceId,
      status: 'undelivered',
      providerStatus: 'skipped',
      error: {
        code: CODE,
        message: `Skipped: ${withoutStop(why)}.`,
        advice: 'Start it, or its agent, and ask for the run again.',
      },
    }),
  );
  return withTasks(run, tasks);
}

function withoutInstances(
  run: Run,
  missing: ReadonlyMap<string, string>,
  { providers }: Pick<DispatchContext, 'providers'>,
): RunInvocation[] {
  const isUntouched = run.invocations.every(
    ({ state, attemptedAt }) => state === 'planned' && attemptedAt === undefined,
  );
  if (isUntouched && run.target !== undefined) {
    const able = run.invocations
      .flatMap(({ instances }) => instances)
      .filter((instanceId) => !missing.has(instanceId));
    return able.length === 0
      ? []
      : planInvocations(run.runId, able, providerOf(providers, run.target.provider));
  }
  const invocations: RunInvocation[] = [];
  for (const invocation of run.invocations) {
    const able = invocation.instances.filter((instanceId) => !missing.has(instanceId));
    if (invocation.state !== 'planned' || able.length === invocation.instances.length) {
      invocations.push(invocation);
    } else if (able.length > 0) {
      invocations.push(planned(run, invocations, able, invocation.wave));
    }
  }
  return invocations;
}

async function halve(run: Run, index: number, { store }: DispatchContext): Promise<Run> {
  return await change(store, run, (current) => {
    const before = current.invocations.slice(0, index);
    const after = current.invocations.slice(index + 1);
    const instances = current.invocations[index]?.instances ?? [];
    const middle = Math.ceil(instances.length / 2);
    const wave = current.invocations[index]?.wave;
    const first = planned(current, [], instances.slice(0, middle), wave);
    const second = planned(current, [first], instances.slice(middle), wave);
    return { ...current, invocations: [...before, first, second, ...after] };
  });
}

/**
 * An invocation with a token of its own.
 * @param more what is planned beside the run's own
 */
function planned(
  run: Run,
  more: readonly RunInvocation[],
  instances: string[],
  wave: number | undefined,
): RunInvocation {
  const tokens = [...run.invocations, ...more].map(({ token }) => token);
  return { token: nextToken(run.runId, tokens), wave, instances, state: 'planned' };
}
