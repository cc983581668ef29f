/** People of another workspace, guild, organisation or company, whom the app's own secret lets reach it. */

import { describe, expect, it } from 'vitest';
import { loadRules } from '../../lib/rules/load.ts';
import type { RuleSet } from '../../lib/rules/rule.ts';
import { SOURCES, sourceNamed } from '../../lib/sources/registry.ts';
import { requestOfMessage } from '../../lib/sources/source.ts';
import { settingsOf } from '../fixtures/source-settings.ts';
import { fieldsOf, PLACES, placeOf, rulesForChats, typedIn, within } from '../fixtures/typed-in-chats.ts';
import { aDoor } from '../fixtures/webhook-door.ts';
import { problemsIn } from '../unit/rules/events.ts';

type Fields = Record<string, unknown>;
type Change = (value: Fields) => Fields;

const CHATS = [...SOURCES.values()].flatMap(({ name, kinds }) => (kinds.includes('chat') ? [name] : []));
const rules = (settings: Readonly<Record<string, Fields>> = {}, when = "event.kind == 'chat'") =>
  rulesForChats(
    `  - { name: any, on: [${CHATS.join(', ')}], when: "${when}", allow: { users: ['*'] }, run: { provider: tencent, command: cmd-1, instances: ins-1 } }`,
    settings,
  );

async function ask(place: string, change: Change, ruleSet: RuleSet, text = 'patch web') {
  const door = aDoor({ ruleSet });
  const { body } = await door.receive(typedIn(place, text, change));
  const codes = door.records.flatMap(({ unmatched }) => unmatched.map(({ code }) => code));
  return { started: door.sent.length, codes, told: `${body}${door.said.join('')}` };
}

const same: Change = (value) => value;
const has = (fields: Fields) => (value: Fields) => ({ ...value, ...fields });
const inEvent = (fields: Fields) => (value: Fields) => within(value, 'event', fields);
const owner = (id: number) => (value: Fields) => within(value, 'repository', { owner: { id, login: 'x' } });

/** The tenant of each place's sample, and what the same command looks like from another. */
const TENANTS: Readonly<Record<string, { own: string; other: Change }>> = {
  'a Slack command': { own: 'T1DC2JH3J', other: has({ team_id: 'T9' }) },
  'a Slack mention': { own: 'T1DC2JH3J', other: inEvent({ user_team: 'T9', team: 'T9' }) },
  'a Mattermost command': { own: 'kwoknj9nwpypzgzy78wkw516qe', other: has({ team_id: 't9' }) },
  'a Mattermost outgoing web hook': { own: 'kwoknj9nwpypzgzy78wkw516qe', other: has({ team_id: 't9' }) },
  'a Discord command': { own: '290926798626357999', other: has({ guild_id: '9' }) },
  'a Teams mention': {
    own: '72f988bf-86f1-41af-91ab-2d7cd011db47',
    other: (value) => within(value, 'channelData', { tenant: { id: 't-9' } }),
  },
  'a Feishu mention': {
    own: '736588c9260f175e',
    other: (value) => ({
      ...value,
      event: within(fieldsOf(value['event']), 'sender', { tenant_key: 'k-9' }),
    }),
  },
  'a DingTalk mention': { own: 'dinge8a565xxxx', other: has({ senderCorpId: 'ding9' }) },
  'a WeCom message': { own: 'ww5823bf96d3bd56c7', other: same },
  'a GitHub comment': { own: '21031067', other: owner(9) },
  'a Gitea comment': { own: '5', other: owner(9) },
  'a Forgejo comment': { own: '5', other: owner(9) },
  'a GitLab note': {
    own: 'acme',
    other: (value) => within(value, 'project', { path_with_namespace: 'others/web' }),
  },
};

describe.each(Object.keys(PLACES))('%s', (place) => {
  const { own, other } = TENANTS[place] ?? { own: '', other: same };
  const { source } = placeOf(place);
  const named = rules({ [source]: { tenants: ['another', own] } });

  // WeCom's envelope has the company outside as well, and one that says another is refused as forged.
  const refusing = source === 'wecom' ? rules({ wecom: { tenants: ['another'] } }) : named;

  it('of a tenant that the settings name runs', async () => {
    expect(await ask(place, same, named)).toMatchObject({ started: 1, codes: [] });
  });

  it('of another is refused before any rule is asked, and the record says which it was', async () => {
    for (const text of ['patch web', 'help', 'status', 'run any']) {
      const { started, codes, told } = await ask(place, other, refusing, text);
      expect({ started, codes }).toEqual({ started: 0, codes: ['tenant.other'] });
      // The sealed answer of WeCom says it too.
      if (source !== 'wecom') expect(told).toMatch(/You may not use this here|matched/);
    }
  });

  it('has its tenant in event.data.tenant', async () => {
    expect(await ask(place, same, rules({}, `event.data.tenant == '${own}'`))).toMatchObject({ started: 1 });
  });

  it('runs without settings', async () => {
    expect(await ask(place, same, rules())).toMatchObject({ started: 1 });
  });
});

describe('without settings, whom the platform calls external', () => {
  const shared = { is_ext_shared_channel: true };
  it.each<readonly [string, string, Change]>([
    ['a Slack mention', 'user_team', inEvent({ user_team: 'T9' })],
    ['a Slack mention', 'source_team', inEvent({ source_team: 'T9' })],
    ['a Slack mention', 'the profile’s team', inEvent({ user_profile: { team: 'T9' } })],
    ['a Slack mention', 'team', inEvent({ team: 'T9' })],
    ['a Slack mention', 'team_id, which is the person’s then', has({ ...shared, team_id: 'T9' })],
    [
      'a Slack mention',
      'user_team, where it is installed by context_team_id',
      (value) =>
        inEvent({ user_team: 'T9' })({ ...value, team_id: 'T9', context_team_id: 'T1', authorizations: [] }),
    ],
    ['a Slack mention', 'a shared channel, and nothing of the person', has(shared)],
    ['a Discord command', 'a user install in a guild', has({ authorizing_integration_owners: { '1': '7' } })],
    [
      'a Discord command',
      'an install of another guild',
      has({ authorizing_integration_owners: { '0': '9', '1': '7' } }),
    ],
    [
      'a Discord command',
      'a user install in messages',
      has({ guild_id: undefined, context: 2, authorizing_integration_owners: { '1': '7' } }),
    ],
    [
      'a Teams mention',
      'another tenant’s conversation',
      (value) => within(value, 'conversation', { tenantId: 't-9' }),
    ],
    ['a Feishu mention', 'tenant_key', TENANTS['a Feishu mention']?.other ?? same],
    ['a DingTalk mention', 'senderCorpId', has({ senderCorpId: 'ding9' })],
    ['a DingTalk mention', 'no id at all', has({ senderCorpId: undefined, senderStaffId: undefined })],
  ])('in %s by %s may use nothing', async (place, _, change) => {
    const { started, codes } = await ask(place, change, rules());
    expect({ started, codes }).toEqual({ started: 0, codes: ['tenant.external'] });
  });

  it('in a Slack button by team_id may use nothing, and who is of the workspace may', async () => {
    const door = (team: string) => {
      const slack = sourceNamed('slack');
      const payload = {
        type: 'block_actions',
        trigger_id: team,
        user: { id: 'U1', team_id: team },
        team: { id: 'T1' },
        actions: [{ action_id: 'patch', value: 'web' }],
      };
      const made = slack?.receiveMessage(
        requestOfMessage(JSON.stringify({ payload: JSON.stringify(payload) })),
        {
          secrets: [''],
          now: new Date(0),
          settings: settingsOf('slack'),
        },
      );
      const event = made?.kind === 'events' ? made.events[0] : undefined;
      return event?.kind === 'chat' ? [event.data.tenant, event.data.isExternal] : [];
    };
    expect([door('T1'), door('T9')]).toEqual([
      ['T1', undefined],
      ['T9', true],
    ]);
  });

  it.each<readonly [string, string, Change]>([
    [
      'a Slack mention',
      'in a shared channel',
      (value) => inEvent({ user_team: 'T1DC2JH3J' })({ ...value, ...shared }),
    ],
    [
      'a Discord command',
      'of the guild’s own install',
      has({ authorizing_integration_owners: { '0': '290926798626357999' } }),
    ],
    [
      'a Discord command',
      'to the bot itself',
      has({ guild_id: undefined, context: 1, authorizing_integration_owners: { '0': 0 } }),
    ],
    ['a DingTalk mention', 'where nothing is told', has({ senderCorpId: undefined })],
  ])('is not a member of our tenant, in %s %s', async (place, _, change) => {
    expect(await ask(place, change, rules())).toMatchObject({ started: 1 });
  });

  it('may, where the settings name their tenant', async () => {
    const partner = rules({ slack: { tenants: ['T1DC2JH3J', 'T9'] } });
    expect(await ask('a Slack mention', inEvent({ user_team: 'T9' }), partner)).toMatchObject({ started: 1 });
  });

  it.each<readonly [string, Change]>([
    ['a Slack mention', has(shared)],
    ['a Discord command', has({ guild_id: undefined })],
    ['a DingTalk mention', has({ senderCorpId: undefined })],
  ])('and who is of no known tenant may not, where the settings name some: %s', async (place, change) => {
    const { source } = placeOf(place);
    const named = rules({ [source]: { tenants: [TENANTS[place]?.own ?? ''] } });
    expect(await ask(place, change, named)).toMatchObject({
      started: 0,
      codes: ['tenant.unknown'],
    });
  });
});

describe('the setting', () => {
  it('is missed by `rules check` where a rule is for everybody on a source that others can reach', () => {
    const warningsOf = (on: string, allow: string, sources = '') =>
      loadRules(
        `version: 1\nproviders: { tencent: { region: ap-guangzhou } }\nsources: { ${sources} }\nrules:\n  - { name: r, on: [${on}], allow: ${allow}, run: { provider: tencent, command: cmd-1, instances: ins-1 } }\n`,
        'r.yml',
        SOURCES.values(),
        { looksForFeedback: true },
      ).warnings;
    const everybody = "{ users: ['*'] }";
    expect(warningsOf('slack, discord, wecom', everybody, 'slack: { tenants: [T1] }')).toEqual([
      expect.stringContaining('`r` is for everybody in every tenant that reaches the app (discord).'),
    ]);
    expect([
      warningsOf('slack', everybody, 'slack: { tenants: [T1] }'),
      warningsOf('slack', '{ users: [U1] }'),
      warningsOf('wecom, mattermost', everybody),
    ]).toEqual([[], [], []]);
  });

  const file = (sources: string) => `version: 1\nsources: { ${sources} }\nrules: []\n`;

  it.each([
    ['slack: { tenants: [] }'],
    ["slack: { tenants: [''] }"],
    ['discord: { tenants: [290926798626357999] }'],
    ['slack: { tenants: T1 }'],
    ['alertmanager: { tenants: [T1] }'],
  ])('%s is a broken file', (sources) => {
    expect(problemsIn(file(sources))).toEqual([expect.stringContaining('tenants')]);
  });
});
