/**
 * A schedule that is ours and lives at a provider, as we remember it: what it shall be, and how far we know what it
 * did. Standing ones come from the rules file, the others from a run whose action is `schedule`.
 */
import type { LiveSchedule, ScheduleRequest } from '../model/live-schedule.ts';
import { RunId } from '../model/run-request.ts';
import type { ScheduleSpec } from '../providers/schedules.ts';
import type { StandingSchedule } from '../rules/rule.ts';

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
export function fromRequest(runRequest: ScheduleRequest, now: Date): LiveSchedule {
  const { provider, region, command, instances, parameters, username } = runRequest.target;
  return {
    ...newborn(now),
    provider,
    region,
    name: runRequest.runId,
    command,
    instances,
    parameters,
    username,
    timing: timingOf(runRequest),
    rule: runRequest.rule,
    notify: runRequest.notify,
    request: runRequest,
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
    ...(standing.followUps && { followUps: [...standing.followUps] }),
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
