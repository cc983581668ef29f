/**
 * GitLab: a note below the command.
 * https://docs.gitlab.com/api/notes/
 */
import * as z from 'zod';
import { tokenFor } from '../shared/api-token.ts';
import type { ReplyChannel } from '../shared/channel.ts';
import { gitlabMarkup } from '../shared/chat-markup.ts';
import { toText } from '../shared/message-text.ts';

const Address = z.object({
  /** `https://gitlab.com`, with the path of the instance where it has one. */
  api: z.string(),
  project: z.string().regex(/^\d{1,20}$/),
  noteable: z.enum(['issues', 'merge_requests']),
  iid: z.string().regex(/^\d{1,20}$/),
  /** Present for the answer to a note that only members may read. */
  internal: z.literal('true').optional(),
});

const PUBLIC = 'https://gitlab.com';
const MAX_TEXT = 12_000;

export const gitlabNoteReply: ReplyChannel = {
  via: 'gitlab-note',
  // Customers run their own servers: the configuration with the token names the server.
  hosts: ['*'],
  async requestFor({ message }, given, { secrets }) {
    const address = Address.safeParse(given).data;
    if (address === undefined) return undefined;
    const token = tokenFor(address.api, await secrets('gitlab'), PUBLIC);
    if (token === undefined) return undefined;
    const { api, project, noteable, iid, internal } = address;
    return {
      url: new URL(`${api}/api/v4/projects/${project}/${noteable}/${iid}/notes`),
      headers: { 'private-token': token },
      body: {
        body: toText(message, { limit: MAX_TEXT, markup: gitlabMarkup }),
        // Before GitLab 15.5 it had the second name; GitLab ignores unknown names.
        ...(internal !== undefined && { internal: true, confidential: true }),
      },
    };
  },
};
