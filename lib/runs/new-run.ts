import { isKeptQuiet } from '../model/chain.ts';
import type { Run, RunInvocation } from '../model/run.ts';
import type { RunId, RunRequest } from '../model/run-request.ts';
import type { Provider } from '../providers/provider.ts';

/** The part of a provider that splits a run into invocations. */
export type Splitting = Pick<Provider, 'split'>;

/** The fields that every run copies from its request. */
export const described = (request: RunRequest) => ({
  version: 2 as const,
  revision: 0,
  runId: request.runId,
  rule: request.rule,
  trigger: request.trigger,
  ancestry: request.chain?.ancestry,
  notify: request.notify,
  replyTo: request.replyTo,
  traceparent: request.traceparent,
  requestedAt: request.requestedAt,
  tasks: [],
  outbox: [],
  failedReadings: 0,
});

/** The run of a request, split into invocations, leased to its creator. */
export function newRun(
  request: Extract<RunRequest, { action: 'run' }>,
  provider: Splitting,
  leaseUntil: Date,
): Run {
  return {
    ...described(request),
    target: request.target,
    guards: request.guards,
    onUnavailable: request.onUnavailable,
    deadline: request.deadline,
    status: 'dispatching',
    invocations: planInvocations(request.runId, request.target.instances, provider),
    leaseUntil: leaseUntil.toISOString(),
    // The poller takes over from a dead dispatch when the lease has expired.
    pollAt: leaseUntil.toISOString(),
  };
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
export function rejectedRun(request: Extract<RunRequest, { action: 'reject' }>, now: Date): Run {
  const isQuiet = isKeptQuiet(request.reason);
  return {
    ...described(request),
    ...(isQuiet && { replyTo: undefined }),
    refusedTarget: request.target,
    guards: {},
    onUnavailable: 'fail',
    deadline: request.requestedAt,
    status: 'rejected',
    reason: request.reason,
    invocations: [],
    endedAt: now.toISOString(),
    outbox: isQuiet ? [] : ['run.rejected'],
    pollAt: isQuiet ? undefined : now.toISOString(),
  };
}
