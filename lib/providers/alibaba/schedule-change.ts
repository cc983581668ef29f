/** The changes that make a timed invocation match a schedule, and the times of its firings. */
import { FleetReflexError } from '../../errors.ts';
import { isTerminalTask } from '../../model/status.ts';
import { type Firing, type ProviderSchedule, type ScheduleSpec, settingsMark } from '../schedules.ts';
import type { InvocationResult } from './answers.ts';
import { writeFiringId } from './firing-id.ts';
import { findFrequencyProblem, readFrequency } from './frequency.ts';
import type { ModifyInvocationAttributeRequest } from './requests.ts';
import { writeFrequency } from './schedule-fields.ts';
import { mapInstanceStatus } from './task-status.ts';

type Plan =
  | { kind: 'same' }
  | { kind: 'modify'; request: ModifyInvocationAttributeRequest }
  /** The vendor can only add instances and change values: the rest needs a new one. */
  | { kind: 'replace' };

export function planChange(current: ProviderSchedule, spec: ScheduleSpec, now: Date): Plan {
  const removed = current.instances.filter((instanceId) => !spec.instances.includes(instanceId));
  const dropped = Object.keys(current.parameters).filter((key) => !Object.hasOwn(spec.parameters, key));
  const isOther =
    current.command !== spec.command ||
    (current.username ?? '') !== (spec.username ?? '') ||
    current.settingsMark !== settingsMark(spec.settings);
  if (isOther || removed.length > 0 || dropped.length > 0) return { kind: 'replace' };

  const added = spec.instances.filter((instanceId) => !current.instances.includes(instanceId));
  const hasNewValues = Object.entries(spec.parameters).some(
    ([key, value]) => current.parameters[key] !== value,
  );
  const frequency = checkedFrequency(spec, now);
  const isOtherTime = frequency !== writeFrequency(current.timing);
  if (added.length === 0 && !hasNewValues && !isOtherTime) return { kind: 'same' };
  return {
    kind: 'modify',
    request: {
      RegionId: spec.region,
      InvokeId: current.scheduleId,
      ...(added.length > 0 && { InstanceId: added }),
      ...(hasNewValues && { Parameters: { ...spec.parameters }, EnableParameter: true }),
      ...(isOtherTime && { Frequency: frequency }),
    },
  };
}

/** @throws FleetReflexError `provider.invalid` */
export function checkedFrequency(spec: ScheduleSpec, now: Date): string {
  const text = writeFrequency(spec.timing);
  const reading = text === undefined ? undefined : readFrequency(text);
  if (text === undefined || reading === undefined) {
    throw invalid(`schedule ${spec.name}: at: expected an instant such as 2026-12-01T02:00:00+08:00`);
  }
  // The command's own timeout is not known here; the vendor checks the interval against it.
  const problem = reading.ok
    ? findFrequencyProblem(reading.frequency, { timeoutSeconds: 0, now })
    : reading.problem;
  if (problem !== undefined) throw invalid(`schedule ${spec.name}: '${text}': ${problem}`);
  return text;
}

/**
 * One for each firing, for any number of instances; its time is the earliest start. A firing that started nothing (no
 * instance was reachable) has only its end, or no time: then it counts as now.
 */
export function firingsOf(
  scheduleId: string,
  rows: readonly InvocationResult[],
  since: Date,
  now: Date,
): Firing[] {
  const byRepeats = Map.groupBy(rows.filter(isFired), ({ Repeats }) => Repeats ?? 1);
  const inOrder = [...byRepeats].toSorted(([left], [right]) => left - right);
  return inOrder.flatMap(([repeats, same]): Firing[] => {
    const startedAt = earliest(same.map(({ StartTime }) => StartTime));
    const endedAt = earliest(same.flatMap(({ FinishedTime, StopTime }) => [FinishedTime, StopTime]));
    const at = startedAt ?? endedAt ?? now;
    if (at < since) return [];
    const statuses = [...new Set(same.map(({ InvocationStatus }) => InvocationStatus))];
    return [
      {
        scheduleId,
        invocationId: writeFiringId({ invokeId: scheduleId, repeats: Math.max(1, repeats) }),
        at: at.toISOString(),
        reason: statuses.sort().join(', '),
      },
    ];
  });
}

/** It ran, or came to an end without. One that was stopped before its time, or still waits for it, did not fire. */
function isFired({ StartTime, InvocationStatus }: InvocationResult): boolean {
  if (StartTime) return true;
  const { status } = mapInstanceStatus(InvocationStatus);
  return isTerminalTask(status) && status !== 'cancelled';
}

function earliest(times: readonly (string | null | undefined)[]): Date | undefined {
  // The year 1 or 1970 stands for none.
  const known = times.map((time) => Date.parse(time ?? '')).filter((time) => time > 0);
  return known.length === 0 ? undefined : new Date(Math.min(...known));
}

export function invalid(message: string): FleetReflexError {
  return new FleetReflexError('provider.invalid', message, { details: { provider: 'alibaba' } });
}
