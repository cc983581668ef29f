/** Gitea: pushes, releases, packages and workflow runs, and comments of named users as chat commands. */
import { defineGiteaSource } from './hook.ts';

export const gitea = defineGiteaSource({
  name: 'gitea',
  title: 'Gitea',
  documentation: 'https://docs.gitea.com/usage/webhooks',
  setup: `*Settings → Webhooks → Add Webhook → Gitea*: target URL \`https://<your-endpoint>/hooks/gitea\`, method POST,
content type \`application/json\` (its signature of a form cannot be checked), the secret, and the events push, release,
package, issue comment.

A comment that begins with \`@fleet-reflex\` is a chat command of the users named in the setting \`commenters\`.`,
  facts: {
    proof: 'HMAC-SHA256 of the body in `X-Gitea-Signature`',
    replayWindow: 'none',
    eventId: 'the body’s hash',
    people: {
      user: 'number of the account: `id` at `/api/v1/users/<login>`',
      userName: 'login',
      channel: 'number of the repository, `#`, number of the issue: `12#3`',
      channelName: '`owner/repository#3`',
      groups: '—',
      tenant: 'number of the repository’s owner: `id` at `/api/v1/users/<owner>`',
    },
  },
  prefixes: ['x-gitea-'],
});
