/** The next times of a schedule, and how a zone's clock shows them. */

import type { NextTimes } from '../../../lib/providers/provider-module.ts';
import { factsOf, recurrencesOf } from '../../../lib/providers/registry.ts';
import type { StandingSchedule } from '../../../lib/rules/rule.ts';

/** @param schedule with a recurrence that its provider can read */
export async function nextTimes(schedule: StandingSchedule, count: number, from: Date): Promise<NextTimes> {
  const { provider, timing } = schedule;
  if ('recurrence' in timing) {
    return (await recurrencesOf(provider)).nextTimes(timing.recurrence, count, from);
  }
  const at = new Date(timing.at);
  const zone = factsOf(provider).schedules?.zone ?? 'UTC';
  return at > from ? { times: [at], zone } : { times: [], zone, note: 'its time is past' };
}

export function zoneName(zone: string): string {
  if (zone === 'Asia/Shanghai') return 'Beijing (UTC+8)';
  if (['UTC', 'Etc/UTC', 'GMT'].includes(zone)) return 'UTC';
  return /^[+-]/.test(zone) ? `UTC${zone}` : zone;
}

/** `Tue 2026-12-01 00:00:00` */
export function showIn(time: Date, timeZone: string): string {
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
