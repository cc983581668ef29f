/** Mattermost: a command's `response_url`, when it is on one of the servers that the reply secret names. */
import type { ReplyChannel } from '../shared/channel.ts';
import { mattermostMarkup } from '../shared/chat-markup.ts';
import { toText } from '../shared/message-text.ts';

/** A post has at most 16,383 characters. */
const MAX_TEXT = 12_000;

export const mattermostReply: ReplyChannel = {
  via: 'mattermost',
  // Customers run their own servers: the configuration names the server.
  hosts: ['*'],
  tellsCaller: () => true,
  async requestFor({ message, isForCaller }, { responseUrl = '' }, { secrets }) {
    if (!URL.canParse(responseUrl)) return undefined;
    const url = new URL(responseUrl);
    const servers = (await secrets('mattermost')).filter((server) => URL.canParse(server));
    const isOurs = servers.some((server) => new URL(server).origin === url.origin);
    if (!isOurs || !/\/hooks\/commands\/\w+$/.test(url.pathname)) return undefined;
    const text = toText(message, { limit: MAX_TEXT, markup: mattermostMarkup });
    return { url, body: { response_type: isForCaller ? 'ephemeral' : 'in_channel', text } };
  },
};
