/** The next times of a schedule, and how a zone's clock shows them. */
import { readFrequency } from '../../../lib/providers/alibaba/frequency.ts';
import { nextRuns } from '../../../lib/providers/alibaba/timetable.ts';
import { nextCrontabTimes } from '../../../lib/providers/tencent/crontab.ts';
import type { StandingSchedule } from '../../../lib/rules/rule.ts';

/** The name of a time zone as `Intl` takes it. */
export type Zone = string;

/** TAT reads every crontab so (document CreateInvoker). */
const BEIJING: Zone = 'Asia/Shanghai';

export interface NextTimes {
  times: Date[];
  /** The one that the schedule is written in. */
  zone: Zone;
  /** What the times do not tell. */
  note?: string;
}

/** @param schedule with a recurrence that its provider can read */
export function nextTimes({ provider, timing }: StandingSchedule, count: number, from: Date): NextTimes {
  if ('at' in timing) {
    const at = new Date(timing.at);
    const zone = provider === 'tencent' ? BEIJING : 'UTC';
    return at > from ? { times: [at], zone } : { times: [], zone, note: 'its time is past' };
  }
  switch (provider) {
    case 'tencent':
      return { times: nextCrontabTimes(timing.recurrence, count, from), zone: BEIJING };
    case 'alibaba':
      return ofFrequency(timing.recurrence, count, from);
  }
}

function ofFrequency(text: string, count: number, from: Date): NextTimes {
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
function offsetZone(minutes: number): Zone {
  if (minutes === 0) return 'UTC';
  const two = (number: number): string => String(number).padStart(2, '0');
  const size = Math.abs(minutes);
  return `${minutes < 0 ? '-' : '+'}${two(Math.floor(size / 60))}:${two(size % 60)}`;
}

export function zoneName(zone: Zone): string {
  if (zone === BEIJING) return 'Beijing (UTC+8)';
  if (['UTC', 'Etc/UTC', 'GMT'].includes(zone)) return 'UTC';
  return /^[+-]/.test(zone) ? `UTC${zone}` : zone;
}

/** `Tue 2026-12-01 00:00:00` */
export function showIn(time: Date, timeZone: Zone): string {
  const parts = new Intl.DateTimeFormat('en-GB', {
    timeZone,
    hourCycle: 'h23',
    weekday: 'short',
    year: 'numeric',
    month: '2-digit',
    day: '2-digit',
    hour: '2-digit',
    minute: '2-digit',
    second: '2-digit',
  }).formatToParts(time);
  const part = (wanted: Intl.DateTimeFormatPartTypes): string =>
    parts.find(({ type }) => type === wanted)?.value ?? '';
  return `${part('weekday')} ${part('year')}-${part('month')}-${part('day')} ${part('hour')}:${part('minute')}:${part('second')}`;
}
