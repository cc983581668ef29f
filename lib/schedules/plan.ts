/**
 * What has to be done so that the provider has the schedules that are wanted, and no others of ours. Pure: applying
 * the plan and planning again gives an empty one.
 */
import { keyOf } from '../model/live-schedule.ts';
import type { ProviderName } from '../model/provider-name.ts';
import {
  type ProviderSchedule,
  type ScheduleSpec,
  type ScheduleTiming,
  settingsMark,
} from '../providers/schedules.ts';
import type { StandingSchedule } from '../rules/rule.ts';
import { isRunName, onceAt, specOf } from './live-schedule.ts';

/** Ours, as the provider has it: what is not ours is never listed. */
export interface ExistingSchedule extends ProviderSchedule {
  provider: ProviderName;
}

interface Existing {
  provider: ProviderName;
  region: string;
  name: string;
  scheduleId: string;
  reason: string;
}

export type ScheduleStep =
  | ({ kind: 'remove' } & Existing)
  | ({ kind: 'disable' } & Existing)
  | { kind: 'change'; provider: ProviderName; scheduleId: string; spec: ScheduleSpec; reason: string }
  | ({ kind: 'enable' } & Existing)
  | { kind: 'create'; provider: ProviderName; spec: ScheduleSpec };

/** In this order, so that there are never two of one: what is moved elsewhere ends before it begins again. */
const ORDER: readonly ScheduleStep['kind'][] = ['remove', 'disable', 'change', 'enable', 'create'];

/**
 * @param wanted each name once for a provider and region
 * @param existing ours in all regions that are looked at
 */
export function planSchedules(
  wanted: readonly StandingSchedule[],
  existing: readonly ExistingSchedule[],
  now: Date,
): ScheduleStep[] {
  const there = Map.groupBy(existing, keyOf);
  const steps: ScheduleStep[] = [];
  for (const schedule of wanted) {
    steps.push(...planOne(schedule, there.get(keyOf(schedule)) ?? [], now));
  }
  const names = new Set(wanted.map(keyOf));
  for (const schedule of existing) {
    // What a run made goes when its run ends, which rules do not know.
    if (names.has(keyOf(schedule)) || isRunName(schedule.name)) continue;
    steps.push({ kind: 'remove', ...refOf(schedule), reason: 'the rules have no schedule of this name' });
  }
  return steps.toSorted((left, right) => ORDER.indexOf(left.kind) - ORDER.indexOf(right.kind));
}

function planOne(wanted: StandingSchedule, same: readonly ExistingSchedule[], now: Date): ScheduleStep[] {
  const { provider } = wanted;
  const spec = specOf(wanted);
  const isOver = (onceAt(wanted)?.getTime() ?? Number.POSITIVE_INFINITY) <= now.getTime();
  const [kept, ...doubles] = same.toSorted(
    (left, right) =>
      differences(spec, left).length - differences(spec, right).length ||
      left.scheduleId.localeCompare(right.scheduleId),
  );
  if (kept === undefined) return wanted.isEnabled && !isOver ? [{ kind: 'create', provider, spec }] : [];
  const steps: ScheduleStep[] = doubles.map((double) => ({
    kind: 'remove',
    ...refOf(double),
    reason: `${kept.scheduleId} has the same name`,
  }));
  if (isOver) {
    // It is about to fire, or has fired: its run is reported first, then it is removed.
    const isOther = !isSameTiming(spec.timing, kept.timing);
    return isOther ? [...steps, { kind: 'remove', ...refOf(kept), reason: 'its time is past' }] : steps;
  }
  if (!wanted.isEnabled) {
    const disable: ScheduleStep = { kind: 'disable', ...refOf(kept), reason: 'it is not enabled' };
    return kept.isEnabled ? [...steps, disable] : steps;
  }
  const differs = differences(spec, kept);
  const reason = `other ${differs.join(', ')}`;
  if ((differs.includes('username') && spec.username === undefined) || differs.includes('settings')) {
    // A provider takes a name for a user, and none for "the command's own"; and its settings only when it is made.
    return [...steps, { kind: 'remove', ...refOf(kept), reason }, { kind: 'create', provider, spec }];
  }
  if (differs.length > 0) {
    steps.push({ kind: 'change', provider, scheduleId: kept.scheduleId, spec, reason });
  }
  if (!kept.isEnabled) steps.push({ kind: 'enable', ...refOf(kept), reason: 'it is enabled' });
  return steps;
}

function refOf({ provider, region, name, scheduleId }: ExistingSchedule): Omit<Existing, 'reason'> {
  return { provider, region, name, scheduleId };
}

/** What a provider fills in where no user is named. */
const DEFAULT_USERS: ReadonlySet<string | undefined> = new Set([undefined, '', 'root', 'System', 'system']);
/** TAT shows a hidden parameter so; whether it has changed cannot be seen. */
const HIDDEN = '******';

/** The fields in which it is not what it should be. */
function differences(spec: ScheduleSpec, existing: ProviderSchedule): string[] {
  const differs: string[] = [];
  if (spec.command !== existing.command) differs.push('command');
  if (!isSameSet(spec.instances, existing.instances)) differs.push('instances');
  if (!isSameParameters(spec.parameters, existing.parameters)) differs.push('parameters');
  const isSameUser =
    spec.username === undefined ? DEFAULT_USERS.has(existing.username) : spec.username === existing.username;
  if (!isSameUser) differs.push('username');
  if (!isSameTiming(spec.timing, existing.timing)) differs.push('time');
  const mark = existing.settingsMark;
  if (mark !== undefined && mark !== settingsMark(spec.settings)) differs.push('settings');
  return differs;
}

function isSameSet(left: readonly string[], right: readonly string[]): boolean {
  const [some, others] = [new Set(left), new Set(right)];
  return some.size === others.size && [...some].every((item) => others.has(item));
}

function isSameParameters(wanted: ScheduleSpec['parameters'], existing: ScheduleSpec['parameters']): boolean {
  const names = Object.keys(wanted);
  return (
    isSameSet(names, Object.keys(existing)) &&
    names.every((name) => existing[name] === wanted[name] || existing[name] === HIDDEN)
  );
}

/** Providers keep whole seconds, and blanks as they like. */
export function isSameTiming(left: ScheduleTiming, right: ScheduleTiming): boolean {
  if ('at' in left) return 'at' in right && secondOf(left.at) === secondOf(right.at);
  return 'recurrence' in right && inOneForm(left.recurrence) === inOneForm(right.recurrence);
}

function secondOf(instant: string): number {
  return Math.floor(Date.parse(instant) / 1000);
}

function inOneForm(recurrence: string): string {
  return recurrence.trim().split(/\s+/).join(' ');
}
