/** The times that people type: an instant, a time of day with its zone, or how long from now. */
import { parseDuration } from '../rules/duration.ts';
import { toInstant } from '../rules/instant.ts';

export const TIME_EXPECTED =
  'a time like 22:00+08:00, 2026-12-24T22:00:00+08:00 or `in 30m` (with its zone: people sit in several)';

const DAY_MS = 86_400_000;
const TIME_OF_DAY = /^([01]?\d|2[0-3]):([0-5]\d)(Z|[+-](?:0\d|1[0-4]):?[0-5]\d)$/i;
/** Dates and times are often typed with a space, and without seconds. */
const DATE_AND_TIME = /^(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d)(:\d\d(?:\.\d+)?)? ?(Z|[+-]\d\d:?\d\d)$/i;

/** @returns ISO 8601 UTC; undefined for what is no time, or has no zone */
export function toTime(typed: string, now: Date): string | undefined {
  const text = typed.trim();
  const [, duration] = /^in (\S+)$/i.exec(text) ?? [];
  if (duration !== undefined) {
    return parseDuration(duration) === undefined ? undefined : toInstant(duration, now);
  }
  const [, hour, minute, zone] = TIME_OF_DAY.exec(text.replaceAll(' ', '')) ?? [];
  if (hour !== undefined && minute !== undefined && zone !== undefined) {
    return nextTimeOfDay(Number(hour), Number(minute), zone, now);
  }
  const [, date, time, seconds = ':00', offset] = DATE_AND_TIME.exec(text) ?? [];
  return offset === undefined ? undefined : toInstant(`${date}T${time}${seconds}${withColon(offset)}`, now);
}

function nextTimeOfDay(hour: number, minute: number, zone: string, now: Date): string {
  const offset = withColon(zone);
  const sign = offset.startsWith('-') ? -1 : 1;
  const [hours = 0, minutes = 0] = offset === 'Z' ? [] : offset.slice(1).split(':').map(Number);
  const offsetMs = sign * (hours * 60 + minutes) * 60_000;
  const today = Math.floor((now.getTime() + offsetMs) / DAY_MS) * DAY_MS;
  const at = today + (hour * 60 + minute) * 60_000 - offsetMs;
  return new Date(at > now.getTime() ? at : at + DAY_MS).toISOString();
}

function withColon(offset: string): string {
  return offset.toUpperCase().replace(/^([+-]\d\d):?(\d\d)$/, '$1:$2');
}
