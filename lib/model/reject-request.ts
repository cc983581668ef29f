/** The rejection that replaces a request: the same run, with a reason and without its target. */
import type { RunRequest } from './run-request.ts';

export type RejectRequest = Extract<RunRequest, { action: 'reject' }>;

export function rejectionOf(runRequest: RunRequest, reason: RejectRequest['reason']): RejectRequest {
  const { runId, rule, trigger, chain, after, notify, replyTo, traceparent, requestedAt } = runRequest;
  const common = { runId, rule, trigger, chain, after, notify, replyTo, traceparent, requestedAt };
  const rejected = { ...common, version: 2 as const, action: 'reject' as const, reason };
  const { action } = runRequest;
  if (action === 'cancel' || action === 'judge' || runRequest.target === undefined) return rejected;
  const { provider, region, command } = runRequest.target;
  return { ...rejected, target: { provider, region, command } };
}
