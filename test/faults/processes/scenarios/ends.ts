/** How the runs of a scenario must have ended. */
import type { RunStatus } from '../../../../lib/model/completion-event.ts';
import type { Seen } from '../scenario.ts';

/**
 * What a person typed is carried out within five minutes or not at all (lib/runs/command-age.ts), and the message of a
 * process that died comes back after six.
 */
export const TOO_OLD = { status: 'rejected', reason: 'command.too-old' } as const;

export function allAre(count: number, status: RunStatus, reason?: string): (seen: Seen) => string[] {
  return ({ runs }) => {
    const ended = runs.filter(({ cancel }) => cancel === undefined);
    const isRight =
      ended.length === count && ended.every((run) => run.status === status && run.reason?.code === reason);
    const came = ended.map((run) => `${run.status} ${run.reason?.code ?? ''}`.trim());
    return isRight
      ? []
      : [`expected ${count} × ${status} ${reason ?? ''}, came ${came.join(', ') || 'no run'}`];
  };
}
