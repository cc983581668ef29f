/** `fleet-reflex rules …` as people call it: what it prints, and its exit codes. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
let folder = '';

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'rules-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function call(args: readonly string[], input = ''): { status: number | null; out: string; err: string } {
  const { RULES_FILE: _, ...env } = process.env;
  const { status, stdout, stderr } = spawnSync(process.execPath, ['bin/fleet-reflex.ts', ...args], {
    cwd: ROOT,
    env,
    input,
    encoding: 'utf8',
  });
  return { status, out: stdout, err: stderr };
}

test('rules check sums up a file that is fine', () => {
  const file = join(folder, 'fine.yml');
  writeFileSync(
    file,
    'version: 1\nproviders: { tencent: { region: ap-guangzhou } }\nrules:\n  - { name: a, on: [github, sns], run: { provider: tencent, command: cmd-1, instances: [ins-1, ins-2] } }\n  - { name: bb, on: sns, cancel: { rule: a }, notify: [] }\n',
  );
  expect(call(['rules', 'check', file])).toEqual({
    status: 0,
    out: `${file} is fine: 2 rules, 0 schedules
  a   on github, sns: run cmd-1 on ins-1, ins-2 (tencent)
  bb  on sns: cancel a
sources: github, sns
destinations: completions (SQS completions)
`,
    err: '',
  });
});

test('rules check counts the instances of a large fleet, and shows the first', () => {
  const file = join(folder, 'large.yml');
  const ids = Array.from({ length: 90 }, (_, index) => `ins-${index}`).join(', ');
  writeFileSync(
    file,
    `version: 1
fleets: { all: { provider: tencent, region: ap-guangzhou, instances: [${ids}] } }
rules: [{ name: r, on: sns, run: { fleet: all, command: cmd-1 } }]
schedules: [{ name: s, fleet: all, command: cmd-1, recurrence: '0 0 1 * *' }]
`,
  );
  expect(call(['rules', 'check', file]).out.split('\n').slice(1, 3)).toEqual([
    '  r  on sns: run cmd-1 on ins-0, ins-1, ins-2 and 87 more (tencent)',
    "  s: every '0 0 1 * *' run cmd-1 on ins-0, ins-1, ins-2 and 87 more (tencent)",
  ]);
});

test('rules check says what is wrong, and where', () => {
  const file = join(folder, 'wrong.yml');
  writeFileSync(file, 'version: 1\nrules:\n  - { name: a, on: githb, cancel: { rule: b } }\n');
  expect(call(['rules', 'check', file])).toEqual({
    status: 1,
    out: '',
    err: `${file}:3:20: rules[0].on: there is no source \`githb\`; did you mean \`github\`?
${file}:3:43: rules[0].cancel.rule: there is no rule \`b\`; did you mean \`a\`?
`,
  });
});

test('rules check asks the provider’s own reader about a recurrence', () => {
  const file = join(folder, 'cron.yml');
  writeFileSync(
    file,
    "version: 1\nproviders: { tencent: { region: ap-guangzhou } }\nrules: [{ name: r, on: sns, schedule: { provider: alibaba, region: cn-hangzhou, command: c-1, instances: i-1, recurrence: '0 0 1 * *' } }]\nschedules: [{ name: s, provider: tencent, command: cmd-1, instances: ins-1, recurrence: '61 * * * *' }]\n",
  );
  const { status, err } = call(['rules', 'check', file]);
  expect(status).toBe(1);
  expect(err).toContain("rules r: recurrence '0 0 1 * *': expected 6 fields");
  expect(err).toContain("schedules s: recurrence '61 * * * *'");
});

test('rules test says of each rule whether it fires, and what would run', () => {
  const { status, out } = call(['rules', 'test', 'events/alertmanager.json']);
  expect(status).toBe(0);
  expect(out).toContain(
    '✓ restart-web-on-5xx\n      run       cmd-echo0001 on ins-local001 (tencent, ap-guangzhou)\n                text = restart:web\n',
  );
  expect(out).toContain("· stop-when-resolved: `event.data.status == 'resolved'` is false\n");
});

test('rules test reads a trigger event from its input, and prints JSON', () => {
  const event = {
    specversion: '1.0',
    id: '1',
    source: 'generic',
    kind: 'generic',
    type: 'generic.x',
    time: '2026-11-20T10:00:00Z',
    data: { body: {} },
  };
  const { status, out } = call(['rules', 'test', '-', '--json'], JSON.stringify(event));
  expect({ status, results: JSON.parse(out) }).toMatchObject({
    status: 0,
    results: [
      {
        event: { type: 'generic.x' },
        rules: [{ rule: 'note-any-event', fires: true, request: { action: 'run' } }],
      },
    ],
  });
});

test.each([
  [['rules', 'test', 'events/github.push.json', '--source', 'githb'], 2, 'There is no source `githb`.'],
  [['rules', 'test', 'package.json'], 2, 'add --source, one of alertmanager'],
  [['rules', 'test', 'a.json', 'b.json'], 2, 'Expected one file with an event, came 2.'],
  [
    ['rules', 'test', 'events/slack.json', '--source', 'alertmanager'],
    1,
    'This is not a payload of alertmanager',
  ],
  [['rules', 'check', 'a', 'b'], 2, 'Expected one file, came 2.'],
  [['rules', 'check', '--fix'], 2, "Unknown option '--fix'"],
  [['rules', 'check', 'no-such-file.yml'], 1, 'There is no rules file no-such-file.yml that can be read.'],
  [['rules', 'chek'], 2, 'Expected `check` or `test`, came `chek`.'],
  [['rule'], 2, 'There is no command `rule`. Commands: '],
])('%j: exit code %i', (args, status, message) => {
  expect(call(args)).toEqual({ status, out: '', err: expect.stringContaining(message) });
});

test.each([[['help']], [[]], [['--help']]])('%j lists the commands', (args) => {
  const { status, out } = call(args);
  expect({ status, out }).toEqual({
    status: 0,
    out: expect.stringMatching(/ {2}rules +check a rules file; try its cases, or an event, on it\n/),
  });
});

test('a command explains itself', () => {
  expect(call(['rules', '--help']).out).toContain('fleet-reflex rules check [file]');
  expect(call(['help', 'rules']).out).toContain('fleet-reflex rules check [file]');
});

test('rules check warns of a rule that can see its own events, and rules test says what holds', () => {
  const file = join(folder, 'feedback.yml');
  writeFileSync(
    file,
    'version: 1\nproviders: { tencent: { region: ap-guangzhou } }\ndestinations: { back: { sqs: events } }\nrules:\n  - { name: a, on: fleet-reflex, run: { provider: tencent, command: cmd-1, instances: ins-1 }, notify: [back] }\n',
  );
  const { status, out } = call(['rules', 'check', file]);
  expect(status).toBe(0);
  expect(out).toContain(`warning: ${file}:5:104: rules[0].notify: \`a\` can see its own events`);
  const tried = call(['rules', 'test', 'events/fleet-reflex.json', '--rules', file]);
  expect(tried.out).toContain('guards    100 runs an hour');
});
