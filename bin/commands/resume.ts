/** `fleet-reflex resume`: goes on with a rollout that ended in the middle. */
import { parseArgs } from 'node:util';
import * as z from 'zod';
import { printable } from '../../lib/model/printable.ts';
import { type Command, UsageError } from '../command.ts';
import { CONNECTION, callRunsApi } from '../runs-client.ts';

const Resumed = z.looseObject({ runId: z.string(), rule: z.string(), instances: z.array(z.string()) });

export const command: Command = {
  summary: 'go on with a rollout that stopped, on the instances that it never reached',
  usage: `fleet-reflex resume <run id>

For a run in waves that was stopped by its failures, cancelled, or too late for a wave. It is a new run of the same rule,
event, command and parameters, past the guards of the rule (and its approval) once more, and begins with the first wave
size again. To ask twice is to ask once. Where the run failed, it is not repeated.

${CONNECTION}`,
  async run(args) {
    const { positionals } = parseArgs({ args: [...args], allowPositionals: true, options: {} });
    const [runId, ...rest] = positionals;
    if (runId === undefined || rest.length > 0)
      throw new UsageError('Which run? `fleet-reflex runs` lists them.');
    const answer = await callRunsApi('POST', `/runs/${encodeURIComponent(runId)}/resume`);
    const { runId: as, rule, instances } = Resumed.parse(answer);
    console.log(printable(`${rule} goes on as ${as}, on ${instances.join(', ')}.`));
    console.log(`\`fleet-reflex runs ${as}\` shows it in a moment.`);
    return 0;
  },
};
