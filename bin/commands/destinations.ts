/** `fleet-reflex destinations`: whether what the rules name as destinations is there, before a run needs it. */
import { parseArgs } from 'node:util';
import { environment } from '../../lib/config.ts';
import { messageOf } from '../../lib/errors.ts';
import { describeDestination } from '../../lib/model/destination-ref.ts';
import { type Command, UsageError } from '../command.ts';
import { queuePrefix } from '../queue-prefix.ts';
import { accountLooks, lookFor } from './destinations/look-for.ts';
import { readRules } from './rules/read.ts';

export const command: Command = {
  summary: 'ask the account whether the destinations of the rules are there',
  usage: `fleet-reflex destinations [<rules file>] [--stage <stage>]

Asks AWS, as AWS_REGION, AWS_PROFILE and the like say, for each queue, topic, bus and log group under \`destinations\`.
--stage (or STAGE, or QUEUE_PREFIX) says whose \`completions\` it is. Nothing is sent. Web hooks are listed and not called. Exit code 1: one is not there, or could not be asked for.`,
  async run(args) {
    const { values, positionals } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: { stage: { type: 'string' } },
    });
    const [file = environment['RULES_FILE'] || 'rules.yml', ...rest] = positionals;
    if (rest.length > 0) throw new UsageError('One rules file at a time.');
    const { destinations } = await readRules(file);
    const looks = accountLooks();
    const prefix = queuePrefix(values.stage);
    const lines = await Promise.all(
      destinations.map(async (ref) => {
        const found = await lookFor(ref, looks, prefix).catch(
          (thrown: unknown) => `not known: ${messageOf(thrown)}`,
        );
        return { found, text: `${describeDestination(ref)}: ${found}` };
      }),
    );
    for (const { text } of lines) console.log(text);
    return lines.every(({ found }) => found === 'there' || found === 'not asked') ? 0 : 1;
  },
};
