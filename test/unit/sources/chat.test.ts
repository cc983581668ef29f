/** Commands that people type: in Slack and in comments on code hosts. */

import { describe, expect, it } from 'vitest';
import type { DoorOutcome } from '../../../lib/model/decision.ts';
import { parseChatCommand, parseMention } from '../../../lib/sources/shared/chat-command.ts';
import { answerInSlack } from '../../../lib/sources/slack/answer.ts';
import { slack } from '../../../lib/sources/slack/receive.ts';
import { eventsOf, normalisationOf } from '../../fixtures/received-events.ts';
import { NOW } from '../../fixtures/signed-requests.ts';
import { settingsOf } from '../../fixtures/source-settings.ts';

describe('a chat command', () => {
  it('of Slack, a slash command', async () => {
    expect(await eventsOf('slack.json')).toMatchInlineSnapshot(`
      [
        {
          "data": {
            "args": [
              "patch",
              "web",
            ],
            "channel": {
              "id": "G8PSS9T3V",
              "name": "ops",
            },
            "command": "/fleet",
            "options": {
              "service": "nginx",
            },
            "tenant": "T1DC2JH3J",
            "text": "patch web service=nginx",
            "user": {
              "id": "U2CERLKJA",
              "name": "roadrunner",
            },
          },
          "id": "398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c",
          "kind": "chat",
          "source": "slack",
          "subject": "ops",
          "time": "2026-11-20T10:35:00.000Z",
          "type": "chat.command",
        },
      ]
    `);
  });
  it('of Slack, a button', async () => {
    expect(await eventsOf('slack.action.json')).toMatchInlineSnapshot(`
      [
        {
          "data": {
            "args": [
              "run-abcdefghijklmnopqrstuvwxyz",
            ],
            "channel": {
              "id": "G8PSS9T3V",
              "name": "ops",
            },
            "command": "approve",
            "options": {},
            "tenant": "T1DC2JH3J",
            "text": "run-abcdefghijklmnopqrstuvwxyz",
            "user": {
              "id": "U2CERLKJA",
              "name": "roadrunner",
            },
          },
          "id": "398738663016.47445629121.70d2c447fce8b6703c803a0bc887a14d",
          "kind": "chat",
          "source": "slack",
          "subject": "ops",
          "time": "2026-11-20T10:16:21.123Z",
          "type": "chat.action",
        },
      ]
    `);
  });
  it('of Slack, a mention', async () => {
    expect(await eventsOf('slack.app_mention.json')).toMatchInlineSnapshot(`
      [
        {
          "data": {
            "args": [
              "patch",
              "web",
            ],
            "channel": {
              "id": "G8PSS9T3V",
            },
            "command": "/fleet",
            "options": {
              "service": "nginx",
            },
            "tenant": "T1DC2JH3J",
            "text": "patch web service=nginx",
            "user": {
              "id": "U2CERLKJA",
            },
          },
          "id": "Ev0PV52K25",
          "kind": "chat",
          "source": "slack",
          "subject": "G8PSS9T3V",
          "time": "2026-11-20T10:17:20.000Z",
          "type": "chat.command",
        },
      ]
    `);
  });
  it('of GitHub, a comment', async () => {
    expect(await eventsOf('github.issue_comment.json')).toMatchInlineSnapshot(`
      [
        {
          "data": {
            "args": [
              "patch",
              "web",
            ],
            "channel": {
              "id": "186853002#1",
              "name": "Codertocat/Hello-World#1",
            },
            "command": "/fleet",
            "options": {
              "service": "nginx",
            },
            "tenant": "21031067",
            "text": "patch web service=nginx",
            "user": {
              "groups": [
                "OWNER",
              ],
              "id": "21031067",
              "name": "Codertocat",
            },
          },
          "deliveryid": "72d3162e-cc78-11e3-81ab-4c9367dc0958",
          "id": "sha256-f609161288d0ec1c95c47c43a88b4dc1ca4b34df79aba0f0721955d16fcebdf2",
          "kind": "chat",
          "source": "github",
          "subject": "Codertocat/Hello-World#1",
          "time": "2026-11-20T15:20:21.000Z",
          "type": "chat.command",
        },
      ]
    `);
  });
  it('of GitLab, a note', async () => {
    expect(await eventsOf('gitlab.note.json')).toMatchInlineSnapshot(`
      [
        {
          "data": {
            "args": [
              "patch",
              "web",
            ],
            "channel": {
              "id": "30!1",
              "name": "acme/web!1",
            },
            "command": "/fleet",
            "options": {
              "service": "nginx",
            },
            "tenant": "acme",
            "text": "patch web service=nginx",
            "user": {
              "id": "1",
              "name": "root",
            },
          },
          "deliveryid": "f5e5f430-f57b-4e6e-9fac-d9128cd7232f",
          "id": "sha256-c2939d7f87e539e0495fc167ab52dc2569fe7cbebc9bf46f516c0b49352b30d5",
          "kind": "chat",
          "source": "gitlab",
          "subject": "acme/web!1",
          "time": "2026-11-20T10:24:01.000Z",
          "type": "chat.command",
        },
      ]
    `);
  });
});

describe('what was typed', () => {
  it.each([
    ['patch web', { args: ['patch', 'web'], options: {} }],
    ['  patch   web ', { args: ['patch', 'web'], options: {} }],
    ['restart service=nginx wait=5', { args: ['restart'], options: { service: 'nginx', wait: '5' } }],
    ['say text="hello world"', { args: ['say'], options: { text: 'hello world' } }],
    ['say “hello world”', { args: ['say', 'hello world'], options: {} }],
    ["don't stop", { args: ["don't", 'stop'], options: {} }],
    ['say "open', { args: ['say', 'open'], options: {} }],
    ['empty= ""', { args: [''], options: { empty: '' } }],
    ['twice=1 twice=2', { args: [], options: { twice: '2' } }],
    ['a=b=c', { args: [], options: { a: 'b=c' } }],
    ['1=2 =x', { args: ['1=2', '=x'], options: {} }],
    ['__proto__=x', { args: ['__proto__=x'], options: {} }],
    ['', { args: [], options: {} }],
  ])('%s', (text, expected) => {
    expect(parseChatCommand('/fleet', text)).toEqual({ command: '/fleet', text: text.trim(), ...expected });
  });

  it('after a mention may name its own command', () => {
    expect(parseMention('/fleet', ' /deploy web')).toEqual({
      command: '/deploy',
      args: ['web'],
      options: {},
      text: 'web',
    });
  });
});

describe('Slack', () => {
  const slash = (fields: Record<string, unknown>, settings?: unknown) =>
    normalisationOf('slack.json', (it) => ({ ...it, ...fields }), { settings });

  it('is replied to at its response_url', async () => {
    const made = await slash({ response_url: 'https://hooks.slack.com/commands/T1/1/x' });
    const replyTo = made.kind === 'events' ? made.replyTo : undefined;
    const responseUrl = 'https://hooks.slack.com/commands/T1/1/x';
    expect(replyTo).toEqual({ via: 'slack', address: { responseUrl } });
  });

  it('has its three escapes undone', async () => {
    const made = await slash({ text: 'say a&amp;b &lt;x&gt; &amp;lt;' });
    expect(made).toMatchObject({ events: [{ data: { text: 'say a&b <x> &lt;' } }] });
  });

  it.each([
    [
      'another interaction',
      'slack.action.json',
      { payload: '{"type":"view_submission"}' },
      'Slack’s interaction view_submission starts nothing',
    ],
    [
      'a bot’s mention',
      'slack.app_mention.json',
      { event: { type: 'app_mention', bot_id: 'B1' } },
      'Slack’s event app_mention of no person starts nothing',
    ],
    [
      'another event',
      'slack.app_mention.json',
      { event: { type: 'reaction_added', user: 'U1' } },
      'Slack’s event reaction_added of U1 starts nothing',
    ],
  ])('of %s starts nothing', async (_, file, fields, because) => {
    expect(await normalisationOf(file, (it) => ({ ...it, ...fields }))).toEqual({ kind: 'ignored', because });
  });

  it('has its URL verified', async () => {
    const made = await normalisationOf('slack.app_mention.json', () => ({
      type: 'url_verification',
      challenge: '3eZbrw1aB10',
    }));
    expect(made).toEqual({ kind: 'answered', answer: { status: 200, body: { challenge: '3eZbrw1aB10' } } });
  });

  const unsigned = (body: string) =>
    slack.receive(
      {
        method: 'POST',
        path: '',
        query: new URLSearchParams(),
        headers: { 'content-type': 'application/x-www-form-urlencoded' },
        body: Buffer.from(body),
      },
      { secrets: ['live'], now: NOW, settings: settingsOf('slack') },
    );

  it('may probe the certificate without a signature', async () => {
    expect(await unsigned('token=x&ssl_check=1')).toEqual({
      kind: 'understood',
      normalisation: { kind: 'answered', answer: { status: 200, body: '' } },
    });
  });

  it.each(['ssl_check=1&command=%2Ffleet&user_id=U1', 'ssl_check=0', 'ssl_check=1&ssl_check=1'])(
    'may send nothing else with the probe: %s',
    async (body) => {
      expect(await unsigned(body)).toMatchObject({ kind: 'refused', verification: { reason: 'forged' } });
    },
  );
});

describe('the answer in Slack', () => {
  const outcome = (fields: Partial<DoorOutcome>): DoorOutcome => ({
    event: {
      specversion: '1.0',
      id: 't1',
      source: 'slack',
      time: NOW.toISOString(),
      kind: 'chat',
      type: 'chat.command',
      data: { command: '/fleet', args: [], options: {}, text: '', user: { id: 'U1' } },
    },
    matched: [],
    unmatched: [],
    ...fields,
  });

  it.each([
    [
      'names each matched rule and its run, and no other',
      { matched: [{ rule: 'patch', runId: 'run-a' }], unmatched: [{ rule: 'x', because: 'no' }] },
      'Rule `patch` started run `run-a`.',
    ],
    [
      'says why a run was refused, and cannot mention everybody',
      { matched: [{ rule: 'patch', runId: 'run-a', rejected: '<!channel> & more' }] },
      'Rule `patch` was refused (run `run-a`): &lt;!channel&gt; &amp; more',
    ],
    [
      'says why no rule matched',
      { unmatched: [{ rule: 'patch', because: 'args[0] is missing' }] },
      'Nothing started: no rule matched.\n• `patch`: args[0] is missing',
    ],
    ['says that there is no rule', {}, 'Nothing started: no rule is on this source.'],
  ])('%s', (_, fields, text) => {
    expect(answerInSlack([outcome(fields)])).toEqual({
      status: 200,
      body: { response_type: 'ephemeral', text },
    });
  });

  it('counts what it does not list', () => {
    const unmatched = Array.from({ length: 7 }, (_, at) => ({ rule: `r${at}`, because: 'no' }));
    expect(answerInSlack([outcome({ unmatched })])).toMatchObject({
      body: { text: expect.stringMatching(/`r4`: no\n… and 2 more\.$/) },
    });
  });
});

describe('a GitLab note', () => {
  const note = (fields: Record<string, unknown>, settings?: unknown) =>
    normalisationOf('gitlab.note.json', (it) => ({ ...it, ...fields }), { settings });

  it.each([
    ['of a user who is not named', {}, {}, 'the user root may not command'],
    [
      'that was edited',
      { object_attributes: { note: '@fleet-reflex x', action: 'update' } },
      { commenters: ['*'] },
      'the note is not a new one of a person',
    ],
    [
      'of the system',
      { object_attributes: { note: '@fleet-reflex x', system: true } },
      { commenters: ['*'] },
      'the note is not a new one of a person',
    ],
    [
      'that is talk',
      { object_attributes: { note: 'hello' } },
      { commenters: ['*'] },
      'the note does not begin with @fleet-reflex',
    ],
  ])('%s commands nothing', async (_, fields, settings, because) => {
    expect(await note(fields, settings)).toEqual({ kind: 'ignored', because });
  });

  const text = { note: '@fleet-reflex x', action: 'create' };
  it.each<[string, Record<string, unknown>, string | undefined]>([
    ['that everybody may read', { issue: { iid: 7, confidential: false } }, undefined],
    ['that is internal', { object_attributes: { ...text, internal: true } }, 'true'],
    [
      'that is confidential, as it was called',
      { object_attributes: { ...text, confidential: true } },
      'true',
    ],
    ['on a confidential issue', { merge_request: null, issue: { iid: 7, confidential: true } }, 'true'],
    ['of the type confidential_note', { event_type: 'confidential_note' }, 'true'],
  ])('%s is answered as it is', async (_, fields, internal) => {
    const made = await note(fields, { commenters: ['*'] });
    expect(made).toMatchObject({ kind: 'events', replyTo: { via: 'gitlab-note' } });
    expect(made.kind === 'events' && made.replyTo?.address['internal']).toBe(internal);
  });
});
