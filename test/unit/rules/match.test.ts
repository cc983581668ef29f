/** Which rules fire on which event, and what is on record of those that do not. */
import { expect, test } from 'vitest';
import type { TriggerEvent } from '../../../lib/model/trigger-event.ts';
import { matchNamed } from '../../../lib/rules/match.ts';
import { optionsOf } from '../../../lib/rules/options.ts';
import { aChat, aDeploy, aGeneric, anAlert, aRule, rulesOf } from './events.ts';
import { matchRules } from './match-rules.ts';

const RUN = 'run: { provider: tencent, command: cmd-1, instances: ins-1 }';

/** What becomes of an event at one rule: true, or why not. */
function outcomeOf(
  rule: string,
  event: TriggerEvent,
): true | { because: string; clause?: string; code?: string } {
  const [match, ...others] = matchRules(rulesOf(`  - { name: r, ${RUN}, ${rule} }`), event);
  if (match === undefined || others.length > 0) throw new Error('expected one match');
  if (match.fires) return true;
  const { because, clause, code } = match;
  return {
    because,
    ...(clause !== undefined && { clause }),
    ...(code !== undefined && { code }),
  };
}

const onAlert = (when: string): string => `on: alertmanager, when: ${JSON.stringify(when)}`;

test.each([
  ["event.data.status == 'firing'"],
  ["event.data.labels.alertname == 'High5xx' && event.data.labels['service'] in ['web', 'api']"],
  ["event.data.labels.alertname.startsWith('High') && event.type == 'alert.firing'"],
  ["event.data.labels.instance_id.matches('^ins-[a-z0-9]+$')"],
  ['has(event.data.labels.service) && !has(event.data.url)'],
  ["event.data.?severity.orValue('none') == 'none'"],
  ["event.data.labels.exists(name, name == 'service')"],
  ["timestamp(event.time) > timestamp('2026-01-01T00:00:00Z')"],
  ["event.data.raw.version == '4'"],
  // A false clause decides, also beside one that fails.
  ["!(event.data.labels.none == 'x' && false)"],
])('%s fires', (when) => {
  expect(outcomeOf(onAlert(when), anAlert({ raw: { version: '4' } }))).toBe(true);
});

test.each([
  ["event.data.name == 'Other'", "`event.data.name == 'Other'` is false", undefined],
  [
    "event.data.status == 'firing' && event.data.name == 'Other' && event.data.labels.x == 'y'",
    "`event.data.name == 'Other'` is false",
    "event.data.name == 'Other'",
  ],
  [
    "event.data.status == 'firing' && event.data.labels.foo == 'bar'",
    '`event.data.labels.foo`: no such key',
    "event.data.labels.foo == 'bar'",
  ],
  // What is false is the reason, not what failed before it.
  [
    "event.data.labels.foo == 'bar' && event.data.name == 'Other'",
    "`event.data.name == 'Other'` is false",
    "event.data.name == 'Other'",
  ],
  [
    "(event.data.name == 'a' || event.data.name == 'b') && true",
    "`event.data.name == 'a' || event.data.name == 'b'` is false",
    "event.data.name == 'a' || event.data.name == 'b'",
  ],
  [
    "!(event.data.name == 'High5xx')",
    "`!(event.data.name == 'High5xx')` is false",
    "!(event.data.name == 'High5xx')",
  ],
  [
    'int(event.data.labels.service) > 3',
    '`int(event.data.labels.service)`: int() type error: cannot convert to int',
    undefined,
  ],
  [
    "event.data.raw.alerts[7].status == 'x'",
    '`event.data.raw.alerts[7]`: index out of bounds, index 7 >= size 1',
    undefined,
  ],
  [
    'event.data.raw.alerts[0].n + 1 == 2',
    '`event.data.raw.alerts[0].n + 1`: no such overload: dyn<double> + int',
    undefined,
  ],
  ['event.data.raw.alerts', '`event.data.raw.alerts` is neither true nor false', undefined],
])('%s does not fire, and says why', (when, because, clause) => {
  const event = anAlert({ raw: { alerts: [{ n: 1 }] } });
  expect(outcomeOf(onAlert(when), event)).toEqual({ because, clause: clause ?? when });
});

test('a rule looks only at the events of its sources', () => {
  const set = rulesOf(
    `  - { name: a, on: alertmanager, ${RUN} }\n  - { name: b, on: [github, alertmanager], ${RUN} }\n  - { name: c, on: github, ${RUN} }`,
  );
  const names = (event: TriggerEvent): string[] => matchRules(set, event).map(({ rule }) => rule.name);
  expect([names(anAlert()), names(aDeploy()), names(aGeneric({}))]).toEqual([['a', 'b'], ['b', 'c'], []]);
});

test('fields of several kinds may be asked for where a source makes several', () => {
  const rule =
    "on: github, allow: { users: ['*'] }, when: event.data.repository == 'acme/web' || event.data.command == '/fleet'";
  expect(outcomeOf(rule, aDeploy())).toBe(true);
  expect(outcomeOf(rule, { ...aChat(), source: 'github' })).toBe(true);
});

const RESOLVED = 'resolved alerts fire only rules whose `when` asks for event.data.status';
test.each([
  ['', { because: RESOLVED }],
  [", when: event.data.name == 'High5xx'", { because: RESOLVED }],
  // A text that looks like it is not asking.
  [`, when: "event.data.name != 'event.data.status'"`, { because: RESOLVED }],
  [", when: event.data.status == 'resolved'", true],
  [`, when: "event.data['status'] != 'firing'"`, true],
  [", when: event.type == 'alert.resolved'", true],
  [
    ", when: event.data.status == 'firing'",
    { because: "`event.data.status == 'firing'` is false", clause: "event.data.status == 'firing'" },
  ],
])('a resolved alert at a rule with `%s`', (when, expected) => {
  expect(outcomeOf(`on: alertmanager${when}`, anAlert({ status: 'resolved' }))).toEqual(expected);
});

test('an alert that somebody has taken on fires only who asks for the status', () => {
  expect(outcomeOf('on: pagerduty', anAlert({ status: 'acknowledged' }, 'pagerduty'))).toEqual({
    because: 'acknowledged alerts fire only rules whose `when` asks for event.data.status',
  });
});

test.each([
  ["{ users: ['*'] }", true],
  ['{ users: [U1] }', true],
  ["{ users: ['name:ada'] }", true],
  ['{ groups: [oncall] }', true],
  ['{ users: [U1], channels: [C1] }', true],
  ["{ users: [U1], channels: ['name:ops', C2] }", true],
  ["{ users: [U1], channels: ['*'] }", true],
  [
    '{ users: [ada] }',
    { code: 'allow.users', because: 'U1 (ada) is not among the rule’s `allow` users and groups' },
  ],
  [
    '{ users: [U2] }',
    { code: 'allow.users', because: 'U1 (ada) is not among the rule’s `allow` users and groups' },
  ],
  [
    '{ groups: [admins] }',
    { code: 'allow.users', because: 'U1 (ada) is not among the rule’s `allow` users and groups' },
  ],
  [
    '{ users: [U1], channels: [ops] }',
    { code: 'allow.channels', because: 'C1 (ops) is not among the rule’s `allow` channels' },
  ],
  [
    '{ users: [U1], channels: [dev] }',
    { code: 'allow.channels', because: 'C1 (ops) is not among the rule’s `allow` channels' },
  ],
  [
    "{ users: ['*'], channels: [dev] }",
    { code: 'allow.channels', because: 'C1 (ops) is not among the rule’s `allow` channels' },
  ],
])('a person in a group, in a channel, at `allow: %s`', (allow, expected) => {
  const event = aChat({ user: { id: 'U1', name: 'ada', groups: ['oncall'] } });
  expect(outcomeOf(`on: slack, allow: ${allow}`, event)).toEqual(expected);
});

test('a message without a channel is in none', () => {
  const { channel: _, ...data } = aChat().data;
  expect(outcomeOf("on: slack, allow: { users: ['*'], channels: [ops] }", { ...aChat(), data })).toEqual({
    code: 'allow.channels',
    because: 'a message without a channel is not among the rule’s `allow` channels',
  });
});

test('who may is asked before what was said, so that others hear nothing of `when`', () => {
  expect(
    outcomeOf("on: slack, when: event.data.command == '/other', allow: { users: [U2] }", aChat()),
  ).toEqual({ code: 'allow.users', because: 'U1 (ada) is not among the rule’s `allow` users and groups' });
});

test('a comment fires no rule that says nothing of people', () => {
  expect(outcomeOf('on: github', { ...aChat(), source: 'github' })).toEqual({
    code: 'allow.missing',
    because: 'closed to everybody: the rule has no `allow`',
  });
  expect(outcomeOf('on: github', aDeploy())).toBe(true);
});

test('a rule that is run by its name fires on nothing else that is typed, and on other events only where it says so', () => {
  const rule = "on: [slack, github, alertmanager], byName: true, allow: { users: ['*'] }";
  const byItsName = { because: 'people run it by its name: `run r`' };
  expect(outcomeOf(rule, aChat())).toEqual(byItsName);
  expect(outcomeOf(rule, aDeploy())).toEqual(byItsName);
  expect(outcomeOf(rule, anAlert())).toEqual(byItsName);
  const both = `${rule}, when: event.kind == 'chat' || event.data.status == 'firing'`;
  expect(outcomeOf(both, aChat())).toEqual(byItsName);
  expect(outcomeOf(both, anAlert())).toBe(true);
});

test.each([
  ["byName: true, allow: { users: ['*'] }", true],
  ["byName: true, when: event.data.options.env == 'a', allow: { users: ['*'] }", true],
  [
    "byName: true, when: event.data.options.env == 'b', allow: { users: ['*'] }",
    { because: "`event.data.options.env == 'b'` is false", clause: "event.data.options.env == 'b'" },
  ],
  // Who may not hears nothing of `when`.
  [
    "byName: true, when: event.data.options.env == 'b', allow: { users: [U2] }",
    {
      code: 'allow.users',
      because: 'U1 (ada) is not among the rule’s `allow` users and groups',
      isRefused: true,
    },
  ],
  ["allow: { users: ['*'] }", { because: 'it is not run by its name: it lacks `byName: true`' }],
])('named by a person, a rule with %s', (fields, expected) => {
  const [rule] = rulesOf(`  - { name: r, ${RUN}, on: slack, ${fields} }`).rules;
  if (rule === undefined) throw new Error('no rule');
  const match = matchNamed(rule, aChat({ options: { env: 'a' } }));
  const { fires, rule: _, ...why } = { ...match };
  expect(fires || why).toEqual(expected);
});

test.each<[string, readonly string[] | 'any']>([
  ['event.data.options.a', ['a']],
  ["event.data.options['a'] + event.data.options.b", ['a', 'b']],
  ["event.data.options[?'a'].orValue('x')", ['a']],
  ["has(event.data.options.a) ? 'y' : 'n'", ['a']],
  ['event.data.args[0]', []],
  ['safe(event.data.text)', 'any'],
  ['event.data.options[event.data.args[0]]', 'any'],
  ["event.data.options.map(k, k).join('.')", 'any'],
])('of a rule that reads %s the options are %j', (expression, expected) => {
  const on = "slack, allow: { users: ['*'] }";
  expect(optionsOf(aRule(`parameters: { a: "\${${expression}}" }`, { on }))).toEqual(expected);
  expect(optionsOf(aRule(`workingDirectory: "/srv/\${${expression}}"`, { on }))).toEqual(expected);
});

test('a pattern on a text from outside takes no time to speak of', () => {
  const event = anAlert({ summary: `${'a'.repeat(8000)}!` });
  const start = performance.now();
  expect(outcomeOf(onAlert("event.data.summary.matches('^(a+)+$')"), event)).toMatchObject({
    because: expect.stringContaining('is false'),
  });
  expect(performance.now() - start).toBeLessThan(5000);
});

test('a text that is too long for matches() is no match', () => {
  expect(
    outcomeOf(onAlert("event.data.summary.matches('a')"), anAlert({ summary: 'a'.repeat(9000) })),
  ).toMatchObject({
    because:
      "`event.data.summary.matches('a')`: matches() looks at texts of at most 8192 characters, this one has 9000",
  });
});

test('a reason quotes no more than a little of the event', () => {
  const outcome = outcomeOf(onAlert('bool(event.data.summary)'), anAlert({ summary: 'x'.repeat(10_000) }));
  expect(outcome === true ? 0 : outcome.because.length).toBeLessThan(310);
});
