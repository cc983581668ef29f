// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the templates of rules look like this
/** What a rule that matched asks for, and what is refused before anything is on the queue. */
import { expect, test } from 'vitest';
import { keyFor } from '../../../lib/model/guard-key.ts';
import { runIdFor } from '../../../lib/model/run-id.ts';
import { RunRequest } from '../../../lib/model/run-request.ts';
import type { AlertData, TriggerEvent } from '../../../lib/model/trigger-event.ts';
import { renderRule } from '../../../lib/rules/render.ts';
import { checkRequest } from '../../../lib/runs/check-request.ts';
import { aChat, aDeploy, aGeneric, anAlert, aRule, NOW, rulesOf } from './events.ts';

/** Every request has to be one that dispatch takes. */
function render(rule: Parameters<typeof renderRule>[0], event: TriggerEvent, context = {}): RunRequest {
  const request = RunRequest.parse(renderRule(rule, event, { now: NOW, ...context }));
  checkRequest(request, NOW);
  return request;
}

function parametersOf(parameters: string, event: TriggerEvent): unknown {
  const request = render(aRule(`parameters: ${parameters}`, { on: event.source }), event);
  return request.action === 'run'
    ? request.target.parameters
    : request.action === 'reject'
      ? request.reason
      : request;
}

test.each([
  ['', undefined],
  ['outputs: caller', undefined],
  ['outputs: channel', 'channel'],
  ['outputs: none', 'none'],
])('who sees in a chat what it printed travels with the address: %s', (line, outputs) => {
  const [rule] = rulesOf(`  - name: patch
    on: slack
    allow: { users: ['*'] }
    run: { provider: tencent, command: cmd-1, instances: [ins-1] }
    ${line}`).rules;
  if (rule === undefined) throw new Error('no rule');
  const replyTo = { via: 'slack', address: { responseUrl: 'https://hooks.slack.com/x' } };
  expect(render(rule, aChat(), { replyTo }).replyTo).toEqual({ ...replyTo, ...(outputs && { outputs }) });
});

test('a run has all that dispatch needs', () => {
  const set = rulesOf(
    `  - name: restart
    on: alertmanager
    run:
      provider: tencent
      command: cmd-\${event.data.labels.service}
      instances: \${event.data.labels.instance_id}
      parameters: { service: '\${event.data.labels.service}', count: 3 }
      timeout: 90s
      username: \${event.data.labels.service}-user
      workingDirectory: /srv/\${event.data.labels.service}
      unsafe: [command, instances, username, workingDirectory]
      onUnavailable: retry
      deadline: 1h
    guards: { dedupe: { key: event.data.fingerprint, window: 10m }, cooldown: 1h30m, maxInFlight: 1, maxInstances: 20 }
    notify: [completions, ops, ops]`,
    'destinations: { ops: { sqs: ops-queue } }',
  );
  const [rule] = set.rules;
  if (rule === undefined) throw new Error('no rule');
  const traceparent = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01';
  const replyTo = { via: 'slack', address: { url: 'https://hooks.slack.com/x' } };
  expect(render(rule, anAlert(), { traceparent, replyTo })).toEqual({
    version: 2,
    action: 'run',
    runId: runIdFor('restart', 'alertmanager', 'e-1'),
    rule: 'restart',
    trigger: { source: 'alertmanager', type: 'alert.firing', id: 'e-1', subject: 'High5xx' },
    notify: [
      { name: 'completions', sqs: 'completions' },
      { name: 'ops', sqs: 'ops-queue' },
    ],
    replyTo,
    traceparent,
    requestedAt: '2026-11-20T10:00:00.000Z',
    target: {
      provider: 'tencent',
      region: 'ap-guangzhou',
      command: 'cmd-web',
      instances: ['ins-local001'],
      parameters: { service: 'web', count: '3' },
      timeoutSeconds: 90,
      username: 'web-user',
      workingDirectory: '/srv/web',
    },
    onUnavailable: 'retry',
    deadline: '2026-11-20T11:00:00.000Z',
    guards: {
      dedupe: { key: 'f-1', windowMs: 600_000 },
      cooldownMs: 5_400_000,
      maxInFlight: 1,
      maxInstances: 20,
      lock: true,
      maxPerHour: { runs: 100, instances: 500 },
    },
  });
});

test('without a word about it a run waits 15 minutes, and fails on what is unavailable', () => {
  expect(render(aRule('parameters: {}'), anAlert())).toMatchObject({
    deadline: '2026-11-20T10:15:00.000Z',
    onUnavailable: 'fail',
    target: { parameters: {} },
  });
});

test.each<[string, string, string, unknown]>([
  ['the file has the instances', 'instances: [ins-1]', '', { lock: true, maxPerHour: { runs: 100 } }],
  [
    'the event gives them',
    'instances: "${event.data.labels.instance_id}", unsafe: [instances]',
    '',
    { maxInstances: 50, lock: true, maxPerHour: { runs: 100, instances: 500 } },
  ],
  [
    'the event gives one of them',
    'instances: [ins-1, "${event.data.labels.instance_id}"], unsafe: [instances]',
    'guards: { maxPerHour: { runs: 7 } }',
    { maxInstances: 50, lock: true, maxPerHour: { runs: 7, instances: 500 } },
  ],
  [
    'the file raises them',
    'instances: "${event.data.labels.instance_id}", unsafe: [instances]',
    'guards: { maxInstances: 400, maxPerHour: { runs: 300, instances: 9000 } }',
    { maxInstances: 400, lock: true, maxPerHour: { runs: 300, instances: 9000 } },
  ],
  [
    'the file limits its own',
    'instances: [ins-1]',
    'guards: { maxPerHour: { instances: 20 } }',
    { lock: true, maxPerHour: { runs: 100, instances: 20 } },
  ],
  [
    'the file counts events',
    'instances: [ins-1]',
    'guards: { times: { key: event.data.fingerprint, count: 3, within: 10m } }',
    { times: { key: 'f-1', count: 3, withinMs: 600_000 }, lock: true, maxPerHour: { runs: 100 } },
  ],
  ...(['skip', 'replace'] as const).map((then): [string, string, string, unknown] => [
    `the file says what becomes of a run above the limit: ${then}`,
    'instances: [ins-1]',
    `guards: { maxInFlight: { runs: 2, whenFull: ${then} } }`,
    { maxInFlight: 2, whenFull: then, lock: true, maxPerHour: { runs: 100 } },
  ]),
  [
    'a run above the limit waits',
    'instances: [ins-1]',
    'guards: { maxInFlight: { runs: 2, whenFull: queue } }',
    { maxInFlight: 2, lock: true, maxPerHour: { runs: 100 } },
  ],
  [
    'the latest event within a cooldown runs',
    'instances: [ins-1]',
    'guards: { cooldown: { for: 15m, keep: last } }',
    { cooldownMs: 900_000, cooldownKeep: 'last', lock: true, maxPerHour: { runs: 100 } },
  ],
  [
    'the file has a breaker',
    'instances: [ins-1]',
    'guards: { breaker: { failures: 3, reset: 1h } }',
    { breaker: { failures: 3, resetMs: 3_600_000 }, lock: true, maxPerHour: { runs: 100 } },
  ],
])('the guards that hold where %s', (_, run, guards, expected) => {
  const more = guards === '' ? '' : `, ${guards}`;
  expect(render(aRule(run, { more }), anAlert())).toMatchObject({ guards: expected });
  const request = render(aRule(run, { more }), anAlert());
  expect(request.action === 'run' && request.guards).toEqual(expected);
});

test('the trace of the request goes before that of the event', () => {
  const event = { ...anAlert(), traceparent: 'of-the-event' };
  expect([
    render(aRule('parameters: {}'), event).traceparent,
    render(aRule('parameters: {}'), event, { traceparent: 'of-the-request' }).traceparent,
  ]).toEqual(['of-the-event', 'of-the-request']);
});

test.each([
  ['{ a: plain }', { a: 'plain' }],
  ['{ a: "${event.data.name}" }', { a: 'High5xx' }],
  ['{ a: "x-${event.data.name}-${event.id}" }', { a: 'x-High5xx-e-1' }],
  ['{ a: "${event.data.raw.count}" }', { a: '5' }],
  ['{ a: "${int(event.data.raw.count) + 1}" }', { a: '6' }],
  ['{ a: "${event.data.raw.ratio}" }', { a: '0.5' }],
  ['{ a: "${event.data.raw.isBad}" }', { a: 'true' }],
  ["{ a: \"${event.data.labels.service == 'web' ? 'nginx' : 'none'}\" }", { a: 'nginx' }],
  ["{ a: \"${{'web': 'nginx'}[event.data.labels.service]}\" }", { a: 'nginx' }],
  ["{ a: '${''}'' == ''}'' ? ''yes'' : ''no''}' }", { a: 'yes' }],
  ['{ a: "${safe(event.data.raw.text)}" }', { a: 'rm_rf_x' }],
  ['{ a: "${safe(event.data.raw.count)}" }', { a: '5' }],
  ["{ a: \"${event.data.labels[?'none'].orValue('default')}\" }", { a: 'default' }],
])('parameters %s', (parameters, expected) => {
  const event = anAlert({ raw: { count: 5, ratio: 0.5, isBad: true, text: '-rm $(rf) x' } });
  expect(parametersOf(parameters, event)).toEqual(expected);
});

test('$${ is the characters', () => {
  const rule = aRule(
    'parameters: { a: "$${x}${event.id}" }, patterns: { a: "[$\\\\{}a-z0-9-]+" }, unsafe: [patterns.a]',
  );
  expect(render(rule, anAlert())).toMatchObject({ target: { parameters: { a: '${x}e-1' } } });
});

test.each([
  ['{ a: "${event.data.labels.none}" }', '`parameters.a`: `event.data.labels.none`: no such key'],
  ['{ a: "${event.data.raw.nothing}" }', '`parameters.a`: `event.data.raw.nothing` is null, not text'],
  ['{ a: "${event.data.raw.list}" }', '`parameters.a`: `event.data.raw.list` is a list, not text'],
  [
    '{ a: "${event.data.raw.id}" }',
    '`parameters.a`: `event.data.raw.id` is a number that is not exact, not text',
  ],
  [
    '{ a: "${bool(event.data.raw.text)}" }',
    '`parameters.a`: `bool(event.data.raw.text)`: bool() conversion error',
  ],
  ['{ a: "${event.data.raw}" }', '`parameters.a`: `event.data.raw` is a map or an object, not text'],
])('the template of %s fails and rejects the run', (parameters, message) => {
  const raw = { nothing: null, list: [], id: 2 ** 60, text: 'my secret' };
  const event = anAlert({ raw });
  expect(parametersOf(parameters, event)).toEqual({ code: 'template.failed', message });
});

const DEFAULT =
  'the parameter `a`: expected the default pattern (letters, digits and _ . : @ / + = -, 1 to 256 of them, not beginning with - + = @ or /)';
test.each([
  ['web; rm -rf /', `${DEFAULT}; character 4 of 13 is \`;\``],
  ['$(id)', `${DEFAULT}; character 1 of 5 is \`$\``],
  ['web\n', `${DEFAULT}; character 4 of 4 is "\\n"`],
  ['-rf', `${DEFAULT}; character 1 of 3 is \`-\``],
  ['web\u202e', `${DEFAULT}; character 4 of 4 is U+202E`],
  ['{{secret}}', `${DEFAULT}; character 1 of 10 is \`{\``],
  ['a'.repeat(257), `${DEFAULT}; character 257 of 257 is \`a\``],
  ['a'.repeat(9000), 'the parameter `a`: expected at most 8192 characters, came 9000'],
])('%j is unsafe as a parameter, and the reason repeats one character of it', (value, message) => {
  expect(parametersOf('{ a: "${event.data.name}" }', anAlert({ name: value }))).toEqual({
    code: 'parameters.unsafe',
    message,
  });
});

test('a rule’s own pattern decides about the whole value, its literal parts included', () => {
  const rule = aRule('parameters: { a: "port ${event.data.name}" }, patterns: { a: "port [0-9]{2,5}" }');
  expect(render(rule, anAlert({ name: '8080' }))).toMatchObject({
    target: { parameters: { a: 'port 8080' } },
  });
  expect(render(rule, anAlert({ name: '8' }))).toMatchObject({
    action: 'reject',
    target: { provider: 'tencent', region: 'ap-guangzhou', command: 'cmd-1' },
    reason: {
      code: 'parameters.unsafe',
      message:
        'the parameter `a`: expected the pattern port [0-9]{2,5}; the value ends too early, after 6 characters',
    },
  });
});

test.each([
  ['"${event.data.labels.instance_id}"', ['ins-local001']],
  ['["${event.data.labels.instance_id}", ins-2, ins-local001]', ['ins-local001', 'ins-2']],
  ['"${event.data.raw.ids}"', ['ins-1', 'lhins-2', 'rins-3']],
  ['["${event.data.raw.ids}", ins-9]', ['ins-1', 'lhins-2', 'rins-3', 'ins-9']],
  ['"${event.data.raw.csv.split(\',\')}"', ['ins-1', 'ins-2']],
  ['"${event.data.raw.ids.filter(id, id.startsWith(\'ins-\'))}"', ['ins-1']],
])('instances: %s', (instances, expected) => {
  const event = anAlert({ raw: { ids: ['ins-1', 'lhins-2', 'rins-3'], csv: 'ins-1,ins-2' } });
  expect(render(aRule(`instances: ${instances}`), event)).toMatchObject({ target: { instances: expected } });
});

test.each([
  ['web-1', '`instances`: expected ids of tencent, ins-…, lhins-… or rins-…, came `web-1`'],
  ['i-local001', '`instances`: expected ids of tencent, ins-…, lhins-… or rins-…, came `i-local001`'],
  [
    'ins-1;reboot',
    '`instances`: expected ids of tencent, ins-…, lhins-… or rins-…, came 12 characters that are none',
  ],
  [
    'ins-1\n',
    '`instances`: expected ids of tencent, ins-…, lhins-… or rins-…, came 6 characters that are none',
  ],
  ['', '`instances`: expected ids of tencent, ins-…, lhins-… or rins-…, came nothing'],
])('the instance %j rejects the run', (id, message) => {
  const event = anAlert({ labels: { instance_id: id } });
  expect(render(aRule('instances: "${event.data.labels.instance_id}"'), event)).toMatchObject({
    action: 'reject',
    reason: { code: 'instances.invalid', message },
  });
});

test.each([
  [[], 'instances.invalid', '`instances`: the list is empty; there is nothing to run on'],
  [['ins-1', null], 'template.failed', '`instances`: `event.data.body` has null in its list, not text'],
  [
    Array.from({ length: 2001 }, (_, index) => `ins-${index}`),
    'instances.invalid',
    '`instances`: expected at most 2000 instances, came 2001',
  ],
])('a list of instances that nobody meant rejects the run', (body, code, message) => {
  expect(render(aRule('instances: "${event.data.body}"', { on: 'generic' }), aGeneric(body))).toMatchObject({
    action: 'reject',
    reason: { code, message },
  });
});

test.each([
  ['provider: tencent, command: "${event.data.name}", instances: ins-1', 'c-1', 'command.invalid'],
  ['provider: tencent, command: "${event.data.name}", instances: ins-1', 'cmd-1 x', 'command.invalid'],
  ['provider: alibaba, command: "${event.data.name}", instances: i-1', 'cmd-1', 'command.invalid'],
  [
    'provider: tencent, command: cmd-1, instances: ins-1, region: "${event.data.name}"',
    'x y',
    'region.invalid',
  ],
  [
    'provider: tencent, command: cmd-1, instances: ins-1, username: "${event.data.name}"',
    '$(id)',
    'username.invalid',
  ],
  [
    'provider: tencent, command: cmd-1, instances: ins-1, workingDirectory: "${event.data.name}"',
    '/tmp/$x',
    'workingDirectory.invalid',
  ],
  [
    'provider: tencent, command: cmd-1, instances: ins-1, workingDirectory: "${event.data.name}"',
    'tmp',
    'workingDirectory.invalid',
  ],
])('run: { %s } with %j is %s', (run, name, code) => {
  const unsafe = 'unsafe: [command, region, username, workingDirectory]';
  const [rule] = rulesOf(`  - { name: r, on: alertmanager, run: { ${run}, ${unsafe} } }`).rules;
  if (rule === undefined) throw new Error('no rule');
  expect(render(rule, anAlert({ name }))).toMatchObject({ action: 'reject', reason: { code } });
});

test('Alibaba’s instances, and its public commands', () => {
  const [rule] = rulesOf(
    '  - { name: r, on: alertmanager, run: { provider: alibaba, command: ACS-ECS-Demo, instances: [i-bp1, mi-hz2] } }',
  ).rules;
  if (rule === undefined) throw new Error('no rule');
  expect(render(rule, anAlert())).toMatchObject({
    target: { command: 'ACS-ECS-Demo', instances: ['i-bp1', 'mi-hz2'], region: 'cn-hangzhou' },
  });
});

test('a dedupe key that cannot be evaluated rejects the run', () => {
  const rule = aRule('parameters: {}', {
    more: ', guards: { dedupe: { key: event.data.labels.none, window: 1m } }',
  });
  expect(render(rule, anAlert())).toMatchObject({
    action: 'reject',
    reason: {
      code: 'template.failed',
      message: '`guards.dedupe.key`: `event.data.labels.none`: no such key',
    },
  });
});

test('a long dedupe key is as good as a short one', () => {
  const rule = aRule('parameters: {}', {
    more: ', guards: { dedupe: { key: event.data.name, window: 1m } }',
  });
  const keyOf = (name: string): string | undefined => {
    const request = render(rule, anAlert({ name }));
    return request.action === 'run' ? request.guards.dedupe?.key : undefined;
  };
  expect(keyOf('x'.repeat(200))).toBe('x'.repeat(200));
  expect(keyOf('x'.repeat(201))).toMatch(/^sha256-[0-9a-f]{64}$/);
  expect(keyOf('x'.repeat(202))).not.toBe(keyOf('x'.repeat(201)));
});

test('no key can be made to look like another', () => {
  const long = 'x'.repeat(201);
  const hostile = [
    long,
    keyFor(long),
    '\ud800',
    '\ud801',
    '\ufffd',
    'a',
    'a ',
    'KEY#a',
    '\u{1f600}'.repeat(100),
  ];
  const keys = hostile.map(keyFor);
  expect(new Set(keys).size).toBe(hostile.length);
  expect(keys.filter((key) => !key.isWellFormed() || Buffer.byteLength(key) > 1000)).toEqual([]);
});

test.each(['dedupe', 'cancel'])('the key of a %s that is empty rejects it', (action) => {
  const target =
    '  - { name: a, on: alertmanager, run: { provider: tencent, command: cmd-1, instances: ins-1 }, guards: { dedupe: { key: event.data.name, window: 1m } } }\n';
  const rules = rulesOf(
    `${target}  - { name: b, on: alertmanager, cancel: { rule: a, key: event.data.name } }`,
  ).rules;
  const rule = rules[action === 'dedupe' ? 0 : 1];
  if (rule === undefined) throw new Error('no rule');
  const rejected = ['', '  ', '\u200b\n'].map((name) => render(rule, anAlert({ name })));
  expect(rejected).toMatchObject(rejected.map(() => ({ action: 'reject', reason: { code: 'key.empty' } })));
});

test.each<[string, Partial<AlertData>, unknown]>([
  [
    'an alert that says when it began',
    { startsAt: '2026-11-20T11:00:00+08:00' },
    { alert: 'f-1', startsAt: '2026-11-20T03:00:00.000Z', time: NOW.toISOString() },
  ],
  [
    'one that writes it in its own way',
    { startsAt: 'at noon' },
    { alert: 'f-1', startsAt: 'at noon', time: NOW.toISOString() },
  ],
  ['one that does not', {}, undefined],
])('%s has its episode in the trigger', (_, data, episode) => {
  expect(render(aRule('parameters: {}'), anAlert(data)).trigger.episode).toEqual(episode);
});

test('all values together fit into what a vendor takes', () => {
  const names = ['a', 'b', 'c', 'd'];
  const parameters = names.map((name) => `${name}: "\${event.data.name}"`).join(', ');
  const patterns = names.map((name) => `${name}: "x*"`).join(', ');
  const rule = aRule(`parameters: { ${parameters} }, patterns: { ${patterns} }`);
  expect(render(rule, anAlert({ name: 'x'.repeat(8000) }))).toMatchObject({
    action: 'reject',
    reason: {
      code: 'parameters.unsafe',
      message: 'the parameters: expected at most 24576 characters in all, came 32000',
    },
  });
});

test('a cancel names the rule and the key', () => {
  const target =
    '  - { name: a, on: alertmanager, run: { provider: tencent, command: cmd-1, instances: ins-1 }, guards: { dedupe: { key: event.data.fingerprint, window: 1m } } }\n';
  const cancel = (key: string): RunRequest => {
    const rule = rulesOf(`${target}  - { name: b, on: alertmanager, cancel: { rule: a${key} } }`).rules[1];
    if (rule === undefined) throw new Error('no rule');
    return render(rule, anAlert({ status: 'resolved' }));
  };
  const common = {
    version: 1,
    action: 'cancel',
    runId: runIdFor('b', 'alertmanager', 'e-1'),
    rule: 'b',
    trigger: { source: 'alertmanager', type: 'alert.resolved', id: 'e-1', subject: 'High5xx' },
    notify: [{ name: 'completions', sqs: 'completions' }],
    requestedAt: NOW.toISOString(),
    targetRule: 'a',
  };
  expect([cancel(''), cancel(', key: event.data.fingerprint')]).toEqual([common, { ...common, key: 'f-1' }]);
});

function schedule(timing: string, event: TriggerEvent = aChat()): RunRequest {
  const [rule] = rulesOf(
    `  - { name: s, on: slack, allow: { users: ['*'] }, schedule: { provider: tencent, command: cmd-1, instances: ins-1, ${timing} } }`,
  ).rules;
  if (rule === undefined) throw new Error('no rule');
  return render(rule, event);
}

test.each([
  ['at: 2026-12-24T22:00:00+08:00', { at: '2026-12-24T14:00:00.000Z' }],
  ['at: "2026-12-24T22:00:00Z"', { at: '2026-12-24T22:00:00.000Z' }],
  ['at: 90m', { at: '2026-11-20T11:30:00.000Z' }],
  ['at: "${event.data.args[1]}"', { at: '2026-11-20T10:10:00.000Z' }],
  ["recurrence: '0 3 * * *'", { recurrence: '0 3 * * *' }],
])('a schedule %s', (timing, expected) => {
  expect(schedule(timing, aChat({ args: ['later', '10m'] }))).toMatchObject({
    action: 'schedule',
    ...expected,
  });
});

test.each([
  [
    'soon',
    '`at`: expected an instant like 2026-12-24T22:00:00Z or 2026-12-24T22:00:00+08:00, or a duration from now like 30m, came "soon"',
  ],
  ['2026-11-20T09:59:59Z', '`at`: 2026-11-20T09:59:59.000Z is past (it is 2026-11-20T10:00:00.000Z)'],
  [
    '2046-12-24T22:00:00Z',
    '`at`: 2046-12-24T22:00:00.000Z is more than a year ahead (it is 2026-11-20T10:00:00.000Z)',
  ],
  [
    '999999999d999999999d',
    '`at`: expected an instant like 2026-12-24T22:00:00Z or 2026-12-24T22:00:00+08:00, or a duration from now like 30m, came "999999999d999999999d"',
  ],
])('a schedule at %s is rejected', (at, message) => {
  expect(schedule('at: "${event.data.args[0]}"', aChat({ args: [at] }))).toMatchObject({
    action: 'reject',
    reason: { code: 'schedule.invalid', message },
  });
});

test('a schedule carries its guards, rendered now, and how it is carried out', () => {
  const [rule] = rulesOf(
    `  - { name: s, on: slack, allow: { users: ['*'] }, schedule: { provider: tencent, command: cmd-1, instances: ins-1, at: 90m, timeout: 30s, workingDirectory: /srv, onUnavailable: skip, deadline: 5m }, guards: { dedupe: { key: 'event.data.args[0]', window: 1h }, cooldown: 1h, maxInFlight: 1, maxInstances: 3 } }`,
  ).rules;
  if (rule === undefined) throw new Error('no rule');
  expect(render(rule, aChat({ args: ['web'] }))).toMatchObject({
    action: 'schedule',
    target: { timeoutSeconds: 30, workingDirectory: '/srv' },
    execution: {
      onUnavailable: 'skip',
      deadlineMs: 300_000,
      guards: {
        dedupe: { key: 'web', windowMs: 3_600_000 },
        cooldownMs: 3_600_000,
        maxInFlight: 1,
        maxInstances: 3,
      },
    },
  });
});

test('the same delivery gives the same run id, another rule or delivery another', () => {
  const idOf = (event: TriggerEvent): string => render(aRule('parameters: {}'), event).runId;
  expect(idOf(anAlert())).toBe(idOf(anAlert({ name: 'changed' })));
  expect(idOf({ ...anAlert(), id: 'e-2' })).not.toBe(idOf(anAlert()));
  expect(render(aRule('parameters: {}', { on: 'github' }), aDeploy()).runId).not.toBe(idOf(anAlert()));
});

test('a secret is named in the request, for whoever shows it', () => {
  const parameters =
    "{ token: { value: '${event.data.labels.service}', secret: true }, plain: { value: 3 } }";
  for (const action of ['run', 'schedule']) {
    const [rule] = rulesOf(
      `  - { name: r, on: alertmanager, ${action}: { provider: tencent, command: cmd-1, instances: ins-1, ${action === 'run' ? '' : 'at: 30m, '}parameters: ${parameters} } }`,
    ).rules;
    if (rule === undefined) throw new Error('no rule');
    expect(render(rule, anAlert())).toMatchObject({
      action,
      target: { parameters: { token: 'web', plain: '3' }, secretParameters: ['token'] },
    });
  }
});

test('why the expression of a secret failed is not told, for it may have the value in it', () => {
  expect(
    parametersOf("{ token: { value: '${int(event.data.labels.service)}', secret: true } }", anAlert()),
  ).toEqual({
    code: 'template.failed',
    message: '`parameters.token`: it fails on this event; it is secret, so why is not shown',
  });
});
