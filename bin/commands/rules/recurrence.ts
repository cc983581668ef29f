/**
 * Checks a standing schedule's recurrence with its provider's own reader. Here and not in lib/rules, so that the
 * functions that load rules need no crontab parser.
 */
import { messageOf } from '../../../lib/errors.ts';
import { readFrequency } from '../../../lib/providers/alibaba/frequency.ts';
import { checkCrontab } from '../../../lib/providers/tencent/crontab.ts';
import type { StandingSchedule } from '../../../lib/rules/rule.ts';

/** @returns what is wrong, or undefined */
export function checkRecurrence({ name, provider, timing }: StandingSchedule): string | undefined {
  if (!('recurrence' in timing)) return undefined;
  switch (provider) {
    case 'tencent':
      try {
        checkCrontab(timing.recurrence);
        return undefined;
      } catch (thrown) {
        return `schedules ${name}: ${messageOf(thrown)}`;
      }
    case 'alibaba': {
      const reading = readFrequency(timing.recurrence);
      return reading.ok
        ? undefined
        : `schedules ${name}: recurrence '${timing.recurrence}': ${reading.problem}`;
    }
  }
}
