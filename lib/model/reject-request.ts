/** The rejection that replaces a request: the same run, with a reason and without its target. */
import type { RunRequest } from './run-request.ts';

export type RejectRequest = Extract<RunRequest, { action: 'reject' }>;

export function rejectionOf(request: RunRequest, reason: RejectRequest['reason']): RejectRequest {
  const { runId, rule, trigger, chain, notify, replyTo, traceparent, requestedAt } = request;
  const common = { runId, rule, trigger, chain, notify, replyTo, traceparent, requestedAt };
  const rejected = { ...common, version: 2 as const, action: 'reject' as const, reason };
  if (request.action === 'cancel' || request.target === undefined) return rejected;
  const { provider, region, command } = request.target;
  return { ...rejected, target: { provider, region, command } };
}
