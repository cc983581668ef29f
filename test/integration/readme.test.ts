/** Every command of README.md and of the operator's pages is run here, or is on a short list that says who runs it. */
import { randomUUID } from 'node:crypto';
import { copyFileSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import * as z from 'zod';
import { loadRules } from '../../lib/rules/load.ts';
import { SOURCES } from '../../lib/sources/registry.ts';
import { until } from '../contract/alibaba-local.ts';
import { FLEET_REFLEX, pointingTo, ROOT, runFile } from '../fixtures/command-line.ts';
import { STACK_START_MS, startTestStack, type TestStack } from '../fixtures/stack.ts';

const PAGES = [
  'README.md',
  'CONTRIBUTING.md',
  'docs/deploying.md',
  'docs/operations.md',
  'local/README.md',
] as const;

interface Elsewhere {
  why: string;
  /** A file that does it, and what in it. */
  proof?: readonly [file: string, text: string];
}

/** What is not run here. A command that nobody runs any more has no place on it. */
const ELSEWHERE: Readonly<Record<string, Elsewhere>> = {
  'git clone <this repository> fleet-reflex && cd fleet-reflex': { why: 'CI runs in a clone' },
  'npm run demo': { why: 'demo.test.ts', proof: ['test/integration/demo.test.ts', 'local/demo.ts'] },
  'npm start': {
    why: 'local-stack-process.test.ts, on ports of its own',
    proof: ['test/fixtures/up.ts', 'local/up.ts'],
  },
  'RULES_FILE=my-rules.yml npm start': {
    why: 'the same, and the stack of this file has such rules',
    proof: ['test/fixtures/stack.ts', 'RULES_FILE'],
  },
  'npm test': { why: 'CI, and you, just now', proof: ['.ci/run', 'npm test'] },
  'npx vitest run test/unit/rules/match.test.ts': {
    why: 'CI runs that file with all others',
    proof: ['.ci/run', 'npm test'],
  },
  'npm run generate': { why: 'npm run check does, with --check', proof: ['scripts/check.ts', 'generate.ts'] },
  'npm run fix': {
    why: 'it writes into the repository; what it writes npm run check looks for',
    proof: ['scripts/check.ts', 'scripts/generate.ts'],
  },
  'npm run check': { why: 'CI', proof: ['.ci/run', 'npm run check'] },
  'npm run faults': {
    why: 'half an hour of load; a small part is among the tests',
    proof: ['test/faults/processes.test.ts', 'suite'],
  },
  'npm run faults -- seeds': {
    why: 'minutes of load; some are among the tests',
    proof: ['test/faults/seeds.test.ts', 'seed'],
  },
  'npm run faults -- seeds seed-17': {
    why: 'the same for one',
    proof: ['test/faults/seeds.test.ts', 'seed'],
  },
  'npm run soak': { why: 'it takes an hour' },
  'npx fleet-reflex destinations': {
    why: 'it asks an AWS account',
    proof: ['test/unit/bin/destinations.test.ts', 'destinations'],
  },
  'npx fleet-reflex runs --archive <bucket> --since 90d --until 30d --by U2CERLKJA': {
    why: 'it reads a bucket of AWS',
    proof: ['test/integration/archive.test.ts', 'archive'],
  },
  'npx fleet-reflex audit --archive <bucket> --since 2026-01-01T00:00:00Z --json': {
    why: 'it reads a bucket of AWS',
    proof: ['test/integration/archive.test.ts', 'archive'],
  },
  'npx fleet-reflex redrive deliveries --stage <stage>': {
    why: 'it needs an AWS account',
    proof: ['test/integration/redrive.test.ts', 'redrive'],
  },
  'npx serverless deploy': { why: 'it needs an AWS account' },
  'npx serverless deploy --stage prod': { why: 'it needs an AWS account' },
  'npm run bench': { why: 'a quarter of an hour of load has no place among tests' },
  'npx serverless package --stage prod': {
    why: 'serverless.test.ts',
    proof: ['test/integration/serverless.test.ts', 'package'],
  },
  'export AWS_ACCESS_KEY_ID=local AWS_SECRET_ACCESS_KEY=local AWS_REGION=us-east-1': { why: 'for the next' },
  'aws --endpoint-url http://127.0.0.1:4566 sqs receive-message --wait-time-seconds 5 --max-number-of-messages 10 --queue-url http://127.0.0.1:4566/000000000000/completions':
    { why: 'not every machine has the AWS CLI; local-stack.test.ts does it with the SDK' },
  'fuser -k -KILL 3000/tcp': {
    why: 'it would end whatever has that port here; kill-functions.test.ts kills those of its own stack',
    proof: ['test/integration/kill-functions.test.ts', 'SIGKILL'],
  },
  'npm run deploy -- --stage prod': {
    why: 'it needs an AWS account; plan.test.ts has its plan',
    proof: ['test/unit/scripts/plan.test.ts', 'scripts/plan.ts'],
  },
};

interface Command {
  page: string;
  line: string;
}

const COMMANDS = PAGES.flatMap((page) => commandsOf(page, read(page)));
const RUN_HERE = COMMANDS.filter(({ line }) => ELSEWHERE[line] === undefined);

/** What a command has to print; any other something. All have to end well, and be silent on standard error. */
const PRINTS: readonly (readonly [line: RegExp, output: RegExp])[] = [
  [/^npx fleet-reflex rules check/, / is fine: \d+ rule/],
  [/^npx fleet-reflex rules test/, /✓ restart-web-on-5xx\n +run +cmd-echo0001 on ins-local001/],
  [/^npx fleet-reflex simulate/, /restart-web-on-5xx/],
  [/\/hooks\/alertmanager/, /"matched":\[\{"rule":"restart-web-on-5xx","runId":"run-/],
  [/^curl -sS \S+\/runs /, /"rule":"restart-web-on-5xx","status":"/],
  [/^npx fleet-reflex runs$/, /succeeded +run-\w+ +restart-web-on-5xx on ins-local001/],
  [/^npx fleet-reflex runs run-…/, /ins-local001: succeeded \(SUCCESS\), exit code 0\n +\| restart:web/],
  [/^npx fleet-reflex why High5xx/, /restart-web-on-5xx/],
  [/\/_fauxqs\/queues\/completions$/, /fleet-reflex\.run\.completed/],
  [/^npx fleet-reflex runs --rule/, /restart-web-on-5xx on ins-local001/],
  [
    /^npx fleet-reflex cancel .* --instance/,
    /It is cancelled on ins-local002, ins-local003; the rest goes on/,
  ],
  [/^npx fleet-reflex cancel/, /The cloud is asked to stop it/],
  [/^npx fleet-reflex approve/, /approved/i],
  [/^npx fleet-reflex deny/, /denied/i],
  [/^npx fleet-reflex resume/, /run-\w+/],
  [/^npx fleet-reflex freeze --reason/, /^Frozen by \S+ until .*: incident 4711/],
  [/^npx fleet-reflex freeze --lift/, /^Not frozen/],
  [/^npx fleet-reflex redrive events --local --dry-run/, /^0 in events-dlq/],
  [/^npx fleet-reflex redrive runs/, /^0 moved from runs-dlq to runs/],
];

describe('the pages', () => {
  test('have commands, and none that nobody runs', () => {
    const known = /^(curl|npx fleet-reflex) /;
    expect(RUN_HERE.filter(({ line }) => !known.test(line))).toEqual([]);
    expect(RUN_HERE.length).toBeGreaterThan(10);
  });

  test('still have what is run elsewhere, and whoever is said to run it does', () => {
    const lines = new Set(COMMANDS.map(({ line }) => line));
    expect(Object.keys(ELSEWHERE).filter((line) => !lines.has(line))).toEqual([]);
    for (const [line, { proof }] of Object.entries(ELSEWHERE)) {
      if (proof) expect(`${line}: ${read(proof[0])}`).toContain(proof[1]);
    }
  });

  test('name only scripts that package.json has', () => {
    const { scripts } = z.object({ scripts: z.record(z.string(), z.string()) }).parse(json('package.json'));
    const named = COMMANDS.flatMap(({ line }) => {
      const [, , script] = /\bnpm (run )?([\w-]+)$/.exec(line) ?? [];
      return script === undefined ? [] : [script];
    });
    expect(named.filter((script) => scripts[script] === undefined)).toEqual([]);
    expect(named).toContain('demo');
  });
});

describe('the first rule', () => {
  const rules = yamlOf(read('README.md'));

  test('is a rules file without a mistake', () => {
    const { rules: loaded } = loadRules(rules, 'README.md', SOURCES.values());
    expect(loaded.map(({ name }) => name)).toEqual(['restart-web-on-5xx']);
  });
});

describe('a command', () => {
  let stack: TestStack;
  let startedRun = '';
  /** What the command is about, where that is not the run of the first alert. */
  let ownRun: string | undefined;

  beforeAll(async () => {
    const example = yamlOf(read('README.md'));
    stack = await startTestStack({ rules: withMore(example) });
    // As the reader has it: the repository, and the reader's own files in it.
    writeFileSync(join(stack.folder, 'my-rules.yml'), example);
    copyFileSync(join(ROOT, 'events/alertmanager.json'), join(stack.folder, 'payload.json'));
    symlinkSync(join(ROOT, 'events'), join(stack.folder, 'events'));
    symlinkSync(join(ROOT, 'rules.yml'), join(stack.folder, 'rules.yml'));
  }, STACK_START_MS);

  test.each(RUN_HERE)('$line ($page)', async ({ line }) => {
    ownRun = await runFor(line);
    // What a reader sees who takes a second to read.
    if (/ fleet-reflex runs|\/runs /.test(line)) await ended(startedRun);

    const { code, out, err } = await shell(line);

    expect({ code, err, out }).toEqual({ code: 0, err: '', out: expect.stringMatching(printed(line)) });
    startedRun ||= /"runId":"(run-\w+)"/.exec(out)?.[1] ?? '';
  });

  test('that sends the same alert again finds the same run', async () => {
    const alert = RUN_HERE.find(({ line }) => line.includes('/hooks/alertmanager'))?.line ?? '';
    expect((await shell(alert)).out).toContain(`"runId":"${startedRun}"`);
  });

  test('of the npm package is the one that is run here', async () => {
    const { code, out } = await runFile('npx', ['--no-install', 'fleet-reflex', 'help'], { cwd: ROOT });
    expect([code, out]).toEqual([0, expect.stringContaining('fleet-reflex help <command>')]);
  });

  /** As a reader would type it, with the stack's own ports. */
  async function shell(line: string) {
    const typed = line
      .replace(/^npx fleet-reflex /, `"${process.execPath}" "${FLEET_REFLEX}" `)
      .replace('http://127.0.0.1:3000/', `${stack.httpUrl}/`)
      .replace('http://127.0.0.1:4566/', `${stack.sqsUrl}/`)
      .replace('run-…', ownRun ?? startedRun)
      .replace('<rule>', 'restart-web-on-5xx')
      .replace('ins-a', 'ins-local002')
      .replace('ins-b', 'ins-local003');
    return await runFile('bash', ['-c', typed], { cwd: stack.folder, env: pointingTo(stack) });
  }

  async function ended(runId: string): Promise<void> {
    const look = async () => Run.parse(await (await api(`/runs/${runId}`)).json());
    await until(look, ({ endedAt }) => endedAt !== undefined, 20_000);
  }

  /** A run that can be cancelled, approved or denied, or resumed. */
  async function runFor(line: string): Promise<string | undefined> {
    const [, verb = ''] = /^npx fleet-reflex (\w+) run-…/.exec(line) ?? [];
    switch (verb) {
      case 'cancel':
        return await start('sleep', () => true);
      case 'approve':
      case 'deny':
        return await start('ask', ({ waitingFor }) => waitingFor?.code === 'approval');
      case 'resume':
        return await start('roll', ({ endedAt }) => endedAt !== undefined);
      default:
        return undefined;
    }
  }

  async function start(rule: string, isReady: (run: z.infer<typeof Run>) => boolean): Promise<string> {
    const answer = await fetch(`${stack.httpUrl}/hooks/generic`, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${stack.secretOf('generic')}`,
        'content-type': 'application/json',
      },
      // Another event each time: the same one is the same run, which is over by then.
      body: JSON.stringify({ id: randomUUID(), rule }),
    });
    const { matched } = Matched.parse(await answer.json());
    const runId = matched[0]?.runId ?? '';
    await until(
      async () => Run.safeParse(await (await api(`/runs/${runId}`)).json()).data,
      (run) => run?.runId !== undefined && isReady(run),
      20_000,
    );
    return runId;
  }

  const api = (path: string) =>
    fetch(`${stack.httpUrl}${path}`, { headers: { authorization: `Bearer ${stack.runsToken}` } });
});

const Run = z.looseObject({
  runId: z.string().optional(),
  endedAt: z.string().optional(),
  waitingFor: z.looseObject({ code: z.string() }).optional(),
});
const Matched = z.looseObject({ matched: z.array(z.looseObject({ runId: z.string() })) });

function printed(line: string): RegExp {
  return PRINTS.find(([pattern]) => pattern.test(line))?.[1] ?? /\S/;
}

function read(file: string): string {
  return readFileSync(join(ROOT, file), 'utf8');
}

function json(file: string): unknown {
  const value: unknown = JSON.parse(read(file));
  return value;
}

/** Of the blocks of `sh`, a line each without its comment; and what stands as a command in a sentence. */
function commandsOf(page: string, text: string): Command[] {
  // Blocks and sentences in the order of the page, for the order in which a reader types them.
  const parts = text.split(/^ *```(\w*)\n([\s\S]*?)^ *```$/m);
  const lines: string[] = [];
  for (let at = 0; at < parts.length; at += 3) {
    const [sentences = '', language = '', block = ''] = parts.slice(at, at + 3);
    for (const [, line = ''] of sentences.matchAll(/`((?:\w+=\S+ )?(?:npx|npm|curl|node)\s[^`]+)`/g)) {
      lines.push(line.replaceAll(/\s+/g, ' '));
    }
    if (language !== 'sh') continue;
    const logical = block.replaceAll(/\\\n\s*/g, '').split('\n');
    lines.push(...logical.map((line) => line.replace(/\s+# .*$/, '').trim()).filter((line) => line !== ''));
  }
  return [...new Set(lines)].map((line) => ({ page, line }));
}

/** The block that is a whole rules file. */
function yamlOf(text: string): string {
  const blocks = [...text.matchAll(/^```yaml\n([\s\S]*?)^```$/gm)].map(([, block = '']) => block);
  const [example, ...others] = blocks.filter((block) => block.startsWith('version: 1'));
  if (example === undefined || others.length > 0) throw new Error('expected one rules file in README.md');
  return example;
}

/** Beside the reader's rule, something that can be cancelled, waits for a person, or stops in the middle. */
function withMore(example: string): string {
  const file = z.looseObject({ rules: z.array(z.unknown()) }).parse(parse(example));
  const ruleOf = (name: string, command: string, more: object, above: object = {}) => ({
    name,
    on: 'generic',
    when: `event.data.body.rule == '${name}'`,
    run: {
      provider: 'tencent',
      command,
      instances: ['ins-local001', 'ins-local002', 'ins-local003'],
      ...more,
    },
    ...above,
    guards: { lock: false },
  });
  const others = [
    ruleOf('sleep', 'cmd-sleep001', { parameters: { seconds: '60' } }),
    ruleOf('ask', 'cmd-echo0001', { parameters: { text: 'asked' } }, { approval: { expires: '10m' } }),
    ruleOf('roll', 'cmd-fail0001', { waves: { sizes: [1] } }),
  ];
  return JSON.stringify({ ...file, rules: [...file.rules, ...others] });
}
