/** Replies to the chats, on servers of this machine: what each chat is sent, and what becomes of what fails. */
import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import fc from 'fast-check';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { FleetReflexError } from '../../../lib/errors.ts';
import { whyNotTo } from '../../../lib/http/destination-guard.ts';
import { publicLookup } from '../../../lib/http/public-lookup.ts';
import { type Log, silent } from '../../../lib/logging.ts';
import type { CompletionEvent, CompletionEventData } from '../../../lib/model/completion-event.ts';
import type { ReplyTo } from '../../../lib/model/reply-to.ts';
import { type RepliesOptions, replies } from '../../../lib/sources/replies.ts';
import { mattermostMarkup } from '../../../lib/sources/shared/chat-markup.ts';
import { tailOf, toText } from '../../../lib/sources/shared/message-text.ts';
import { messageOfEvent } from '../../../lib/sources/shared/run-message.ts';

const NOW = new Date('2026-11-20T10:05:00.000Z');
const RUN_ID = 'run-abcdefghijklmnopqrstuvwxyz';

const task = {
  taskId: 'invt-1',
  instanceId: 'ins-1',
  status: 'failed' as const,
  providerStatus: 'FAILED',
  started: 'yes' as const,
  exitCode: 3,
  output: 'one\n\u001b[31mtwo\u001b[0m <!channel> @all <at id=all> ```',
  outputDroppedBytes: 0,
  startedAt: '2026-11-20T10:04:00.000Z',
  endedAt: '2026-11-20T10:04:02.500Z',
};

function anEvent(
  data: Partial<CompletionEventData> = {},
  type: CompletionEvent['type'] = 'fleet-reflex.run.completed',
): CompletionEvent {
  return {
    specversion: '1.0',
    id: `${RUN_ID}/failed`,
    type,
    source: '/fleet-reflex/test/rules/patch-web',
    subject: RUN_ID,
    time: NOW.toISOString(),
    datacontenttype: 'application/json',
    data: {
      runId: RUN_ID,
      rule: 'patch-web',
      invocationIds: ['inv-1'],
      status: 'failed',
      reason: { code: 'tasks.failed', message: 'The command failed on 1 of 1 instances.' },
      counts: { failed: 1 },
      trigger: { source: 'slack', type: 'chat.command', id: 't-1' },
      startedAt: '2026-11-20T10:04:00.000Z',
      endedAt: '2026-11-20T10:04:02.500Z',
      tasks: [task],
      ...data,
    },
  };
}

const { reason: _, endedAt: __, ...whileItRuns } = anEvent().data;
const { exitCode: ___, ...runningTask } = task;
const started: CompletionEvent = {
  ...anEvent({}, 'fleet-reflex.run.started'),
  data: {
    ...whileItRuns,
    status: 'running',
    counts: { running: 1 },
    tasks: [{ ...runningTask, status: 'running', output: '' }],
  },
};

interface Received {
  method: string | undefined;
  url: string | undefined;
  headers: IncomingMessage['headers'];
  body: unknown;
}
const received: Received[] = [];
let answer: { status: number; body?: string; headers?: Record<string, string> } = { status: 200 };
let origin = '';

const server = createServer((request, response) => {
  const chunks: Buffer[] = [];
  request.on('data', (chunk: Buffer) => chunks.push(chunk));
  request.on('end', () => {
    const { method, url, headers } = request;
    received.push({ method, url, headers, body: JSON.parse(Buffer.concat(chunks).toString()) });
    response.writeHead(answer.status, answer.headers).end(answer.body ?? '{}');
  });
});

beforeAll(async () => {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = addressOf(server.address());
  origin = `http://127.0.0.1:${port}`;
});
beforeEach(() => {
  received.length = 0;
  answer = { status: 200 };
});
afterAll(async () => {
  server.closeAllConnections();
  server.close();
  await once(server, 'close');
});

function addressOf(address: AddressInfo | string | null): AddressInfo {
  if (address === null || typeof address === 'string') throw new Error('a TCP server');
  return address;
}

function secretsOn(base: string): Record<string, string[]> {
  return {
    slack: ['bot-token'],
    mattermost: [base],
    teams: [`${base}/teams`],
    feishu: [`oc_other=${base}/other`, `${base}/hook#signing`],
    dingtalk: [`${base}/robot/send?access_token=x#signing`],
    wecom: [`${base}/cgi-bin/webhook/send?key=x`],
    github: ['github-token', `${base}/api/v3#enterprise-token`],
    gitea: [`${base}/api/v1#gitea-token`],
    gitlab: [`${base}/gitlab#gitlab-token`],
  };
}

function withReplies(more: Partial<RepliesOptions> = {}) {
  const known = secretsOn(origin);
  return replies({
    secrets: async (name) => known[name] ?? [],
    log: silent,
    now: () => NOW,
    allowLoopback: true,
    bases: { discord: origin, github: origin, slack: origin },
    ...more,
  });
}

/** Sends one event and shows what the chat's server got. */
async function told(event: CompletionEvent, replyTo: ReplyTo, more: Partial<RepliesOptions> = {}) {
  const it = withReplies(more);
  try {
    await it.send(event, replyTo);
  } finally {
    await it.close();
  }
  return received.map(({ method, url, body }) => ({ request: `${method} ${url}`, body }));
}

/** Of a rule whose output all may see; test/unit/sources/reply-outputs.test.ts has the others. */
const to = (via: string, address: Record<string, string> = {}): ReplyTo => ({
  via,
  address,
  outputs: 'channel',
});
const slackCommand = () => to('slack', { responseUrl: `${origin}/commands/T1/1/x` });

describe('a run is told', () => {
  it('in Slack, in blocks, with a button while there is something to cancel', async () => {
    expect(await told(started, slackCommand())).toMatchInlineSnapshot(`
      [
        {
          "body": {
            "blocks": [
              {
                "text": {
                  "text": "▶️ \`patch-web\` (\`run-abcdefghijklmnopqrstuvwxyz\`) is running
      1 running
      • ins-1: running, 2.5 s",
                  "type": "mrkdwn",
                  "verbatim": true,
                },
                "type": "section",
              },
              {
                "elements": [
                  {
                    "action_id": "cancel",
                    "confirm": {
                      "confirm": {
                        "text": "Cancel it",
                        "type": "plain_text",
                      },
                      "deny": {
                        "text": "Leave it",
                        "type": "plain_text",
                      },
                      "text": {
                        "text": "What it has done on the instances stays done.",
                        "type": "plain_text",
                      },
                      "title": {
                        "text": "Cancel the run?",
                        "type": "plain_text",
                      },
                    },
                    "style": "danger",
                    "text": {
                      "text": "Cancel",
                      "type": "plain_text",
                    },
                    "type": "button",
                    "value": "run-abcdefghijklmnopqrstuvwxyz",
                  },
                ],
                "type": "actions",
              },
            ],
            "link_names": false,
            "parse": "none",
            "replace_original": false,
            "response_type": "in_channel",
            "text": "▶️ \`patch-web\` (\`run-abcdefghijklmnopqrstuvwxyz\`) is running
      1 running
      • ins-1: running, 2.5 s",
            "unfurl_links": false,
            "unfurl_media": false,
          },
          "request": "POST /commands/T1/1/x",
        },
      ]
    `);
  });

  it('in Slack, below a mention', async () => {
    const sent = await told(anEvent(), to('slack', { channel: 'C1', thread: '1.2' }));
    expect(sent).toMatchObject([
      {
        request: 'POST /api/chat.postMessage',
        body: {
          channel: 'C1',
          thread_ts: '1.2',
          blocks: [
            { text: { text: expect.stringContaining('• ins-1: failed, exit code 3, 2.5 s') } },
            {
              text: {
                text: '*ins-1*\n```\none\ntwo &lt;!channel&gt; @\u200ball &lt;at id=all&gt; `\u200b`\u200b`\n```',
              },
            },
          ],
        },
      },
    ]);
    expect(received[0]?.headers.authorization).toBe('Bearer bot-token');
  });

  it('in Mattermost', async () => {
    const replyTo = to('mattermost', { responseUrl: `${origin}/hooks/commands/abc123` });
    expect(await told(anEvent(), replyTo)).toMatchInlineSnapshot(`
      [
        {
          "body": {
            "response_type": "in_channel",
            "text": "❌ \`patch-web\` (\`run-abcdefghijklmnopqrstuvwxyz\`) ended: failed
      1 failed
      The command failed on 1 of 1 instances.
      • ins-1: failed, exit code 3, 2.5 s
      \`\`\`
      one
      two <!channel> @​all <at id=all> \`​\`​\`
      \`\`\`",
          },
          "request": "POST /hooks/commands/abc123",
        },
      ]
    `);
  });

  it('in Discord, with a button while there is something to cancel', async () => {
    expect(
      await told(started, to('discord', { applicationId: '42', token: 'aW50.x-y_z' })),
    ).toMatchInlineSnapshot(`
      [
        {
          "body": {
            "allowed_mentions": {
              "parse": [],
            },
            "components": [
              {
                "components": [
                  {
                    "custom_id": "cancel run-abcdefghijklmnopqrstuvwxyz",
                    "label": "Cancel",
                    "style": 4,
                    "type": 2,
                  },
                ],
                "type": 1,
              },
            ],
            "content": "▶️ \`patch-web\` (\`run-abcdefghijklmnopqrstuvwxyz\`) is running
      1 running
      • ins-1: running, 2.5 s",
            "flags": 4,
          },
          "request": "POST /api/v10/webhooks/42/aW50.x-y_z",
        },
      ]
    `);
  });

  it('in Teams, as a card', async () => {
    expect(await told(anEvent(), to('teams', { channel: '19:x' }))).toMatchInlineSnapshot(`
      [
        {
          "body": {
            "attachments": [
              {
                "content": {
                  "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
                  "body": [
                    {
                      "color": "attention",
                      "text": "❌ patch-web (run-abcdefghijklmnopqrstuvwxyz) ended: failed",
                      "type": "TextBlock",
                      "weight": "bolder",
                      "wrap": true,
                    },
                    {
                      "text": "1 failed

      The command failed on 1 of 1 instances.

      • ins-1: failed, exit code 3, 2.5 s",
                      "type": "TextBlock",
                      "wrap": true,
                    },
                    {
                      "text": "ins-1",
                      "type": "TextBlock",
                      "wrap": true,
                    },
                    {
                      "codeSnippet": "one
      two <!channel> @all <at id=all> \`\`\`",
                      "fallback": {
                        "fontType": "Monospace",
                        "text": "one

      two <​!channel> @​all <​at id=all> ",
                        "type": "TextBlock",
                        "wrap": true,
                      },
                      "language": "PlainText",
                      "type": "CodeBlock",
                    },
                  ],
                  "type": "AdaptiveCard",
                  "version": "1.5",
                },
                "contentType": "application/vnd.microsoft.card.adaptive",
              },
            ],
            "type": "message",
          },
          "request": "POST /teams",
        },
      ]
    `);
  });

  it('in Feishu, as a signed card', async () => {
    expect(await told(anEvent(), to('feishu', { channel: 'oc_1' }))).toMatchInlineSnapshot(`
      [
        {
          "body": {
            "card": {
              "elements": [
                {
                  "content": "1 failed
      The command failed on 1 of 1 instances.
      • ins-1: failed, exit code 3, 2.5 s
      \`\`\`
      one
      two <​!channel> @​all <​at id=all> \`​\`​\`
      \`\`\`",
                  "tag": "markdown",
                },
              ],
              "header": {
                "template": "red",
                "title": {
                  "content": "❌ patch-web (run-abcdefghijklmnopqrstuvwxyz) ended: failed",
                  "tag": "plain_text",
                },
              },
            },
            "msg_type": "interactive",
            "sign": "Wzl3oIfZATBZmSjsRJs26TEoZw3t1ubAjh80JuOV4RA=",
            "timestamp": "1795169100",
          },
          "request": "POST /hook",
        },
      ]
    `);
  });

  it('in DingTalk, as plain text', async () => {
    expect(await told(started, to('dingtalk', { channel: 'cid' }))).toMatchInlineSnapshot(`
      [
        {
          "body": {
            "at": {
              "isAtAll": false,
            },
            "msgtype": "text",
            "text": {
              "content": "▶️ patch-web (run-abcdefghijklmnopqrstuvwxyz) is running
      1 running
      To cancel: cancel run-abcdefghijklmnopqrstuvwxyz
      • ins-1: running, 2.5 s",
            },
          },
          "request": "POST /robot/send?access_token=x&timestamp=1795169100000&sign=iH8awdMYXXZxq13dTyLh4Bjuw%2F44oJoTnzNCsJ1hjGw%3D",
        },
      ]
    `);
  });

  it('in WeCom, as Markdown', async () => {
    expect(await told(anEvent(), to('wecom', { channel: '218' }))).toMatchInlineSnapshot(`
      [
        {
          "body": {
            "markdown_v2": {
              "content": "❌ \`patch-web\` (\`run-abcdefghijklmnopqrstuvwxyz\`) ended: failed
      1 failed
      The command failed on 1 of 1 instances.
      • ins-1: failed, exit code 3, 2.5 s
      \`\`\`
      one
      two <​!channel> @​all <​at id=all> \`​\`​\`
      \`\`\`",
            },
            "msgtype": "markdown_v2",
          },
          "request": "POST /cgi-bin/webhook/send?key=x",
        },
      ]
    `);
  });

  it('by the web hook of its own channel, where there is one', async () => {
    expect(await told(anEvent(), to('feishu', { channel: 'oc_other' }))).toMatchObject([
      { request: 'POST /other' },
    ]);
  });
});

describe('a GitHub deployment hears of its run', () => {
  const deployment = (api = 'https://api.github.com') =>
    to('github-deployment', { api, repository: 'acme/web', deployment: '7' });

  it.each<[string, CompletionEvent]>([
    ['in_progress', started],
    ['success', anEvent({ status: 'succeeded', counts: { succeeded: 2 } })],
    ['failure', anEvent({ status: 'partly_failed' })],
    ['failure', anEvent({ status: 'timed_out' })],
    ['error', anEvent({ status: 'unknown' })],
    ['error', anEvent({ status: 'rejected' }, 'fleet-reflex.run.rejected')],
  ])('%s', async (state, event) => {
    const sent = await told(event, deployment(), { runUrl: (runId) => `https://ops.example.com/${runId}` });
    expect(sent).toEqual([
      {
        request: 'POST /repos/acme/web/deployments/7/statuses',
        body: {
          state,
          description: expect.stringMatching(/^patch-web \(run-\w{26}\): .{1,95}$/),
          log_url: `https://ops.example.com/${RUN_ID}`,
        },
      },
    ]);
    expect(received[0]?.headers.authorization).toBe('Bearer github-token');
  });

  const ID = `run-${'b'.repeat(26)}`;
  const before = { runId: ID, rule: 'deploy', status: 'partly_failed' as const };
  const next = { rule: 'roll-back', runId: ID };

  it.each<[string, string | undefined, RegExp, CompletionEvent]>([
    [
      'that failed, with a roll-back to come',
      'failure',
      /: roll-back follows; The command failed/,
      anEvent({ next }),
    ],
    [
      'whose roll-back has started',
      'failure',
      /: after deploy partly failed; started$/,
      { ...started, data: { ...started.data, after: { ...before, failed: before } } },
    ],
    [
      'whose roll-back succeeded',
      'failure',
      /: after deploy partly failed; 2 succeeded$/,
      anEvent({
        status: 'succeeded',
        reason: undefined,
        counts: { succeeded: 2 },
        after: { ...before, failed: before },
      }),
    ],
    [
      'whose roll-back was refused',
      'failure',
      /: after deploy partly failed; /,
      anEvent({ status: 'rejected', after: { ...before, failed: before } }, 'fleet-reflex.run.rejected'),
    ],
    ['that succeeded, with more to come', undefined, /./, anEvent({ status: 'succeeded', next })],
    [
      'of which the next part has started',
      'in_progress',
      /: started$/,
      { ...started, data: { ...started.data, after: { ...before, status: 'succeeded' } } },
    ],
    [
      'of which the last part succeeded',
      'success',
      /: 2 succeeded$/,
      anEvent({
        status: 'succeeded',
        reason: undefined,
        counts: { succeeded: 2 },
        after: { ...before, status: 'succeeded' },
      }),
    ],
  ])('of the whole: %s', async (_, state, description, event) => {
    expect(await told(event, deployment())).toEqual(
      state === undefined
        ? []
        : [expect.objectContaining({ body: { state, description: expect.stringMatching(description) } })],
    );
  });

  it.each<[string, RegExp | undefined, CompletionEvent]>([
    ['the failure, and what follows', /Now .?roll-back.* follows\./, anEvent({ next })],
    [
      'the end of what followed',
      /It followed .?deploy.*: partly failed\./,
      anEvent({ status: 'succeeded', after: { ...before, failed: before } }),
    ],
    ['no start of what followed', undefined, { ...started, data: { ...started.data, after: before } }],
    ['no success before the last', undefined, anEvent({ status: 'succeeded', next })],
  ])('as a chat hears one reply of the whole: %s', async (_, text, event) => {
    const sent = await told(event, to('feishu', { channel: 'oc_other' }));
    if (text === undefined) expect(sent).toEqual([]);
    else expect(JSON.stringify(sent)).toMatch(text);
  });

  it('in at most 140 characters', async () => {
    const reason = { code: 'x', message: 'long '.repeat(100) };
    await told(anEvent({ reason }), deployment());
    expect(received[0]?.body).toMatchObject({ description: expect.stringMatching(/^.{139}…$/) });
  });

  it('of GitHub Enterprise with its own token, and of no other with any', async () => {
    await told(anEvent(), deployment(`${origin}/api/v3`));
    await told(anEvent(), deployment('https://evil.example.com'));
    expect(received.map(({ url, headers }) => [url, headers.authorization])).toEqual([
      ['/api/v3/repos/acme/web/deployments/7/statuses', 'Bearer enterprise-token'],
    ]);
  });

  it.each(['../x', 'acme/..', 'acme/web/../../y', 'acme'])(
    'not where the repository is %s',
    async (repository) => {
      const replyTo = to('github-deployment', { api: 'https://api.github.com', repository, deployment: '7' });
      expect(await told(anEvent(), replyTo)).toEqual([]);
    },
  );
});

describe('below a comment that commanded', () => {
  const text = expect.stringMatching(
    /^❌ `patch-web` \(`run-\w{26}`\) ended: failed\n1 failed\n.*\n• ins-1: failed, exit code 3, 2\.5 s\n````\none\ntwo .* ```\n````$/,
  );
  const comment = (source: string, api: string, repository = 'acme/web') =>
    to('issue-comment', { source, api, repository, issue: '1' });

  it.each<[string, (base: string) => ReplyTo, string, string, string]>([
    [
      'GitHub',
      () => comment('github', 'https://api.github.com'),
      '/repos/acme/web/issues/1/comments',
      'authorization',
      'token github-token',
    ],
    [
      'Gitea',
      (base) => comment('gitea', `${base}/api/v1`),
      '/api/v1/repos/acme/web/issues/1/comments',
      'authorization',
      'token gitea-token',
    ],
    [
      'GitLab',
      (base) => to('gitlab-note', { api: `${base}/gitlab`, project: '30', noteable: 'issues', iid: '7' }),
      '/gitlab/api/v4/projects/30/issues/7/notes',
      'private-token',
      'gitlab-token',
    ],
  ])('on %s', async (_, replyTo, path, header, token) => {
    expect(await told(anEvent(), replyTo(origin))).toEqual([
      { request: `POST ${path}`, body: { body: text } },
    ]);
    expect(received[0]?.headers[header]).toBe(token);
  });

  it.each<[string, ReplyTo]>([
    ['to a server without a token', comment('github', 'https://evil.example.com/api/v3')],
    ['with the token of another source', comment('forgejo', 'https://api.github.com')],
    ['to a repository that is a path', comment('github', 'https://api.github.com', '../..')],
    ['to a source that is none', comment('slack', 'https://api.github.com')],
    [
      'to a GitLab without a token',
      to('gitlab-note', { api: 'https://evil.example.com', project: '1', noteable: 'issues', iid: '1' }),
    ],
  ])('not %s', async (_, replyTo) => {
    expect(await told(anEvent(), replyTo)).toEqual([]);
  });

  it('on GitLab commands nothing itself', async () => {
    const reason = { code: 'x', message: '@all\n/close' };
    await told(
      anEvent({ reason, tasks: [] }),
      to('gitlab-note', { api: `${origin}/gitlab`, project: '30', noteable: 'issues', iid: '7' }),
    );
    expect(JSON.stringify(received[0]?.body)).not.toMatch(/@all|\\n\/close/);
  });
});

describe('nothing is sent', () => {
  it.each<[string, ReplyTo]>([
    ['to a chat that nobody knows', to('irc', {})],
    ['to an address that is none', to('slack', {})],
    [
      'to a Mattermost that is not ours',
      to('mattermost', { responseUrl: 'https://chat.evil.example/hooks/commands/a' }),
    ],
    [
      'to another path of our Mattermost',
      to('mattermost', { responseUrl: 'https://chat.example.com/api/v4/users' }),
    ],
    ['to a Discord application that is a path', to('discord', { applicationId: '../42', token: 't' })],
  ])('%s', async (_, replyTo) => {
    expect(await told(anEvent(), replyTo)).toEqual([]);
  });

  it('where nothing is configured', async () => {
    const vias = ['teams', 'feishu', 'dingtalk', 'wecom'].map((via) => to(via, { channel: '' }));
    for (const replyTo of vias) await told(anEvent(), replyTo, { secrets: async () => [] });
    expect(received).toEqual([]);
  });

  it('of each instance by itself', async () => {
    expect(await told(anEvent({}, 'fleet-reflex.task.completed'), slackCommand())).toEqual([]);
  });

  it('to this machine, unless that is allowed', async () => {
    expect(await told(anEvent(), slackCommand(), { allowLoopback: false })).toEqual([]);
  });
});

describe('the guard', () => {
  it.each<[string, string[], string | undefined]>([
    ['https://hooks.slack.com/x', ['hooks.slack.com'], undefined],
    ['https://hooks.slack.com:443/x', ['hooks.slack.com'], undefined],
    ['https://a.webhook.office.com/x', ['.webhook.office.com'], undefined],
    ['https://chat.example.com:8443/x', ['*'], undefined],
    ['http://hooks.slack.com/x', ['hooks.slack.com'], 'it is not https'],
    [
      'https://hooks.slack.com:8443/x',
      ['hooks.slack.com'],
      'hooks.slack.com:8443 is no host that this may go to',
    ],
    [
      'https://hooks.slack.com.evil.example/x',
      ['hooks.slack.com'],
      'hooks.slack.com.evil.example is no host that this may go to',
    ],
    ['https://hooks.slack.com@evil.example/x', ['hooks.slack.com'], 'its URL has a user or a password'],
    [
      'https://evilwebhook.office.com/x',
      ['.webhook.office.com'],
      'evilwebhook.office.com is no host that this may go to',
    ],
    ['https://169.254.169.254/x', ['*'], '169.254.169.254 is no host that this may go to'],
    ['https://0xa9fea9fe/x', ['*'], '169.254.169.254 is no host that this may go to'],
    ['https://[fd00::1]/x', ['*'], '[fd00::1] is no host that this may go to'],
    ['https://metadata/x', ['*'], 'metadata is no host that this may go to'],
    ['https://127.0.0.1/x', ['*'], 'it is on this machine'],
    ['https://localhost/x', ['*'], 'it is on this machine'],
    ...[
      'chat.example.com.',
      'localhost.',
      'a.localhost',
      'metadata.google.internal',
      'metadata.google.internal.',
      'ip-10-0-0-1.eu-west-1.compute.internal',
      'printer.local',
      'router.lan',
      '1.0.0.10.in-addr.arpa',
      '2852039166',
      '0251.0376.0251.0376',
      '0xa9.0xfe.0xa9.0xfe',
      '10.1',
      '0',
      '127.0.0.2',
      '[::]',
      '[::ffff:169.254.169.254]',
      '[64:ff9b::a9fe:a9fe]',
      'chat.example.com:22',
      'chat.example.com:80',
      'a..example.com',
    ].map((host): [string, string[], string] => {
      const url = `https://${host}/x`;
      return [url, ['*'], `${new URL(url).host} is no host that this may go to`];
    }),
    ['https://user:x@chat.example.com/x', ['*'], 'its URL has a user or a password'],
    ['https://hooks.slack.com./x', ['hooks.slack.com'], 'hooks.slack.com. is no host that this may go to'],
    [
      'https://a.webhook.office.com./x',
      ['.webhook.office.com'],
      'a.webhook.office.com. is no host that this may go to',
    ],
    ['https://xn--bcher-kva.example.xn--p1ai/x', ['*'], undefined],
  ])('%s to %j: %s', (url, hosts, expected) => {
    expect(whyNotTo(new URL(url), hosts, false)).toBe(expected);
  });
});

describe('a name', () => {
  const leadingTo = (...addresses: string[]) =>
    publicLookup((_, callback) =>
      callback(
        null,
        addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 })),
      ),
    );
  const mattermost = to('mattermost', { responseUrl: 'https://chat.example.com/hooks/commands/abc' });

  it.each([
    ['127.0.0.1'],
    ['10.0.0.1'],
    ['172.31.255.255'],
    ['192.168.1.1'],
    ['169.254.169.254'],
    ['100.100.100.200'],
    ['0.0.0.0'],
    ['255.255.255.255'],
    ['::1'],
    ['::'],
    ['fd00:ec2::254'],
    ['fe80::1'],
    ['::ffff:169.254.169.254'],
    ['64:ff9b::a9fe:a9fe'],
    ['2002:a9fe:a9fe::1'],
    ['93.184.216.34', '10.0.0.1'],
  ])('that leads to %s is not connected to, and the reply is dropped', async (...addresses) => {
    const secrets = async () => ['https://chat.example.com'];
    const log = aLog();
    const lookup = leadingTo(...addresses);
    expect(await told(anEvent(), mattermost, { secrets, log, lookup, allowLoopback: false })).toEqual([]);
    expect(log.dropped).toEqual(['chat.example.com leads to an address that is not of the public Internet']);
  });

  it('that leads nowhere is a reply for later', async () => {
    const secrets = async () => ['https://chat.example.com'];
    const lookup = publicLookup((_, callback) => callback(new Error('ENOTFOUND'), []));
    expect(await outcomeOf(anEvent(), mattermost, { secrets, lookup, allowLoopback: false })).toBe(
      'reply.failed retry',
    );
  });

  it.each(['93.184.216.34', '2606:2800:220:1:248:1893:25c8:1946'])('may lead to %s', (address) => {
    const found: unknown[] = [];
    leadingTo(address)('chat.example.com', { all: true }, (...answer) => found.push(answer));
    leadingTo(address)('chat.example.com', {}, (...answer) => found.push(answer));
    const family = address.includes(':') ? 6 : 4;
    expect(found).toEqual([
      [null, [{ address, family }]],
      [null, address, family],
    ]);
  });

  it('becomes an address by the lookup that the pool is given', async () => {
    const asked: string[] = [];
    const lookup: RepliesOptions['lookup'] = (hostname, _, callback) => {
      asked.push(hostname);
      callback(new Error('not here'), '');
    };
    const secrets = async () => ['https://chat.example.com'];
    await outcomeOf(anEvent(), mattermost, { secrets, lookup, allowLoopback: false });
    expect(asked).toEqual(['chat.example.com']);
  });
});

/** A log that keeps the reasons. */
function aLog(): Log & { dropped: unknown[] } {
  const dropped: unknown[] = [];
  const keep = (event: string, facts?: Readonly<Record<string, unknown>>) => {
    if (event === 'reply.dropped') dropped.push(facts?.['because']);
  };
  return { ...silent, warn: keep, error: keep, dropped };
}

async function outcomeOf(event: CompletionEvent, replyTo: ReplyTo, more: Partial<RepliesOptions> = {}) {
  const log = aLog();
  const thrown = await told(event, replyTo, { log, ...more }).then(
    () => undefined,
    (error: unknown) => error,
  );
  if (thrown === undefined) return log.dropped.length === 0 ? 'sent' : 'dropped';
  if (!(thrown instanceof FleetReflexError)) return String(thrown);
  return `${thrown.code} ${thrown.disposition}${thrown.retryAfterMs === undefined ? '' : ` ${thrown.retryAfterMs}`}`;
}

describe('a reply that fails', () => {
  it.each<[string, number, string, Record<string, string>, string]>([
    ['slack', 200, 'ok', {}, 'sent'],
    ['slack', 404, '{"ok":false,"error":"expired_url"}', {}, 'dropped'],
    ['slack', 302, '', { location: 'http://169.254.169.254/' }, 'dropped'],
    ['slack', 500, '', {}, 'reply.failed retry'],
    ['slack', 429, '', { 'retry-after': '7' }, 'reply.failed retry 7000'],
    ['slack', 429, '', { 'retry-after': '3600' }, 'reply.failed retry 60000'],
    ['slack', 403, '', { 'retry-after': '1' }, 'reply.failed retry 1000'],
    ['slack', 403, '', {}, 'dropped'],
    ['slack', 200, '{"ok":false,"error":"channel_not_found"}', {}, 'dropped'],
    ['slack', 200, '{"ok":false,"error":"ratelimited"}', {}, 'reply.failed retry'],
    ['feishu', 200, '{"code":0,"msg":"success"}', {}, 'sent'],
    ['feishu', 200, '{"code":19021,"msg":"sign match fail"}', {}, 'dropped'],
    ['feishu', 200, '{"code":9499,"msg":"Too Many Request"}', {}, 'reply.failed retry'],
    ['dingtalk', 200, '{"errcode":0,"errmsg":"ok"}', {}, 'sent'],
    ['dingtalk', 200, '{"errcode":310000,"errmsg":"sign not match"}', {}, 'dropped'],
    ['dingtalk', 200, '{"errcode":130101,"errmsg":"send too fast"}', {}, 'reply.failed retry'],
    ['wecom', 200, '{"errcode":93000,"errmsg":"invalid webhook url"}', {}, 'dropped'],
    ['wecom', 200, '{"errcode":45009,"errmsg":"freq out of limit"}', {}, 'reply.failed retry'],
    ['wecom', 200, 'not json', {}, 'sent'],
    ['teams', 202, '', {}, 'sent'],
    ['teams', 200, 'Webhook message delivery failed with error: HTTP error 429', {}, 'reply.failed retry'],
    ['teams', 200, 'Webhook message delivery failed with error: HTTP error 400', {}, 'dropped'],
  ])('by %s with %i %s %j is %s', async (via, status, body, headers, expected) => {
    answer = { status, body, headers };
    const replyTo = via === 'slack' ? slackCommand() : to(via, { channel: '' });
    expect(await outcomeOf(anEvent(), replyTo)).toBe(expected);
    expect(received).toHaveLength(1);
  });

  it('is not tried again ten minutes after the event', async () => {
    answer = { status: 500 };
    const old = anEvent({ endedAt: '2026-11-20T09:54:59.000Z' });
    expect(await outcomeOf(old, slackCommand())).toBe('dropped');
  });

  it('because the host does not listen may be retried', async () => {
    const closed = createServer();
    closed.listen(0, '127.0.0.1');
    await once(closed, 'listening');
    const { port } = addressOf(closed.address());
    closed.close();
    await once(closed, 'close');
    const replyTo = to('slack', { responseUrl: `http://127.0.0.1:${port}/x` });
    expect(await outcomeOf(anEvent(), replyTo)).toBe('reply.failed retry');
  });

  it('because its secret cannot be read now may be tried again', async () => {
    const unreadable = async () => {
      throw new FleetReflexError('secret.unreadable', 'no', { disposition: 'retry' });
    };
    expect(await outcomeOf(anEvent(), to('teams'), { secrets: unreadable })).toBe('secret.unreadable retry');
  });

  it('for an unexpected reason is dropped', async () => {
    const broken = async () => {
      throw new Error('a bug');
    };
    expect(await outcomeOf(anEvent(), to('teams'), { secrets: broken })).toBe('dropped');
  });

  it('tells no address and no token', async () => {
    answer = { status: 500 };
    const thrown = await told(anEvent(), slackCommand()).catch((error: unknown) => error);
    expect(
      JSON.stringify(thrown instanceof FleetReflexError && [thrown.message, thrown.details]),
    ).not.toContain('127.0.0.1');
  });
});

it('a text is said where the chat shows no answer, and what fails is only logged', async () => {
  const log = aLog();
  const it = withReplies({ log });
  await it.say('First line\nand `more`', to('feishu', { channel: 'oc_1' }));
  answer = { status: 500 };
  await it.say('again', to('feishu', { channel: 'oc_1' }));
  await it.close();
  expect(received[0]?.body).toMatchObject({
    card: {
      header: { title: { content: 'First line' } },
      elements: [{ tag: 'markdown', content: 'and `more`' }],
    },
  });
  expect(log.dropped).toHaveLength(1);
});

describe('the text', () => {
  it('names what went wrong first, and counts what it does not list', () => {
    const tasks = Array.from({ length: 40 }, (_, at) => ({
      ...task,
      instanceId: `ins-${at}`,
      status: at === 39 ? ('timed_out' as const) : ('succeeded' as const),
      exitCode: 0,
      output: '',
    }));
    const message = messageOfEvent(anEvent({ tasks, tasksOmitted: 5 }));
    expect([message?.tasks.length, message?.tasks[0]?.line, message?.facts.at(-1)]).toEqual([
      25,
      'ins-39: timed out, exit code 0, 2.5 s',
      '20 more instances are not shown.',
    ]);
  });

  it('is never longer than the limit, and always has its headline', () => {
    const outputs = fc.array(fc.string({ maxLength: 3000, unit: 'binary' }), { maxLength: 30 });
    fc.assert(
      fc.property(outputs, fc.integer({ min: 300, max: 5000 }), (texts, limit) => {
        const tasks = texts.map((output, at) => ({ ...task, instanceId: `ins-${at}`, output }));
        const message = messageOfEvent(anEvent({ tasks }));
        if (message === undefined) throw new Error('a completed run is news');
        const sizeOf = (text: string) => Buffer.byteLength(text);
        const text = toText(message, { limit, sizeOf, markup: mattermostMarkup });
        expect(sizeOf(text)).toBeLessThanOrEqual(limit);
        expect(text.startsWith(message.headline)).toBe(true);
        expect(text.split('```').length % 2).toBe(1);
      }),
    );
  });

  it.each([
    ['short', 10, 'short'],
    ['one\ntwo\nthree', 8, '…\nthree'],
    ['abcdefghij', 6, '…\nghij'],
  ])('of %j in %i is %j', (text, limit, expected) => {
    expect(tailOf(text, limit)).toBe(expected);
  });
});
