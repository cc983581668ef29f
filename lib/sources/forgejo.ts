/** Forgejo: as Gitea, with headers of its own beside Gitea's. */
import { defineGiteaSource } from './gitea/hook.ts';

export const forgejo = defineGiteaSource({
  name: 'forgejo',
  title: 'Forgejo',
  documentation: 'https://forgejo.org/docs/latest/user/webhooks/',
  setup: `*Settings → Webhooks → Add webhook → Forgejo*: target URL \`https://<your-endpoint>/hooks/forgejo\`, method
POST, content type \`application/json\`, the secret, and the events push, release, package, issue comment.

A comment that begins with \`@fleet-reflex\` is a chat command of the users named in the setting \`commenters\`.`,
  facts: {
    proof: 'HMAC-SHA256 of the body in `X-Forgejo-Signature`',
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
  prefixes: ['x-forgejo-', 'x-gitea-'],
});
