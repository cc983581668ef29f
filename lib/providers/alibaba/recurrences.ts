/** Reads a `Frequency` for what we start ourselves, and for people. */
import type { NextTimes, Recurrences } from '../provider-module.ts';
import { readFrequency } from './frequency.ts';
import { invalid } from './schedule-change.ts';
import { nextRuns } from './timetable.ts';

export const frequencies: Recurrences = {
  problemOf(recurrence) {
    const reading = readFrequency(recurrence);
    return reading.ok ? undefined : `recurrence '${recurrence}': ${reading.problem}`;
  },
  nextTime(recurrence, from, since) {
    const reading = readFrequency(recurrence);
    if (!reading.ok) throw invalid(`recurrence '${recurrence}': ${reading.problem}`);
    const { frequency } = reading;
    if (frequency.kind === 'cron' && frequency.timeZone === undefined) {
      // Cloud Assistant lets each instance's own clock decide, which is not known here.
      const problem = 'expected its time zone at the end, like `0 0 3 ? * MON Asia/Shanghai`';
      throw invalid(`recurrence '${recurrence}': ${problem}`);
    }
    return nextRuns(frequency, 1, from, since)[0];
  },
  nextTimes,
};

function nextTimes(text: string, count: number, from: Date): NextTimes {
  const reading = readFrequency(text);
  if (!reading.ok) return { times: [], zone: 'UTC', note: reading.problem };
  const { frequency } = reading;
  if (frequency.kind === 'cron' && frequency.timeZone === undefined) {
    const note = 'in the time zone of each instance, which is not known here; write one: … Asia/Shanghai';
    return { times: [], zone: 'UTC', note };
  }
  const times = nextRuns(frequency, count, from);
  if (frequency.kind === 'rate')
    return { times, zone: 'UTC', note: 'counted from when it is made; if that were now:' };
  const timeZone = frequency.kind === 'cron' ? frequency.timeZone : undefined;
  return { times, zone: timeZone?.kind === 'name' ? timeZone.name : offsetZone(timeZone?.minutes ?? 0) };
}

/** `+08:00` */
function offsetZone(minutes: number): string {
  if (minutes === 0) return 'UTC';
  const two = (number: number): string => String(number).padStart(2, '0');
  const size = Math.abs(minutes);
  return `${minutes < 0 ? '-' : '+'}${two(Math.floor(size / 60))}:${two(size % 60)}`;
}
