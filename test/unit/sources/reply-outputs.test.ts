/** Who sees in each chat what a command has printed. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { silent } from '../../../lib/logging.ts';
import type { CompletionEvent } from '../../../lib/model/completion-event.ts';
import type { Outputs, ReplyTo } from '../../../lib/model/reply-to.ts';
import { replies } from '../../../lib/sources/replies.ts';

const NOW = new Date('2026-11-20T10:05:00.000Z');
const RUN_ID = 'run-abcdefghijklmnopqrstuvwxyz';
const PRINTED = 'what-the-command-printed';

const event: CompletionEvent = {
  specversion: '1.0',
  id: `${RUN_ID}/succeeded`,
  type: 'fleet-reflex.run.completed',
  source: '/fleet-reflex/test/rules/patch-web',
  subject: RUN_ID,
  time: NOW.toISOString(),
  datacontenttype: 'application/json',
  data: {
    runId: RUN_ID,
    rule: 'patch-web',
    invocationIds: ['inv-1'],
    status: 'succeeded',
    counts: { succeeded: 1 },
    trigger: { source: 'slack', type: 'chat.command', id: 't-1' },
    tasks: [
      {
        taskId: 'invt-1',
        instanceId: 'ins-1',
        status: 'succeeded',
        providerStatus: 'SUCCESS',
        started: 'yes',
        exitCode: 0,
        output: PRINTED,
        outputDroppedBytes: 0,
      },
    ],
  },
};

const received: { path: string; body: string }[] = [];
const server = createServer((request, response) => {
  const chunks: Buffer[] = [];
  request.on('data', (chunk: Buffer) => chunks.push(chunk));
  request.on('end', () => {
    received.push({ path: request.url?.split('?')[0] ?? '', body: Buffer.concat(chunks).toString() });
    response.end('{}');
  });
});
let origin = '';

beforeAll(async () => {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('a TCP server');
  origin = `http://127.0.0.1:${address.port}`;
});
afterAll(async () => {
  server.closeAllConnections();
  server.close();
  await once(server, 'close');
});

/** What the chat is sent of the run's end. */
async function told(replyTo: ReplyTo): Promise<{ path: string; body: string }> {
  const known: Record<string, string[]> = {
    slack: ['bot-token'],
    mattermost: [origin],
    teams: [`${origin}/teams`],
    feishu: [`${origin}/feishu`],
    dingtalk: [`${origin}/dingtalk`],
    wecom: [`${origin}/wecom`],
    github: ['github-token'],
    gitea: [`${origin}/api/v1#gitea-token`],
    gitlab: [`${origin}#gitlab-token`],
  };
  received.length = 0;
  const it = replies({
    secrets: async (name) => known[name] ?? [],
    log: silent,
    now: () => NOW,
    allowLoopback: true,
    bases: { discord: origin, github: origin, slack: origin },
  });
  try {
    await it.send(event, replyTo);
  } finally {
    await it.close();
  }
  const [only, ...more] = received;
  if (only === undefined || more.length > 0) throw new Error(`${received.length} messages`);
  return only;
}

type Seen = 'caller' | 'channel';
interface Chat {
  via: string;
  address: (origin: string) => Record<string, string>;
  /** Who sees a message that the chat was sent. */
  seenBy: (sent: { path: string; body: string }) => Seen;
  canTellCaller: boolean;
}

const everybody = (): Seen => 'channel';
const byType = ({ body }: { body: string }): Seen =>
  JSON.parse(body).response_type === 'ephemeral' ? 'caller' : 'channel';
const CHATS: readonly (readonly [string, Chat])[] = [
  [
    'a Slack command',
    {
      via: 'slack',
      address: (it) => ({ responseUrl: `${it}/commands/T1/1/x` }),
      seenBy: byType,
      canTellCaller: true,
    },
  ],
  [
    'a Slack mention',
    {
      via: 'slack',
      address: () => ({ channel: 'C1', thread: '1.2', user: 'U1' }),
      seenBy: ({ path, body }) =>
        path === '/api/chat.postEphemeral' && JSON.parse(body).user === 'U1' ? 'caller' : 'channel',
      canTellCaller: true,
    },
  ],
  [
    'a Slack mention of a version that kept no user',
    {
      via: 'slack',
      address: () => ({ channel: 'C1', thread: '1.2' }),
      seenBy: everybody,
      canTellCaller: false,
    },
  ],
  [
    'a direct message in Slack',
    {
      via: 'slack',
      address: () => ({ channel: 'D1', user: 'U1' }),
      seenBy: ({ path }) => (path === '/api/chat.postMessage' ? 'caller' : 'channel'),
      canTellCaller: true,
    },
  ],
  [
    'a Mattermost command',
    {
      via: 'mattermost',
      address: (it) => ({ responseUrl: `${it}/hooks/commands/abc123` }),
      seenBy: byType,
      canTellCaller: true,
    },
  ],
  [
    'a Discord command',
    {
      via: 'discord',
      address: () => ({ applicationId: '42', token: 'aW50.x-y_z' }),
      seenBy: ({ body }) => ((JSON.parse(body).flags & 64) === 64 ? 'caller' : 'channel'),
      canTellCaller: true,
    },
  ],
  ...['teams', 'feishu', 'dingtalk', 'wecom'].map((via): [string, Chat] => [
    `the robot of ${via}`,
    { via, address: () => ({ channel: 'any' }), seenBy: everybody, canTellCaller: false },
  ]),
  ...['github', 'gitea'].map((source): [string, Chat] => [
    `a comment on ${source}`,
    {
      via: 'issue-comment',
      address: (it) => ({
        source,
        api: source === 'github' ? 'https://api.github.com' : `${it}/api/v1`,
        repository: 'acme/web',
        issue: '1',
      }),
      seenBy: everybody,
      canTellCaller: false,
    },
  ]),
  [
    'a GitLab note',
    {
      via: 'gitlab-note',
      address: (it) => ({ api: it, project: '30', noteable: 'issues', iid: '7' }),
      seenBy: everybody,
      canTellCaller: false,
    },
  ],
];

const isPrinted = (body: string) => body.includes(PRINTED);
const saysWhereToLook = (body: string) => body.includes('/runs/') && body.includes('fleet-reflex runs');

describe.each(CHATS)('%s', (_, { via, address, seenBy, canTellCaller }) => {
  const sentFor = async (outputs?: Outputs) => {
    const sent = await told({ via, address: address(origin), ...(outputs && { outputs }) });
    const { body } = sent;
    expect(body).toContain('succeeded');
    return { isPrinted: isPrinted(body), saysWhereToLook: saysWhereToLook(body), seenBy: seenBy(sent) };
  };
  const privately: Seen = canTellCaller ? 'caller' : 'channel';

  it.each([undefined, 'caller'] as const)(
    'tells the caller alone, or says where to look (%s)',
    async (it) => {
      expect(await sentFor(it)).toEqual({
        isPrinted: canTellCaller,
        saysWhereToLook: !canTellCaller,
        seenBy: privately,
      });
    },
  );

  it('tells all where the rule says `channel`', async () => {
    const seen = await sentFor('channel');
    expect(seen).toMatchObject({ isPrinted: true, saysWhereToLook: false });
    expect(seen.seenBy).toBe(address(origin)['channel']?.startsWith('D') ? 'caller' : 'channel');
  });

  it('is shown to nobody if the rule says `none`', async () => {
    expect(await sentFor('none')).toEqual({ isPrinted: false, saysWhereToLook: true, seenBy: privately });
  });
});

describe('what only members may read on GitLab', () => {
  it('is answered by a note that only members may read', async () => {
    const address = { api: origin, project: '30', noteable: 'merge_requests', iid: '7', internal: 'true' };
    const { path, body } = await told({ via: 'gitlab-note', address, outputs: 'channel' });
    expect(path).toBe('/api/v4/projects/30/merge_requests/7/notes');
    expect(JSON.parse(body)).toMatchObject({ internal: true, confidential: true });
  });

  it('is not answered where that is not certain', async () => {
    const address = { api: origin, project: '30', noteable: 'issues', iid: '7', internal: 'yes' };
    await expect(told({ via: 'gitlab-note', address })).rejects.toThrow('0 messages');
  });
});
