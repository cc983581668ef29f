/** What ends runs of a simulation, and what follows an end. */
import { reaches } from '../model/episode.ts';
import { guardKey } from '../model/guard-key.ts';
import { instancesOf, type Run } from '../model/run.ts';
import type { RunRequest } from '../model/run-request.ts';
import { followUpRequest, withNext } from '../runs/follow-up.ts';
import type { RequestOf } from './effect.ts';
import type { Ending } from './happening.ts';

/** Whether a cancel is for a live run of the rules that it names: lib/runs/cancel.ts. */
export function isMeant(request: RequestOf<'cancel'>, run: Run): boolean {
  const { targetRunId, key } = request;
  if (targetRunId !== undefined) return run.runId === targetRunId;
  return (key === undefined || guardKey(run) === key) && reaches(request, run);
}

/** What follows an end of a run that was sent: lib/runs/follow-up.ts. */
export function nextRequest(run: Run, status: Ending, endedAt: Date): RunRequest | undefined {
  if (run.followUps === undefined) return undefined;
  const ended: Run = {
    ...run,
    status,
    endedAt: endedAt.toISOString(),
    invocations: [{ token: run.runId, instances: [...instancesOf(run)], state: 'sent' }],
    tasks: [],
  };
  return followUpRequest(withNext(ended));
}
