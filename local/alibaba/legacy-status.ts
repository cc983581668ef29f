/**
 * The older words: `InvokeStatus` and `InstanceInvokeStatus` of DescribeInvocations, `InvokeRecordStatus` of
 * DescribeInvocationResults, and what the filters of these names find. To the letter of the document: a command that
 * recurs is Running until it is stopped by hand, and never Finished or Failed.
 */
import type { InstanceStatus } from '../../lib/providers/alibaba/task-status.ts';
import { aggregateInvocation, hasFinished, STOPPED } from './aggregate.ts';
import { type InvocationRecord, isOver, isRecurring } from './invocations.ts';

export const INVOKE_STATUSES = [
  'Running',
  'Finished',
  'Success',
  'Failed',
  'Stopped',
  'Stopping',
  'PartialFailed',
  'Pending',
  'Scheduled',
] as const;
export type InvokeStatus = (typeof INVOKE_STATUSES)[number];

/** The facts that determine an instance's status word, apart from its status. */
interface Stage {
  /** It runs by itself, once later or again and again. */
  isTimed: boolean;
  /** Nothing of the invocation will run any more. */
  isOver: boolean;
}

/** `Finished` says only that the process ended, whatever its exit code; a time-out counts as failed. */
export function legacyInstanceStatus(status: InstanceStatus, stage: Stage): InvokeStatus {
  if (status === 'Stopping') return 'Stopping';
  if (STOPPED.has(status)) return 'Stopped';
  if (stage.isTimed) return status === 'Success' && stage.isOver ? 'Success' : 'Running';
  if (status === 'Pending') return 'Pending';
  if (!hasFinished(status)) return 'Running';
  return status === 'Success' || status === 'Failed' ? 'Finished' : 'Failed';
}

/** Of a command that runs once. */
export function legacyInvocationStatus(statuses: readonly InstanceStatus[]): InvokeStatus {
  const legacy = new Set(
    statuses.map((status) => legacyInstanceStatus(status, { isTimed: false, isOver: false })),
  );
  if (legacy.has('Stopping')) return 'Stopping';
  if (legacy.has('Running')) return 'Running';
  if (legacy.has('Pending') || legacy.size === 0) return 'Pending';
  if (legacy.has('Finished')) return legacy.has('Failed') ? 'PartialFailed' : 'Finished';
  return legacy.has('Failed') ? 'Failed' : 'Stopped';
}

type Listed = Pick<InvocationRecord, 'tasks' | 'repeatMode' | 'stoppedAt'>;

/** The response element `InvokeStatus`. */
export function invokeStatusOf(record: Listed): InvokeStatus {
  const statuses = record.tasks.map(({ status }) => status);
  if (!isRecurring(record)) return legacyInvocationStatus(statuses);
  if (statuses.includes('Stopping')) return 'Stopping';
  if (!isOver(record)) return 'Running';
  const overall = aggregateInvocation(statuses);
  if (overall === 'Success') return 'Success';
  return overall === 'Stopped' || record.stoppedAt !== undefined ? 'Stopped' : 'Running';
}

/**
 * The parameter `InvokeStatus`. The document describes some values by one instance (`Pending`, `Scheduled`, `Running`:
 * at least one), so that a record may be found by several.
 */
export function hasInvokeStatus(record: Listed, wanted: InvokeStatus): boolean {
  const statuses = record.tasks.map(({ status }) => status);
  const status = invokeStatusOf(record);
  switch (wanted) {
    case 'Pending':
    case 'Scheduled':
    case 'Stopping':
      return statuses.includes(wanted);
    case 'Running':
      return isRecurring(record) ? status === 'Running' : statuses.includes('Running');
    case 'Failed':
      return !isRecurring(record) && aggregateInvocation(statuses) === 'Failed';
    case 'Finished':
      return status === 'Finished';
    case 'Success':
    case 'Stopped':
    case 'PartialFailed':
      return status === wanted || aggregateInvocation(statuses) === wanted;
  }
}
