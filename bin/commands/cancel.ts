/** `fleet-reflex cancel`: asks for a run to be stopped. */
import { parseArgs } from 'node:util';
import { type Command, UsageError } from '../command.ts';
import { lineOf, RunSummary } from '../run-lines.ts';
import { CONNECTION, callRunsApi } from '../runs-client.ts';

export const command: Command = {
  summary: 'stop a run',
  usage: `fleet-reflex cancel <run id>

The run ends as what the cloud then reports: cancelled before it started, stopped while it ran, or finished all the same.

${CONNECTION}`,
  async run(args) {
    const { positionals } = parseArgs({ args: [...args], allowPositionals: true });
    const [runId, ...rest] = positionals;
    if (runId === undefined || rest.length > 0)
      throw new UsageError('Which run? `fleet-reflex runs` lists them.');
    const answer = await callRunsApi('POST', `/runs/${encodeURIComponent(runId)}/cancel`);
    const run = RunSummary.parse(answer);
    const said = run.status === 'scheduled' ? 'It will not be sent.' : 'The cloud is asked to stop it.';
    console.log(`${said} \`fleet-reflex runs ${runId}\` shows how it ends.`);
    console.log(lineOf(run));
    return 0;
  },
};
