/** Who may: an entry of `allow` is an id, and a name only where it says so, in every chat and on every code host. */

import { describe, expect, it } from 'vitest';
import type { TriggerEvent } from '../../../lib/model/trigger-event.ts';
import { matchNamed, whyMayNotUse } from '../../../lib/rules/match.ts';
import type { Rule } from '../../../lib/rules/rule.ts';
import { SOURCES, sourceNamed } from '../../../lib/sources/registry.ts';
import { requestOfMessage } from '../../../lib/sources/source.ts';
import { normalisationOf } from '../../fixtures/received-events.ts';
import { NOW, samplesOf } from '../../fixtures/signed-requests.ts';
import { settingsOf } from '../../fixtures/source-settings.ts';
import { aChat, problemsIn, rulesOf } from './events.ts';
import { matchRules } from './match-rules.ts';

type ChatEvent = Extract<TriggerEvent, { kind: 'chat' }>;

function ruleOn(source: string, allow: string): Rule {
  const [rule] = rulesOf(
    `  - { name: r, on: ${source}, byName: true, allow: ${allow}, run: { provider: tencent, command: cmd-1, instances: ins-1 } }`,
  ).rules;
  if (rule === undefined) throw new Error('no rule');
  return rule;
}

function mayUse(event: ChatEvent, allow: string): boolean {
  const rule = ruleOn(event.source, allow);
  const isMatch = matchNamed(rule, event).fires;
  expect(isMatch).toBe(whyMayNotUse(rule, event) === undefined);
  expect(isMatch).toBe(matchRules({ rules: [{ ...rule, isByName: false }] }, event)[0]?.fires);
  return isMatch;
}

const quoted = JSON.stringify;

describe('a stranger', () => {
  const stranger = aChat({
    user: { id: 'U9', name: 'manager4220', groups: ['G9'] },
    channel: { id: 'C9', name: 'cidOPS' },
  });

  it.each([
    '{ users: [manager4220] }',
    '{ users: [manager4220], channels: [C9] }',
    "{ users: ['*'], channels: [cidOPS] }",
    '{ groups: [manager4220] }',
    "{ users: ['name:U9'] }",
    "{ users: ['name:manager'] }",
    "{ users: ['name:Manager4220'] }",
    "{ users: ['*'], channels: ['name:C9'] }",
    "{ groups: ['name:G9'] }",
  ])('may not by the name that he gave himself or his group: %s', (allow) => {
    expect(mayUse(stranger, allow)).toBe(false);
  });

  it.each([
    "{ users: ['name:manager4220'], channels: ['name:cidOPS'] }",
    '{ users: [U9], channels: [C9] }',
    '{ groups: [G9] }',
  ])('may where the file says so: %s', (allow) => {
    expect(mayUse(stranger, allow)).toBe(true);
  });

  it.each([
    [{ id: 'name:ann' }, "{ users: ['name:ann'] }"],
    [{ id: 'name:ann', name: 'bob' }, "{ users: ['name:ann'] }"],
    [{ id: 'U9', name: 'name:ann' }, "{ users: ['name:ann'] }"],
    [{ id: 'U9', groups: ['name:ann'] }, "{ users: ['name:ann'] }"],
    [{ name: 'U1' }, '{ users: [U1] }'],
    [{ name: '*' }, '{ users: [U1] }'],
    [{}, "{ users: [undefined, 'name:undefined'] }"],
  ])('%j does not pass at %s', (user, allow) => {
    expect(mayUse(aChat({ user }), allow)).toBe(false);
  });

  it('is told the id that he asked with, and what has no id its name', () => {
    const because = (data: Partial<ChatEvent['data']>) =>
      whyMayNotUse(ruleOn('slack', '{ users: [U1], channels: [C1] }'), aChat(data))?.because;
    expect([
      because({ user: { id: 'U9', name: 'ann' } }),
      because({ user: { name: 'ann' } }),
      because({ user: {} }),
      because({ channel: { name: 'ops' } }),
      because({ channel: { id: 'C9' } }),
    ]).toEqual([
      'U9 (ann) is not among the rule’s `allow` users and groups',
      'name:ann is not among the rule’s `allow` users and groups',
      'somebody without an id is not among the rule’s `allow` users and groups',
      'name:ops is not among the rule’s `allow` channels',
      'C9 is not among the rule’s `allow` channels',
    ]);
  });
});

/** The chat events of every source that makes some. Gitea and Forgejo have no sample of a comment. */
async function chatsOf(name: string): Promise<ChatEvent[]> {
  const samples = samplesOf(name).map(async ({ file }) => {
    const made = await normalisationOf(file);
    return made.kind === 'events' ? made.events : [];
  });
  const comment = {
    action: 'created',
    issue: { number: 3 },
    comment: { body: '@fleet-reflex patch', user: { id: 71, login: 'ann' } },
    repository: { id: 12, full_name: 'acme/web' },
  };
  const settings = { secrets: [''], now: NOW, settings: settingsOf('gitea', { commenters: ['*'] }) };
  const commented = ['gitea', 'forgejo'].includes(name)
    ? sourceNamed(name)?.receiveMessage(requestOfMessage(JSON.stringify(comment)), settings)
    : undefined;
  const all = [
    ...(await Promise.all(samples)).flat(),
    ...(commented?.kind === 'events' ? commented.events : []),
  ];
  return all.flatMap((event) => (event.kind === 'chat' ? [event] : []));
}

const CHATS = [...SOURCES.values()].filter(({ kinds }) => kinds.includes('chat')).map(({ name }) => name);

describe.each(CHATS)('%s', (name) => {
  it('lets people and channels in by their ids, and by their names only where the entry says so', async () => {
    const events = await chatsOf(name);
    expect(events.length).toBeGreaterThan(0);
    for (const event of events) {
      const { user, channel } = event.data;
      for (const [list, who] of [
        ['users', user],
        ['channels', channel],
      ] as const) {
        const allow = (entry: string): string =>
          list === 'users'
            ? `{ users: [${quoted(entry)}] }`
            : `{ users: ['*'], channels: [${quoted(entry)}] }`;
        if (who?.id !== undefined) {
          expect(mayUse(event, allow(who.id))).toBe(true);
          expect(mayUse(event, allow(`name:${who.id}`))).toBe(false);
        }
        if (who?.name !== undefined) {
          expect(who.name).not.toBe(who.id);
          expect(mayUse(event, allow(who.name))).toBe(false);
          expect(mayUse(event, allow(`name:${who.name}`))).toBe(true);
        }
      }
      expect([user.id, channel?.id ?? 'none']).not.toContain(undefined);
    }
  });

  it('says in docs/sources.md what its ids are', () => {
    expect(sourceNamed(name)?.facts?.people).toBeDefined();
  });
});

describe('what has only a name', () => {
  const chatOf = async (change: (it: Record<string, unknown>) => unknown) => {
    const made = await normalisationOf('gitlab.note.json', change, { settings: { commenters: ['*'] } });
    if (made.kind !== 'events' || made.events[0]?.kind !== 'chat') throw new Error('no chat event');
    const { user, channel } = made.events[0].data;
    return { user, channel };
  };

  it('has no id: a GitLab user and project without their numbers', async () => {
    expect(
      await chatOf((it) => ({
        ...it,
        user: { username: '1' },
        project: { ...Object(it['project']), id: null, path_with_namespace: '30' },
      })),
    ).toEqual({ user: { name: '1' }, channel: { name: '30!1' } });
    expect(await chatOf((it) => it)).toEqual({
      user: { id: '1', name: 'root' },
      channel: { id: '30!1', name: 'acme/web!1' },
    });
  });

  it('has no id: a repository without its number', async () => {
    const made = await normalisationOf('github.issue_comment.json', (it) => ({
      ...it,
      repository: { full_name: 'acme/web' },
    }));
    expect(made).toMatchObject({ events: [{ data: { channel: { name: 'acme/web#1' } } }] });
    expect(made).not.toMatchObject({ events: [{ data: { channel: { id: expect.anything() } } }] });
  });
});

describe('a file', () => {
  const rule = (allow: string): string =>
    `version: 1\nproviders: { tencent: { region: ap-guangzhou } }\nrules:\n  - name: r\n    on: github\n    allow: ${allow}\n    run: { provider: tencent, command: cmd-1, instances: ins-1 }\n`;
  const warningsOf = (allow: string): readonly string[] =>
    rulesOf(rule(allow).split('rules:\n')[1] ?? '').warnings;

  it('is warned about names, each at its place', () => {
    expect(
      warningsOf("{ users: [U1, 'name:ann'], groups: ['name:devs'], channels: ['name:acme/web#1', '*'] }"),
    ).toEqual([
      expect.stringMatching(
        /^rules\.yml:7:26: rules\[0\]\.allow\.users\[1\]: `name:ann` is whatever has that name/,
      ),
      expect.stringContaining('rules[0].allow.groups[0]: `name:devs` matches no group'),
      expect.stringContaining('rules[0].allow.channels[0]: `name:acme/web#1` is whatever has that name'),
    ]);
    expect(warningsOf("{ users: ['*'] }")).toEqual([]);
  });

  it('may write the number of an account without quotes', () => {
    expect(problemsIn(rule('{ users: [583231] }'))).toEqual([]);
    expect(ruleOn('github', '{ users: [583231] }').allow?.users).toEqual(['583231']);
  });

  it.each([
    ['{ users: [007] }', 'rules[0].allow.users[0]: is written 007 and would be 7; put it in quotes'],
    ['{ users: [0x10] }', 'is written 0x10 and would be 16; put it in quotes'],
    ['{ users: [539082325061836999] }', 'rules[0].allow.users[0]: expected'],
    ['{ users: [1.5] }', 'rules[0].allow.users[0]: expected'],
    ["{ users: ['name:'] }", 'expected a name directly behind `name:`, like name:ann, came "name:"'],
    ["{ users: ['name: ann'] }", 'expected a name directly behind `name:`'],
    ["{ groups: ['*'] }", "`*` is no group: write the ids of groups, or users: ['*'] for everybody"],
  ])('is refused with allow: %s', (allow, problem) => {
    expect(problemsIn(rule(allow)).join('\n')).toContain(problem);
  });
});
