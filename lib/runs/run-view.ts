/** A run in the API and on the command line: the facts for a person, without internal fields. */
import { completedTasks, countByStatus } from '../completions/publish.ts';
import { describeApproval } from '../model/describe-approval.ts';
import { isCutShort, neverSentTo } from '../model/resume.ts';
import type { Run } from '../model/run.ts';
import { summariseRun } from '../model/run-summary.ts';
import { describeWaves } from '../model/run-waves.ts';
import { shownParameters } from '../model/secret-parameters.ts';

/** Lambda answers at most 6 MB; the outputs of one run's tasks get a share of that. */
const OUTPUT_BUDGET_BYTES = 512 * 1024;

/**
 * @param run with the outputs of its tasks
 * @param resumed the run that resumed it
 */
export function describeRun(run: Run, resumed?: Run) {
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
    // Of a rollout that ended in the middle: on what it may be resumed, or was.
    neverSentTo: isCutShort(run) ? neverSentTo(run) : undefined,
    resumedAs: resumed?.runId,
    waves: describeWaves(run),
    approval: describeApproval(run),
    notify: [...new Set(run.notify.map(({ name }) => name))],
    counts: countByStatus(run.tasks),
    tasks: completedTasks(run.tasks, OUTPUT_BUDGET_BYTES),
  };
}
