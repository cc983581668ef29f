/** What a rules file may say, and what is said of one that is wrong: every problem, where it is, what to write. */
// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the templates of rules look like this

import { expect, test } from 'vitest';
import { SOURCES } from '../../../lib/sources/registry.ts';
import { takesMessages } from '../../../lib/sources/settings.ts';
import { settingsOf } from '../../fixtures/source-settings.ts';
import { problemsIn, rulesOf } from './events.ts';

const RUN = 'run: { provider: tencent, command: cmd-1, instances: ins-1 }';

/** A file of one rule on one line, line 3, after `  - `. */
function file(rule: string, rest = ''): string {
  return `version: 1\nrules:\n  - { name: r, ${rule} }\nproviders: { tencent: { region: ap-guangzhou }, alibaba: { region: cn-hangzhou } }\n${rest}`;
}

test('every problem of a file is named at once, in order, with its place', () => {
  const text = `version: 2
provider: { tencent: { region: ap-guangzhou } }
destinations:
  ops: { sqss: ops }
sources:
  slak: {}
  slack: { comand: /x }
rules:
  - name: restart-web
    on: alertmanger
    when: event.data.status ==
    ${RUN}
  - name: restart-web
    on: alertmanager
    when: >-
      event.data.status == 'firing'
      && event.data.lables.alertname == 'x'
    run:
      provider: tencnt
      comand: cmd-1
      instances: ins-1
    notify: [opps]
  - name: three
    on: slack
    cancel: { rule: restart-wbe }
`;
  expect(problemsIn(text)).toEqual([
    'r.yml:1:10: version: expected 1, came 2',
    'r.yml:2:1: there is no `provider` here; did you mean `providers`?',
    'r.yml:4:8: destinations.ops: expected exactly one of sqs, sns, eventbridge, webhook, log, came none',
    'r.yml:4:10: destinations.ops: there is no `sqss` here; did you mean `sqs`?',
    'r.yml:6:3: sources.slak: there is no source `slak`; did you mean `slack`?',
    'r.yml:7:12: sources.slack: there is no `comand` here; did you mean `command`?',
    'r.yml:10:9: rules[0].on: there is no source `alertmanger`; did you mean `alertmanager`?',
    'r.yml:11:30: rules[0].when: unexpected token: EOF',
    'r.yml:12:10: rules[0].run: has no region: write `region: …` here, or `providers: { tencent: { region: … } }` for every rule',
    'r.yml:13:11: rules[1].name: the name `restart-web` is taken by rules[0]; names are unique',
    'r.yml:17:21: rules[1].when: `event.data` has no field `lables`; did you mean `labels`?',
    'r.yml:19:7: rules[1].run.command: is missing: expected a text',
    'r.yml:19:17: rules[1].run.provider: expected tencent or alibaba, came "tencnt"; did you mean `tencent`?',
    'r.yml:20:7: rules[1].run: there is no `comand` here; did you mean `command`?',
    'r.yml:22:14: rules[1].notify[0]: there is no destination `opps`; did you mean `ops`?',
    "r.yml:23:5: rules[2]: is on a chat source and lacks `allow`: say who may, like `allow: { users: [U2CERLKJA], channels: [C1234567890] }`; users: ['*'] is everybody",
    'r.yml:25:21: rules[2].cancel.rule: there is no rule `restart-wbe`; did you mean `restart-web`?',
  ]);
});

const run = (more: string): string =>
  `on: alertmanager, run: { provider: tencent, command: cmd-1, instances: ins-1, ${more} }`;

test.each([
  ['a name with capitals', `name: R, on: alertmanager, ${RUN}`, 'Map keys must be unique'],
  [
    'two actions',
    `on: alertmanager, ${RUN}, cancel: { rule: r }`,
    'expected exactly one of run, cancel, schedule, came run and cancel',
  ],
  ['no action', 'on: alertmanager', 'expected exactly one of run, cancel, schedule, came none'],
  ['no source', RUN, 'rules[0].on: is missing: expected the name of a source, or a list of names'],
  [
    'a when that is text',
    `on: alertmanager, when: event.data.name, ${RUN}`,
    'expected true or false, `event.data.name` is string',
  ],
  [
    'a when that compares text and number',
    `on: alertmanager, when: event.data.name == 1, ${RUN}`,
    'no such overload: string == int',
  ],
  ['an unknown variable', `on: alertmanager, when: evnt.id == '', ${RUN}`, 'unknown variable: evnt'],
  [
    'a field of another kind',
    `on: alertmanager, when: event.data.sha == '', ${RUN}`,
    '`event.data` has no field `sha`; its fields: status, name, severity',
  ],
  [
    'a mistyped field inside has()',
    `on: alertmanager, when: has(event.data.sevrity), ${RUN}`,
    'r.yml:3:55: rules[0].when: `event.data` has no field `sevrity`; did you mean `severity`?',
  ],
  [
    'a mistyped field after .?',
    `on: alertmanager, when: "event.data.?sumary.orValue('') == ''", ${RUN}`,
    '`event.data` has no field `sumary`; did you mean `summary`?',
  ],
  [
    'a mistyped field in brackets',
    `on: slack, allow: { users: ['*'] }, when: "event.data.user['nme'] == ''", ${RUN}`,
    '`event.data.user` has no field `nme`; did you mean `name`?',
  ],
  ['an empty expression', `on: alertmanager, when: ' ', ${RUN}`, 'rules[0].when: is empty'],
  [
    'an expression that is a book',
    `on: alertmanager, when: event.id == '${'x'.repeat(4200)}', ${RUN}`,
    'expected at most 4096 characters',
  ],
  [
    'four loops inside each other',
    `on: sns, when: 'event.data.raw.exists(a, a.exists(b, b.exists(c, c.exists(d, d == 1))))', ${RUN}`,
    'has more than 3 loops inside each other',
  ],
  [
    'a list where a map is wanted',
    'on: alertmanager, run: []',
    'rules[0].run: expected a map (key: value), came an empty list',
  ],
  [
    'a map where a text is wanted',
    `on: alertmanager, when: { a: b }, ${RUN}`,
    'rules[0].when: expected a text, came a map',
  ],
  [
    'the hidden name of matches()',
    `on: alertmanager, when: event.id.matchesLinear(event.data.name), ${RUN}`,
    'matches() takes its pattern as a literal text',
  ],
  [
    'a pattern from the event',
    `on: alertmanager, when: event.id.matches(event.data.name), ${RUN}`,
    'matches() takes its pattern as a literal text',
  ],
  [
    'a backspace where a word boundary was meant',
    `on: alertmanager, when: 'event.id.matches("x\\b")', ${RUN}`,
    "the pattern of matches() has a control character: write r'…', so that \\b stays \\b",
  ],
  [
    'a bad pattern in matches',
    `on: alertmanager, when: event.id.matches('(a'), ${RUN}`,
    'the pattern of matches() has a `(` that is never closed',
  ],
  [
    'a loop over the event in a loop',
    `on: alertmanager, when: 'event.data.labels.exists(a, event.data.labels.exists(b, a == b))', ${RUN}`,
    'exists() inside another loop may only go over what the outer loop',
  ],
  [
    'an expression of more parts than anybody needs',
    `on: alertmanager, when: '${'!'.repeat(600)}true', ${RUN}`,
    'exceeded maxAstNodes (500)',
  ],
  [
    'a command of the other cloud',
    'on: alertmanager, run: { provider: alibaba, command: cmd-1, instances: i-1 }',
    'expected a command of alibaba, c-… (or the name of a public command, ACS-…), came "cmd-1"',
  ],
  [
    'an instance that is none',
    'on: alertmanager, run: { provider: tencent, command: cmd-1, instances: [ins-1, web-1] }',
    'instances[1]: expected an instance id of tencent, ins-…, lhins-… or rins-…, came "web-1"',
  ],
  [
    'a template of a map',
    run('username: "${event.data.labels}"'),
    'expected text, a number or a truth value, `event.data.labels` is map<string, string>',
  ],
  [
    'a list where one text is wanted',
    run('parameters: { a: "${event.data.name.split(\',\')}" }'),
    'expected text, a number or a truth value',
  ],
  [
    'a list inside a text',
    'on: alertmanager, run: { provider: tencent, command: cmd-1, instances: "a${event.data.name.split(\',\')}" }',
    'expected text, a number or a truth value',
  ],
  [
    'a template without end',
    run('parameters: { a: "${event.id" }'),
    'has a "${" without its "}"; write "$${" for the characters',
  ],
  [
    'a value that a shell reads',
    run('parameters: { a: "x; y" }'),
    'character 2 of 4 is `;`; change the value, or give the parameter a pattern of its own under `patterns`',
  ],
  ['a value that is an option', run('parameters: { a: --force }'), 'character 1 of 7 is `-`'],
  [
    'a number that YAML changes',
    run('parameters: { a: 1.10 }'),
    'is written 1.10 and would be 1.1; put it in quotes',
  ],
  [
    'a parameter’s name',
    run('parameters: { "a b": x }'),
    'expected a name of letters, digits, - and _, at most 64',
  ],
  [
    'a pattern for nothing',
    run('patterns: { a: x }'),
    'there is no parameter `a` that it could be for; parameters: none',
  ],
  [
    'a broken pattern',
    run('parameters: { a: x }, patterns: { a: "(x" }'),
    'the pattern has a `(` that is never closed',
  ],
  ['a user', run('username: "root; id"'), 'expected a user name like deploy, came "root; id"'],
  ['a directory', run('workingDirectory: "/srv/$x"'), 'expected an absolute path like /srv/app'],
  [
    'a timeout',
    run('timeout: 25h'),
    'expected a duration from 1s to 1d, like 90s, 10m or 1h30m, or a number of seconds, came "25h"',
  ],
  ['half a second', run('timeout: 1.5'), 'expected whole seconds, came 1.5'],
  [
    'a short timeout at Alibaba',
    'on: alertmanager, run: { provider: alibaba, command: c-1, instances: i-1, timeout: 5s }',
    'alibaba takes 10s or more, came 5s',
  ],
  ['an unknown choice', run('onUnavailable: wait'), 'expected fail or retry or skip, came "wait"'],
  [
    'too many parameters',
    `on: alertmanager, run: { provider: alibaba, command: c-1, instances: i-1, parameters: { ${'abcdefghijk'
      .split('')
      .map((name) => `${name}: x`)
      .join(', ')} } }`,
    'alibaba takes at most 10 parameters, came 11',
  ],
  [
    'a key that is a template',
    `on: alertmanager, ${RUN}, guards: { dedupe: { key: '\${event.id}', window: 1m } }`,
    'expected an expression, came a template; write `event.id`',
  ],
  [
    'a key that is a map',
    `on: alertmanager, ${RUN}, guards: { dedupe: { key: event.data.labels, window: 1m } }`,
    'expected a text or a number as key',
  ],
  [
    'a word that maxInFlight does not know',
    `on: alertmanager, ${RUN}, guards: { maxInFlight: { runs: 1, whenFull: stop } }`,
    'whenFull: queue | skip | replace',
  ],
  [
    'a word that cooldown does not know',
    `on: alertmanager, ${RUN}, guards: { cooldown: { for: 1m, keep: both } }`,
    'keep: first | last',
  ],
  ['a share of no fleet', `on: alertmanager, ${RUN}, guards: { maxShare: 30% }`, 'is a share of a fleet'],
  [
    'a share that is none',
    `on: alertmanager, ${RUN}, guards: { maxShare: 0% }`,
    'expected a percentage from 1% to 100%',
  ],
  [
    'the second of one',
    `on: alertmanager, ${RUN}, guards: { times: { key: event.id, count: 1, within: 1m } }`,
    'rules[0].guards.times.count: ',
  ],
  [
    'a key of times as a template',
    `on: alertmanager, ${RUN}, guards: { times: { key: '\${event.id}', count: 2, within: 1m } }`,
    'write `event.id`',
  ],
  [
    'guards of a cancel',
    'on: alertmanager, cancel: { rule: r }, guards: { cooldown: 1m }',
    'guards stand beside `run` and `schedule` only',
  ],
  [
    'a cancel of what does not run',
    'on: alertmanager, cancel: { rule: r }',
    '`r` runs nothing that could be cancelled',
  ],
  [
    'an allow without people',
    `on: slack, allow: { channels: [ops] }, ${RUN}`,
    "expected users or groups, at least one; users: ['*'] is everybody",
  ],
  [
    'an allow where nobody speaks',
    `on: alertmanager, allow: { users: [a] }, ${RUN}`,
    'is for chat sources; alertmanager sends no commands of people',
  ],
  [
    'a name where nobody speaks',
    `on: alertmanager, byName: true, ${RUN}`,
    'is for chat sources; alertmanager sends no commands of people',
  ],
  ['a name that nobody may use', `on: github, byName: true, ${RUN}`, 'needs `allow`: list who may run it'],
  [
    'a schedule at no time',
    'on: alertmanager, schedule: { provider: tencent, command: cmd-1, instances: ins-1, at: tomorrow }',
    'expected an instant like 2026-12-24T22:00:00Z',
  ],
  [
    'a schedule twice',
    "on: alertmanager, schedule: { provider: tencent, command: cmd-1, instances: ins-1, at: 10m, recurrence: '* * * * *' }",
    'expected exactly one of at, recurrence, came at and recurrence',
  ],
])('refuses %s', (_what, rule, problem) => {
  expect(problemsIn(file(rule)).join('\n')).toContain(problem);
});

test('a cancel by key needs a rule that has keys', () => {
  const cancel = 'on: alertmanager, cancel: { rule: other, key: event.id }';
  const other = (guards: string): string =>
    `${file(cancel).replace('rules:\n', `rules:\n  - { name: other, on: alertmanager, ${RUN}${guards} }\n`)}`;
  expect(problemsIn(other(''))).toEqual([
    expect.stringContaining('is compared with `guards.dedupe.key` of `other`, which has none'),
  ]);
  expect(problemsIn(other(', guards: { dedupe: { key: event.id, window: 1m } }'))).toEqual([]);
});

test.each([
  [
    'schedules: [{ name: s, provider: tencent, command: cmd-1, instances: "${event.id}", recurrence: "* * * * *" }]',
    'expected plain values here',
  ],
  [
    'schedules: [{ name: s, provider: tencent, command: cmd-1, instances: ins-1, at: 10m }]',
    'a standing schedule has no event that a duration could begin at',
  ],
  [
    'schedules: [{ name: s, provider: tencent, command: cmd-1, instances: ins-1 }]',
    'expected exactly one of at, recurrence, came none',
  ],
  [
    'schedules: [{ name: s, provider: tencent, command: cmd-1, instances: [ins-1, lhins-1], recurrence: "* * * * *" }]',
    'schedules[0].instances: expected instances of one kind, came ins-… and lhins-…',
  ],
  [
    'schedules: [{ name: s, provider: tencent, command: cmd-1, instances: ins-1, recurrence: "* * * * *", notify: [ops] }]',
    'schedules[0].notify[0]: there is no destination `ops`',
  ],
  [
    'schedules: [{ name: r, provider: tencent, command: cmd-1, instances: ins-1, recurrence: "* * * * *" }]',
    'schedules[0].name: the name `r` is taken by rules[0]; rules and schedules share their names',
  ],
  [
    `schedules: [{ name: run-${'a'.repeat(26)}, provider: tencent, command: cmd-1, instances: ins-1, recurrence: "* * * * *" }]`,
    'names of the form of a run id are for the schedules that rules make',
  ],
  ['destinations: { Ops: { sqs: ops } }', "expected a destination's name of small letters"],
  ['destinations: { ops: { sqs: "a b" } }', 'expected the name of an SQS queue, came "a b"'],
  [
    'destinations: { ops: { sqs: a, sns: b } }',
    'expected exactly one of sqs, sns, eventbridge, webhook, log, came sqs and sns',
  ],
  [
    'destinations: { ops: { webhook: "http://hook.example/x" } }',
    'expected an https URL without user, password and fragment',
  ],
  [
    'destinations: { ops: { webhook: "https://ann:x@hook.example/x" } }',
    'expected an https URL without user, password and fragment',
  ],
  [
    'sources: { slack: { command: fleet } }',
    'sources.slack.command: Invalid string: must start with "/", came "fleet"',
  ],
  ['sources: { github: { queue: closed } }', 'sources.github.queue: expected true or false, came "closed"'],
  [
    'sources: { slack: { queue: true } }',
    'sources.slack.queue: expected false: what a person says is taken over HTTP only',
  ],
])('refuses %s', (rest, problem) => {
  expect(problemsIn(file(`on: alertmanager, ${RUN}`, rest)).join('\n')).toContain(problem);
});

test.each([
  ['', '1:1: expected a map (key: value), came nothing (an empty value)'],
  ['a: [', '1:5: Flow sequence in block collection'],
  ['version: 1\nversion: 1\nrules: []', '2:1: Map keys must be unique'],
  [
    'a: &a [1,1]\nb: &b [*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b]\nd: [*c,*c,*c]',
    '1:1: Excessive alias count',
  ],
])('refuses the YAML %j', (text, problem) => {
  expect(problemsIn(text).join('\n')).toContain(`r.yml:${problem}`);
});

test.each([
  ['a plain text', '  when: event.id == evnt'],
  ['single quotes with doubled ones', "  when: '''a'' == evnt'"],
  ['double quotes with escapes', '  when: "\\"a\\" == evnt"'],
  ['an anchor', '  when: &a evnt == event.id'],
])('points into %s', (_what, when) => {
  expect(problemsIn(`version: 1\nrules:\n- name: r\n  on: github\n${when}\n  cancel: { rule: r }`)[0]).toBe(
    `r.yml:5:${when.indexOf('evnt') + 1}: rules[0].when: unknown variable: evnt`,
  );
});

test('points into the lines of a block', () => {
  const when = (style: string): string[] =>
    problemsIn(
      `version: 1\nrules:\n- name: r\n  on: github\n  when: ${style}\n    event.id == 'a'\n    && evnt.id == 'b'\n  cancel: { rule: r }`,
    );
  expect([when('|')[0], when('>-')[0]]).toEqual(
    Array.from({ length: 2 }, () => 'r.yml:7:8: rules[0].when: unknown variable: evnt'),
  );
});

test('completions is the destination of who names none, and may be defined otherwise', () => {
  const rule = `  - { name: r, on: alertmanager, ${RUN} }`;
  expect(rulesOf(rule).rules[0]?.notify).toEqual([{ name: 'completions', sqs: 'completions' }]);
  expect(rulesOf(rule, 'destinations: { completions: { sqs: other.fifo } }').rules[0]?.notify).toEqual([
    { name: 'completions', sqs: 'other.fifo' },
  ]);
});

test('notify by outcome names destinations for every event, for successes and for failures', () => {
  const rule = (notify: string) =>
    rulesOf(
      `  - { name: r, on: alertmanager, ${RUN}, notify: ${notify} }`,
      'destinations: { pager: { sqs: pager }, ops: { sqs: ops } }',
    ).rules[0]?.notify;
  expect(rule('{ failed: [pager], succeeded: [] }')).toEqual([
    { name: 'pager', sqs: 'pager', outcome: 'failed' },
  ]);
  expect(rule('{ all: [ops], succeeded: [pager], failed: [pager] }')).toEqual([
    { name: 'ops', sqs: 'ops' },
    { name: 'pager', sqs: 'pager', outcome: 'succeeded' },
    { name: 'pager', sqs: 'pager', outcome: 'failed' },
  ]);
  expect(() => rule('{ failed: [pagr] }')).toThrow('notify.failed[0]: there is no destination `pagr`');
  expect(() => rule('{ lost: [pager] }')).toThrow('rules[0].notify');
});

test('a standing schedule is plain data', () => {
  const set = rulesOf(
    '  []\nschedules: [{ name: s, provider: alibaba, command: c-1, instances: [i-1, i-1, mi-2], parameters: { n: 5, on: true }, username: deploy, recurrence: "rate(5m)" }]',
  );
  expect(set.schedules).toEqual([
    {
      name: 's',
      provider: 'alibaba',
      region: 'cn-hangzhou',
      command: 'c-1',
      instances: ['i-1', 'mi-2'],
      parameters: { n: '5', on: 'true' },
      username: 'deploy',
      timing: { recurrence: 'rate(5m)' },
      isEnabled: true,
      notify: [{ name: 'completions', sqs: 'completions' }],
    },
  ]);
});

test('a standing schedule may be disabled, and tell others', () => {
  const set = rulesOf(
    '  []\nschedules: [{ name: s, provider: tencent, command: cmd-1, instances: ins-1, recurrence: "0 0 1 * *", enabled: false, notify: [ops] }]',
    'destinations: { ops: { sqs: ops } }',
  );
  expect(set.schedules).toMatchObject([{ isEnabled: false, notify: [{ name: 'ops', sqs: 'ops' }] }]);
});

test('the settings of every source are parsed once, here, with their defaults', () => {
  const set = rulesOf('  []', 'sources: { slack: { command: /ops }, generic: { signatureHeader: X-Acme } }');
  expect(Object.keys(set.sources).toSorted()).toEqual([...SOURCES.keys()].toSorted());
  expect([set.sources['slack'], set.sources['generic'], set.sources['alertmanager']]).toEqual([
    { command: '/ops', queue: false },
    { signatureHeader: 'x-acme', encoding: 'hex', timestampUnit: 's', windowSeconds: 300, queue: true },
    { queue: true },
  ]);
});

test.each([...SOURCES.keys()])(
  'the events queue may be closed to %s, which is none of its own settings',
  (name) => {
    const set = rulesOf('  []', `sources: { ${name}: { queue: false } }`);
    expect(set.sources[name]).toEqual(settingsOf(name, { queue: false }));
    expect(takesMessages(settingsOf(name, { queue: false }))).toBe(false);
  },
);

test('the events queue is open to every source but those of people', () => {
  const open = [...SOURCES.values()].filter((source) => takesMessages(settingsOf(source)));
  const ofPeople = [...SOURCES.values()].filter(({ kinds }) => kinds.every((kind) => kind === 'chat'));
  expect(open.length + ofPeople.length).toBe(SOURCES.size);
  expect(open.filter((source) => ofPeople.includes(source))).toEqual([]);
});

test.each([
  ['token: { value: x, secrets: true }', 'there is no `secrets` here; did you mean `secret`?'],
  ['token: [x]', 'rules[0].run.parameters.token: expected a text, or { value: …, secret: true }'],
  [
    'token: { secret: true }',
    'rules[0].run.parameters.token: expected a text, or { value: …, secret: true }',
  ],
  ["token: { value: 'a$b', secret: true }", 'what came is secret, and not shown'],
])('a secret parameter that is none is refused: %s', (parameter, problem) => {
  const text = `version: 1
rules:
  - name: rotate
    on: alertmanager
    run: { provider: tencent, region: ap-guangzhou, command: cmd-1, instances: [ins-1], parameters: { ${parameter} } }
`;
  expect(problemsIn(text)).toEqual([expect.stringContaining(problem)]);
});

test('a standing schedule has no secrets: it stands at the provider', () => {
  const text = `version: 1
rules: []
schedules:
  - { name: nightly, provider: tencent, region: ap-guangzhou, command: cmd-1, instances: [ins-1], recurrence: '0 0 * * *', parameters: { token: { value: abcdef, secret: true } } }
`;
  expect(problemsIn(text)).toEqual([
    expect.stringContaining('schedules[0].parameters.token.secret: is for rules'),
  ]);
});
