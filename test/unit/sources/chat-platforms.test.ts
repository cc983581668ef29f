/** Commands in Mattermost, Discord, Teams, Feishu, DingTalk and WeCom: what each sends, and how each is answered. */

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FleetReflexError } from '../../../lib/errors.ts';
import type { RawRequest } from '../../../lib/http/request.ts';
import type { DoorOutcome } from '../../../lib/model/decision.ts';
import { TriggerEvent } from '../../../lib/model/trigger-event.ts';
import { decrypt } from '../../../lib/sources/feishu/crypto.ts';
import { sourceNamed } from '../../../lib/sources/registry.ts';
import type { Normalisation, SourceAnswer } from '../../../lib/sources/source.ts';
import { openWecom, parseWecomSecret, sealWecom } from '../../../lib/sources/wecom/crypto.ts';
import { cdata, parseWecomXml } from '../../../lib/sources/wecom/xml.ts';
import { eventsOf, normalisationOf } from '../../fixtures/received-events.ts';
import {
  encryptForFeishu,
  encryptForWecom,
  NOW,
  signedRequest,
  signerOf,
  wecomQuery,
} from '../../fixtures/signed-requests.ts';
import { settingsOf } from '../../fixtures/source-settings.ts';

const TYPED = {
  command: '/fleet',
  args: ['patch', 'web'],
  options: { service: 'nginx' },
  text: 'patch web service=nginx',
};

describe('a command', () => {
  it.each<[string, unknown]>([
    [
      'mattermost.json',
      {
        id: 'ZWJ0Y3I4aGh4M2dmOmhhd29zNGRxdGJ5NTM6MTc5NTE3MDEwMDAwMDpSRURBQ1RFRA==',
        type: 'chat.command',
        subject: 'ops',
        time: '2026-11-20T10:35:00.000Z',
        data: {
          ...TYPED,
          user: { id: 'rnina9994bde8mua79zqcg5hmo', name: 'roadrunner' },
          channel: { id: 'hawos4dqtby53pd64o4a4cmeoo', name: 'ops' },
          tenant: 'kwoknj9nwpypzgzy78wkw516qe',
        },
      },
    ],
    [
      'mattermost.outgoing.json',
      {
        id: 'axdygg1957njfe5pu38saikdho',
        type: 'chat.command',
        subject: 'town-square',
        time: '2026-11-20T10:15:00.000Z',
        data: {
          ...TYPED,
          user: { id: 'rnina9994bde8mua79zqcg5hmo', name: 'roadrunner' },
          channel: { id: 'hawos4dqtby53pd64o4a4cmeoo', name: 'town-square' },
          tenant: 'kwoknj9nwpypzgzy78wkw516qe',
        },
      },
    ],
    [
      'discord.json',
      {
        id: '786008729715212338',
        type: 'chat.command',
        subject: 'ops',
        time: '2026-11-20T10:35:00.000Z',
        data: {
          ...TYPED,
          user: { id: '53908232506183680', name: 'roadrunner', groups: ['539082325061836999'] },
          channel: { id: '645027906669510667', name: 'ops' },
          tenant: '290926798626357999',
        },
      },
    ],
    [
      'discord.component.json',
      {
        id: '846462639134605312',
        type: 'chat.action',
        subject: 'ops',
        time: '2026-11-20T10:35:00.000Z',
        data: {
          command: 'cancel',
          args: ['run-abcdefghijklmnopqrstuvwxyz'],
          options: {},
          text: 'run-abcdefghijklmnopqrstuvwxyz',
          user: { id: '53908232506183680', name: 'roadrunner', groups: ['539082325061836999'] },
          channel: { id: '645027906669510667', name: 'ops' },
          tenant: '290926798626357999',
        },
      },
    ],
    [
      'teams.json',
      {
        id: '19:253b1f341670408fb6fe51050b6e5ceb@thread.skype;messageid=1795169700000/1795169700000',
        type: 'chat.command',
        subject: '19:253b1f341670408fb6fe51050b6e5ceb@thread.skype',
        time: '2026-11-20T10:15:00.123Z',
        data: {
          ...TYPED,
          user: { id: '1bbb3a2c-5f4e-4d2d-9a5e-0f1f2e3d4c5b', name: 'Road Runner' },
          channel: { id: '19:253b1f341670408fb6fe51050b6e5ceb@thread.skype' },
          tenant: '72f988bf-86f1-41af-91ab-2d7cd011db47',
        },
      },
    ],
    [
      'feishu.json',
      {
        id: '5e3702a84e847582be8db7fb73283c02',
        type: 'chat.command',
        subject: 'oc_5ce6d572455d361153b7xx51da133945',
        time: '2026-11-20T10:15:00.000Z',
        data: {
          ...TYPED,
          user: { id: 'ou_84aad35d084aa403a838cf73ee18467' },
          channel: { id: 'oc_5ce6d572455d361153b7xx51da133945' },
          tenant: '736588c9260f175e',
        },
      },
    ],
    [
      'dingtalk.json',
      {
        id: 'msg0xxxxx/9Vn2zrdpkc1A==',
        type: 'chat.command',
        subject: 'ops',
        // Of the signed header: the message's own time is not signed.
        time: '2026-11-20T10:35:00.000Z',
        data: {
          ...TYPED,
          user: { id: 'user123', name: 'Road Runner' },
          channel: { id: 'cidwN9TJFc3qYHhsMxyyyyyyg==', name: 'ops' },
          tenant: 'dinge8a565xxxx',
        },
      },
    ],
    [
      'wecom.json',
      {
        id: '4561255354251345929',
        type: 'chat.command',
        subject: '218',
        time: '2026-11-20T10:21:40.000Z',
        data: { ...TYPED, user: { id: 'roadrunner' }, channel: { id: '218' }, tenant: 'ww5823bf96d3bd56c7' },
      },
    ],
  ])('of %s', async (file, expected) => {
    const [source] = file.split('.', 1);
    expect(await eventsOf(file)).toEqual([{ ...Object(expected), source, kind: 'chat' }]);
  });

  it.each<[string, unknown, true | undefined]>([
    [
      'mattermost.json',
      {
        via: 'mattermost',
        address: { responseUrl: 'https://chat.example.com/hooks/commands/88gbnnrgwpyc9fcd8mqqnbngsc' },
      },
      undefined,
    ],
    ['mattermost.outgoing.json', undefined, undefined],
    [
      'discord.json',
      { via: 'discord', address: { applicationId: '775799577604522054', token: 'REDACTED' } },
      undefined,
    ],
    [
      'teams.json',
      { via: 'teams', address: { channel: '19:253b1f341670408fb6fe51050b6e5ceb@thread.skype' } },
      undefined,
    ],
    ['feishu.json', { via: 'feishu', address: { channel: 'oc_5ce6d572455d361153b7xx51da133945' } }, true],
    ['dingtalk.json', { via: 'dingtalk', address: { channel: 'cidwN9TJFc3qYHhsMxyyyyyyg==' } }, undefined],
    ['wecom.json', { via: 'wecom', address: { channel: '218' } }, undefined],
    [
      'slack.app_mention.json',
      { via: 'slack', address: { channel: 'G8PSS9T3V', thread: '1795169840.000200', user: 'U2CERLKJA' } },
      true,
    ],
    [
      'github.deployment.json',
      {
        via: 'github-deployment',
        address: {
          api: 'https://api.github.com',
          repository: 'Codertocat/Hello-World',
          deployment: '145988746',
        },
      },
      undefined,
    ],
    ['github.push.json', undefined, undefined],
    [
      'github.issue_comment.json',
      {
        via: 'issue-comment',
        address: {
          source: 'github',
          api: 'https://api.github.com',
          repository: 'Codertocat/Hello-World',
          issue: '1',
        },
      },
      true,
    ],
    [
      'gitlab.note.json',
      {
        via: 'gitlab-note',
        address: { api: 'https://gitlab.example.com', project: '30', noteable: 'merge_requests', iid: '1' },
      },
      true,
    ],
  ])('of %s is replied to at %o', async (file, replyTo, isAnswerHidden) => {
    const made = await normalisationOf(file);
    expect(made.kind === 'events' && { replyTo: made.replyTo, isAnswerHidden: made.isAnswerHidden }).toEqual({
      replyTo,
      isAnswerHidden,
    });
  });
});

describe('Mattermost', () => {
  const send = async (body: string, contentType: string, headers: Record<string, string> = {}) => {
    const received = await sourceNamed('mattermost')?.receive(
      {
        method: 'POST',
        path: '',
        query: new URLSearchParams(),
        headers: { 'content-type': contentType, ...headers },
        body: Buffer.from(body),
      },
      { secrets: ['first', 'second'], now: NOW, settings: settingsOf('mattermost') },
    );
    return received?.kind === 'refused' ? received.verification.reason : received?.normalisation.kind;
  };
  const FORM = 'application/x-www-form-urlencoded';
  const post = { text: 'fleet help', trigger_word: 'fleet', user_id: 'u1', token: 'second' };

  it.each<[string, string, string, string]>([
    ['a token in a form', new URLSearchParams(post).toString(), FORM, 'events'],
    ['a token in JSON', JSON.stringify(post), 'application/json', 'events'],
    ['another token', JSON.stringify({ ...post, token: 'third' }), 'application/json', 'forged'],
    ['an empty token', JSON.stringify({ ...post, token: '' }), 'application/json', 'forged'],
    ['a token that is no text', JSON.stringify({ ...post, token: ['second'] }), 'application/json', 'forged'],
    ['a token twice', `${new URLSearchParams(post)}&token=first`, FORM, 'forged'],
    ['no JSON', 'token=second', 'application/json', 'forged'],
  ])('with %s is %s', async (_, body, contentType, expected) => {
    expect(await send(body, contentType)).toBe(expected);
  });

  it('with a wrong header is refused, whatever the body says', async () => {
    expect(await send(JSON.stringify(post), 'application/json', { authorization: 'Token third' })).toBe(
      'forged',
    );
  });

  it.each([
    ['does not begin with the word', { text: 'hello fleet' }],
    ['has no trigger word', { trigger_word: '' }],
  ])('a post that %s commands nothing', async (_, fields) => {
    expect(await normalisationOf('mattermost.outgoing.json', (it) => ({ ...it, ...fields }))).toEqual({
      kind: 'ignored',
      because: 'the post does not begin with a trigger word',
    });
  });
});

describe('Discord', () => {
  const receive = (body: unknown) => {
    const request = signedRequest('discord', { body: Buffer.from(JSON.stringify(body)) });
    return sourceNamed('discord')?.receive(request, {
      secrets: signerOf('discord').secrets,
      now: NOW,
      settings: settingsOf('discord'),
    });
  };
  const answered = (body: unknown) => ({
    kind: 'understood',
    isFresh: true,
    normalisation: { kind: 'answered', answer: { status: 200, body } },
  });

  it('is answered PONG to its PING', async () => {
    expect(await receive({ type: 1, id: '1', application_id: '2' })).toEqual(answered({ type: 1 }));
  });

  it('is offered nothing to complete', async () => {
    expect(await receive({ type: 4, id: '1', data: { name: 'fleet' } })).toEqual(
      answered({ type: 8, data: { choices: [] } }),
    );
  });

  it('has what a form sends ignored', async () => {
    expect(await receive({ type: 5, id: '1', data: { custom_id: 'x' } })).toEqual({
      kind: 'understood',
      isFresh: true,
      normalisation: { kind: 'ignored', because: 'Discord’s interaction 5 starts nothing' },
    });
  });

  it.each<[string, unknown[], Record<string, unknown>]>([
    [
      'sub-commands as words and options as options',
      [
        {
          name: 'run',
          type: 1,
          options: [
            { name: 'text', type: 3, value: 'patch-web' },
            { name: 'service', type: 3, value: 'a b' },
            { name: 'wait', type: 4, value: 5 },
            { name: 'force', type: 5, value: true },
          ],
        },
      ],
      {
        args: ['run', 'patch-web'],
        options: { service: 'a b', wait: '5', force: 'true' },
        text: 'run patch-web',
      },
    ],
    ['nothing at all', [], { args: [], options: {}, text: '' }],
  ])('reads %s', async (_, options, expected) => {
    const events = await eventsOf('discord.json', (it) => ({ ...it, data: { name: 'fleet', options } }));
    expect(events).toMatchObject([{ data: { command: '/fleet', ...expected } }]);
  });

  it('knows who types in a direct message', async () => {
    const events = await eventsOf('discord.json', ({ member: _, ...it }) => ({
      ...it,
      user: { id: '7', username: 'ada' },
    }));
    expect(events).toMatchObject([{ data: { user: { id: '7', name: 'ada' } } }]);
  });

  it.each(['not hex', '00', ''])('takes nothing for the public key %j', async (secret) => {
    const request = signedRequest('discord', { body: Buffer.from('{"type":1}') });
    const received = await sourceNamed('discord')?.receive(request, {
      secrets: [secret],
      now: NOW,
      settings: settingsOf('discord'),
    });
    expect(received).toMatchObject({ kind: 'refused', verification: { reason: 'forged' } });
  });
});

describe('Teams', () => {
  it.each([
    ['<at>Fleet</at> run a', 'run a'],
    ['<p><at id="0">Fleet</at>&nbsp;run a</p>', 'run a'],
    ['<at>Fleet</at> run a x=&quot;1 &lt; 2 &amp;amp;&quot;', 'run a x="1 < 2 &amp;"'],
  ])('%s reads as %s', async (text, expected) => {
    expect(await eventsOf('teams.json', (it) => ({ ...it, text }))).toMatchObject([
      { data: { text: expected } },
    ]);
  });

  it('starts nothing with what is no message', async () => {
    expect(await normalisationOf('teams.json', (it) => ({ ...it, type: 'conversationUpdate' }))).toEqual({
      kind: 'ignored',
      because: 'Teams’ activity conversationUpdate starts nothing',
    });
  });
});

describe('Feishu', () => {
  const KEY = 'the-live-secret';
  const bare = (body: Buffer): RawRequest => ({
    method: 'POST',
    path: '',
    query: new URLSearchParams(),
    headers: { 'content-type': 'application/json' },
    body,
  });
  const receive = (request: RawRequest) =>
    sourceNamed('feishu')?.receive(request, {
      secrets: ['', 'another', KEY],
      now: NOW,
      settings: settingsOf('feishu'),
    });
  const setUp = Buffer.from(
    JSON.stringify({ type: 'url_verification', challenge: 'ajls384kdjx98XX', token: 'x' }),
  );

  it('encrypts as its documentation’s example does', () => {
    expect(decrypt('P37w+VZImNgPEO1RBhJ6RtKl7n6zymIbEG1pReEzghk=', 'test key')?.toString()).toBe(
      'hello world',
    );
  });

  it('has its challenge answered, which is encrypted and may be unsigned', async () => {
    const answer = { status: 200, body: { challenge: 'ajls384kdjx98XX' } };
    const expected = { kind: 'understood', normalisation: { kind: 'answered', answer } };
    expect(await receive(bare(encryptForFeishu(setUp, KEY)))).toEqual(expected);
    expect(await receive(signedRequest('feishu', { body: setUp }, { secret: KEY }))).toEqual({
      ...expected,
      isFresh: true,
    });
  });

  it.each([
    ['a challenge that is not encrypted', setUp],
    ['a challenge that another key encrypted', encryptForFeishu(setUp, 'a key that is not ours')],
    ['a challenge that no key encrypted', encryptForFeishu(setUp, '')],
    ['an event without a signature', encryptForFeishu(Buffer.from('{"header":{}}'), KEY)],
    ['something that only looks encrypted', Buffer.from('{"encrypt":"AAAA"}')],
  ])('is refused %s', async (_, body) => {
    expect(await receive(bare(body))).toMatchObject({ kind: 'refused', verification: { reason: 'forged' } });
  });

  const message = (fields: Record<string, unknown>, settings?: unknown, sender: string = 'user') =>
    normalisationOf(
      'feishu.json',
      ({ event, ...it }) => {
        const given = Object(event);
        return {
          ...it,
          event: {
            sender: { ...given.sender, sender_type: sender },
            message: { ...given.message, ...fields },
          },
        };
      },
      { settings },
    );
  const texts = (made: Normalisation) =>
    made.kind === 'events' ? made.events.map((event) => event.kind === 'chat' && event.data.text) : made.kind;

  it.each<[string, Record<string, unknown>, unknown, string[] | 'ignored']>([
    ['talk in a group', { content: '{"text":"run a"}', mentions: [] }, undefined, 'ignored'],
    ['a mention later on', { content: '{"text":"hi @_user_1 run a"}' }, undefined, 'ignored'],
    ['a mention of the bot', {}, { bot: 'fleet-reflex' }, ['patch web service=nginx']],
    ['a mention of somebody else', {}, { bot: 'other-bot' }, 'ignored'],
    [
      'a single chat',
      { chat_type: 'p2p', content: '{"text":"run a"}', mentions: null },
      undefined,
      ['run a'],
    ],
    ['the mention alone', { content: '{"text":"@_user_1"}' }, undefined, ['']],
    ['a picture', { message_type: 'image', content: '{"image_key":"x"}' }, undefined, 'ignored'],
    ['a key that begins like another', { content: '{"text":"@_user_10 run a"}' }, undefined, 'ignored'],
  ])('of %s', async (_, fields, settings, expected) => {
    expect(texts(await message(fields, settings))).toEqual(expected);
  });

  it('hears no other bot', async () => {
    expect(await message({}, undefined, 'app')).toEqual({
      kind: 'ignored',
      because: 'the message is not a person’s',
    });
  });
});

describe('WeCom', () => {
  // The vendor's own sample (WXBizMsgCrypt), in parts, for scanners do not know that it is public.
  const TOKEN = 'QDG6eK';
  const AES_KEY = ['jWmYm7qr5nMoAUwZRjGtBxmz', '3KA1tkAj3ykkR6q2B2C'].join('');
  const CORP = 'wx5823bf96d3bd56c7';
  const GET_QUERY =
    'msg_signature=5c45ff5e21c57e6ad56bac8758b79b1d9ac89fd3&timestamp=1409659589&nonce=263014780&echostr=P9nAzCzyDtyTWESHep1vC5X9xho%2FqYX3Zpb4yKa9SKld1DsH3Iyt3tP3zNdtp%2B4RPcs8TgAE7OaBO%2BFZXvnaqQ%3D%3D';
  const POST_QUERY =
    'msg_signature=477715d11cdb4164915debcba66cb864d751f3e6&timestamp=1409659813&nonce=1372623149';
  const POST_BODY = `<xml><ToUserName><![CDATA[wx5823bf96d3bd56c7]]></ToUserName><Encrypt><![CDATA[RypEvHKD8QQKFhvQ6QleEB4J58tiPdvo+rtK1I9qca6aM/wvqnLSV5zEPeusUiX5L5X/0lWfrf0QADHHhGd3QczcdCUpj911L3vg3W/sYYvuJTs3TUUkSUXxaccAS0qhxchrRYt66wiSpGLYL42aM6A8dTT+6k4aSknmPj48kzJs8qLjvd4Xgpue06DOdnLxAUHzM6+kDZ+HMZfJYuR+LtwGc2hgf5gsijff0ekUNXZiqATP7PF5mZxZ3Izoun1s4zG4LUMnvw2r+KqCKIw+3IQH03v+BCA9nMELNqbSf6tiWSrXJB3LAVGUcallcrw8V2t9EL4EhzJWrQUax5wLVMNS0+rUPA3k22Ncx4XXZS9o0MBH27Bo6BpNelZpS+/uh9KsNlY6bHCmJU9p8g7m3fVKn28H3KDYA5Pl/T8Z1ptDAVe0lXdQ2YoyyH2uyPIGHBZZIs2pDBS8R07+qN+E7Q==]]></Encrypt><AgentID><![CDATA[218]]></AgentID></xml>`;

  const request = (query: string | URLSearchParams, body?: string): RawRequest => ({
    method: body === undefined ? 'GET' : 'POST',
    path: '',
    query: new URLSearchParams(query),
    headers: {},
    body: Buffer.from(body ?? ''),
  });
  const receive = async (
    it: RawRequest,
    { secret = `${TOKEN}:${AES_KEY}:${CORP}`, at = NOW }: { secret?: string; at?: Date } = {},
  ) => {
    try {
      const received = await sourceNamed('wecom')?.receive(it, {
        secrets: [secret],
        now: at,
        settings: settingsOf('wecom'),
      });
      return received?.kind === 'refused' ? received.verification.reason : received?.normalisation;
    } catch (thrown) {
      return thrown instanceof FleetReflexError ? thrown.code : String(thrown);
    }
  };

  it('has its handshake answered: the vendor’s vector', async () => {
    const at = new Date(1_409_659_589_000);
    const answered = { kind: 'answered', answer: { status: 200, body: '1616140317555161061' } };
    expect(await receive(request(GET_QUERY), { at })).toEqual(answered);
    expect(await receive(request(GET_QUERY), { at, secret: `${TOKEN}:${AES_KEY}` })).toEqual(answered);
    expect(await receive(request(GET_QUERY.replace('=5c45', '=5c46')), { at })).toBe('forged');
    expect(await receive(request(GET_QUERY), { at, secret: `${TOKEN}:${AES_KEY}:another` })).toBe(
      'body.receiver',
    );
  });

  it('has its message understood: the vendor’s vector', async () => {
    const at = new Date(1_409_659_813_000);
    expect(await receive(request(POST_QUERY, POST_BODY), { at })).toMatchObject({
      kind: 'events',
      events: [
        {
          id: '4561255354251345929',
          time: '2014-09-02T12:10:13.000Z',
          data: { command: '/fleet', text: 'hello', user: { id: 'mycreate' }, channel: { id: '218' } },
        },
      ],
    });
    expect(await receive(request(POST_QUERY, POST_BODY), { at: new Date(at.getTime() + 301_000) })).toBe(
      'stale',
    );
  });

  const sealed = (message: string, around = '', receiveId = CORP) => {
    const encrypted = encryptForWecom(message, AES_KEY, receiveId);
    return request(
      wecomQuery(TOKEN, encrypted, NOW),
      `<xml>${around}<Encrypt><![CDATA[${encrypted}]]></Encrypt></xml>`,
    );
  };
  const text = (more: string) =>
    `<xml><ToUserName><![CDATA[${CORP}]]></ToUserName><FromUserName><![CDATA[ada]]></FromUserName><MsgType><![CDATA[text]]></MsgType>${more}</xml>`;

  it.each<[string, RawRequest, unknown]>([
    ['another company', sealed(text(''), '', 'wwother'), 'body.receiver'],
    ['around it another company', sealed(text(''), '<ToUserName>wwother</ToUserName>'), 'forged'],
    ['no XML', sealed('hello'), 'body.xml'],
    ['an entity', sealed(text('<Content>&lt;</Content>')), 'body.xml'],
    ['a doctype', sealed('<!DOCTYPE x [<!ENTITY a "b">]><xml></xml>'), 'body.xml'],
    // A text that ends its own CDATA and says who sent it.
    [
      'a second sender',
      sealed(text('<Content><![CDATA[x]]></Content><FromUserName><![CDATA[root]]></FromUserName>')),
      'body.xml',
    ],
    ['a place', sealed(text('<Place><X>1</X><Y>2</Y></Place>')), { kind: 'events' }],
    [
      'an event',
      sealed('<xml><FromUserName>ada</FromUserName><MsgType>event</MsgType></xml>'),
      { kind: 'ignored', because: 'WeCom’s message of type event starts nothing' },
    ],
  ])('with %s inside', async (_, it, expected) => {
    const got = await receive(it);
    if (typeof expected === 'string') expect(got).toBe(expected);
    else expect(got).toMatchObject(Object(expected));
  });

  it.each(['', 'token', 'token:short', `token:${AES_KEY}x`, `:${AES_KEY}`])(
    'is not spoken with the secret %j',
    async (secret) => {
      expect(await receive(sealed(text('')), { secret })).toBe('forged');
    },
  );

  it('that was encrypted is decrypted only for its receiver', () => {
    const secret = parseWecomSecret(`${TOKEN}:${AES_KEY}:${CORP}`);
    const other = parseWecomSecret(`t:${AES_KEY.toLowerCase()}`);
    if (secret === undefined || other === undefined) throw new Error('two secrets');
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (message) => {
        const encrypted = sealWecom(message, CORP, secret);
        expect(openWecom(encrypted, secret)).toEqual({ message: Buffer.from(message), receiveId: CORP });
        expect(openWecom(encrypted, other)?.receiveId).not.toBe(CORP);
      }),
    );
  });

  it('keeps any text in CDATA', () => {
    const pieces = fc.constantFrom(']]>', ']', '>', '<![CDATA[', '</A>', '<B>', '&amp;', 'x', ' ', '\n');
    fc.assert(
      fc.property(fc.array(fc.oneof(pieces, fc.string())), (said) => {
        const text = said.join('');
        expect(parseWecomXml(`<xml><A>${cdata(text)}</A>\n<B>2</B></xml>`)).toEqual({
          A: text.trim(),
          B: '2',
        });
      }),
    );
  });

  it.each([
    '',
    '<xml>',
    '<xml></xml><xml></xml>',
    '<xml>text</xml>',
    '<xml><A>1</B></xml>',
    '<xml><A><![CDATA[1]]>2</A></xml>',
    '<xml><A><![CDATA[1</A></xml>',
    '<xml><A x="1">1</A></xml>',
    '<xml><A>1 &amp; 2</A></xml>',
    '<xml><A>1</A><A>2</A></xml>',
    '<xml><!-- --><A>1</A></xml>',
  ])('%s is refused', (xml) => {
    expect(() => parseWecomXml(xml)).toThrow(expect.objectContaining({ code: 'body.xml' }));
  });
});

describe('the answer', () => {
  async function outcomeFor(file: string, fields: Partial<DoorOutcome> = {}): Promise<DoorOutcome> {
    const made = await normalisationOf(file);
    const event = made.kind === 'events' ? made.events[0] : undefined;
    return {
      event: TriggerEvent.parse(event),
      matched: [{ rule: 'patch', runId: 'run-a' }],
      unmatched: [],
      ...fields,
    };
  }
  const answerOf = (
    source: string,
    outcomes: readonly DoorOutcome[],
    settings?: unknown,
  ): SourceAnswer | undefined =>
    sourceNamed(source)?.answer?.(outcomes, {
      secrets: signerOf(source).secrets,
      now: NOW,
      settings: settingsOf(source, settings),
    });

  const STARTED = 'Rule `patch` started run `run-a`.';
  it.each<[string, unknown]>([
    ['mattermost.json', { response_type: 'ephemeral', text: STARTED }],
    ['mattermost.outgoing.json', { response_type: 'comment', text: STARTED }],
    ['discord.json', { type: 4, data: { content: STARTED, flags: 64, allowed_mentions: { parse: [] } } }],
    ['teams.json', { type: 'message', text: STARTED }],
    ['dingtalk.json', { msgtype: 'text', text: { content: 'Rule patch started run run-a.' } }],
    ['feishu.json', {}],
  ])('to %s', async (file, body) => {
    const [source = ''] = file.split('.', 1);
    expect(answerOf(source, [await outcomeFor(file)])).toEqual({ status: 200, body });
  });

  it.each(['mattermost.json', 'discord.json', 'teams.json', 'dingtalk.json', 'slack.json'])(
    'to %s is what a built-in verb says, and mentions nobody',
    async (file) => {
      const [source = ''] = file.split('.', 1);
      const outcome = await outcomeFor(file, { matched: [], text: 'help\n@all <!channel> <at>x</at>' });
      const shown = JSON.stringify(answerOf(source, [outcome])?.body);
      expect(shown).toContain('help');
      expect(shown).not.toMatch(source === 'mattermost' ? /@all/ : source === 'slack' ? /<!/ : /Nothing/);
    },
  );

  it('in Discord may be deferred, where something was started', async () => {
    const started = await outcomeFor('discord.json');
    const nothing = await outcomeFor('discord.json', { matched: [] });
    expect(answerOf('discord', [started], { deferred: true })?.body).toEqual({
      type: 5,
      data: { flags: 64 },
    });
    expect(answerOf('discord', [nothing], { deferred: true })?.body).toMatchObject({ type: 4 });
  });

  it('in WeCom is sealed for who asked', async () => {
    const answer = answerOf('wecom', [await outcomeFor('wecom.json')]);
    const envelope = parseWecomXml(String(answer?.body));
    const [token = '', aesKey = ''] = signerOf('wecom').secrets[0].split(':');
    const secret = parseWecomSecret(`${token}:${aesKey}`);
    const opened = secret && openWecom(envelope['Encrypt'] ?? '', secret);
    expect(opened?.receiveId).toBe('ww5823bf96d3bd56c7');
    expect(parseWecomXml(String(opened?.message))).toEqual({
      ToUserName: 'roadrunner',
      FromUserName: 'ww5823bf96d3bd56c7',
      CreateTime: '1795170900',
      MsgType: 'text',
      Content: 'Rule patch started run run-a.',
    });
    expect(envelope['TimeStamp']).toBe('1795170900');
  });

  it.each([
    ['wecom', ''],
    ['dingtalk', { msgtype: 'empty' }],
    ['mattermost', {}],
    ['feishu', {}],
  ])('to what starts nothing in %s is nothing', (source, body) => {
    expect(answerOf(source, [])).toEqual({ status: 200, body });
  });
});
