/** An instant that an option names: `2026-11-20T10:00:00Z`, or how long ago, `30d`. */
import { parseDuration } from '../lib/rules/duration.ts';
import { UsageError } from './command.ts';

/** @returns ISO 8601 */
export function instantOf(option: string, text: string, now: Date): string {
  const ago = parseDuration(text);
  const at = ago === undefined ? new Date(text) : new Date(now.getTime() - ago);
  if (Number.isNaN(at.getTime()))
    throw new UsageError(
      `${option} ${text}: expected an instant like 2026-11-20T10:00:00Z, or a duration like 30d.`,
      { option },
    );
  return at.toISOString();
}
