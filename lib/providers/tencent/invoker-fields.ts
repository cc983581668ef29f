/** Fields of a schedule in the words of an invoker of TAT, and back. */
import { FleetReflexError } from '../../errors.ts';
import type { ScheduleTiming } from '../schedules.ts';
import { ParameterMap } from './actions/fields.ts';
import type { InvokerRow } from './actions/invokers.ts';
import { checkCrontab } from './crontab.ts';
import { utc } from './task-status.ts';

export function hasAny(parameters: Readonly<Record<string, string>>): boolean {
  return Object.keys(parameters).length > 0;
}

/** @throws FleetReflexError `provider.invalid` */
export function settingsOfTiming(timing: ScheduleTiming) {
  if ('recurrence' in timing) {
    checkCrontab(timing.recurrence);
    return { Policy: 'RECURRENCE' as const, Recurrence: timing.recurrence.trim().split(/\s+/).join(' ') };
  }
  const at = new Date(timing.at);
  if (Number.isNaN(at.getTime()) || !/(Z|[+-]\d\d:?\d\d)$/.test(timing.at)) {
    const message = `at: expected an instant such as 2026-12-01T02:00:00+08:00, got '${timing.at}'`;
    throw new FleetReflexError('provider.invalid', message);
  }
  // The documented format has whole seconds.
  return { Policy: 'ONCE' as const, InvokeTime: at.toISOString().replace(/\.\d{3}Z$/, 'Z') };
}

export function timingOf({ ScheduleSettings: settings }: InvokerRow): ScheduleTiming {
  if (settings?.Policy === 'ONCE') return { at: utc(settings.InvokeTime) ?? settings.InvokeTime ?? '' };
  return { recurrence: settings?.Recurrence ?? '' };
}

export function parametersOf(json: string | undefined): Record<string, string> {
  if (json === undefined || json === '') return {};
  try {
    const parsed = ParameterMap.safeParse(JSON.parse(json));
    return parsed.success ? parsed.data : {};
  } catch {
    return {};
  }
}
