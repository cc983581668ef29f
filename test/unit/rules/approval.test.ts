/** `approval` of a rule: what it becomes, and what is refused because nobody could ever approve it. */
import { describe, expect, test } from 'vitest';
import { FleetReflexError } from '../../../lib/errors.ts';
import { loadRules } from '../../../lib/rules/load.ts';
import { openRules } from '../../../lib/rules/open-rules.ts';
import { packRules } from '../../../lib/rules/pack-rules.ts';
import { SOURCES } from '../../../lib/sources/registry.ts';

const RUN =
  'run: { provider: tencent, region: ap-guangzhou, command: cmd-aaaaaaaa, instances: [ins-aaaaaaaa] }';

function file(approval: string, { on = 'slack', allow = 'allow: { users: [U1, U2] }', action = RUN } = {}) {
  const name = 'name: r';
  return `version: 1\nrules:\n  - { ${[name, `on: ${on}`, allow, `approval: ${approval}`, action].filter(Boolean).join(', ')} }\n  - { name: s, on: alertmanager, ${RUN} }\n`;
}
const load = (text: string) => loadRules(text, 'rules.yml', SOURCES.values());

function problemsOf(text: string): string[] {
  try {
    load(text);
    return [];
  } catch (thrown) {
    if (!(thrown instanceof FleetReflexError)) throw thrown;
    return thrown.message.split('\n');
  }
}

function termsOf(text: string) {
  const ruleSet = load(text);
  const [rule] = openRules(packRules(ruleSet, text, SOURCES.values())).rules;
  return rule?.action.kind === 'run' ? rule.action.approval : undefined;
}

describe('what it becomes, packaged too', () => {
  test.each([
    ['{}', {}, { users: [], channels: [], chats: ['slack'], expiresMs: 1_800_000 }],
    [
      '{ users: [U1, U2], channels: [C1], expires: 5m }',
      {},
      { users: ['U1', 'U2'], channels: ['C1'], chats: ['slack'], expiresMs: 300_000 },
    ],
    [
      '{ users: [U1], chats: [slack] }',
      { on: 'alertmanager', allow: '' },
      { users: ['U1'], channels: [], chats: ['slack'], expiresMs: 1_800_000 },
    ],
    [
      '{ users: [U1] }',
      { on: 'alertmanager', allow: '' },
      { users: ['U1'], channels: [], expiresMs: 1_800_000 },
    ],
  ])('%s', (approval, more, terms) => {
    expect(termsOf(file(approval, more))).toEqual(terms);
  });
});

describe('refused', () => {
  test.each<[string, string, Parameters<typeof file>[1], string]>([
    ['an expiry of a second', '{ expires: 1s }', {}, 'expected a duration from 1m to 7d'],
    ['channels of nobody', '{ channels: [C1] }', {}, 'no `users`'],
    ['everybody, everywhere', "{ users: ['*'] }", {}, 'name the channels'],
    [
      'the one who alone may ask',
      '{ users: [U1] }',
      { allow: 'allow: { users: [U1] }' },
      'name a second person',
    ],
    ['a chat that is none', '{ users: [U1], chats: [alertmanager] }', {}, 'sends no commands of people'],
    ['a chat that nobody knows', '{ users: [U1], chats: [slak] }', {}, 'slack'],
    ['digits of any chat', '{ users: ["4711"] }', { on: 'alertmanager', allow: '' }, 'whose ids they are'],
    [
      'a cancel',
      '{ users: [U1, U2] }',
      { action: 'cancel: { rule: s }' },
      'beside `run` and `schedule` only',
    ],
  ])('%s', (_, approval, more, message) => {
    expect(problemsOf(file(approval, more)).join('\n')).toContain(message);
  });

  test('of a standing schedule, which the cloud fires', () => {
    const schedule =
      "{ name: nightly, provider: tencent, region: ap-guangzhou, command: cmd-aaaaaaaa, instances: [ins-aaaaaaaa], recurrence: '0 0 1 * *', approval: { users: [U1] } }";
    expect(problemsOf(`version: 1\nrules: []\nschedules:\n  - ${schedule}\n`).join('\n')).toMatch(/approval/);
  });
});

test('people of any chat are a warning', () => {
  const { warnings } = load(file('{ users: [U1] }', { on: 'alertmanager', allow: '' }));
  expect(warnings.join('\n')).toContain('chats: [slack]');
});
