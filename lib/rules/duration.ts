/** Lengths of time as people write them in rules: `90s`, `10m`, `1h30m`, `7d`, or a number of seconds. */
import * as z from 'zod';

const UNIT_MS: Readonly<Record<string, number>> = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };
const FORM = /^([0-9]{1,9}[smhd])+$/;

/** @returns milliseconds, or undefined for what is no duration */
export function parseDuration(text: string): number | undefined {
  if (!FORM.test(text)) return undefined;
  let total = 0;
  for (const [, count, unit] of text.matchAll(/([0-9]+)([smhd])/g))
    total += Number(count) * (UNIT_MS[unit ?? ''] ?? 0);
  return total;
}

/** The shortest way to write it: `90s`, `15m`. */
export function formatDuration(ms: number): string {
  for (const unit of ['d', 'h', 'm']) {
    const size = UNIT_MS[unit] ?? 1;
    if (ms >= size && ms % size === 0) return `${ms / size}${unit}`;
  }
  return `${ms / 1000}s`;
}

/** A schema that takes `10m` or seconds, within bounds, and gives milliseconds. */
export function durationBetween(leastMs: number, mostMs: number) {
  const range = `expected a duration from ${formatDuration(leastMs)} to ${formatDuration(mostMs)}, like 90s, 10m or 1h30m, or a number of seconds`;
  return z
    .union([z.string().meta({ pattern: FORM.source }), z.number()], { error: range })
    .transform((given, context) => {
      const ms = typeof given === 'number' ? given * 1000 : parseDuration(given);
      if (ms !== undefined && Number.isInteger(ms) && ms >= leastMs && ms <= mostMs) return ms;
      context.addIssue({ code: 'custom', message: `${range}, came ${JSON.stringify(given)}` });
      return z.NEVER;
    });
}
