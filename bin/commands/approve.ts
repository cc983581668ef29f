/** `fleet-reflex approve`: says yes to a run that waits for a second person. */
import { parseArgs } from 'node:util';
import { type Command, UsageError } from '../command.ts';
import { lineOf, RunSummary } from '../run-lines.ts';
import { CONNECTION, callRunsApi } from '../runs-client.ts';

export const command: Command = {
  summary: 'approve a run that waits for it',
  usage: `fleet-reflex approve <run id>

The run is sent as it was asked for: a stored command, or anything else of it, that was changed since voids the approval.
Whoever asked for the run cannot approve it. \`fleet-reflex runs <run id>\` shows what will run where; the token needs the
scope approve.

${CONNECTION}`,
  async run(args) {
    const { positionals } = parseArgs({ args: [...args], allowPositionals: true });
    const [runId, ...rest] = positionals;
    if (runId === undefined || rest.length > 0)
      throw new UsageError('Which run? `fleet-reflex runs` lists them.');
    const run = RunSummary.parse(await callRunsApi('POST', `/runs/${encodeURIComponent(runId)}/approve`));
    console.log(`Approved; it is sent now. \`fleet-reflex runs ${run.runId}\` shows how it ends.`);
    console.log(lineOf(run));
    return 0;
  },
};
