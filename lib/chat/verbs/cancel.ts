/** `cancel <run>`: asks that a run be cancelled; the button below a run's message says the same. */
import { RunId } from '../../runs/run-request.ts';
import { defineVerb, saying } from '../verb.ts';
import { visibleRun } from '../visible-run.ts';

export interface CancelCommand {
  verb: 'cancel';
  runId: string;
}

export const cancel = defineVerb<CancelCommand>({
  name: 'cancel',
  usage: 'cancel <run>',
  summary: 'cancels a run that is not over',
  parse({ args }) {
    const [runId, surplus] = args;
    if (runId === undefined) return { ok: false, problem: 'expected a run, like run-…' };
    if (surplus !== undefined || !RunId.safeParse(runId).success)
      return { ok: false, problem: `expected one run, like run-…, came \`${args.join(' ')}\`` };
    return { ok: true, command: { verb: 'cancel', runId } };
  },
  async perform({ runId }, context) {
    const run = await visibleRun(runId, context);
    if (run === undefined) return saying(`There is no run \`${runId}\` that you may cancel here.`);
    const { source, data } = context.event;
    const who = data.user.name === undefined ? data.user.id : `${data.user.id} (${data.user.name})`;
    const cancellation = await context.port.cancel(runId, `${source}/${who}`);
    switch (cancellation.kind) {
      case 'asked':
        return saying(`Run \`${runId}\` of \`${run.rule}\` is being cancelled.`);
      case 'ended':
        return saying(`Run \`${runId}\` of \`${run.rule}\` is over already: ${cancellation.status}.`);
      case 'unknown':
        return saying(`There is no run \`${runId}\` that you may cancel here.`);
    }
  },
});
