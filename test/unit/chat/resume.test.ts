/** `resume` in a chat: for who may use the rule there, and as a request that dispatch takes. */
import { describe, expect, it } from 'vitest';
import { answerChat } from '../../../lib/chat/answer-chat.ts';
import type { ChatRun, ToResume } from '../../../lib/chat/port.ts';
import { resumedAs } from '../../../lib/model/resume.ts';
import type { Run } from '../../../lib/model/run.ts';
import { summariseRun } from '../../../lib/model/run-summary.ts';
import type { ChatData } from '../../../lib/model/trigger-event.ts';
import { parseChatCommand } from '../../../lib/sources/shared/chat-command.ts';
import { NO_CHAT } from '../../fixtures/no-chat.ts';
import { aChat, NOW, rulesOf } from '../rules/events.ts';

const RUN_ID = `run-${'a'.repeat(26)}`;
const RUN = 'run: { provider: tencent, command: cmd-aaaaaaaa, instances: [ins-aaaaaaaa] }';
const RULES = rulesOf(`
  - { name: patch, on: slack, byName: true, outputs: none, allow: { users: [U1] }, ${RUN} }
  - { name: other, on: slack, byName: true, allow: { users: [U1, U2] }, ${RUN} }
`);
const REPLY_TO = { via: 'slack', address: { channel: 'C1' } };
const at = NOW.toISOString();

const stopped: Run = {
  version: 2,
  revision: 3,
  runId: RUN_ID,
  rule: 'patch',
  trigger: { source: 'slack', type: 'chat.command', id: 'e', actor: { id: 'U9', chat: 'slack' } },
  notify: [],
  target: {
    ...{ provider: 'tencent', region: 'ap-guangzhou', command: 'cmd-aaaaaaaa' },
    ...{ instances: ['ins-1', 'ins-2', 'ins-3'], parameters: {} },
  },
  guards: {},
  onUnavailable: 'fail',
  waves: {
    ...{ sizes: [{ instances: 1 }], pauseMs: 0, stopAfterFailures: 1, onStop: 'finish' },
    ...{ withinMs: 60_000, begun: 3 },
  },
  patterns: {},
  requestedAt: at,
  deadline: at,
  status: 'partly_failed',
  endedAt: at,
  invocations: [
    { token: 't-0', instances: ['ins-1'], state: 'sent', invocationId: 'inv-1' },
    { token: 't-1', wave: 1, instances: ['ins-2'], state: 'dropped' },
    { token: 't-2', wave: 2, instances: ['ins-3'], state: 'dropped' },
  ],
  tasks: [],
  outbox: [],
  failedReadings: 0,
};

async function ask(text: string, user: string, known: ToResume | undefined = { run: stopped }) {
  const who: Partial<ChatData> = { user: { id: user }, channel: { id: 'C1' } };
  const event = aChat({ ...parseChatCommand('/fleet', text), ...who });
  const status = async (): Promise<ChatRun | undefined> =>
    known && { ...summariseRun(known.run), counts: {}, tasks: [], instances: [] };
  const port = { ...NO_CHAT, status, toResume: async () => known };
  return await answerChat(event, { ruleSet: RULES, port, now: NOW, replyTo: REPLY_TO });
}

describe('resume', () => {
  it('by who may use the rule is a request for the rest, and answers there as the rule says', async () => {
    expect(await ask(`resume ${RUN_ID}`, 'U1')).toMatchObject({
      kind: 'answered',
      text: `Run \`${RUN_ID}\` of \`patch\` is resumed as \`${resumedAs(stopped)}\` on 2 instances.`,
      matched: [{ rule: 'patch', runId: resumedAs(stopped) }],
      requests: [
        {
          action: 'run',
          runId: resumedAs(stopped),
          rule: 'patch',
          trigger: stopped.trigger,
          resumes: { runId: RUN_ID, by: { id: 'U1', chat: 'slack' } },
          target: { instances: ['ins-2', 'ins-3'] },
          replyTo: { ...REPLY_TO, outputs: 'none' },
        },
      ],
    });
  });

  it('by somebody who may use another rule only: there is no such run', async () => {
    expect(await ask(`resume ${RUN_ID}`, 'U2')).toMatchObject({
      text: `There is no run \`${RUN_ID}\` that you may resume here.`,
      requests: [],
    });
  });

  it('of a run that cannot be resumed says why, and asks for nothing', async () => {
    const resumed: Run = { ...stopped, runId: resumedAs(stopped), status: 'succeeded', invocations: [] };
    expect(await ask(`resume ${RUN_ID}`, 'U1', { run: stopped, resumed })).toMatchObject({
      text: `Nothing started: run \`${RUN_ID}\`: it was resumed as ${resumed.runId}, which is succeeded.`,
      requests: [],
    });
  });

  it.each(['resume', 'resume it', `resume ${RUN_ID} ins-2`])('%s: says how it is used', async (text) => {
    expect(await ask(text, 'U1')).toMatchObject({
      text: expect.stringContaining('`resume <run>`: goes on'),
      requests: [],
    });
  });
});
