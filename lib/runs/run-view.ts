/** A run as the API and the command line show it: everything a person asks about it, nothing of our bookkeeping. */
import { completedTasks, countByStatus } from '../completions/publish.ts';
import { isWaiting, type Run, type RunSchedule, type RunTask } from '../model/run.ts';
import { shownParameters } from '../model/secret-parameters.ts';

/** Lambda answers at most 6 MB; the outputs of one run's tasks get a share of that. */
const OUTPUT_BUDGET_BYTES = 512 * 1024;

/** One line's worth, for lists. */
export function summariseRun(run: Run) {
  return {
    runId: run.runId,
    rule: run.rule,
    status: run.status,
    ...(run.reason && { reason: run.reason }),
    ...(run.waitingFor && isWaiting(run) && { waitingFor: run.waitingFor }),
    ...(run.provider && { provider: run.provider }),
    ...(run.region && { region: run.region }),
    ...(run.command && { command: run.command }),
    instances: run.instances,
    ...(run.schedule && { schedule: viewOf(run.schedule) }),
    ...(run.cancel && { cancel: run.cancel }),
    invocationIds: run.invocations.flatMap(({ invocationId }) => invocationId ?? []),
    trigger: run.trigger,
    requestedAt: run.requestedAt,
    ...(run.startedAt && { startedAt: run.startedAt }),
    ...(run.endedAt && { endedAt: run.endedAt }),
    ...(run.cancelledInstances && { cancelledInstances: run.cancelledInstances }),
    ...(run.cancelRequestedAt && { cancelRequestedAt: run.cancelRequestedAt, cancelledBy: run.cancelledBy }),
  };
}

function viewOf({ timer, ...schedule }: RunSchedule) {
  return { ...schedule, firedBy: timer === undefined ? 'provider' : 'fleet-reflex', nextAt: timer?.nextAt };
}

export function describeRun(run: Run, tasks: readonly RunTask[]) {
  return {
    ...summariseRun(run),
    ancestry: run.ancestry ?? [],
    parameters: shownParameters(run),
    ...(run.timeoutSeconds !== undefined && { timeoutSeconds: run.timeoutSeconds }),
    ...(run.username && { username: run.username }),
    ...(run.workingDirectory && { workingDirectory: run.workingDirectory }),
    ...run.options,
    deadline: run.deadline,
    ...(run.skipped && { skipped: run.skipped }),
    notify: run.notify.map(({ name }) => name),
    counts: countByStatus(tasks),
    tasks: completedTasks(tasks, OUTPUT_BUDGET_BYTES),
  };
}
