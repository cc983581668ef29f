/** `approve` and `deny` in a chat: who may, what they are told, and what goes onto the queue. */
import { describe, expect, it } from 'vitest';
import { answerChat } from '../../../lib/chat/answer-chat.ts';
import type { ToJudge } from '../../../lib/chat/port.ts';
import { RunRequest } from '../../../lib/model/run-request.ts';
import type { ChatData } from '../../../lib/model/trigger-event.ts';
import { parseChatCommand } from '../../../lib/sources/shared/chat-command.ts';
import { NO_CHAT } from '../../fixtures/no-chat.ts';
import { aChat, NOW, rulesOf } from '../rules/events.ts';

const RUN_ID = `run-${'a'.repeat(26)}`;
const UNTIL = new Date(NOW.getTime() + 60_000).toISOString();

const RULES = rulesOf(`
  - name: restart-db
    on: slack
    byName: true
    allow: { users: [U1] }
    approval: { users: [U1, U2], channels: [C1] }
    run: { provider: tencent, command: cmd-aaaaaaaa, instances: [ins-aaaaaaaa] }
`);

const waiting: ToJudge = {
  rule: 'restart-db',
  status: 'dispatching',
  trigger: { source: 'slack', type: 'chat.command', id: 'e', actor: { id: 'U1', chat: 'slack' } },
  approval: {
    ...{ users: ['U1', 'U2'], channels: ['C1'], chats: ['slack'], expiresMs: 60_000 },
    asked: {
      ...{ at: NOW.toISOString(), until: UNTIL, withinMs: 1, seal: {}, script: 'echo', settings: {} },
    },
  },
};

const by = (id: string, more: Partial<ChatData> = {}) => ({ user: { id }, channel: { id: 'C1' }, ...more });

async function ask(text: string, who: Partial<ChatData>, run: ToJudge | undefined = waiting, type?: string) {
  const words = type === undefined ? parseChatCommand('/fleet', text) : parseChatCommand(...split(text));
  const event = { ...aChat({ ...words, ...who }), ...(type !== undefined && { type }) };
  const port = { ...NO_CHAT, toJudge: async () => run };
  return await answerChat(event, { ruleSet: RULES, port, now: NOW });
}

function split(text: string): [string, string] {
  const [command = '', ...rest] = text.split(' ');
  return [command, rest.join(' ')];
}

describe('approve', () => {
  it.each([
    ['typed', undefined],
    ['by a button', 'chat.action'],
  ])('%s by who may, though they may not use the rule: a request with who they are', async (_, type) => {
    const answer = await ask(`approve ${RUN_ID}`, by('U2'), waiting, type);
    expect(answer).toMatchObject({
      kind: 'answered',
      text: `Run \`${RUN_ID}\` of \`restart-db\` is approved: it is sent now.`,
      requests: [
        {
          action: 'judge',
          kind: 'approved',
          targetRunId: RUN_ID,
          trigger: { actor: { id: 'U2', chat: 'slack' } },
          person: { chat: 'slack', user: { id: 'U2' }, channel: { id: 'C1' } },
        },
      ],
    });
    if (answer.kind !== 'answered') throw new Error('not answered');
    expect(RunRequest.safeParse(answer.requests[0]).error).toBeUndefined();
  });

  it('by who asked is refused in words', async () => {
    const answer = await ask(`approve ${RUN_ID}`, by('U1'));
    expect(answer).toMatchObject({ kind: 'answered', requests: [] });
    if (answer.kind === 'answered') expect(answer.text).toContain('somebody else has to');
  });

  it.each([
    ['a stranger', by('U9')],
    ['somebody in another channel', by('U2', { channel: { id: 'C9' } })],
    ['somebody of another tenant', by('U2', { tenant: 'T-other', isExternal: true })],
    ['somebody without an id', { user: { name: 'U2' }, channel: { id: 'C1' } }],
  ])('by %s is answered as for a run that is not there', async (_, who) => {
    const [known, unknown] = [await ask(`approve ${RUN_ID}`, who), await ask('status', who)];
    expect(known).toMatchObject({ kind: 'refused' });
    expect(known).toEqual(unknown);
  });

  it('of a run that waits for nobody says so', async () => {
    const cases: [Partial<ToJudge>, string][] = [
      [{ status: 'rejected' }, 'it has ended as rejected'],
      [{ cancelRequestedAt: NOW.toISOString() }, 'it is being cancelled'],
    ];
    for (const [change, because] of cases) {
      const answer = await ask(`approve ${RUN_ID}`, by('U2'), { ...waiting, ...change });
      expect(answer).toMatchObject({ requests: [], text: expect.stringContaining(because) });
    }
  });

  it.each(['approve', 'approve web', `approve ${RUN_ID} now`])('%s is not understood', async (text) => {
    expect(await ask(text, by('U1'))).toMatchObject({ text: expect.stringContaining('Not understood') });
  });
});

describe('deny', () => {
  it('carries why', async () => {
    expect(await ask(`deny ${RUN_ID} not on a Friday`, by('U2'))).toMatchObject({
      requests: [{ action: 'judge', kind: 'denied', why: 'not on a Friday' }],
    });
  });
});
