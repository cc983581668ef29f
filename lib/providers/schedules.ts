/**
 * The seam to a cloud that starts commands by itself, once later or again and again (TAT calls them invokers, Cloud
 * Assistant timed invocations). Only schedules that carry our mark are ever shown or touched.
 */
import { createHash } from 'node:crypto';
import type { ScheduleSettings } from '../model/schedule-settings.ts';

/**
 * A mark for a schedule's settings, kept beside it at the provider: a change of them is seen by it, for what a provider
 * shows of a schedule mixes them with the stored command's own. Empty for none.
 */
export function settingsMark(settings: ScheduleSettings | undefined): string {
  const text = canonical(settings);
  if (text === '{}') return '';
  return createHash('sha256').update(text).digest('hex').slice(0, 32);
}

/** As JSON, names in order, without what is absent. */
function canonical(value: object | undefined): string {
  const entries = Object.entries(value ?? {}).filter(([, item]) => item !== undefined);
  const parts = entries
    .toSorted(([left], [right]) => (left < right ? -1 : 1))
    .map(([name, item]) => [
      JSON.stringify(name),
      typeof item === 'object' ? canonical(item) : JSON.stringify(item),
    ]);
  return `{${parts.map((part) => part.join(':')).join(',')}}`;
}

/** Once at an instant (ISO 8601 with offset or Z), or by the vendor's own crontab. */
export type ScheduleTiming = { at: string } | { recurrence: string };

export interface ScheduleSpec {
  /** Ours, unique within the stage: what the rule file calls it. */
  name: string;
  region: string;
  command: string;
  /** At most 100, of one kind. */
  instances: readonly string[];
  parameters: Readonly<Record<string, string>>;
  username?: string | undefined;
  settings?: ScheduleSettings | undefined;
  timing: ScheduleTiming;
}

/** A schedule as the vendor has it. */
export interface ProviderSchedule extends Omit<ScheduleSpec, 'settings'> {
  /** `ivk-…` at Tencent. */
  scheduleId: string;
  /** `settingsMark` of its settings; absent where the vendor's answer does not tell. */
  settingsMark?: string;
  isEnabled: boolean;
}

export interface ScheduleRef {
  region: string;
  scheduleId: string;
}

/** The schedule's time came. */
export interface Firing {
  scheduleId: string;
  /** Absent when nothing was started: `reason` says why. */
  invocationId?: string;
  /** ISO 8601, UTC. */
  at: string;
  /** The vendor's own words. */
  reason: string;
}

/**
 * Every method throws FleetReflexError: `provider.notOurs` (disposition drop) for a schedule without our mark,
 * `provider.invalid` for a spec outside the vendor's limits, and `provider.*` with the vendor's code in the details
 * for what the vendor or the network does (disposition retry where it may pass).
 */
export interface ProviderSchedules {
  /** Ours in that region, of this stage. */
  list(region: string): Promise<ProviderSchedule[]>;
  /** Safe to call again after it failed: an earlier attempt that did arrive is found by its name. */
  create(spec: ScheduleSpec): Promise<ScheduleRef>;
  /** Makes the schedule exactly this. */
  change(scheduleId: string, spec: ScheduleSpec): Promise<void>;
  enable(ref: ScheduleRef): Promise<void>;
  disable(ref: ScheduleRef): Promise<void>;
  /** One that is gone already is removed. */
  remove(ref: ScheduleRef): Promise<void>;
  /** What these schedules did since then, oldest first. */
  firings(region: string, scheduleIds: readonly string[], since: Date): Promise<Firing[]>;
  /**
   * The next times of a recurrence after `from`, at most `count`.
   * @throws FleetReflexError `provider.invalid`: what is wrong with it, and what to write
   */
  nextTimes(recurrence: string, count: number, from: Date): Date[];
}
