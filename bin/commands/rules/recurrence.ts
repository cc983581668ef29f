/**
 * Checks the recurrence of a schedule with its provider's own reader. Here and not in lib/rules, so that the
 * functions that load rules need no crontab parser.
 */
import { messageOf } from '../../../lib/errors.ts';
import type { ProviderName } from '../../../lib/model/provider-name.ts';
import { readFrequency } from '../../../lib/providers/alibaba/frequency.ts';
import { nextTime } from '../../../lib/providers/recurrence.ts';
import { checkCrontab } from '../../../lib/providers/tencent/crontab.ts';
import type { Rule, StandingSchedule } from '../../../lib/rules/rule.ts';

/** @returns what is wrong, or undefined */
export function checkRecurrence({ name, provider, timing }: StandingSchedule): string | undefined {
  if (!('recurrence' in timing)) return undefined;
  const problem = problemOf(provider, timing.recurrence);
  return problem === undefined ? undefined : `schedules ${name}: ${problem}`;
}

/** The same for a rule, which we fire ourselves; a recurrence that comes from the event is checked when it is there. */
export function checkRule({ name, action }: Rule): string | undefined {
  if (action.kind !== 'schedule' || !('recurrence' in action.timing)) return undefined;
  const { literal } = action.timing.recurrence;
  const problem = literal === undefined ? undefined : problemHere(action.target.provider, literal);
  return problem === undefined ? undefined : `rules ${name}: ${problem}`;
}

function problemHere(provider: ProviderName, recurrence: string): string | undefined {
  try {
    const now = new Date();
    const next = nextTime(provider, recurrence, now, now);
    return next === undefined ? `recurrence '${recurrence}': it never comes true` : undefined;
  } catch (thrown) {
    return messageOf(thrown);
  }
}

function problemOf(provider: ProviderName, recurrence: string): string | undefined {
  switch (provider) {
    case 'tencent':
      try {
        checkCrontab(recurrence);
        return undefined;
      } catch (thrown) {
        return messageOf(thrown);
      }
    case 'alibaba': {
      const reading = readFrequency(recurrence);
      return reading.ok ? undefined : `recurrence '${recurrence}': ${reading.problem}`;
    }
  }
}
