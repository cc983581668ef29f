// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the templates of rules look like this
/** What an event may decide of a rule: nothing of where and what it runs, and no options, unless `unsafe` says so. */
import { expect, test } from 'vitest';
import { renderRule } from '../../../lib/rules/render.ts';
import { anAlert, aRule, NOW, problemsIn, rulesOf } from './events.ts';

test.each([
  ['an id in the file', 'instances: ins-1', false],
  ['ids in the file', 'instances: [ins-1, ins-2]', false],
  ['an id of the event', "instances: '${event.data.labels.instance_id}'", true],
  ['a part of an id', "instances: 'ins-${event.data.labels.instance}'", true],
  ['one of several', "instances: [ins-1, '${event.data.labels.instance_id}']", true],
])('%s: whether the event chooses the instances', (_what, run, isFromEvent) => {
  expect(aRule(run).action).toMatchObject({
    kind: 'run',
    target: { isInstancesFromEvent: isFromEvent },
  });
});

function fileOf(action: string): string {
  return `version: 1\nproviders: { tencent: { region: ap-guangzhou } }\nrules:\n  - name: r\n    on: alertmanager\n    ${action}\n`;
}

const FIELDS = {
  instances: 'command: cmd-1, instances: "${event.data.labels.i}"',
  command: 'command: "cmd-${event.data.labels.c}", instances: ins-1',
  region: 'command: cmd-1, instances: ins-1, region: "${event.data.labels.r}"',
  username: 'command: cmd-1, instances: ins-1, username: "u${event.data.labels.u}"',
} as const;

const CHOSEN = Object.entries(FIELDS).flatMap(([field, target]) => [
  [field, `run: { provider: tencent, ${target}`, 'run'] as const,
  [field, `schedule: { provider: tencent, at: 10m, ${target}`, 'schedule'] as const,
]);

test.each<readonly [field: string, action: string, kind: string]>([
  ...CHOSEN,
  [
    'instances',
    'run: { provider: tencent, command: cmd-1, instances: [ins-1, "${event.data.labels.i}"]',
    'run',
  ],
  [
    'command',
    "run: { provider: tencent, command: \"${event.data.name == 'a' ? 'cmd-1' : 'cmd-2'}\", instances: ins-1",
    'run',
  ],
  [
    'workingDirectory',
    'run: { provider: tencent, command: cmd-1, instances: ins-1, workingDirectory: "/srv/${event.data.labels.d}"',
    'run',
  ],
])('refuses %s that the event chooses: %s', (field, action, kind) => {
  const [problem, ...others] = problemsIn(fileOf(`${action} }`));
  const column = 5 + action.indexOf(`${field}: `) + field.length + 2;
  expect({ problem, others }).toEqual({
    problem: expect.stringMatching(
      new RegExp(
        `^r\\.yml:6:${column}: rules\\[0\\]\\.${kind}\\.${field}: is chosen by the event; write .*unsafe: \\[${field}\\]`,
      ),
    ),
    others: [],
  });
  expect(problemsIn(fileOf(`${action}, unsafe: [${field}] }`))).toEqual([]);
});

test('every field that the event chooses is named at once', () => {
  const run =
    'run: { provider: tencent, command: "cmd-${event.id}", region: "${event.id}", instances: "${event.id}", username: "${event.id}" }';
  expect(problemsIn(fileOf(run))).toHaveLength(4);
});

test('a rule that leaves its instances to events on purpose works', () => {
  const rule = aRule('instances: "${event.data.labels.instance_id}", unsafe: [instances]');
  expect(renderRule(rule, anAlert(), { now: NOW })).toMatchObject({
    action: 'run',
    target: { instances: ['ins-local001'] },
  });
});

function withPattern(pattern: string, more = ''): string {
  return fileOf(
    `run: { provider: tencent, command: cmd-1, instances: ins-1, parameters: { text: "\${event.data.name}" }, patterns: { text: '${pattern.replaceAll("'", "''")}' }${more} }`,
  );
}

const OPTION = 'lets a word of the value begin with `-`, so that an event can add an option';
const SHELL = 'lets characters through that a shell reads';

test.each([
  ['.*', SHELL],
  ['.+', SHELL],
  ['[^x]+', SHELL],
  ['\\S+', SHELL],
  ['\\W?web', SHELL],
  ['[a-z;]+', SHELL],
  ['[a-z]+[\\x24]', SHELL],
  ['web[‘-’]*', SHELL],
  ['[a-z -]+', OPTION],
  ['[A-Za-z0-9][A-Za-z0-9 _.,:@/+=-]{0,600}', OPTION],
  ['web [a-z-]+', OPTION],
  ['[a-z]+ -[a-z]+', OPTION],
  ['[a-z]+( --[a-z]+)?', OPTION],
  ['([a-z]+ )*[a-z-]+', OPTION],
  ['[a-z]+\\s*[a-z-]+', SHELL],
  ['[a-z]+\\t[a-z-]+', OPTION],
  ['web\u3000?[a-z\u2013]+', OPTION],
  ['-?[0-9]+', OPTION],
  ['[a-z-]+', OPTION],
  ['(web|[ -]+)+', OPTION],
  ['([a-z]| -)+', OPTION],
])('refuses the pattern %s', (pattern, problem) => {
  expect(problemsIn(withPattern(pattern))).toEqual([
    expect.stringMatching(/^r\.yml:6:\d+: rules\[0\]\.run\.patterns\.text: /),
  ]);
  expect(problemsIn(withPattern(pattern))[0]).toContain(problem);
  for (const name of ['patterns.text', 'parameters.text', 'patterns']) {
    expect(problemsIn(withPattern(pattern, `, unsafe: [${name}]`))).toEqual([]);
  }
  expect(problemsIn(withPattern(pattern, ', unsafe: [patterns.other]'))).toHaveLength(1);
});

test.each([
  '[0-9]{1,3}',
  '[a-z][a-z-]*',
  '[a-z]+ [a-z]+',
  '[a-z][a-z-]*( [a-z][a-z-]*)*',
  '[A-Za-z0-9_.:][A-Za-z0-9_.:@/+=-]*( +[A-Za-z0-9_.:][A-Za-z0-9_.:@/+=-]*)*',
  '/srv/[a-z]+',
  '[a-z]+,[a-z]+',
  '--fast|--slow --force',
  'deploy( --force)? [a-z]+',
  'echo "\\$\\(id\\)"; ls|x',
  '[\u4e00-\u9fff]+',
])('the pattern %s is fine', (pattern) => {
  expect(problemsIn(withPattern(pattern))).toEqual([]);
});

test('a pattern that takes the empty value is worth a word', () => {
  expect(rulesOf(withPattern('[a-z]*').split('rules:\n')[1] ?? '').warnings).toEqual([
    expect.stringContaining('rules[0].run.patterns.text: takes the empty value too'),
  ]);
});

test('a file of nested repetitions is read in no time to speak of', () => {
  const nested = `${'('.repeat(45)}[a-z]*${')*'.repeat(45)}`;
  expect(problemsIn(withPattern(nested))).toEqual([]);
});

test('what unsafe names without need is a warning, and what it cannot name a problem', () => {
  const run = (unsafe: string): string =>
    `  - { name: r, on: alertmanager, run: { provider: tencent, command: cmd-1, instances: ins-1, unsafe: [${unsafe}] } }`;
  expect(rulesOf(run('instances, patterns.x')).warnings).toEqual([
    expect.stringContaining('rules[0].run.unsafe[0]: `instances` is not needed'),
    expect.stringContaining('rules[0].run.unsafe[1]: `patterns.x` is not needed'),
  ]);
  expect(
    problemsIn(`version: 1\nproviders: { tencent: { region: ap-guangzhou } }\nrules:\n${run('instancs')}`),
  ).toEqual([
    expect.stringContaining(
      'there is no field `instancs` that an event could choose; did you mean `instances`?',
    ),
  ]);
});
