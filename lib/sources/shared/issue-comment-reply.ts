/**
 * GitHub, Gitea and Forgejo: a comment below the one that commanded; their APIs agree on it.
 * https://docs.github.com/en/rest/issues/comments#create-an-issue-comment
 */
import * as z from 'zod';
import { tokenFor } from './api-token.ts';
import type { ReplyChannel } from './channel.ts';
import { codeHostMarkup } from './chat-markup.ts';
import { toText } from './message-text.ts';

const Address = z.object({
  source: z.enum(['github', 'gitea', 'forgejo']),
  api: z.string(),
  repository: z.string().regex(/^[\w.-]*[\w-]\/(?!\.{1,2}$)[\w.-]+$/),
  issue: z.string().regex(/^\d{1,20}$/),
});

const PUBLIC_APIS = {
  github: 'https://api.github.com',
  gitea: 'https://gitea.com/api/v1',
  forgejo: 'https://codeberg.org/api/v1',
} as const;
/** A comment has at most 65,536 characters; ours are shorter, to be readable. */
const MAX_TEXT = 12_000;

export const issueCommentReply: ReplyChannel = {
  via: 'issue-comment',
  // Customers run their own servers: the configuration with the token names the server.
  hosts: ['*'],
  async requestFor({ message }, given, { secrets, baseOf }) {
    const address = Address.safeParse(given).data;
    if (address === undefined) return undefined;
    const { source, api, repository, issue } = address;
    const token = tokenFor(api, await secrets(source), PUBLIC_APIS[source]);
    if (token === undefined) return undefined;
    const base = api === PUBLIC_APIS.github ? baseOf('github') : api;
    return {
      url: new URL(`${base}/repos/${repository}/issues/${issue}/comments`),
      headers: { authorization: `token ${token}`, accept: 'application/json' },
      body: { body: toText(message, { limit: MAX_TEXT, markup: codeHostMarkup }) },
    };
  },
};
