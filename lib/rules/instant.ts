/** When something is to run: the instants that rules and people may give. */
import * as z from 'zod';
import { parseDuration } from './duration.ts';

const Instant = z.iso.datetime({ offset: true });

/** @returns ISO 8601 UTC; undefined for what is neither an instant nor a duration from now */
export function toInstant(text: string, now: Date): string | undefined {
  const ms = parseDuration(text.trim());
  if (ms !== undefined) {
    const time = new Date(now.getTime() + ms);
    return Number.isNaN(time.getTime()) ? undefined : time.toISOString();
  }
  const instant = Instant.safeParse(text.trim());
  const time = instant.success ? Date.parse(instant.data) : Number.NaN;
  return Number.isNaN(time) ? undefined : new Date(time).toISOString();
}

/** Further ahead is a mistyped year. */
const MOST_AHEAD_MS = 366 * 86_400_000;

/** @returns why nothing can be scheduled for that time */
export function whyNotAt(at: string, now: Date): string | undefined {
  const time = Date.parse(at);
  if (time <= now.getTime()) return `${at} is past (it is ${now.toISOString()})`;
  if (time <= now.getTime() + MOST_AHEAD_MS) return undefined;
  return `${at} is more than a year ahead (it is ${now.toISOString()})`;
}

export const AT_EXPECTED =
  'an instant like 2026-12-24T22:00:00Z or 2026-12-24T22:00:00+08:00, or a duration from now like 30m';
