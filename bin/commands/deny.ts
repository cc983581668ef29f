/** `fleet-reflex deny`: says no to a run that waits for a second person. */
import { parseArgs } from 'node:util';
import { type Command, UsageError } from '../command.ts';
import { lineOf, RunSummary } from '../run-lines.ts';
import { CONNECTION, callRunsApi } from '../runs-client.ts';

export const command: Command = {
  summary: 'deny a run that waits for approval',
  usage: `fleet-reflex deny <run id> [--why <text>]

The run ends as approval.denied, and nothing of it is sent. The token needs the scope approve; whoever asked for the run
cancels it instead.

${CONNECTION}`,
  async run(args) {
    const { positionals, values } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: { why: { type: 'string' } },
    });
    const [runId, ...rest] = positionals;
    if (runId === undefined || rest.length > 0)
      throw new UsageError('Which run? `fleet-reflex runs` lists them.');
    const { why } = values;
    const path = `/runs/${encodeURIComponent(runId)}/deny`;
    const run = RunSummary.parse(await callRunsApi('POST', path, why === undefined ? undefined : { why }));
    console.log(`Denied; nothing of it is sent. \`fleet-reflex runs ${run.runId}\` shows how it ends.`);
    console.log(lineOf(run));
    return 0;
  },
};
