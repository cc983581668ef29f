/**
 * Fires a scheduled run of our table at its time. From then on it is a run like any other: the guards are checked again, and
 * the kill switch before each send. A recurrence creates such a run for each firing.
 */

import { ASK_ANEW } from '../guards/ask-anew.ts';
import { causesOf } from '../model/actor.ts';
import { after } from '../model/after.ts';
import type { Reason } from '../model/completion-event.ts';
import { isAwaitingSchedule, type Run, SCHEDULE_SOURCE, timerOf } from '../model/run.ts';
import { runIdFor } from '../model/run-id.ts';
import { providerOf } from '../providers/provider.ts';
import { type Choice, chooseInstances, concludeChoice } from './choose-instances.ts';
import { resume } from './dispatch.ts';
import type { DispatchContext } from './dispatch-context.ts';
import { firstInstances, planInvocations } from './new-run.ts';
import { comesNext, setTimer, waitingUntil } from './schedule-here.ts';
import { change, endRun } from './settle.ts';

/** Called by the poller for a run that awaits its schedule. Safe to call again at any point. */
export async function fireHere(run: Run, context: DispatchContext): Promise<void> {
  const { store, now } = context;
  const timer = timerOf(run);
  if (timer === undefined) return;
  if (run.cancelRequestedAt !== undefined) {
    const by = run.cancelledBy ?? 'a request';
    const reason = { code: 'run.cancelled', message: `It was cancelled by ${by} before its time.` };
    await endRun(run, 'stopped', reason, context);
    return;
  }
  if (timer.nextAt === undefined) {
    await setTimer(run, context);
    return;
  }
  const at = new Date(timer.nextAt);
  if (at > now()) {
    await change(store, run, (current) =>
      current.cancelRequestedAt === undefined ? { ...current, pollAt: at.toISOString() } : undefined,
    );
    return;
  }
  if (run.schedule?.recurrence !== undefined) await fireRecurrence(run, at, context);
  else await fireOnce(run, at, context);
}

async function fireOnce(run: Run, at: Date, context: DispatchContext): Promise<void> {
  const { store, now, log, providers } = context;
  const { target } = run;
  if (target === undefined) return;
  if (now() >= new Date(run.deadline)) {
    await endRun(run, 'expired', unreadOf(run) ?? late(at, run), context);
    return;
  }
  const choice = await chooseInstances(run, context);
  if (choice.kind !== 'chosen') {
    await withoutInstances(run, choice, context);
    return;
  }
  const { waitingFor: _, ...rest } = choice.run;
  const instant = now().toISOString();
  const begun = await store.save({
    ...rest,
    status: 'dispatching',
    invocations: planInvocations(
      run.runId,
      firstInstances(choice.run),
      providerOf(providers, target.provider),
    ),
    leaseUntil: instant,
    pollAt: instant,
  });
  // Another process cancelled or fired it in this moment: read the stored run again.
  if (begun.kind === 'conflict') return;
  log.info('schedule.fired', { runId: run.runId, rule: run.rule, at: at.toISOString() });
  const result = await resume(begun.run, context);
  if (result.kind === 'retry') await comeBack(result.run, result.retryAfterMs, context);
}

/** Its time has come, and the cloud names no instances for it: it is asked again until the deadline, or it ends. */
async function withoutInstances(
  run: Run,
  choice: Exclude<Choice, { kind: 'chosen' }>,
  context: DispatchContext,
): Promise<void> {
  const { store, now } = context;
  if (choice.kind === 'refused') {
    await concludeChoice(run, choice, context);
    return;
  }
  const pollAt = after(now(), choice.retryAfterMs).toISOString();
  await change(store, run, (current) =>
    isAwaitingSchedule(current) && current.cancelRequestedAt === undefined
      ? { ...current, pollAt, waitingFor: choice.reason }
      : undefined,
  );
}

/** No queue message redelivers such a run, so the poller looks as soon as it may be tried again. */
export async function comeBack(
  run: Run,
  retryAfterMs: number,
  { store, now }: Pick<DispatchContext, 'store' | 'now'>,
): Promise<void> {
  await change(store, run, (current) =>
    current.status === 'dispatching'
      ? { ...current, pollAt: after(now(), retryAfterMs).toISOString() }
      : undefined,
  );
}

/** If firings were missed, one run is made for all of them: late, or `expired`. */
async function fireRecurrence(run: Run, at: Date, context: DispatchContext): Promise<void> {
  const { store, now, log } = context;
  // A cancel before this write is seen here; a later one finds the run of this firing.
  const held = await store.save(run);
  if (held.kind === 'conflict') return;
  const { run: firing } = await store.create(runOf(held.run, at));
  log.info('schedule.fired', { runId: firing.runId, rule: run.rule, by: run.runId, at: at.toISOString() });
  const next = await comesNext(run, now());
  if (!next.ok) {
    await endRun(held.run, 'stopped', next.reason, context);
    return;
  }
  const following = await comesNext(run, at);
  if (following.ok && following.at < next.at) {
    log.warn('schedule.missed', {
      runId: run.runId,
      from: following.at.toISOString(),
      until: next.at.toISOString(),
    });
  }
  await change(store, held.run, (current) =>
    current.cancelRequestedAt === undefined && timerOf(current)?.nextAt === at.toISOString()
      ? waitingUntil(current, next.at)
      : undefined,
  );
}

/** The run of one firing of a recurrence. The same firing gives the same run. */
export function runOf(run: Run, at: Date): Run {
  const { waitingFor: _, ...rest } = run;
  const id = `${run.runId}@${at.toISOString()}`;
  const firing: Run = {
    ...rest,
    revision: 0,
    runId: runIdFor(run.rule, SCHEDULE_SOURCE, id),
    trigger: {
      source: SCHEDULE_SOURCE,
      type: 'schedule.fired',
      id,
      subject: run.runId,
      ...causesOf(run.trigger),
    },
    requestedAt: at.toISOString(),
    schedule: { at: at.toISOString(), timer: { deadlineMs: timerOf(run)?.deadlineMs ?? 1 } },
  };
  return waitingUntil(firing, at);
}

/** Of one that was due, and waited for its cloud to say which instances there are. */
function unreadOf({ waitingFor, deadline }: Run): Reason | undefined {
  if (waitingFor?.code !== 'fleet.unread') return undefined;
  const { code, message } = waitingFor;
  return {
    code,
    message: `It could not be sent before its deadline ${deadline}: ${message}`,
    advice: ASK_ANEW,
  };
}

function late(at: Date, { deadline }: Run): Reason {
  return {
    code: 'schedule.late',
    message: `Its time was ${at.toISOString()}, and the poller did not run before its deadline ${deadline}.`,
    advice: 'Nothing was run. Ask for the run again, if it is still wanted.',
  };
}
