/** Talk that has a command, or the bot, somewhere in it: on every chat and code host it starts nothing, and the log says why. */
import { describe, expect, it } from 'vitest';
import { SOURCES } from '../../lib/sources/registry.ts';
import { fieldsOf, PLACES, placeOf, rulesForChats, typedIn, within } from '../fixtures/typed-in-chats.ts';
import { aDoor } from '../fixtures/webhook-door.ts';

type Fields = Record<string, unknown>;

const CHATS = [...SOURCES.values()].flatMap(({ name, kinds }) => (kinds.includes('chat') ? [name] : []));

/** Whatever is taken for a command runs. */
const rules = (settings: Readonly<Record<string, Fields>> = {}, when = "event.kind == 'chat'") =>
  rulesForChats(
    `  - { name: any, on: [${CHATS.join(', ')}], when: "${when}", allow: { users: ['*'] }, run: { provider: tencent, command: cmd-1, instances: ins-1 } }`,
    settings,
  );
const ANY = rules();

async function ask(place: string, change: (value: Fields) => Fields, ruleSet = ANY) {
  const door = aDoor({ ruleSet });
  const { statusCode } = await door.receive(typedIn(place, 'stop', change));
  const ignored = door.lines.flatMap(({ event, facts }) =>
    event === 'event.ignored' ? [facts['because']] : [],
  );
  return { statusCode, started: door.sent.length, ignored };
}

describe.each(Object.keys(PLACES))('%s', (place) => {
  it('that is a command and nothing more runs', async () => {
    expect(await ask(place, (value) => value)).toMatchObject({ started: 1, ignored: [] });
  });
});

const slack = (text: string) => (value: Fields) => within(value, 'event', { text });
const slackHas = (fields: Fields) => (value: Fields) => within(value, 'event', fields);
const teams = (text: string) => (value: Fields) => ({ ...value, text });
const has = (fields: Fields) => (value: Fields) => ({ ...value, ...fields });
const feishu = (text: string, mentions: unknown[]) => (value: Fields) => {
  const event = fieldsOf(value['event']);
  return { ...value, event: within(event, 'message', { content: JSON.stringify({ text }), mentions }) };
};
const BOT = { key: '@_user_1', id: { open_id: 'ou_bot', user_id: '' }, name: 'fleet-reflex' };
const ALICE = { key: '@_user_2', id: { open_id: 'ou_alice', user_id: 'e1' }, name: 'alice' };
const comment = (body: string) => (value: Fields) => within(value, 'comment', { body });
const commentHas = (fields: Fields) => (value: Fields) => within(value, 'comment', fields);
const author = (fields: Fields) => (value: Fields) => {
  const of = fieldsOf(value['comment']);
  return { ...value, comment: within(of, 'user', fields) };
};
const note = (fields: Fields) => (value: Fields) => within(value, 'object_attributes', fields);

const ON_CODE_HOSTS: Readonly<Record<string, string>> = {
  'a mention in a sentence': 'sleep 20 was a bad idea, ask @fleet-reflex why',
  'a mention after another': '@alice stop, see @fleet-reflex stop',
  'a quote': '> @fleet-reflex stop',
  'a fence': '```\n@fleet-reflex stop\n```',
  'another fence': '~~~\n@fleet-reflex stop\n~~~',
  'indented code': '    @fleet-reflex stop',
  'code indented by a tab': '\t@fleet-reflex stop',
  'indented code after an empty line': '\n\n     @fleet-reflex stop',
  'an HTML comment': '<!--\n@fleet-reflex stop\n-->',
  'a word of code': '`@fleet-reflex stop`',
  'a list': '- @fleet-reflex stop',
  'a heading': '# @fleet-reflex stop',
  'a later line': 'thanks\n@fleet-reflex stop',
  'another name that begins so': '@fleet-reflex-dev stop',
};
const onCodeHost = (place: string, say: (body: string) => (value: Fields) => Fields) =>
  Object.entries(ON_CODE_HOSTS).map(([what, body]) => [place, what, say(body)] as const);

const NOT_FIRST = /^the (message|post|comment|note) (does not begin with|mentions others)/;
const NOT_A_PERSON = /not a person’s|has not typed it|not a new one of a person/;

describe('talk', () => {
  it.each<readonly [string, string, (value: Fields) => Fields]>([
    ['a Slack mention', 'a mention in a sentence', slack('sleep 20 was a bad idea, ask <@U0LAN0Z89> why')],
    ['a Slack mention', 'a mention after another', slack('<@UALICE> stop, see <@U0LAN0Z89>')],
    ['a Slack mention', 'a mention of another alone', slack('<@UALICE> stop')],
    ['a Slack mention', 'a quote', slack('&gt; <@U0LAN0Z89> stop')],
    ['a Slack mention', 'a fence', slack('```<@U0LAN0Z89> stop```')],
    ['a Slack mention', 'a mention that is only written', slack('&lt;@U0LAN0Z89&gt; stop')],
    ['a Slack mention', 'a group first', slack('<!subteam^S1> <@U0LAN0Z89> stop')],
    [
      'a Slack mention',
      'a mention after another, where Slack does not tell the app',
      (value) => slack('<@UALICE> stop, see <@U0LAN0Z89>')({ ...value, authorizations: [] }),
    ],
    [
      'a Slack mention',
      'a mention of the person who installed the app',
      (value) =>
        slack('<@UADMIN> stop, see <@U0LAN0Z89>')({
          ...value,
          authorizations: [{ team_id: 'T1DC2JH3J', user_id: 'UADMIN', is_bot: false }],
        }),
    ],
    ['a Teams mention', 'a mention in a sentence', teams('sleep 20 was a bad idea, ask <at>Fleet</at> why')],
    ['a Teams mention', 'a mention after another', teams('<at>Alice</at> stop, see <at>Fleet</at>')],
    ['a Teams mention', 'a quote before', teams('<blockquote>sleep 20</blockquote><at>Fleet</at> stop')],
    [
      'a Teams mention',
      'a quote before that holds the mention',
      teams('<p><blockquote><at>Fleet</at> stop</blockquote></p>'),
    ],
    ['a Teams mention', 'a quote as lines', teams('Alice: sleep 20\r\n<at>Fleet</at> stop')],
    ['a Teams mention', 'no mention', teams('stop')],
    ['a Teams mention', 'code', teams('<pre><at>Fleet</at> stop</pre>')],
    [
      'a Teams mention',
      'a person first, as Teams tells it',
      has({
        text: '<at>Fleet</at> stop',
        entities: [{ type: 'mention', text: '<at>Fleet</at>', mentioned: { id: '29:1x', name: 'Fleet' } }],
      }),
    ],
    [
      'a Teams mention',
      'another bot first, as Teams tells it',
      has({
        text: '<at>Other</at> stop <at>Fleet</at>',
        recipient: { id: '28:fleet', name: 'Fleet' },
        entities: [
          { type: 'mention', text: '<at>Other</at>', mentioned: { id: '28:other', name: 'Other' } },
          { type: 'mention', text: '<at>Fleet</at>', mentioned: { id: '28:fleet', name: 'Fleet' } },
        ],
      }),
    ],
    ['a Mattermost outgoing web hook', 'a sentence', has({ text: 'sleep 20 was bad, ask fleet' })],
    ['a Mattermost outgoing web hook', 'a longer word', has({ text: 'fleetwide stop' })],
    ['a Mattermost outgoing web hook', 'a quote', has({ text: '> fleet stop' })],
    ['a Mattermost outgoing web hook', 'a fence', has({ text: '```\nfleet stop\n```' })],
    ['a Feishu mention', 'a mention in a sentence', feishu('sleep 20 was bad, ask @_user_1', [BOT])],
    ['a Feishu mention', 'a mention after another', feishu('@_user_2 stop, see @_user_1', [ALICE, BOT])],
    ['a Feishu mention', 'a mention of a person alone', feishu('@_user_2 stop', [ALICE])],
    [
      'a Feishu mention',
      'a mention that may be anybody’s, beside another',
      feishu('@_user_2 stop @_user_1', [{ ...ALICE, id: { open_id: 'ou_alice' } }, BOT]),
    ],
    [
      'a Feishu mention',
      'a mention of what is said to be a person',
      feishu('@_user_2 stop', [{ ...ALICE, id: { open_id: 'ou_alice' }, mentioned_type: 'user' }]),
    ],
    ['a Feishu mention', 'a mention that is only written', feishu('@fleet-reflex stop', [])],
    [
      'a DingTalk mention',
      'a mention in a sentence',
      has({ text: { content: 'sleep 20 was bad, ask  why' } }),
    ],
    ['a DingTalk mention', 'no mention', has({ isInAtList: false })],
    [
      'a DingTalk mention',
      'a mention after another',
      has({
        text: { content: '  stop, see ' },
        atUsers: [{ dingtalkId: '$:LWCP_v1:$alice' }, { dingtalkId: '$:LWCP_v1:$Cxxxxx' }],
      }),
    ],
    [
      'a DingTalk mention',
      'a mention after another, where DingTalk does not tell the robot',
      has({
        text: { content: '  stop, see ' },
        chatbotUserId: undefined,
        atUsers: [{ dingtalkId: '$:LWCP_v1:$alice' }, { dingtalkId: '$:LWCP_v1:$Cxxxxx' }],
      }),
    ],
    ...onCodeHost('a GitHub comment', comment),
    ...onCodeHost('a Gitea comment', comment),
    ...onCodeHost('a Forgejo comment', comment),
    ...onCodeHost('a GitLab note', (body) => note({ note: body })),
  ])('in %s starts nothing: %s', async (place, _, change) => {
    const { started, ignored } = await ask(place, change);
    expect({ started, ignored }).toEqual({
      started: 0,
      ignored: [expect.stringMatching(placeOf(place).source === 'dingtalk' ? /^the message / : NOT_FIRST)],
    });
  });
});

describe('what no person has just typed', () => {
  it.each<readonly [string, string, (value: Fields) => Fields]>([
    ['a Slack mention', 'a bot', slackHas({ bot_id: 'B1' })],
    ['a Slack mention', 'an app in a person’s name', slackHas({ app_id: 'A1' })],
    ['a Slack mention', 'a workflow', slackHas({ subtype: 'bot_message', bot_id: 'B2', user: 'U1' })],
    ['a Slack mention', 'an edit', slackHas({ edited: { user: 'U2CERLKJA', ts: '1795170800.000000' } })],
    ['a Slack mention', 'an edit as a message of its own', slackHas({ subtype: 'message_changed' })],
    ['a Slack mention', 'Slackbot', slackHas({ user: 'USLACKBOT' })],
    ['a Teams mention', 'a bot', has({ from: { id: '28:other', name: 'Other' } })],
    ['a Teams mention', 'a bot by its role', has({ from: { id: '29:1x', role: 'bot' } })],
    ['a Discord command', 'a bot', (value) => within(value, 'member', { user: { id: '1', bot: true } })],
    [
      'a Feishu mention',
      'an app',
      (value) => within(value, 'event', { sender: { sender_id: { open_id: 'ou_1' }, sender_type: 'app' } }),
    ],
    [
      'a GitHub comment',
      'an app in a person’s name',
      commentHas({ performed_via_github_app: { id: 1, slug: 'x' } }),
    ],
    ['a GitHub comment', 'a bot', author({ type: 'Bot' })],
    ['a GitHub comment', 'a bot by its name', author({ login: 'renovate[bot]' })],
    ['a GitHub comment', 'a stand-in', author({ type: 'Mannequin' })],
    ['a GitHub comment', 'a bot that sends', (value) => within(value, 'sender', { type: 'Bot' })],
    ['a Gitea comment', 'its Actions', author({ id: -2, login: 'gitea-actions' })],
    ['a Gitea comment', 'a comment that was moved there', commentHas({ original_author: 'ann' })],
    ['a GitLab note', 'GitLab itself', note({ system: true })],
    ['a GitLab note', 'an edit', note({ action: 'update' })],
    [
      'a GitLab note',
      'an edit without a word of it',
      note({ action: null, updated_at: '2026-11-20 11:00:00 UTC' }),
    ],
    [
      'a GitLab note',
      'an access token',
      (value) => within(value, 'user', { username: 'project_30_bot_4ffca233d8298ea1' }),
    ],
    ...['service_account_group_9970_ee9a2b', 'GitLabDuo', 'ghost1', 'alert-bot2'].map(
      (username) =>
        ['a GitLab note', username, (value: Fields) => within(value, 'user', { username })] as const,
    ),
    [
      'a GitLab note',
      'a bot of GitLab',
      (value) => within(value, 'user', { username: 'GitLab-Security-Bot' }),
    ],
  ])('in %s starts nothing: %s', async (place, _, change) => {
    const { started, ignored } = await ask(place, change);
    expect({ started, ignored }).toEqual({ started: 0, ignored: [expect.stringMatching(NOT_A_PERSON)] });
  });

  it.each(['a GitHub comment', 'a Gitea comment', 'a Forgejo comment'])('in %s: an edit', async (place) => {
    for (const action of ['edited', 'deleted']) {
      expect(await ask(place, has({ action }))).toMatchObject({
        started: 0,
        ignored: [`a comment was ${action}, not created`],
      });
    }
  });

  it('in a Teams mention: an edit', async () => {
    for (const change of [
      has({ type: 'messageUpdate' }),
      (value: Fields) => within(value, 'channelData', { eventType: 'editMessage' }),
    ]) {
      expect(await ask('a Teams mention', change)).toMatchObject({
        started: 0,
        ignored: [expect.any(String)],
      });
    }
  });

  it('in a Discord command: the menu of a message', async () => {
    expect(await ask('a Discord command', (value) => within(value, 'data', { type: 3 }))).toMatchObject({
      started: 0,
      ignored: ['Discord’s command of type 3 is not typed'],
    });
  });
});

describe('what only stands beside a command is not read', () => {
  const SLEEP = rules({}, "event.data.args == ['sleep', '20']");
  it.each<readonly [string, string, (value: Fields) => Fields]>([
    ['a Slack mention', 'a quote', slack('<@U0LAN0Z89> sleep 20\n&gt; stop')],
    ['a Slack mention', 'a fence', slack('<@U0LAN0Z89> sleep 20\n```\nstop\n```')],
    ['a Slack mention', 'a fence that is not closed', slack('<@U0LAN0Z89> sleep 20\n```\nstop')],
    ['a Slack mention', 'all behind >>>', slack('<@U0LAN0Z89> sleep 20\n&gt;&gt;&gt; Alice:\nstop')],
    [
      'a Mattermost outgoing web hook',
      'a fence of tildes',
      has({ text: 'fleet sleep 20\n~~~\nstop\n```\nnow\n~~~' }),
    ],
    ['a Mattermost outgoing web hook', 'tildes in a fence', has({ text: 'fleet sleep 20\n```\n~~~\nstop' })],
    ...['s', 'strike', 'del'].map(
      (tag) =>
        ['a Teams mention', tag, teams(`<at>Fleet</at> sleep <${tag}>60</${tag}><span>20</span>`)] as const,
    ),
    ['a Teams mention', 'a quote', teams('<at>Fleet</at> sleep 20<blockquote>stop</blockquote>')],
    [
      'a Teams mention',
      'quotes in quotes',
      teams('<at>Fleet</at> sleep 20<blockquote>a<blockquote>b</blockquote>stop</blockquote>'),
    ],
    ['a Teams mention', 'code', teams('<p><at>Fleet</at> sleep 20</p><pre>stop</pre>')],
    ['a Mattermost outgoing web hook', 'a quote', has({ text: 'fleet sleep 20\n> stop' })],
    ['a Feishu mention', 'a fence', feishu('@_user_1 sleep 20\n```\nstop\n```', [BOT])],
    ['a DingTalk mention', 'a quote', has({ text: { content: ' sleep 20\n> stop' } })],
    ['a WeCom message', 'a quote', has({ Content: 'sleep 20\n> stop' })],
    ['a GitHub comment', 'all that is below', comment('@fleet-reflex sleep 20\n\nstop')],
    ['a GitLab note', 'all that is below', note({ note: '@fleet-reflex sleep 20\n\n> stop' })],
  ])('in %s: %s', async (place, _, change) => {
    expect(await ask(place, change, SLEEP)).toMatchObject({ started: 1, ignored: [] });
  });

  it('and a mention of others behind the bot’s is a word of the command', async () => {
    const of = { teams: { bot: 'fleet' }, feishu: { bot: 'fleet-reflex' } };
    expect([
      await ask('a Slack mention', slack('<@U0LAN0Z89> tell <@UALICE>')),
      await ask('a Teams mention', teams('<at>Fleet</at> tell <at>Alice</at>'), rules(of)),
      await ask('a Feishu mention', feishu('@_user_1 tell @_user_2', [BOT, ALICE]), rules(of)),
      await ask(
        'a Feishu mention',
        feishu('@_user_1 tell @_user_2', [{ ...BOT, mentioned_type: 'bot' }, ALICE]),
      ),
    ]).toEqual(Array(4).fill({ statusCode: 200, started: 1, ignored: [] }));
  });
});
