/** `fleet-reflex cancel`: asks for a run to be stopped. */
import { parseArgs } from 'node:util';
import { type Command, UsageError } from '../command.ts';
import { lineOf, RunSummary } from '../run-lines.ts';
import { CONNECTION, callRunsApi } from '../runs-client.ts';

export const command: Command = {
  summary: 'stop a run',
  usage: `fleet-reflex cancel <run id> [--instance <id> …]

The run ends in the state that the cloud reports: cancelled before it started, stopped while it ran, or finished in spite
of the cancel. With --instance, once for each, it is cancelled only on these instances, and continues on the others.

${CONNECTION}`,
  async run(args) {
    const { positionals, values } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: { instance: { type: 'string', multiple: true } },
    });
    const [runId, ...rest] = positionals;
    if (runId === undefined || rest.length > 0)
      throw new UsageError('Which run? `fleet-reflex runs` lists them.');
    const { instance: instances } = values;
    const path = `/runs/${encodeURIComponent(runId)}/cancel`;
    const answer = await callRunsApi('POST', path, instances && { instances });
    const run = RunSummary.parse(answer);
    const said =
      instances === undefined
        ? wholeOf(run)
        : `It is cancelled on ${instances.join(', ')}; the rest goes on.`;
    console.log(`${said} \`fleet-reflex runs ${runId}\` shows how it ends.`);
    console.log(lineOf(run));
    return 0;
  },
};

function wholeOf({ status }: RunSummary): string {
  return status === 'scheduled' ? 'It will not be sent.' : 'The cloud is asked to stop it.';
}
