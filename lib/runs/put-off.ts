/**
 * A run that a guard puts off: it waits for its time in our table as a scheduled run does, without a message on a queue,
 * and every guard is asked again then. Its deadline counts from that time.
 */
import type { Admission } from '../guards/guard.ts';
import { releaseClaims } from '../guards/guards.ts';
import { after } from '../model/after.ts';
import type { Reason } from '../model/completion-event.ts';
import { isAwaitingSchedule, isTerminalRun, type Run, timerOf } from '../model/run.ts';
import type { DispatchContext, Step } from './dispatch-context.ts';
import { waitingUntil } from './schedule-here.ts';
import { change, endRun } from './settle.ts';

type Later = Extract<Admission, { kind: 'later' }>;

/** The poller comes each minute by itself. */
const MINUTE_MS = 60_000;

/** The run as it waits for that time; nothing of it has been asked for. */
export function putOff(run: Run, { at, reason }: Pick<Later, 'at' | 'reason'>): Run {
  const { deadlineMs = Date.parse(run.deadline) - Date.parse(run.requestedAt) } = timerOf(run) ?? {};
  const timed: Run = { ...run, schedule: { ...run.schedule, timer: { deadlineMs } } };
  return {
    ...waitingUntil(timed, at),
    status: 'scheduled',
    invocations: [],
    leaseUntil: undefined,
    waitingFor: reason,
  };
}

/** Stores that it waits, and ends the run in whose place it does. */
export async function postpone(run: Run, later: Later, context: DispatchContext): Promise<Step> {
  const { store, now, log, wake } = context;
  const { at, reason, insteadOf } = later;
  const waiting = await change(store, run, (current) => {
    if (isTerminalRun(current)) return undefined;
    const next = putOff(current, later);
    // Cancelled meanwhile: the poller ends it at once.
    return current.cancelRequestedAt === undefined ? next : { ...next, pollAt: now().toISOString() };
  });
  log.info('run.put-off', { runId: run.runId, rule: run.rule, at: at.toISOString(), guard: reason.code });
  if (insteadOf !== undefined) {
    const other = await store.get(insteadOf);
    if (other !== undefined && isPutOff(other, reason)) await giveWay(other, run, reason, context);
  }
  if (at < after(now(), MINUTE_MS)) await wake(at > now() ? at : now());
  return { kind: 'done', run: waiting };
}

/** Should this process die before that: the guard says the same when its time has come. */
async function giveWay(other: Run, run: Run, reason: Reason, context: DispatchContext): Promise<void> {
  const because = { code: reason.code, message: inItsPlace(run) };
  const ended = await endRun(other, 'rejected', because, context, (current) =>
    isPutOff(current, reason) ? current : undefined,
  );
  if (ended.status === 'rejected') await releaseClaims(ended, context.guards);
}

/** Why the run that waited before it is not sent. */
export function inItsPlace({ runId }: Pick<Run, 'runId'>): string {
  return `The run ${runId} is of a later event and runs in its place.`;
}

function isPutOff(run: Run, { code }: Reason): boolean {
  return isAwaitingSchedule(run) && run.waitingFor?.code === code;
}
