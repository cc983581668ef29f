/**
 * When a recurrence that is written in a provider's own words comes true, for what we fire ourselves: TAT's five
 * crontab fields in Beijing time, Cloud Assistant's rates and cron expressions.
 */
import { FleetReflexError } from '../errors.ts';
import type { ProviderName } from '../model/provider-name.ts';
import { readFrequency } from './alibaba/frequency.ts';
import { nextRuns } from './alibaba/timetable.ts';
import { nextCrontabTimes } from './tencent/crontab.ts';

/**
 * @param since a rate counts from there
 * @returns the first time after `from`; undefined when there is none any more
 * @throws FleetReflexError `provider.invalid`: what is wrong with it, and what to write
 */
export function nextTime(
  provider: ProviderName,
  recurrence: string,
  from: Date,
  since: Date,
): Date | undefined {
  switch (provider) {
    case 'tencent':
      return nextCrontabTimes(recurrence, 1, from)[0];
    case 'alibaba':
      return nextOfFrequency(recurrence, from, since);
  }
}

function nextOfFrequency(recurrence: string, from: Date, since: Date): Date | undefined {
  const reading = readFrequency(recurrence);
  if (!reading.ok) throw invalid(recurrence, reading.problem);
  const { frequency } = reading;
  if (frequency.kind === 'cron' && frequency.timeZone === undefined) {
    // Cloud Assistant lets each instance's own clock decide, which nobody here knows.
    throw invalid(recurrence, 'expected its time zone at the end, like `0 0 3 ? * MON Asia/Shanghai`');
  }
  return nextRuns(frequency, 1, from, since)[0];
}

function invalid(recurrence: string, problem: string): FleetReflexError {
  return new FleetReflexError('provider.invalid', `recurrence '${recurrence}': ${problem}`, {
    details: { provider: 'alibaba', recurrence },
  });
}
