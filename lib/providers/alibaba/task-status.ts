/**
 * Cloud Assistant's twelve states of one instance, mapped to the common status model
 * (the whole table is in docs/status-model.md).
 */
import type { Started, TaskStatus } from '../../model/status.ts';
import { NEVER_STARTED_CODES } from './instance-errors.ts';

/** The instance's `InvocationStatus`, in the order of the document of DescribeInvocations. */
export const INSTANCE_STATUSES = [
  'Pending',
  'Invalid',
  'Aborted',
  'Running',
  'Success',
  'Failed',
  'Error',
  'Timeout',
  'Cancelled',
  'Stopping',
  'Terminated',
  'Scheduled',
] as const;
export type InstanceStatus = (typeof INSTANCE_STATUSES)[number];

const MAPPING: Readonly<Record<string, { status: TaskStatus; started: Started }>> = {
  Pending: { status: 'queued', started: 'no' },
  Scheduled: { status: 'scheduled', started: 'no' },
  Running: { status: 'running', started: 'maybe' },
  Stopping: { status: 'stopping', started: 'maybe' },
  Success: { status: 'succeeded', started: 'yes' },
  Failed: { status: 'failed', started: 'yes' },
  Timeout: { status: 'timed_out', started: 'yes' },
  Aborted: { status: 'undelivered', started: 'no' },
  Invalid: { status: 'rejected', started: 'no' },
  Error: { status: 'lost', started: 'maybe' },
  Cancelled: { status: 'cancelled', started: 'no' },
  Terminated: { status: 'terminated', started: 'yes' },
};

/**
 * @param providerStatus the instance's `InvocationStatus`, never the legacy `InstanceInvokeStatus`
 * @param errorCode the instance's `ErrorCode`; only an `Error` needs it
 * @param repeats how often a recurring command has run there: from 1 on it has started, whatever it waits for now
 */
export function mapInstanceStatus(
  providerStatus: string,
  errorCode = '',
  repeats = 0,
): { status: TaskStatus; started: Started } {
  const mapped = Object.hasOwn(MAPPING, providerStatus) ? MAPPING[providerStatus] : undefined;
  if (mapped === undefined) return { status: 'unknown', started: 'maybe' };
  if (providerStatus === 'Error' && NEVER_STARTED_CODES.has(errorCode)) {
    return { status: 'rejected', started: repeats > 0 ? 'yes' : 'no' };
  }
  return repeats > 0 && mapped.started === 'no' ? { ...mapped, started: 'yes' } : mapped;
}
