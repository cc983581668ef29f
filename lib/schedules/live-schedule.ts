/**
 * A schedule that is ours and lives at a provider, as we remember it: what it shall be, and how far we know what it
 * did. Standing ones come from the rules file, the others from a run whose action is `schedule`.
 */
import * as z from 'zod';
import { DestinationRef } from '../completions/destination.ts';
import { ProviderName } from '../providers/provider.ts';
import { ScheduleSettings, type ScheduleSpec } from '../providers/schedules.ts';
import type { StandingSchedule } from '../rules/rule.ts';
import { RunId, RunRequest } from '../runs/run-request.ts';

export type ScheduleRequest = Extract<RunRequest, { action: 'schedule' }>;

const Timing = z.union([z.strictObject({ at: z.string() }), z.strictObject({ recurrence: z.string() })]);

export const LiveSchedule = z.strictObject({
  version: z.literal(1),
  /** Counts the writes; each write names the one that it read. */
  revision: z.int(),
  provider: ProviderName,
  region: z.string(),
  /** What the provider knows it by: its name in the rules, or the id of the run that made it. */
  name: z.string(),
  command: z.string(),
  instances: z.array(z.string()),
  parameters: z.record(z.string(), z.string()),
  username: z.string().optional(),
  settings: ScheduleSettings.optional(),
  timing: Timing,
  /** What its runs are listed under: the rule that made it, or its own name. */
  rule: z.string(),
  notify: z.array(DestinationRef),
  /** What asked for it; absent for a standing one. */
  request: RunRequest.optional(),
  /** The provider's; absent until it is known there. */
  scheduleId: z.string().optional(),
  /** An attempt to make it had no clear answer: it may be there. */
  isUncertain: z.boolean(),
  /** The provider does not fire it from then on: it is disabled in the rules, or everything is frozen. */
  heldSince: z.string().optional(),
  /** ISO 8601, as all times here. It did nothing before. */
  madeAt: z.string(),
  /** Every firing before it is known. */
  lookedFrom: z.string(),
  /** When the provider was last asked. */
  lookedAt: z.string().optional(),
  /** The firings about that time that are known. */
  recent: z.array(z.string()),
  /** For one that fires once, when it has: its run. */
  firedAs: RunId.optional(),
  /** Where a failure ends what recurs: the last run, until it has ended. */
  lastRun: RunId.optional(),
});
export type LiveSchedule = z.infer<typeof LiveSchedule>;

export type ScheduleKey = Pick<LiveSchedule, 'provider' | 'region' | 'name'>;

export function keyOf({ provider, region, name }: ScheduleKey): string {
  return `${provider}/${region}/${name}`;
}

/** Whether a schedule of this name was made by a run: rules may not use such names. */
export function isRunName(name: string): boolean {
  return RunId.safeParse(name).success;
}

/** The request that made it. */
export function requestOf(schedule: LiveSchedule): ScheduleRequest | undefined {
  return schedule.request?.action === 'schedule' ? schedule.request : undefined;
}

/** When it fires, for one that fires once. */
export function onceAt({ timing }: Pick<LiveSchedule, 'timing'>): Date | undefined {
  return 'at' in timing ? new Date(timing.at) : undefined;
}

/** Whether it could not fire at that time. */
export function isHeldAt({ heldSince }: Pick<LiveSchedule, 'heldSince'>, time: Date): boolean {
  return heldSince !== undefined && new Date(heldSince) <= time;
}

/** What the provider shall have. */
export function specOf(
  schedule: Omit<ScheduleSpec, 'username'> & { username?: string | undefined },
): ScheduleSpec {
  const { name, region, command, instances, parameters, username, settings, timing } = schedule;
  return {
    name,
    region,
    command,
    instances,
    parameters,
    ...(username !== undefined && { username }),
    ...(settings !== undefined && { settings }),
    timing,
  };
}

export function timingOf({
  at,
  recurrence,
}: Pick<ScheduleRequest, 'at' | 'recurrence'>): ScheduleSpec['timing'] {
  return at === undefined ? { recurrence: recurrence ?? '' } : { at };
}

/** The schedule that a request asks for, before the provider has it. */
export function fromRequest(request: ScheduleRequest, now: Date): LiveSchedule {
  return {
    ...newborn(now),
    provider: request.provider,
    region: request.region,
    name: request.runId,
    command: request.command,
    instances: request.instances,
    parameters: request.parameters,
    ...(request.username !== undefined && { username: request.username }),
    timing: timingOf(request),
    rule: request.rule,
    notify: request.notify,
    request,
  };
}

/** A standing schedule that the provider has. */
export function fromRules(
  standing: StandingSchedule,
  scheduleId: string,
  isHeld: boolean,
  now: Date,
): LiveSchedule {
  return {
    ...newborn(now),
    provider: standing.provider,
    ...specOf(standing),
    instances: [...standing.instances],
    parameters: { ...standing.parameters },
    timing: standing.timing,
    rule: standing.name,
    notify: [...standing.notify],
    scheduleId,
    ...(isHeld && { heldSince: now.toISOString() }),
  };
}

/** A schedule of a run, as one that is wanted. */
export function asWanted(schedule: LiveSchedule): StandingSchedule {
  return {
    ...specOf(schedule),
    provider: schedule.provider,
    isEnabled: true,
    notify: schedule.notify,
  };
}

function newborn(now: Date) {
  const at = now.toISOString();
  return {
    version: 1 as const,
    revision: 0,
    isUncertain: false,
    madeAt: at,
    lookedFrom: at,
    recent: [],
  };
}
