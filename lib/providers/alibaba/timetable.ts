/** The next firing of a Frequency: for display, and for the local server, which really fires. */
import { Cron } from 'croner';
import type { Frequency } from './frequency.ts';

/**
 * @param after exclusive; @param createdAt a rate counts from there
 * @returns undefined when it never runs again
 */
export function nextRun(frequency: Frequency, after: Date, createdAt: Date): Date | undefined {
  switch (frequency.kind) {
    case 'at':
      return frequency.at > after ? frequency.at : undefined;
    case 'rate': {
      const interval = frequency.intervalSeconds * 1000;
      const passed = Math.floor((after.getTime() - createdAt.getTime()) / interval);
      return new Date(createdAt.getTime() + (Math.max(0, passed) + 1) * interval);
    }
    case 'cron':
      return cronOf(frequency).nextRun(after) ?? undefined;
  }
}

/** The next times after `from`, at most `count`. @param createdAt a rate counts from there */
export function nextRuns(frequency: Frequency, count: number, from: Date, createdAt = from): Date[] {
  const times: Date[] = [];
  for (let after = from; times.length < count; ) {
    const next = nextRun(frequency, after, createdAt);
    if (next === undefined) break;
    times.push(next);
    after = next;
  }
  return times;
}

/** The vendor's week starts with Monday 1 and ends with Sunday 7, as croner's does. */
function cronOf(frequency: Extract<Frequency, { kind: 'cron' }>): Cron {
  const pattern = frequency.fields.map(toCroner).join(' ');
  const { timeZone } = frequency;
  if (timeZone === undefined) return new Cron(pattern); // the instance's own zone; nobody here knows another than ours
  if (timeZone.kind === 'name') return new Cron(pattern, { timezone: timeZone.name });
  return new Cron(pattern, { utcOffset: timeZone.minutes });
}

/** The last value of each field: `0/30` stands for `0-59/30`. */
const LAST = [59, 59, 23, 31, 12, 7, 2099];

function toCroner(field: string, index: number): string {
  // For a lone L in the week croner has no meaning: the vendor's is its last day. Nor has it a `?`.
  if (index === 5 && field === 'L') return '7';
  return field
    .replaceAll('?', '*')
    .split(',')
    .map((item) => item.replace(/^(\w+)\/(\d+)$/, (_, first, step) => `${first}-${LAST[index]}/${step}`))
    .join(',');
}
