/** What somebody in a chat learns who may use no rule there, or not the one that they name: nothing but that. */
import { describe, expect, it } from 'vitest';
import { VERBS } from '../../lib/chat/grammar.ts';
import type { ChatPort, ChatRun } from '../../lib/chat/port.ts';
import type { RuleSet } from '../../lib/rules/rule.ts';
import { SOURCES } from '../../lib/sources/registry.ts';
import { PLACES, placeOf, rulesForChats, typedIn } from '../fixtures/typed-in-chats.ts';
import { aDoor } from '../fixtures/webhook-door.ts';

const RUN_ID = 'run-abcdefghijklmnopqrstuvwxyz';
const CHATS = [...SOURCES.values()].flatMap(({ name, kinds }) => (kinds.includes('chat') ? [name] : []));
const RUN = 'run: { provider: tencent, command: cmd-hidden01, instances: ins-1 }';
const rule = (name: string, fields: string) =>
  `  - { name: ${name}, on: [${CHATS.join(', ')}], ${fields}, ${RUN} }`;

/** All names and constants that nobody but those who may shall read have `hidden` in them. */
const FOR_OTHERS = [
  rule(
    'hidden-rule',
    `byName: true, when: "event.data.options.key == 'hidden-constant'", allow: { users: [somebody-else] }`,
  ),
  rule('hidden-words', `when: "event.data.args[0] == 'hidden-word'", allow: { users: [somebody-else] }`),
  rule(
    'hidden-room',
    `when: "event.data.args[7] == 'hidden-word'", allow: { users: ['*'], channels: [hidden-channel] }`,
  ),
].join('\n');
const FOR_ALL = rule('say', "byName: true, allow: { users: ['*'] }");
const STRANGE = rulesForChats(FOR_OTHERS);
const BOTH = rulesForChats(`${FOR_OTHERS}\n${FOR_ALL}`);

const RUN_OF_OTHERS: ChatRun = {
  runId: RUN_ID,
  rule: 'hidden-rule',
  status: 'running',
  instances: ['ins-hidden'],
  counts: {},
  tasks: [],
  requestedAt: '2026-11-20T09:59:00.000Z',
};

/** Gives all that it has, whatever it is asked. */
const CHAT: ChatPort = {
  status: async () => RUN_OF_OTHERS,
  toJudge: async () => ({
    rule: RUN_OF_OTHERS.rule,
    status: 'dispatching',
    trigger: { source: 'test', type: 'alert.firing', id: 'e-1' },
    approval: {
      ...{ users: ['hidden-approver'], channels: [], expiresMs: 1 },
      asked: {
        ...{ at: '2026-11-20T09:58:00.000Z', until: '2099-01-01T00:00:00.000Z', withinMs: 1 },
        ...{ seal: {}, script: 'hidden-script', settings: {} },
      },
    },
  }),
  toResume: () => Promise.reject(new Error('a stranger reached it')),
  recent: async () => [RUN_OF_OTHERS],
  events: async () => [
    {
      version: 1,
      action: 'event',
      source: 'hidden-source',
      eventId: 'e-1',
      type: 'alert.firing',
      time: '2026-11-20T09:58:00.000Z',
      receivedAt: '2026-11-20T09:58:01.000Z',
      matched: [{ rule: 'hidden-rule', runId: RUN_ID }],
      unmatched: [{ rule: 'hidden-words', because: 'hidden-constant' }],
    },
  ],
  frozenBecause: async () => undefined,
};

async function ask(place: string, text: string, ruleSet: RuleSet) {
  const door = aDoor({ ruleSet, chat: CHAT });
  const { statusCode, body } = await door.receive(typedIn(place, text));
  // WeCom's answer is sealed: of it only the record and what is sent are looked at.
  return { statusCode, body, said: door.said.join('\n'), sent: door.sent, records: door.records };
}

/** The JSON of a code host's web hook is shown to who owns the hook, and to nobody who comments. */
const shownOf = (place: string, { body, said }: Awaited<ReturnType<typeof ask>>): string =>
  ['github', 'gitlab', 'gitea', 'forgejo'].includes(placeOf(place).source) ? said : `${body}${said}`;

/** Every verb by its own usage, with what is hidden in its places, and without: a new verb is tried, too. */
const OF_VERBS = VERBS.flatMap(({ name, usage }) => [
  name,
  usage
    .replace('<run>', RUN_ID)
    .replace('[run]', RUN_ID)
    .replace('<time>', 'in 5m')
    .replace('[instance …]', 'ins-hidden')
    .replace('[key=value …]', 'key=hidden-constant')
    .replaceAll(/[<[][^\]>]*[\]>]/g, 'hidden-rule'),
]);

const TYPED = [
  ...OF_VERBS,
  '',
  'run nothing-of-that-name',
  `cancel ${RUN_ID}`,
  'hidden-word',
  'anything else',
];

describe.each(Object.keys(PLACES))('a stranger in %s', (place) => {
  it('is told one sentence, whatever is typed, and starts nothing', async () => {
    const all = await Promise.all(TYPED.map((text) => ask(place, text, STRANGE)));
    const isSealed = placeOf(place).source === 'wecom';
    const told = new Set(all.map((answer) => (isSealed ? 'sealed' : shownOf(place, answer))));
    expect({ told: told.size, sent: all.flatMap(({ sent }) => sent) }).toEqual({ told: 1, sent: [] });
    const [text = ''] = told;
    if (!isSealed)
      expect(text).toContain('You may not use this here; ask the people who keep its rules to allow ');
    expect(text).not.toContain('hidden');
  });

  it('is on record with every rule and why not', async () => {
    for (const { records } of await Promise.all(TYPED.map((text) => ask(place, text, STRANGE)))) {
      expect(records.map(({ unmatched }) => unmatched)).toEqual([
        [
          {
            rule: 'hidden-rule',
            code: 'allow.users',
            because: expect.any(String),
          },
          { rule: 'hidden-words', code: 'allow.users', because: expect.any(String) },
          {
            rule: 'hidden-room',
            code: 'allow.channels',
            because: expect.any(String),
          },
        ],
      ]);
    }
  });
});

describe.each(Object.keys(PLACES))('somebody who may use one rule, in %s,', (place) => {
  it('hears nothing of the others, and reaches none', async () => {
    for (const text of TYPED) {
      const answer = await ask(place, text, BOTH);
      // What they typed themselves may be said to them.
      const shown = text
        .split(' ')
        .reduce((left, word) => left.replaceAll(word || '-', ''), shownOf(place, answer));
      expect([text, shown.includes('hidden'), answer.sent]).toEqual([text, false, []]);
    }
  });

  it('is told the same of a rule that they may not use as of one that does not exist', async () => {
    if (placeOf(place).source === 'wecom') return;
    const [real, none] = await Promise.all([
      ask(place, 'run hidden-rule', BOTH),
      ask(place, 'run hidden-nope', BOTH),
    ]);
    expect(shownOf(place, real).replaceAll('hidden-rule', 'hidden-nope')).toBe(shownOf(place, none));
    expect(real.records.map(({ unmatched }) => unmatched.map((it) => it.rule))).toEqual([['hidden-rule']]);
  });
});

/** Where the answer is the caller's alone; WeCom's is too, and sealed. */
const PRIVATE: ReadonlySet<string> = new Set([
  'a Slack command',
  'a Mattermost command',
  'a Discord command',
]);

describe.each(Object.keys(PLACES).filter((place) => placeOf(place).source !== 'wecom'))(
  'who reads along in %s',
  (place) => {
    it('is shown no clause of a rule that did not match: only the caller is', async () => {
      const mine = rule('mine', `when: "event.data.args[0] == 'hidden-word'", allow: { users: ['*'] }`);
      const answer = await ask(place, 'anything else', rulesForChats(mine));
      // Slack discards the response to an event request; what is said below the mention is what all see.
      const shown = place === 'a Slack mention' ? answer.said : shownOf(place, answer);
      expect(shown).toContain('Nothing started: no rule matched.');
      expect(shown.includes('hidden')).toBe(PRIVATE.has(place));
      expect(answer.records.map(({ unmatched }) => unmatched)).toEqual([
        [{ rule: 'mine', because: expect.stringContaining('hidden-word') }],
      ]);
    });
  },
);
