/**
 * DingTalk: plain text to a group's custom robot; its Markdown has no code blocks.
 * https://open.dingtalk.com/document/robots/custom-robot-access
 */
import { createHmac } from 'node:crypto';
import { botWebhookFor } from '../shared/bot-webhook.ts';
import type { ReplyChannel } from '../shared/channel.ts';
import { plainMarkup } from '../shared/chat-markup.ts';
import { judgeErrcode } from '../shared/errcode.ts';
import { toText } from '../shared/message-text.ts';

/** A request has at most 20,000 bytes, and a character three. */
const MAX_TEXT = 5000;
/** System busy; sent too fast. */
const BUSY: ReadonlySet<number> = new Set([-1, 130101, 410100]);

export const dingtalkReply: ReplyChannel = {
  via: 'dingtalk',
  hosts: ['oapi.dingtalk.com'],
  async requestFor({ message }, { channel }, context) {
    const webhook = await botWebhookFor('dingtalk', channel, context);
    if (webhook === undefined) return undefined;
    const content = toText(message, { limit: MAX_TEXT, markup: plainMarkup });
    return {
      url: signed(webhook.url, webhook.signingSecret, context.now),
      body: { msgtype: 'text', text: { content }, at: { isAtAll: false } },
    };
  },
  judge: (body) => judgeErrcode(body, BUSY),
};

function signed(url: URL, secret: string | undefined, now: Date): URL {
  if (secret === undefined) return url;
  const timestamp = String(now.getTime());
  const signedUrl = new URL(url);
  signedUrl.searchParams.set('timestamp', timestamp);
  signedUrl.searchParams.set(
    'sign',
    createHmac('sha256', secret).update(`${timestamp}\n${secret}`).digest('base64'),
  );
  return signedUrl;
}
