/** A firing of a standing schedule, as a request: the cloud asks no guards for it, and is held back by freezes and windows. */
import { after } from '../model/after.ts';
import { SCHEDULE_SOURCE } from '../model/run.ts';
import { runIdFor } from '../model/run-id.ts';
import type { StandingSchedule } from '../rules/rule.ts';
import type { RequestOf } from './effect.ts';

/** It is sent at once, or not at all. */
const DEADLINE_MS = 60_000;

export function firingOf(schedule: StandingSchedule, now: Date): RequestOf<'run'> {
  const { name, provider, region, command, instances, parameters, username, settings = {} } = schedule;
  const { timeoutSeconds, workingDirectory, ...options } = settings;
  const at = now.toISOString();
  return {
    version: 2,
    action: 'run',
    runId: runIdFor(name, SCHEDULE_SOURCE, at),
    rule: name,
    trigger: { source: SCHEDULE_SOURCE, type: 'schedule.fired', id: at, subject: name },
    notify: [...schedule.notify],
    requestedAt: at,
    deadline: after(now, DEADLINE_MS).toISOString(),
    target: {
      ...{ provider, region, command, instances: [...instances], parameters: { ...parameters } },
      ...{ username, timeoutSeconds, workingDirectory, options },
    },
    taggedFleet: schedule.taggedFleet,
    guards: schedule.windows ? { windows: schedule.windows } : {},
    onUnavailable: 'fail',
    followUps: schedule.followUps && [...schedule.followUps],
  };
}
