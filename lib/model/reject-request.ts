/** The rejection that takes the place of a request: the same run, with a reason and without what it would have run. */
import type { RunRequest } from './run-request.ts';

export type RejectRequest = Extract<RunRequest, { action: 'reject' }>;

export function rejectionOf(request: RunRequest, reason: RejectRequest['reason']): RejectRequest {
  const { version, runId, rule, trigger, chain, notify, replyTo, traceparent, requestedAt } = request;
  const common = { version, runId, rule, trigger, chain, notify, replyTo, traceparent, requestedAt };
  if (request.action === 'cancel') return { ...common, action: 'reject', reason };
  const { provider, region, command } = request;
  return { ...common, provider, region, command, action: 'reject', reason };
}
