/** The message that asks for an approval: what each chat shows of it, how people answer, and where it goes. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { askedIn } from '../../../lib/completions/asked-in.ts';
import { CompletionEvent } from '../../../lib/model/completion-event.ts';
import { dingtalkReply } from '../../../lib/sources/dingtalk/reply.ts';
import { discordReply } from '../../../lib/sources/discord/reply.ts';
import { feishuReply } from '../../../lib/sources/feishu/reply.ts';
import { mattermostReply } from '../../../lib/sources/mattermost/reply.ts';
import type { ReplyChannel } from '../../../lib/sources/shared/channel.ts';
import { messageOfEvent } from '../../../lib/sources/shared/run-message.ts';
import { slackReply } from '../../../lib/sources/slack/reply.ts';
import { teamsReply } from '../../../lib/sources/teams/reply.ts';
import { wecomReply } from '../../../lib/sources/wecom/reply.ts';

const SAMPLE = new URL('../../../events/fleet-reflex.run.waiting.json', import.meta.url);
const event = CompletionEvent.parse(JSON.parse(readFileSync(SAMPLE, 'utf8')));
const RUN_ID = event.data.runId;

/** The request's body, as text, to one of the chat's own addresses. */
async function bodyFor(channel: ReplyChannel, address: Record<string, string>, script?: string) {
  const message = messageOfEvent(event);
  if (message === undefined) throw new Error('no message');
  const request = await channel.requestFor(
    { message: script === undefined ? message : { ...message, script }, event, isForCaller: false },
    address,
    {
      secrets: async (source) => [source === 'slack' ? 'xoxb-token' : 'https://chat.example.com/hook'],
      baseOf: (vendor) => `https://${vendor}.com`,
      now: new Date('2026-11-20T10:20:00Z'),
    },
  );
  return JSON.stringify(request?.body);
}

const CHANNELS: [string, ReplyChannel, Record<string, string>][] = [
  ['slack', slackReply, { channel: 'C1' }],
  ['discord', discordReply, { applicationId: '1', token: 't' }],
  ['teams', teamsReply, { channel: 'C1' }],
  ['feishu', feishuReply, { channel: 'C1' }],
  ['wecom', wecomReply, { channel: 'C1' }],
  ['dingtalk', dingtalkReply, { channel: 'C1' }],
  ['mattermost', mattermostReply, { responseUrl: 'https://chat.example.com/hooks/commands/x' }],
];

describe.each(CHANNELS)('in %s', (_, channel, address) => {
  it('shows who may, the machines, the values, the script, and how to answer', async () => {
    const body = await bodyFor(channel, address);
    for (const part of ['U2CERLKJA', 'ins-local001', 'deploy refs/heads/main', RUN_ID, 'approve', 'deny'])
      expect(body).toContain(part);
  });

  it('stays within the limits of a chat, whatever the script', async () => {
    const body = await bodyFor(channel, address, `${'echo "x" # ```\n'.repeat(2000)}the end`);
    expect(Buffer.byteLength(body)).toBeLessThan(28_000);
    expect(body).not.toContain('the end');
  });
});

describe('buttons', () => {
  it('of Slack are the verbs with the run, which Slack signs', async () => {
    const body = JSON.parse(await bodyFor(slackReply, { channel: 'C1' }));
    const [row] = body.blocks.filter(({ type }: { type: string }) => type === 'actions');
    expect(row.elements.map(({ action_id, value }: Record<string, string>) => [action_id, value])).toEqual([
      ['approve', RUN_ID],
      ['deny', RUN_ID],
    ]);
  });

  it('of Discord are the verbs with the run', async () => {
    const body = JSON.parse(await bodyFor(discordReply, { applicationId: '1', token: 't' }));
    expect(body.components[0].components.map(({ custom_id }: Record<string, string>) => custom_id)).toEqual([
      `approve ${RUN_ID}`,
      `deny ${RUN_ID}`,
    ]);
  });
});

describe('where it is asked', () => {
  const approval = { users: ['U1'], channels: ['C1', '*', 'name:ops'], expiresMs: 1 };

  it.each([
    ['the chats of the rule', { ...approval, chats: ['slack', 'github'] }, ['slack C1']],
    ['of no chat: Slack, which knows its own ids', approval, ['slack C1']],
    ['chats with web hooks', { ...approval, chats: ['teams', 'wecom'] }, ['teams C1', 'wecom C1']],
    ['no channels', { ...approval, channels: [] }, []],
  ])('%s', (_, terms, expected) => {
    const asked = askedIn({ approval: terms }).map(({ via, address }) => `${via} ${address['channel']}`);
    expect(asked).toEqual(expected);
  });

  it('not again in the channel in which the run was asked for', () => {
    const replyTo = { via: 'slack', address: { channel: 'C1', thread: '1' } };
    expect(askedIn({ approval: { ...approval, chats: ['slack'] }, replyTo })).toEqual([]);
    expect(askedIn({})).toEqual([]);
  });
});
