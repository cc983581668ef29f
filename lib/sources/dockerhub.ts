/** Docker Hub: an image was pushed. Its requests are unsigned, so the secret is in the URL. */
import * as z from 'zod';
import { firstText, joinedId } from '../model/id-parts.ts';
import { verifyUrlSecret } from './proofs/bearer.ts';
import { deployEvent } from './shared/build-event.ts';
import { toIsoTime } from './shared/event-time.ts';
import { defineSource } from './source.ts';

const text = z.string().nullish();

const Payload = z.looseObject({
  push_data: z.looseObject({
    pushed_at: z.union([z.number(), z.string()]).nullish(),
    pusher: text,
    tag: text,
  }),
  repository: z.looseObject({ repo_name: z.string(), repo_url: text }),
});

export const dockerhub = defineSource({
  name: 'dockerhub',
  title: 'Docker Hub',
  documentation: 'https://docs.docker.com/docker-hub/repos/manage/webhooks/',
  setup: `In the repository: *Webhooks → New webhook*, URL \`https://<your-endpoint>/hooks/dockerhub/<secret>\`. Docker
Hub can send no header, so the secret is in the URL: keep paths out of access logs.

The tag is \`event.data.ref\`; there is no digest, so \`event.data.sha\` is absent. The \`callback_url\` of the payload is
never called.`,
  facts: {
    proof: 'the secret in the URL (path or basic password)',
    replayWindow: 'none',
    eventId: 'repository, tag and time of the push',
  },
  kinds: ['deploy'],
  settings: z.strictObject({}),
  contentTypes: ['application/json'],
  verify: (request, { secrets }) => verifyUrlSecret(request, secrets),
  payload: Payload,
  normalise(payload, _request, { now }) {
    const { push_data: push, repository } = payload;
    const id = joinedId([joinedId([repository.repo_name, push.tag], ':'), push.pushed_at], '@');
    const event = deployEvent(
      { source: 'dockerhub', id, verb: 'push', time: toIsoTime(push.pushed_at) ?? now.toISOString() },
      {
        action: 'push',
        repository: repository.repo_name,
        ref: firstText(push.tag),
        actor: firstText(push.pusher),
        url: firstText(repository.repo_url),
        raw: payload,
      },
    );
    return { kind: 'events', events: [event] };
  },
});
