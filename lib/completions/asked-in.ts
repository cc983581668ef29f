/** The channels of `approval` that fleet-reflex can post to by itself: an alert has no chat in which it was asked for. */
import type { ReplyTo } from '../model/reply-to.ts';
import type { Run } from '../model/run.ts';

/** The chats whose replies need a channel alone: a token of the app, or the web hook of the channel. */
const POSTABLE = ['slack', 'teams', 'feishu', 'wecom', 'dingtalk'] as const;

/** Without that in which the run was asked for. */
export function askedIn({ approval, replyTo }: Pick<Run, 'approval' | 'replyTo'>): ReplyTo[] {
  if (approval === undefined) return [];
  const { channels, chats } = approval;
  // Ids without a chat: only Slack knows by the id alone whether it is one of its own.
  const via = POSTABLE.filter((chat) => (chats ?? ['slack']).includes(chat));
  const ids = channels.filter((channel) => channel !== '*' && !channel.startsWith('name:'));
  return via
    .flatMap((chat) => ids.map((channel) => ({ via: chat, address: { channel } })))
    .filter((one) => one.via !== replyTo?.via || one.address.channel !== replyTo.address['channel']);
}
