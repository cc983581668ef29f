/** `fleet-reflex rules check` and `rules test`: what a rules file says, before it is deployed. */
import { parseArgs } from 'node:util';
import { type Command, UsageError } from '../command.ts';
import { casesBeside } from './rules/cases/read.ts';
import { checkRules } from './rules/check.ts';
import { testRules } from './rules/test.ts';
import { areCases, testCases } from './rules/test-cases.ts';

const USAGE = `fleet-reflex rules check [file]
    Says everything that is wrong with the rules file, each with its line and column, or what the file has.
    The file is rules.yml, or what RULES_FILE names. Exit code 1 when something is wrong.

fleet-reflex rules test [cases.test.yml | folder …] [--json]
    Plays the cases that stand beside the rules (rules.test.yml beside rules.yml): events in, and what they expect to
    run, to be stopped and why. Nothing is run. Without a file, those beside rules.yml, or what RULES_FILE names; of a
    folder all that are in it. Exit code 1 when one is not as expected. docs/testing-rules.md has the format.

fleet-reflex rules test <event.json> [--source name] [--rules file] [--rehearse] [--json]
    Says for each rule whether the event fires it and why not, and what would be run. Nothing is run.
    The event is a trigger event, or what a source sends: then --source says which, unless the file is named
    after it (alertmanager.json, github.push.json). - reads the standard input. Signatures are not checked.
    Exit code 1 when no rule fires.
    --rehearse asks the cloud what would run, and runs nothing: the script with its values filled in, and for each
    instance whether it would take the command. Then exit code 1 also when not all of it would run. It needs the
    clouds' credentials in the environment (docs/configuration.md), at Alibaba with the permission for InvokeCommand,
    of which it is the dry run; for the local stack:
      TENCENT_ENDPOINT=http://127.0.0.1:4580 TENCENTCLOUD_SECRET_ID=local TENCENTCLOUD_SECRET_KEY=local-secret
      ALIBABA_ENDPOINT=http://127.0.0.1:4581 ALIBABA_CLOUD_ACCESS_KEY_ID=local
      ALIBABA_CLOUD_ACCESS_KEY_SECRET=local-secret`;

export const command: Command = {
  summary: 'check a rules file; try its cases, or an event, on it',
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
    rehearse: { type: 'boolean' },
  } as const;
  const { positionals, values } = parseArgs({ args, options, allowPositionals: true });
  const cases = positionals.length === 0 ? [casesBeside(values.rules ?? defaultFile())] : positionals;
  if (await areCases(cases)) {
    if (values.source === undefined && values.rehearse !== true) {
      return await testCases(cases, values.json === true);
    }
    throw new UsageError('--source and --rehearse are for one event; a case names its source itself.', {
      options: ['--source', '--rehearse'],
    });
  }
  const [event, ...others] = positionals;
  if (event === undefined || others.length > 0) {
    throw new UsageError(`Expected one file with an event, came ${positionals.length}.`);
  }
  const rules = values.rules ?? defaultFile();
  return await testRules({
    event,
    rules,
    source: values.source,
    isJson: values.json === true,
    isRehearsed: values.rehearse === true,
  });
}

function defaultFile(): string {
  return process.env['RULES_FILE'] ?? 'rules.yml';
}
