/** When an invoker fires: once, or by five crontab fields in Beijing time (document CreateInvoker). */
import { Cron } from 'croner';
import type { Schedule } from './records.ts';
import { TatError } from './tat-error.ts';

const BEIJING_MINUTES = 8 * 60;
/** What every crontab knows. croner takes more (`L`, `#`, `?`, `@daily`); that the vendor does is nowhere said. */
const PART = /^(\*|\d+(-\d+)?|[A-Za-z]{3}(-[A-Za-z]{3})?)(\/\d+)?$/;
const TIME = /^(\d{4}-\d{2}-\d{2})T\d{2}:\d{2}:\d{2}(Z|[+-]\d{2}:?\d{2})$/;

export interface ScheduleInput {
  Policy: string;
  Recurrence?: string | undefined;
  InvokeTime?: string | undefined;
}

/**
 * Checks ScheduleSettings.
 * @throws TatError `InvalidParameterValue.Range` (Policy), `.InvalidCronExpression`, `.InvalidTimeFormat`,
 * `.InvokeTimeExpired`, `MissingParameter`
 */
export function parseSchedule(settings: ScheduleInput, at: Date): Schedule {
  const { Policy, Recurrence, InvokeTime } = settings;
  if (Policy === 'RECURRENCE') {
    if (Recurrence === undefined) throw missing('Recurrence', Policy);
    checkCrontab(Recurrence, at);
    return { policy: 'RECURRENCE', recurrence: Recurrence };
  }
  if (Policy === 'ONCE') {
    if (InvokeTime === undefined) throw missing('InvokeTime', Policy);
    return { policy: 'ONCE', invokeTime: InvokeTime, at: parseInvokeTime(InvokeTime, at) };
  }
  throw new TatError(
    'InvalidParameterValue.Range',
    `\`ScheduleSettings.Policy\`: expected ONCE or RECURRENCE, got \`${Policy.slice(0, 64)}\`.`,
  );
}

/** The first time after `after`; undefined when there is none. */
export function nextFiring(schedule: Schedule, after: Date): Date | undefined {
  if (schedule.policy === 'ONCE') return schedule.at > after ? schedule.at : undefined;
  return cron(schedule.recurrence).nextRun(after) ?? undefined;
}

function cron(line: string): Cron {
  return new Cron(line.trim(), { paused: true, mode: '5-part', utcOffset: BEIJING_MINUTES });
}

function isPlain(field: string): boolean {
  return field.split(',').every((part) => PART.test(part));
}

function checkCrontab(line: string, at: Date): void {
  const fields = line.trim().split(/\s+/);
  try {
    if (fields.length === 5 && fields.every(isPlain) && cron(line).nextRun(at)) return;
  } catch {
    // the same answer as for a recurrence that never fires
  }
  throw new TatError(
    'InvalidParameterValue.InvalidCronExpression',
    `\`ScheduleSettings.Recurrence\`: expected five crontab fields like \`0 0 1 * *\` (Beijing time), got \`${line.slice(0, 64)}\`.`,
  );
}

function parseInvokeTime(value: string, at: Date): Date {
  const [, day] = TIME.exec(value) ?? [];
  const time = new Date(value);
  // The parser rolls 30 February over to March.
  const isRealDay = day !== undefined && new Date(`${day}T00:00:00Z`).toJSON()?.startsWith(day) === true;
  if (!isRealDay || Number.isNaN(time.getTime())) {
    throw new TatError(
      'InvalidParameterValue.InvalidTimeFormat',
      `\`ScheduleSettings.InvokeTime\`: expected a time like 2021-09-01T00:00:00+08:00, got \`${value.slice(0, 64)}\`.`,
    );
  }
  if (time > at) return time;
  throw new TatError(
    'InvalidParameterValue.InvokeTimeExpired',
    `\`ScheduleSettings.InvokeTime\`: ${value} is over.`,
  );
}

function missing(name: string, policy: string): TatError {
  return new TatError(
    'MissingParameter',
    `The request is missing a required parameter \`ScheduleSettings.${name}\` (Policy ${policy}).`,
  );
}
