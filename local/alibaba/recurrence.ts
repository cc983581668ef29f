/** Commands that recur: when each is due next, and whether it may run again at all. */
import { nextRun } from '../../lib/providers/alibaba/timetable.ts';
import type { Clock } from '../../lib/providers/clock.ts';
import { type InvocationRecord, isOver } from './invocations.ts';
import { LONGEST_TIMER_MS, type Timers } from './timers.ts';

export interface Recurrence {
  /** Waits for its next time from now on, in the place of what it waited for before. */
  arm(record: InvocationRecord): void;
  disarm(record: InvocationRecord): void;
}

/** @param fire told when an invocation is due */
export function createRecurrence(
  clock: Clock,
  timers: Timers,
  fire: (record: InvocationRecord) => void,
): Recurrence {
  const waiting = new Map<string, () => void>();
  const now = (): Date => new Date(clock.epochMs());

  const disarm = ({ invokeId }: InvocationRecord): void => {
    waiting.get(invokeId)?.();
    waiting.delete(invokeId);
  };

  const armAfter = (record: InvocationRecord, after: Date): void => {
    disarm(record);
    const { frequency, invokeId } = record;
    const at = frequency && nextRun(frequency, after, record.createdAt);
    if (at === undefined) return;
    const delayMs = at.getTime() - clock.epochMs();
    const isDue = delayMs <= LONGEST_TIMER_MS;
    const cancel = timers.later(delayMs, () => {
      waiting.delete(invokeId);
      if (isDue) fire(record);
      // After its own time and not after now: a timer may come a moment early and would find the same time again.
      if (!isOver(record)) armAfter(record, isDue ? at : now());
    });
    waiting.set(invokeId, cancel);
  };

  return { arm: (record) => armAfter(record, now()), disarm };
}

export function mayRunAgain(record: InvocationRecord, now: Date): boolean {
  if (record.repeatMode === 'EveryReboot') return true;
  if (record.repeatMode !== 'Period' || record.frequency === undefined) return false;
  return nextRun(record.frequency, now, record.createdAt) !== undefined;
}
