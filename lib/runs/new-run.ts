import { after } from '../model/after.ts';
import { isKeptQuiet } from '../model/chain.ts';
import type { Run, RunInvocation } from '../model/run.ts';
import type { RunId, RunRequest } from '../model/run-request.ts';
import { cutIntoWaves, type Waves } from '../model/waves.ts';
import type { Provider } from '../providers/provider.ts';
import { TELLING_MS } from './poll-timing.ts';

/** The part of a provider that splits a run into invocations. */
export type Splitting = Pick<Provider, 'split'>;

/** The fields that every run copies from its request. */
export const described = (runRequest: RunRequest) => ({
  version: 2 as const,
  revision: 0,
  runId: runRequest.runId,
  rule: runRequest.rule,
  trigger: runRequest.trigger,
  ancestry: runRequest.chain?.ancestry,
  after: runRequest.after,
  notify: runRequest.notify,
  replyTo: runRequest.replyTo,
  traceparent: runRequest.traceparent,
  requestedAt: runRequest.requestedAt,
  tasks: [],
  outbox: [],
  failedReadings: 0,
});

/** The run of a request, split into invocations, leased to its creator. */
export function newRun(
  runRequest: Extract<RunRequest, { action: 'run' }>,
  provider: Splitting,
  leaseUntil: Date,
): Run {
  return {
    ...described(runRequest),
    followUps: runRequest.followUps,
    resumes: runRequest.resumes,
    target: runRequest.target,
    ...(runRequest.taggedFleet && { taggedFleet: runRequest.taggedFleet }),
    guards: runRequest.guards,
    onUnavailable: runRequest.onUnavailable,
    approval: runRequest.approval,
    deadline: runRequest.deadline,
    status: 'dispatching',
    ...planRun(runRequest, provider),
    leaseUntil: leaseUntil.toISOString(),
    // The poller takes over from a dead dispatch when the lease has expired.
    pollAt: leaseUntil.toISOString(),
  };
}

/** Its invocations; in waves, those of the first one. */
function planRun(
  {
    runId,
    target,
    taggedFleet,
    waves,
    patterns,
    requestedAt,
    deadline,
  }: Extract<RunRequest, { action: 'run' }>,
  provider: Splitting,
): Pick<Run, 'invocations' | 'waves' | 'patterns'> {
  // Which instances there are is asked first (lib/runs/choose-instances.ts).
  const invocations =
    taggedFleet === undefined ? planInvocations(runId, firstInstances({ target, waves }), provider) : [];
  if (waves === undefined) return { invocations };
  const withinMs = Math.max(1, Date.parse(deadline) - Date.parse(requestedAt));
  return { invocations, waves: { ...waves, withinMs, begun: 1 }, patterns: patterns ?? {} };
}

/** Those that are sent to first: all of them, or the first wave. */
export function firstInstances({
  target,
  waves,
}: Pick<Run, 'target'> & { waves?: Waves | undefined }): readonly string[] {
  const instances = target?.instances ?? [];
  return waves === undefined ? instances : (cutIntoWaves(instances, waves.sizes)[0] ?? []);
}

export function planInvocations(
  runId: RunId,
  instances: readonly string[],
  provider: Splitting,
): RunInvocation[] {
  return provider.split(instances).map((batch, index) => ({
    token: `${runId}-${index}`,
    instances: batch,
    state: 'planned',
  }));
}

/** The record of a rejected match: no command is sent for it, and no events for a loop. */
export function rejectedRun(runRequest: Extract<RunRequest, { action: 'reject' }>, now: Date): Run {
  const isQuiet = isKeptQuiet(runRequest.reason);
  return {
    ...described(runRequest),
    ...(isQuiet && { replyTo: undefined }),
    refusedTarget: runRequest.target,
    guards: {},
    onUnavailable: 'fail',
    deadline: runRequest.requestedAt,
    status: 'rejected',
    reason: runRequest.reason,
    invocations: [],
    endedAt: now.toISOString(),
    outbox: isQuiet ? [] : ['run.rejected'],
    pollAt: isQuiet ? undefined : after(now, TELLING_MS).toISOString(),
  };
}
