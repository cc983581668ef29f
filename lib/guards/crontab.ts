/** When windows open and close: the one place of the guards that reads a crontab, imported where a run has windows. */
import { Cron } from 'croner';
import { after } from '../model/after.ts';
import type { Window } from '../model/window.ts';

/** More openings in a row than anybody means: the window never closes. */
const MAX_IN_A_ROW = 1000;

/** From when to when it is open; openings that touch or overlap are one. */
export interface Occurrence {
  from: Date;
  /** Exclusive. Absent: it never closes. */
  until?: Date | undefined;
}

/** What is wrong with a crontab, or undefined. */
export function problemOfCron(cron: string): string | undefined {
  try {
    return parse({ cron, zone: 'UTC' }).nextRun() === null ? 'it has no time' : undefined;
  } catch (thrown) {
    return String(thrown instanceof Error ? thrown.message : thrown).replace(/^CronPattern: /, '');
  }
}

/** Whether there is such a zone on this machine. */
export function isZone(zone: string): boolean {
  try {
    new Intl.DateTimeFormat('en', { timeZone: zone });
    return true;
  } catch {
    return false;
  }
}

/** The one in which `now` is, or the next. */
export function nextOccurrence(window: Window, now: Date): Occurrence {
  const cron = parse(window);
  const opened = cron.nextRun(after(now, -window.forMs));
  if (opened === null) throw new Error(`The window ${window.name} (${window.cron}) has no time.`);
  let last = opened;
  for (let count = 0; count < MAX_IN_A_ROW; count += 1) {
    const until = after(last, window.forMs);
    const following = cron.nextRun(last);
    if (following === null || following > until) return { from: opened, until };
    last = following;
  }
  return { from: opened };
}

export function isOpen({ from }: Occurrence, now: Date): boolean {
  return from <= now;
}

function parse({ cron, zone }: Pick<Window, 'cron' | 'zone'>): Cron {
  return new Cron(cron, { mode: '5-part', timezone: zone });
}
