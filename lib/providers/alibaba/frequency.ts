/**
 * `Frequency`, when a recurring or later command runs: `rate(5m)`, `at(2026-06-06 13:15:30 Asia/Shanghai)`, or a
 * cron expression that starts with seconds (the `frequency` field of the vendor's InvokeCommandRequest).
 */
import { findCronProblem, shortestCronGap } from './cron-fields.ts';
import { instantOf, readTimeZone, type TimeZone, UTC } from './time-zone.ts';

export type Frequency =
  /** At a fixed rate; the first time one interval after it was made. */
  | { kind: 'rate'; intervalSeconds: number }
  /** Once. */
  | { kind: 'at'; at: Date }
  /** Without a zone the instance's own system zone decides. */
  | { kind: 'cron'; fields: readonly string[]; timeZone?: TimeZone };

export type FrequencyReading = { ok: true; frequency: Frequency } | { ok: false; problem: string };

const UNIT_SECONDS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600, d: 86_400 };
const WEEK_SECONDS = 7 * 86_400;

/** Reads the text; what depends on a timeout or on the time of day is for `findFrequencyProblem`. */
export function readFrequency(text: string): FrequencyReading {
  const trimmed = text.trim();
  if (trimmed.startsWith('rate')) return readRate(trimmed);
  if (trimmed.startsWith('at')) return readAt(trimmed);
  return readCron(trimmed);
}

/** @returns what the vendor would refuse: an interval not over the timeout, a time that is past */
export function findFrequencyProblem(
  frequency: Frequency,
  context: { timeoutSeconds: number; now: Date },
): string | undefined {
  const { timeoutSeconds, now } = context;
  switch (frequency.kind) {
    case 'rate':
      if (frequency.intervalSeconds > timeoutSeconds) return undefined;
      return `the interval of ${frequency.intervalSeconds} s has to be longer than the timeout of ${timeoutSeconds} s`;
    case 'at':
      if (frequency.at > now) return undefined;
      return `the time ${frequency.at.toISOString()} is past`;
    case 'cron': {
      const least = Math.max(10, timeoutSeconds);
      const gap = shortestCronGap(frequency.fields);
      if (gap >= least) return undefined;
      return `runs ${gap} s apart are closer than ${least} s (10 s and the timeout)`;
    }
  }
}

function readRate(text: string): FrequencyReading {
  const match = /^rate\(\s*(\d{1,6})([smhd])\s*\)$/.exec(text);
  if (match === null) return wrong('expected rate(<number><s|m|h|d>), for example rate(5m)');
  const intervalSeconds = Number(match[1]) * (UNIT_SECONDS[match[2] ?? ''] ?? 0);
  if (intervalSeconds < 60 || intervalSeconds > WEEK_SECONDS) {
    return wrong(`expected an interval of 60 s to 7 days, got ${intervalSeconds} s`);
  }
  return { ok: true, frequency: { kind: 'rate', intervalSeconds } };
}

function readAt(text: string): FrequencyReading {
  const match = /^at\(\s*(\d{4})-(\d{2})-(\d{2}) (\d{2}):(\d{2}):(\d{2})(?:\s+(\S+))?\s*\)$/.exec(text);
  if (match === null) return wrong('expected at(yyyy-MM-dd HH:mm:ss <time zone>)');
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = match.slice(1, 7).map(Number);
  const wallMs = Date.UTC(year, month - 1, day, hour, minute, second);
  // Date.UTC rolls 31 February over into March; the vendor does not.
  const shown = `${match[1]}-${match[2]}-${match[3]}T${match[4]}:${match[5]}:${match[6]}.000Z`;
  if (new Date(wallMs).toISOString() !== shown) return wrong('there is no such date and time');
  const zone = match[7] === undefined ? UTC : readTimeZone(match[7]);
  if (zone === undefined) return wrong(zoneProblem(match[7] ?? ''));
  return { ok: true, frequency: { kind: 'at', at: instantOf(wallMs, zone) } };
}

function readCron(text: string): FrequencyReading {
  const parts = text.split(/\s+/);
  const last = parts.at(-1) ?? '';
  // A zone has letters and no cron field may look like one: names are three letters without a slash, colon or UTC.
  const hasZone = parts.length > 6 && !/^[\d*,/-]+$/.test(last);
  const zone = hasZone ? readTimeZone(last) : undefined;
  if (hasZone && zone === undefined) return wrong(zoneProblem(last));
  const fields = hasZone ? parts.slice(0, -1) : parts;
  const problem = findCronProblem(fields);
  if (problem !== undefined) return wrong(problem);
  return { ok: true, frequency: { kind: 'cron', fields, ...(zone && { timeZone: zone }) } };
}

function zoneProblem(text: string): string {
  return `the time zone ${JSON.stringify(text)} is not a full name (Asia/Shanghai), GMT+8:00 or UTC`;
}

function wrong(problem: string): FrequencyReading {
  return { ok: false, problem };
}
