/** How a schedule's timing and parameters stand in a timed invocation. */
import * as z from 'zod';
import type { ScheduleTiming } from '../schedules.ts';
import { readFrequency } from './frequency.ts';

const Pairs = z.record(z.string(), z.string());

/** @returns the text for `Frequency`, or undefined for an instant that is none */
export function writeFrequency(timing: ScheduleTiming): string | undefined {
  if ('recurrence' in timing) return timing.recurrence.trim().split(/\s+/).join(' ');
  const at = new Date(timing.at);
  // Without an offset the time would be that of the machine that reads it.
  if (Number.isNaN(at.getTime()) || !/(Z|[+-]\d\d:?\d\d)$/.test(timing.at)) return undefined;
  return `at(${at.toISOString().slice(0, 19).replace('T', ' ')} UTC)`;
}

export function readTiming(frequency: string): ScheduleTiming {
  const reading = readFrequency(frequency);
  if (reading.ok && reading.frequency.kind === 'at') return { at: reading.frequency.at.toISOString() };
  return { recurrence: frequency };
}

/** The vendor's `Parameters`: JSON text; nothing where it is none. */
export function readParameters(json: string | null | undefined): Record<string, string> {
  if (json === null || json === undefined || json === '') return {};
  try {
    const parsed = Pairs.safeParse(JSON.parse(json));
    return parsed.success ? parsed.data : {};
  } catch {
    return {};
  }
}
