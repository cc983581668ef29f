/**
 * `cancel <run> [instance …]`: requests the cancel of a run, or of some of its instances; the button below a run's message
 * cancels the whole run.
 */
import { isTerminalRun } from '../../model/run.ts';
import { RunId } from '../../model/run-request.ts';
import { defineVerb } from '../verb.ts';

/** Of any cloud; no second run. */
function isInstance(id: string): boolean {
  return /^[a-z]{1,8}-[0-9A-Za-z]{1,64}$/.test(id) && !RunId.safeParse(id).success;
}

export interface CancelCommand {
  verb: 'cancel';
  runId: string;
  /** Absent: all of it. */
  instances?: readonly string[] | undefined;
}

export const cancel = defineVerb<CancelCommand>({
  name: 'cancel',
  usage: 'cancel <run> [instance …]',
  summary: 'cancels a run that is not over, or some instances of it',
  parse({ args }) {
    const [runId, ...words] = args;
    if (runId === undefined) return { ok: false, problem: 'expected a run, like run-…' };
    const instances = words.flatMap((word) => word.split(',').filter((id) => id !== ''));
    const isFine = RunId.safeParse(runId).success && instances.every(isInstance);
    if (!isFine) {
      const expected = 'expected a run, like run-…, and perhaps instances of it';
      return { ok: false, problem: `${expected}, came \`${args.join(' ')}\`` };
    }
    const meant = instances.length === 0 ? undefined : instances;
    return { ok: true, command: { verb: 'cancel', runId, instances: meant } };
  },
  async perform({ runId, instances = [] }, person) {
    const run = await person.run(runId);
    if (run === undefined) return [`There is no run \`${runId}\` that you may cancel here.`];
    if (isTerminalRun(run)) return [`Run \`${runId}\` of \`${run.rule}\` is over already: ${run.status}.`];
    const unknown = instances.filter((id) => !run.instances.includes(id));
    if (unknown.length > 0) {
      return [`Run \`${runId}\` has no \`${unknown.join('`, `')}\`: nothing was cancelled.`];
    }
    const where = instances.length === 0 ? '' : ` on \`${instances.join('`, `')}\``;
    person.cancel(run, instances);
    return [`Run \`${runId}\` of \`${run.rule}\` is being cancelled${where}.`];
  },
});
