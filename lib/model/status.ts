/**
 * One status model for every provider: the states of a task (one command on one instance), the status of a run,
 * and the one rule that makes the second from the first. The mapping of each vendor's states is in its provider's
 * own folder; the whole table is in docs/status-model.md.
 */
import * as z from 'zod';

/** The state of one task. `unknown` is a vendor state that we do not know: never terminal, so polling goes on. */
export const TaskStatus = z.enum([
  'queued',
  'scheduled',
  'delivering',
  'running',
  'stopping',
  'unknown',
  'succeeded',
  'failed',
  'timed_out',
  'undelivered',
  'rejected',
  'lost',
  'cancelled',
  'terminated',
]);
export type TaskStatus = z.infer<typeof TaskStatus>;

/** Did the command start on the instance? `maybe` means: do not run it again without looking. */
export const Started = z.enum(['yes', 'no', 'maybe']);
export type Started = z.infer<typeof Started>;

const TERMINAL: ReadonlySet<TaskStatus> = new Set([
  'succeeded',
  'failed',
  'timed_out',
  'undelivered',
  'rejected',
  'lost',
  'cancelled',
  'terminated',
]);

export function isTerminalTask(status: TaskStatus): boolean {
  return TERMINAL.has(status);
}

/**
 * How far a task has come: a task only moves to a higher rank, so a late or repeated report changes nothing.
 * `unknown` ranks with `running`: it may still go anywhere but back to waiting.
 */
const RANK: Record<TaskStatus, number> = {
  queued: 0,
  scheduled: 0,
  delivering: 1,
  running: 2,
  unknown: 2,
  stopping: 3,
  succeeded: 4,
  failed: 4,
  timed_out: 4,
  undelivered: 4,
  rejected: 4,
  lost: 4,
  cancelled: 4,
  terminated: 4,
};

export function taskRank(status: TaskStatus): number {
  return RANK[status];
}

/** The aggregate of the tasks, open or ended. */
export const AggregateStatus = z.enum([
  'pending',
  'scheduled',
  'running',
  'stopping',
  'succeeded',
  'failed',
  'partly_failed',
  'timed_out',
  'stopped',
  'partly_stopped',
]);
export type AggregateStatus = z.infer<typeof AggregateStatus>;

/**
 * The aggregate over the targets of a run, one rule for every provider (docs/status-model.md):
 * the first line that matches wins. No vendor's own aggregate is ever used to settle a run.
 */
export function aggregateStatus(statuses: Iterable<TaskStatus>): AggregateStatus {
  const seen = new Set(statuses);
  const hasAny = (...wanted: TaskStatus[]): boolean => wanted.some((status) => seen.has(status));
  if (seen.size === 0) return 'pending';
  if (hasAny('stopping')) return 'stopping';
  if (hasAny('running', 'unknown')) return 'running';
  if (hasAny('queued', 'scheduled', 'delivering')) {
    const isAllWaiting = [...seen].every((status) => !isTerminalTask(status));
    if (!isAllWaiting) return 'running';
    return seen.size === 1 && seen.has('scheduled') ? 'scheduled' : 'pending';
  }
  const hasBad = hasAny('failed', 'undelivered', 'rejected', 'lost', 'timed_out');
  const hasOk = hasAny('succeeded');
  const hasStopped = hasAny('cancelled', 'terminated');
  if (!hasBad) {
    if (hasOk && hasStopped) return 'partly_stopped';
    return hasOk ? 'succeeded' : 'stopped';
  }
  if (hasOk || hasStopped) return 'partly_failed';
  return seen.size === 1 && seen.has('timed_out') ? 'timed_out' : 'failed';
}
