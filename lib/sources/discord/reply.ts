/**
 * Discord: follow-up messages of an interaction, for the 15 minutes that its token is good. After a deferred answer
 * the first one replaces “thinking…”, which only the caller sees.
 * https://discord.com/developers/docs/interactions/receiving-and-responding#create-followup-message
 */
import * as z from 'zod';
import type { ReplyChannel } from '../shared/channel.ts';
import { discordMarkup } from '../shared/chat-markup.ts';
import { toText } from '../shared/message-text.ts';

const Address = z.object({ applicationId: z.string().regex(/^\d{1,25}$/), token: z.string().min(1) });

const ACTION_ROW = 1;
const BUTTON = 2;
const SUCCESS = 3;
const DANGER = 4;
const MAX_CONTENT = 2000;
/** Suppresses previews of links in quoted text. */
const SUPPRESS_EMBEDS = 4;
/** Visible only to the person who typed the command. */
const EPHEMERAL = 64;

export const discordReply: ReplyChannel = {
  via: 'discord',
  hosts: ['discord.com'],
  tellsCaller: () => true,
  async requestFor({ message, isForCaller }, given, { baseOf }) {
    const address = Address.safeParse(given).data;
    if (address === undefined) return undefined;
    const { cancelRunId, approveRunId, ...rest } = message;
    const path = `/api/v10/webhooks/${address.applicationId}/${encodeURIComponent(address.token)}`;
    return {
      url: new URL(`${baseOf('discord')}${path}`),
      body: {
        content: toText(rest, { limit: MAX_CONTENT, markup: discordMarkup }),
        allowed_mentions: { parse: [] },
        flags: isForCaller ? SUPPRESS_EMBEDS | EPHEMERAL : SUPPRESS_EMBEDS,
        ...(approveRunId !== undefined && {
          components: [
            {
              type: ACTION_ROW,
              components: [
                { type: BUTTON, style: SUCCESS, label: 'Approve', custom_id: `approve ${approveRunId}` },
                { type: BUTTON, style: DANGER, label: 'Deny', custom_id: `deny ${approveRunId}` },
              ],
            },
          ],
        }),
        // lib/sources/discord/receive.ts reads the id as the command `cancel` with the run as its text.
        ...(cancelRunId !== undefined && {
          components: [
            {
              type: ACTION_ROW,
              components: [
                { type: BUTTON, style: DANGER, label: 'Cancel', custom_id: `cancel ${cancelRunId}` },
              ],
            },
          ],
        }),
      },
    };
  },
};
