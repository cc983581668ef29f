/** Takes up a request for a later time: what rules and people ask for is fired here, what the previous version queued there. */
import type { ScheduleRequest } from '../model/live-schedule.ts';
import type { DispatchContext, DispatchResult } from '../runs/dispatch-context.ts';
import { isFiredHere, scheduleHere } from '../runs/schedule-here.ts';
import type { SchedulesContext } from './context.ts';
import { scheduleOnce } from './schedule-once.ts';

/** Safe to call again with the same request at any point. */
export async function schedule(
  runRequest: ScheduleRequest,
  context: SchedulesContext & DispatchContext,
): Promise<DispatchResult> {
  return isFiredHere(runRequest)
    ? await scheduleHere(runRequest, context)
    : await scheduleOnce(runRequest, context);
}
