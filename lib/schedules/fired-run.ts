/**
 * The run of a firing. A one-off that a run asked for is that run; every other firing is a run of its own, whose id
 * is made of the schedule and the firing. Once it has its invocation it is like any other run.
 */

import { causesOf } from '../model/actor.ts';
import type { LiveSchedule, ScheduleRequest } from '../model/live-schedule.ts';
import { isTerminalRun, type Run, type RunInvocation, type RunTask, SCHEDULE_SOURCE } from '../model/run.ts';
import { runIdFor } from '../model/run-id.ts';
import type { RunId } from '../model/run-request.ts';
import { ownTask } from '../model/run-tasks.ts';
import type { Target } from '../model/target.ts';
import { providerOf } from '../providers/provider.ts';
import type { Firing } from '../providers/schedules.ts';
import { change, settle } from '../runs/settle.ts';
import type { SchedulesContext } from './context.ts';
import { firingKey } from './firing-key.ts';
import { onceAt, requestOf } from './live-schedule.ts';
import { scheduledRun } from './scheduled-run.ts';

/** Makes or completes the run of a firing, and hands it to the poller. Safe to call again. */
export async function beginFired(
  schedule: LiveSchedule,
  firing: Firing,
  context: SchedulesContext,
): Promise<Run> {
  const request = requestOf(schedule);
  const isOnce = onceAt(schedule) !== undefined;
  return request !== undefined && isOnce
    ? await beginWaiting(schedule, request, firing, context)
    : await beginNew(schedule, firing, context);
}

/** The run that waited for it. */
async function beginWaiting(
  schedule: LiveSchedule,
  runRequest: ScheduleRequest,
  firing: Firing,
  context: SchedulesContext,
): Promise<Run> {
  const { store, log } = context;
  // It is there, unless it was so long ago that the table has let it go.
  const { run: waiting } = await store.create(scheduledRun(runRequest, context));
  const invocation = invocationOf(schedule, firing, waiting.runId);
  const begun = await change(store, waiting, (current) =>
    isTerminalRun(current) || current.invocations.length > 0
      ? undefined
      : { ...current, ...started(invocation, firing, context), outbox: [...current.outbox, ...news(firing)] },
  );
  const isUnwanted = begun.cancelRequestedAt !== undefined || begun.invocations.length === 0;
  if (isUnwanted && firing.invocationId !== undefined) {
    // It fired although it was cancelled or given up.
    log.warn('schedule.firedAfterEnd', { runId: begun.runId, invocationId: firing.invocationId });
    const ref = { region: schedule.region, invocationId: firing.invocationId };
    await providerOf(context.providers, schedule.provider).cancel(ref);
  }
  return await settle(begun, context);
}

async function beginNew(schedule: LiveSchedule, firing: Firing, context: SchedulesContext): Promise<Run> {
  const runId = runIdFor(schedule.rule, SCHEDULE_SOURCE, `${schedule.provider}/${firingKey(firing)}`);
  const { request } = schedule;
  const { run } = await context.store.create({
    version: 2,
    revision: 0,
    runId,
    rule: schedule.rule,
    trigger: {
      source: SCHEDULE_SOURCE,
      type: 'schedule.fired',
      id: firingKey(firing),
      subject: schedule.name,
      ...(request && causesOf(request.trigger)),
    },
    ancestry: request?.chain?.ancestry,
    notify: schedule.notify,
    followUps: schedule.followUps,
    replyTo: request?.replyTo,
    traceparent: request?.traceparent,
    target: targetOf(schedule),
    guards: {},
    onUnavailable: 'fail',
    requestedAt: firing.at,
    deadline: firing.at,
    failedReadings: 0,
    ...started(invocationOf(schedule, firing, runId), firing, context),
    outbox: news(firing),
  });
  return await settle(run, context);
}

/** What the run shows of where and how its command ran. */
function targetOf({ settings = {}, ...schedule }: LiveSchedule): Target {
  const { provider, region, command, instances, parameters, username } = schedule;
  const { timeoutSeconds, workingDirectory, ...options } = settings;
  return {
    provider,
    region,
    command,
    instances,
    parameters,
    username,
    timeoutSeconds,
    workingDirectory,
    options: Object.values(options).some((value) => value !== undefined) ? options : undefined,
  };
}

function invocationOf(schedule: LiveSchedule, firing: Firing, runId: RunId): RunInvocation {
  const { invocationId } = firing;
  const common = { token: `${runId}-0`, instances: schedule.instances, attemptedAt: firing.at };
  return invocationId === undefined
    ? { ...common, state: 'notSent', failure: failureOf(firing) }
    : { ...common, state: 'sent', invocationId };
}

function started(
  invocation: RunInvocation,
  firing: Firing,
  { now }: SchedulesContext,
): Pick<Run, 'status' | 'invocations' | 'tasks' | 'startedAt' | 'pollAt'> {
  return {
    status: 'pending',
    invocations: [invocation],
    tasks: neverStarted(invocation, firing),
    startedAt: invocation.state === 'sent' ? firing.at : undefined,
    // The poller takes it from here.
    pollAt: now().toISOString(),
  };
}

function news({ invocationId }: Firing): Run['outbox'] {
  return invocationId === undefined ? [] : ['run.started'];
}

function failureOf({ reason, at }: Firing) {
  const said = reason === '' ? 'It gives no reason.' : `It says: ${reason}`;
  return {
    code: 'schedule.notStarted',
    message: `The schedule's time came at ${at}, and the provider started nothing. ${said}`,
    advice:
      'Look whether the instances ran and their agents were online at that time, and whether the command is still there.',
  };
}

/** Each instance of a firing that started nothing gets a task that says so: then the run ends. */
function neverStarted(invocation: RunInvocation, firing: Firing): RunTask[] {
  if (invocation.state !== 'notSent') return [];
  const { token, instances } = invocation;
  return instances.map((instanceId) =>
    ownTask({
      invocationId: token,
      taskId: `${token}/${instanceId}`,
      instanceId,
      status: 'rejected',
      providerStatus: 'not started',
      error: failureOf(firing),
    }),
  );
}
