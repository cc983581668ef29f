/**
 * What a rule says of instances that cannot take a command now (`onUnavailable`): `fail` sends anyway and lets the
 * provider refuse, `retry` waits for them up to the deadline, `skip` runs on the others and says which were left out.
 */
import type { Reason } from '../completions/completion-event.ts';
import type { DispatchContext } from './dispatch-context.ts';
import { planInvocations, type Run } from './run.ts';
import { change, endRun } from './settle.ts';

type Held = { kind: 'go'; run: Run } | { kind: 'wait'; run: Run; retryAfterMs: number; reason: Reason };

const RETRY_MS = 15_000;

export async function holdUnavailable(run: Run, context: DispatchContext): Promise<Held> {
  const { providers, store } = context;
  const isUntouched = run.invocations.every(({ state }) => state === 'planned');
  if (run.onUnavailable === 'fail' || !isUntouched || run.provider === undefined) return { kind: 'go', run };
  const provider = providers[run.provider];
  const availability = await provider.availability(run.region ?? '', run.instances);
  const missing = availability.filter(({ isAvailable }) => !isAvailable);
  if (missing.length === 0) return { kind: 'go', run };
  const names = missing
    .map(({ instanceId, reason }) => `${instanceId} (${reason ?? 'unavailable'})`)
    .join(', ');
  const reason: Reason = { code: 'instances.unavailable', message: `Cannot take a command now: ${names}.` };
  if (run.onUnavailable === 'retry') return { kind: 'wait', run, retryAfterMs: RETRY_MS, reason };

  const left = new Set(missing.map(({ instanceId }) => instanceId));
  const able = run.instances.filter((instanceId) => !left.has(instanceId));
  if (able.length === 0) {
    const none = { ...reason, message: `${reason.message} None is left to run on.` };
    return { kind: 'go', run: await endRun(run, 'rejected', none, context) };
  }
  for (const { instanceId, reason: why } of missing) {
    await store.putTask({
      version: 1,
      runId: run.runId,
      invocationId: 'skipped',
      taskId: `${run.runId}/${instanceId}`,
      instanceId,
      status: 'undelivered',
      providerStatus: 'skipped',
      started: 'no',
      outputDroppedBytes: 0,
      error: {
        code: reason.code,
        message: `Skipped: ${why ?? 'unavailable'}.`,
        advice: 'Start it, or its agent, and ask for the run again.',
      },
      isEventSent: false,
    });
  }
  const fewer = await change(store, run, (current) => ({
    ...current,
    skipped: [...left],
    invocations: planInvocations(current.runId, able, provider),
  }));
  return { kind: 'go', run: fewer };
}
