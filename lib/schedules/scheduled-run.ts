/** The run of a `schedule` action while its time has not come. */
import { after } from '../model/after.ts';
import type { ScheduleRequest } from '../model/live-schedule.ts';
import type { Run } from '../model/run.ts';
import { described } from '../runs/new-run.ts';
import { patienceOf, type SchedulesContext } from './context.ts';

/**
 * Never `dispatching`: any process may send a `dispatching` run, but the provider sends this one, later.
 * A one-off becomes an ordinary run when it fires. A recurring one stays as it is until it is cancelled.
 */
export function scheduledRun(
  runRequest: ScheduleRequest,
  context: Pick<SchedulesContext, 'now' | 'patience'>,
): Run {
  const { at, recurrence } = runRequest;
  return {
    ...described(runRequest),
    target: runRequest.target,
    schedule: { at, recurrence },
    guards: {},
    onUnavailable: 'fail',
    deadline: deadlineOf(runRequest, context).toISOString(),
    status: 'scheduled',
    invocations: [],
    // Live runs are found by it, for a cancel; and the table keeps a run until long after it.
    pollAt: keepUntil(runRequest, context).toISOString(),
  };
}

/** Until when it is tried to make the schedule. */
export function deadlineOf(
  { at, requestedAt }: ScheduleRequest,
  context: Pick<SchedulesContext, 'patience'>,
): Date {
  return at === undefined ? after(new Date(requestedAt), patienceOf(context).arrangeMs) : new Date(at);
}

/** After this time it is no longer tended, and the poller may treat it as lost. */
export function keepUntil(
  { at }: Pick<ScheduleRequest, 'at'>,
  context: Pick<SchedulesContext, 'now' | 'patience'>,
): Date {
  const { keepMs } = patienceOf(context);
  return after(at === undefined ? context.now() : new Date(at), keepMs);
}
