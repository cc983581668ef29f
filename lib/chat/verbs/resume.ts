/** `resume <run>`: goes on with a rollout that ended in the middle, on the instances that were never sent to. */
import { RunId } from '../../model/run-request.ts';
import { defineVerb } from '../verb.ts';

export interface ResumeCommand {
  verb: 'resume';
  runId: string;
}

export const resume = defineVerb<ResumeCommand>({
  name: 'resume',
  usage: 'resume <run>',
  summary: 'goes on with a rollout that stopped, on the instances that it never reached',
  parse({ args }) {
    const [runId, surplus] = args;
    if (runId === undefined) return { ok: false, problem: 'expected a run, like run-…' };
    if (surplus !== undefined || !RunId.safeParse(runId).success) {
      return { ok: false, problem: `expected one run, like run-…, came \`${args.join(' ')}\`` };
    }
    return { ok: true, command: { verb: 'resume', runId } };
  },
  async perform({ runId }, person) {
    const run = await person.run(runId);
    if (run === undefined) return [`There is no run \`${runId}\` that you may resume here.`];
    const resumed = await person.resume(run);
    if (resumed.kind === 'refused') return [`Nothing started: run \`${runId}\`: ${resumed.because}.`];
    const { instances } = resumed;
    const where = instances.length === 1 ? `\`${instances[0]}\`` : `${instances.length} instances`;
    return [`Run \`${runId}\` of \`${run.rule}\` is resumed as \`${resumed.runId}\` on ${where}.`];
  },
});
