/** A run as the API and the command line show it: everything a person asks about it, nothing of our bookkeeping. */
import { completedTasks, countByStatus } from '../completions/publish.ts';
import { instancesOf, isWaiting, knownTarget, type Run, type RunSchedule } from '../model/run.ts';
import { shownParameters } from '../model/secret-parameters.ts';

/** Lambda answers at most 6 MB; the outputs of one run's tasks get a share of that. */
const OUTPUT_BUDGET_BYTES = 512 * 1024;

/** One line's worth, for lists. */
export function summariseRun(run: Run) {
  return {
    runId: run.runId,
    rule: run.rule,
    status: run.status,
    reason: run.reason,
    waitingFor: isWaiting(run) ? run.waitingFor : undefined,
    ...knownTarget(run),
    instances: instancesOf(run),
    schedule: run.schedule && viewOf(run.schedule),
    cancel: run.cancel,
    invocationIds: run.invocations.flatMap(({ invocationId }) => invocationId ?? []),
    trigger: run.trigger,
    requestedAt: run.requestedAt,
    startedAt: run.startedAt,
    endedAt: run.endedAt,
    cancelledInstances: run.cancelledInstances,
    ...(run.cancelRequestedAt && { cancelRequestedAt: run.cancelRequestedAt, cancelledBy: run.cancelledBy }),
  };
}

function viewOf({ timer, ...schedule }: RunSchedule) {
  return { ...schedule, firedBy: timer === undefined ? 'provider' : 'fleet-reflex', nextAt: timer?.nextAt };
}

/** @param run with the outputs of its tasks */
export function describeRun(run: Run) {
  const { target } = run;
  return {
    ...summariseRun(run),
    ancestry: run.ancestry ?? [],
    parameters: shownParameters(target),
    timeoutSeconds: target?.timeoutSeconds,
    username: target?.username,
    workingDirectory: target?.workingDirectory,
    ...target?.options,
    deadline: run.deadline,
    skipped: run.skipped,
    notify: run.notify.map(({ name }) => name),
    counts: countByStatus(run.tasks),
    tasks: completedTasks(run.tasks, OUTPUT_BUDGET_BYTES),
  };
}
