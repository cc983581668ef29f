/** `fleet-reflex rules check` and `rules test`: what a rules file says, before it is deployed. */
import { parseArgs } from 'node:util';
import { type Command, UsageError } from '../command.ts';
import { checkRules } from './rules/check.ts';
import { testRules } from './rules/test.ts';

const USAGE = `fleet-reflex rules check [file]
    Says everything that is wrong with the rules file, each with its line and column, or what the file has.
    The file is rules.yml, or what RULES_FILE names. Exit code 1 when something is wrong.

fleet-reflex rules test <event.json> [--source name] [--rules file] [--json]
    Says for each rule whether the event fires it and why not, and what would be run. Nothing is run.
    The event is a trigger event, or what a source sends: then --source says which, unless the file is named
    after it (alertmanager.json, github.push.json). - reads the standard input. Signatures are not checked.
    Exit code 1 when no rule fires.`;

export const command: Command = {
  summary: 'check a rules file; try an event on it',
  usage: USAGE,
  async run([action, ...args]) {
    if (action === 'check') return await check(args);
    if (action === 'test') return await test(args);
    const came = action === undefined ? '' : `, came \`${action}\``;
    throw new UsageError(`Expected \`check\` or \`test\`${came}.`);
  },
};

async function check(args: string[]): Promise<number> {
  const { positionals } = parseArgs({ args, allowPositionals: true });
  if (positionals.length > 1) throw new UsageError(`Expected one file, came ${positionals.length}.`);
  return await checkRules(positionals[0] ?? defaultFile());
}

async function test(args: string[]): Promise<number> {
  const options = {
    source: { type: 'string' },
    rules: { type: 'string' },
    json: { type: 'boolean' },
  } as const;
  const { positionals, values } = parseArgs({ args, options, allowPositionals: true });
  const [event, ...others] = positionals;
  if (event === undefined || others.length > 0) {
    throw new UsageError(`Expected one file with an event, came ${positionals.length}.`);
  }
  const rules = values.rules ?? defaultFile();
  return await testRules({ event, rules, source: values.source, isJson: values.json === true });
}

function defaultFile(): string {
  return process.env['RULES_FILE'] ?? 'rules.yml';
}
