/**
 * TAT's recurrences: five crontab fields, always in Beijing time (UTC+8, no summer time), with no field for a zone
 * (document CreateInvoker). Checked here, because the vendor's answer to
 * a wrong one is a bare InvalidCronExpression, and a rule file is checked long before the vendor is asked.
 */
import { Cron } from 'croner';
import { FleetReflexError, messageOf } from '../../errors.ts';

const BEIJING_OFFSET_MINUTES = 8 * 60;
const FIELDS = ['minute', 'hour', 'day of month', 'month', 'day of week'] as const;
/** What every crontab knows. croner takes more (`L`, `#`, `?`, `@daily`), the vendor does not say that it does. */
const PLAIN = /^(\*|[0-9]+(-[0-9]+)?|[A-Za-z]{3}(-[A-Za-z]{3})?)(\/[0-9]+)?$/;
const EXAMPLE = "'0 0 1 * *' is midnight in Beijing on the first of each month";

/**
 * The next times after `from`, at most `count`.
 * @throws FleetReflexError `provider.invalid`, disposition drop
 */
export function nextCrontabTimes(crontab: string, count: number, from: Date): Date[] {
  return parseCrontab(crontab).nextRuns(count, from);
}

/** @throws FleetReflexError `provider.invalid`, disposition drop, also for a recurrence that never fires */
export function checkCrontab(crontab: string): void {
  parseCrontab(crontab);
}

function parseCrontab(crontab: string): Cron {
  const fields = crontab.trim().split(/\s+/);
  if (fields.length !== FIELDS.length) {
    const names = FIELDS.join(', ');
    throw invalid(crontab, `expected 5 fields (${names}) in Beijing time, got ${fields.length}; ${EXAMPLE}`);
  }
  for (const [at, field] of fields.entries()) {
    if (field.split(',').every((part) => PLAIN.test(part))) continue;
    throw invalid(crontab, `${FIELDS[at]}: expected numbers, names, and * , - /, got '${field}'`);
  }
  let cron: Cron;
  try {
    cron = new Cron(fields.join(' '), { mode: '5-part', utcOffset: BEIJING_OFFSET_MINUTES });
  } catch (thrown) {
    throw invalid(crontab, messageOf(thrown).replace(/^CronPattern: /, ''));
  }
  if (cron.nextRun() === null) throw invalid(crontab, 'it never fires');
  return cron;
}

function invalid(crontab: string, why: string): FleetReflexError {
  return new FleetReflexError('provider.invalid', `recurrence '${crontab}': ${why}`, {
    details: { provider: 'tencent', code: 'InvalidCronExpression', recurrence: crontab },
  });
}
