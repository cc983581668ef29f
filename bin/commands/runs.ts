/** `fleet-reflex runs`: what has run, what is running, and what came of it. */
import { parseArgs } from 'node:util';
import * as z from 'zod';
import { type Command, UsageError } from '../command.ts';
import { lineOf, linesOf, RunDetail, RunSummary } from '../run-lines.ts';
import { CONNECTION, callRunsApi } from '../runs-client.ts';

const Page = z.looseObject({ runs: z.array(RunSummary), cursor: z.string().optional() });

export const command: Command = {
  summary: 'list runs, or show one with its output',
  usage: `fleet-reflex runs [--rule <name>] [--scheduled] [--limit <1-100>] [--json]
fleet-reflex runs <run id> [--json]

--scheduled: only those that wait for their time, soonest first, however long ago they were asked for.

${CONNECTION}`,
  async run(args) {
    const { values, positionals } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        rule: { type: 'string' },
        scheduled: { type: 'boolean' },
        limit: { type: 'string' },
        json: { type: 'boolean' },
      },
    });
    const [runId, ...rest] = positionals;
    if (rest.length > 0) throw new UsageError('One run id, or none.');
    const query = new URLSearchParams();
    if (values.rule !== undefined) query.set('rule', values.rule);
    if (values.scheduled === true) query.set('status', 'scheduled');
    if (values.limit !== undefined) query.set('limit', values.limit);
    const path = runId === undefined ? `/runs?${query}` : `/runs/${encodeURIComponent(runId)}`;
    const answer = await callRunsApi('GET', path);
    if (values.json === true) console.log(JSON.stringify(answer, undefined, 2));
    else if (runId === undefined) printPage(Page.parse(answer));
    else console.log(linesOf(RunDetail.parse(answer)).join('\n'));
    return 0;
  },
};

function printPage({ runs, cursor }: z.infer<typeof Page>): void {
  if (runs.length === 0) console.log('No run yet.');
  for (const run of runs) console.log(lineOf(run));
  if (cursor !== undefined) console.log('There are older ones: --limit shows up to 100.');
}
