/**
 * Feishu and Lark: a card to a group's custom bot.
 * https://open.feishu.cn/document/client-docs/bot-v3/add-custom-bot
 */
import { createHmac } from 'node:crypto';
import * as z from 'zod';
import { botWebhookFor } from '../shared/bot-webhook.ts';
import type { ReplyChannel, Verdict } from '../shared/channel.ts';
import { tagMarkup } from '../shared/chat-markup.ts';
import { toText } from '../shared/message-text.ts';

/** A request has at most 20 KB, and a character three bytes. */
const MAX_TEXT = 5000;
const COLOURS = { progress: 'blue', good: 'green', bad: 'red' } as const;
const Answer = z.object({ code: z.number() });
/** Too many requests for the bot, or for the tenant. */
const BUSY: ReadonlySet<number> = new Set([9499, 11232, 99991400]);

export const feishuReply: ReplyChannel = {
  via: 'feishu',
  hosts: ['open.feishu.cn', 'open.larksuite.com'],
  async requestFor({ message }, { channel }, context) {
    const webhook = await botWebhookFor('feishu', channel, context);
    if (webhook === undefined) return undefined;
    const { headline, ...rest } = message;
    const content = toText({ headline: '', ...rest }, { limit: MAX_TEXT, markup: tagMarkup }).trim();
    return {
      url: webhook.url,
      body: {
        ...(webhook.signingSecret !== undefined && signed(webhook.signingSecret, context.now)),
        msg_type: 'interactive',
        card: {
          header: {
            title: { tag: 'plain_text', content: headline.replaceAll('`', '') },
            template: COLOURS[message.tone],
          },
          elements: content === '' ? [] : [{ tag: 'markdown', content }],
        },
      },
    };
  },
  judge(body): Verdict {
    const code = codeOf(body);
    if (code === undefined || code === 0) return 'arrived';
    return BUSY.has(code) ? 'busy' : 'gone';
  },
};

/** The secret is part of the key here, and the text that is signed is empty. */
function signed(secret: string, now: Date): { timestamp: string; sign: string } {
  const timestamp = String(Math.floor(now.getTime() / 1000));
  return { timestamp, sign: createHmac('sha256', `${timestamp}\n${secret}`).digest('base64') };
}

function codeOf(body: string): number | undefined {
  try {
    return Answer.safeParse(JSON.parse(body)).data?.code;
  } catch {
    return undefined;
  }
}
