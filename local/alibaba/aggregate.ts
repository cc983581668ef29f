/**
 * The overall status of an invocation as the vendor makes it from the statuses of its instances: the rules of the
 * document of DescribeInvocations. Where the document leaves two rules open (several kinds of unfinished instances at
 * once) the local server chooses: Stopping, Running, Pending, Scheduled. docs/status-model.md tells why; a client
 * must not depend on it, and fleet-reflex does not: it aggregates by itself (lib/model/status.ts).
 */
import type { InstanceStatus } from '../../lib/providers/alibaba/task-status.ts';

export type InvocationStatus =
  | 'Pending'
  | 'Scheduled'
  | 'Running'
  | 'Stopping'
  | 'Success'
  | 'Failed'
  | 'Stopped'
  | 'PartialFailed';

const UNFINISHED = ['Stopping', 'Running', 'Pending', 'Scheduled'] as const;
/** These count as failed. */
const FAILED: ReadonlySet<InstanceStatus> = new Set(['Invalid', 'Aborted', 'Failed', 'Timeout', 'Error']);
/** These count as stopped. */
export const STOPPED: ReadonlySet<InstanceStatus> = new Set(['Cancelled', 'Terminated']);

export function hasFinished(status: InstanceStatus): boolean {
  return !UNFINISHED.some((unfinished) => unfinished === status);
}

export function aggregateInvocation(statuses: readonly InstanceStatus[]): InvocationStatus {
  const unfinished = UNFINISHED.find((status) => statuses.includes(status));
  if (unfinished !== undefined) return unfinished;
  const hasSuccess = statuses.includes('Success');
  const hasFailure = statuses.some((status) => FAILED.has(status));
  if (hasSuccess && hasFailure) return 'PartialFailed';
  if (hasFailure) return 'Failed';
  if (hasSuccess) return 'Success';
  return statuses.length === 0 ? 'Pending' : 'Stopped';
}
