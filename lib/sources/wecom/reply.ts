/**
 * WeCom: Markdown to a group's robot, the second version, which has code blocks and no mentions.
 * https://developer.work.weixin.qq.com/document/path/99110
 */
import { botWebhookFor } from '../shared/bot-webhook.ts';
import type { ReplyChannel } from '../shared/channel.ts';
import { tagMarkup } from '../shared/chat-markup.ts';
import { judgeErrcode } from '../shared/errcode.ts';
import { toText } from '../shared/message-text.ts';

const MAX_BYTES = 4096;
/** System busy; too many messages in a minute. */
const BUSY: ReadonlySet<number> = new Set([-1, 45009]);

export const wecomReply: ReplyChannel = {
  via: 'wecom',
  hosts: ['qyapi.weixin.qq.com'],
  async requestFor({ message }, { channel }, context) {
    const webhook = await botWebhookFor('wecom', channel, context);
    if (webhook === undefined) return undefined;
    const content = toText(message, {
      limit: MAX_BYTES,
      sizeOf: (text) => Buffer.byteLength(text),
      markup: tagMarkup,
    });
    return { url: webhook.url, body: { msgtype: 'markdown_v2', markdown_v2: { content } } };
  },
  judge: (body) => judgeErrcode(body, BUSY),
};
