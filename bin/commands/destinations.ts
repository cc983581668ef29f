/** `fleet-reflex destinations`: whether what the rules name as destinations is there, before a run needs it. */
import { parseArgs } from 'node:util';
import { environment } from '../../lib/config.ts';
import { messageOf } from '../../lib/errors.ts';
import { describeDestination } from '../../lib/model/destination-ref.ts';
import { type Command, UsageError } from '../command.ts';
import { accountLooks, lookFor } from './destinations/look-for.ts';
import { readRules } from './rules/read.ts';

export const command: Command = {
  summary: 'ask the account whether the destinations of the rules are there',
  usage: `fleet-reflex destinations [<rules file>]

Asks AWS, as AWS_REGION, AWS_PROFILE and the like say, for each queue, topic, bus and log group under \`destinations\`.
Nothing is sent. Web hooks are listed and not called. Exit code 1: one is not there, or could not be asked for.`,
  async run(args) {
    const { positionals } = parseArgs({ args: [...args], allowPositionals: true });
    const [file = environment['RULES_FILE'] || 'rules.yml', ...rest] = positionals;
    if (rest.length > 0) throw new UsageError('One rules file at a time.');
    const { destinations } = await readRules(file);
    const looks = accountLooks();
    const lines = await Promise.all(
      destinations.map(async (ref) => {
        const found = await lookFor(ref, looks).catch((thrown: unknown) => `not known: ${messageOf(thrown)}`);
        return { found, text: `${describeDestination(ref)}: ${found}` };
      }),
    );
    for (const { text } of lines) console.log(text);
    return lines.every(({ found }) => found === 'there' || found === 'not asked') ? 0 : 1;
  },
};
