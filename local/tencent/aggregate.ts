/**
 * The status of an invocation from those of its tasks. The vendor documents the names, not the rule: this is our
 * reading of them, and clients do better to read the tasks.
 */

export const TASK_STATUSES = [
  'PENDING',
  'DELIVERING',
  'DELIVER_DELAYED',
  'DELIVER_FAILED',
  'START_FAILED',
  'RUNNING',
  'SUCCESS',
  'FAILED',
  'TIMEOUT',
  'TASK_TIMEOUT',
  'CANCELLING',
  'CANCELLED',
  'TERMINATED',
] as const;
export type TatTaskStatus = (typeof TASK_STATUSES)[number];

export type TatInvocationStatus =
  | 'PENDING'
  | 'RUNNING'
  | 'CANCELLING'
  | 'SUCCESS'
  | 'TIMEOUT'
  | 'FAILED'
  | 'CANCELLED'
  | 'PARTIAL_FAILED'
  | 'PARTIAL_CANCELLED';

const WAITING: readonly TatTaskStatus[] = ['PENDING', 'DELIVERING', 'DELIVER_DELAYED'];
const TIMED_OUT: readonly TatTaskStatus[] = ['TIMEOUT', 'TASK_TIMEOUT'];
const BAD: readonly TatTaskStatus[] = ['FAILED', 'START_FAILED', 'DELIVER_FAILED', ...TIMED_OUT];
const STOPPED: readonly TatTaskStatus[] = ['CANCELLED', 'TERMINATED'];

export function isWaiting(status: TatTaskStatus): boolean {
  return WAITING.includes(status);
}

export function isEnded(status: TatTaskStatus): boolean {
  return !isWaiting(status) && status !== 'RUNNING' && status !== 'CANCELLING';
}

/** @param statuses of all tasks, at least one */
export function invocationStatus(statuses: readonly TatTaskStatus[]): TatInvocationStatus {
  const areAll = (of: readonly TatTaskStatus[]): boolean => statuses.every((status) => of.includes(status));
  const isAny = (of: readonly TatTaskStatus[]): boolean => statuses.some((status) => of.includes(status));
  if (isAny(['CANCELLING'])) return 'CANCELLING';
  if (areAll(WAITING)) return 'PENDING';
  if (isAny(['RUNNING']) || isAny(WAITING)) return 'RUNNING';
  if (areAll(['SUCCESS'])) return 'SUCCESS';
  if (areAll(STOPPED)) return 'CANCELLED';
  if (areAll(TIMED_OUT)) return 'TIMEOUT';
  if (areAll(BAD)) return 'FAILED';
  return isAny(BAD) ? 'PARTIAL_FAILED' : 'PARTIAL_CANCELLED';
}
