/** Bitbucket Cloud and Data Center: pushes and commit statuses. Its X-Hub-Signature is SHA-256, unlike GitHub's. */
import * as z from 'zod';
import { firstText, joinedId } from '../../model/id-parts.ts';
import { verifyHmac } from '../proofs/hmac.ts';
import { deployEvent } from '../shared/build-event.ts';
import { bodyId } from '../shared/delivery-id.ts';
import { checkPayload, defineSource } from '../source.ts';
import { BITBUCKET_EVENTS, inferBitbucketEvent } from './events.ts';

export const bitbucket = defineSource({
  name: 'bitbucket',
  title: 'Bitbucket (Cloud and Data Center)',
  documentation: 'https://support.atlassian.com/bitbucket-cloud/docs/event-payloads/',
  setup: `*Repository settings → Webhooks → Add webhook*: URL \`https://<your-endpoint>/hooks/bitbucket\`, the secret,
and the triggers *Push* and, if rules need them, *Build status created / updated*. Data Center: the same, trigger
*Repository: Push*.

A push that changes several branches is one event per branch; branches are named \`refs/heads/<name>\`, tags
\`refs/tags/<name>\`. A build status does not say whether its branch is a fork's: it has neither \`event.data.ref\` nor
\`event.data.sha\`. Bitbucket Cloud signs neither a time nor the delivery's id: if a branch is pushed back and forth
between the same two commits, the repeated bodies count as repeated deliveries, and start nothing.`,
  facts: {
    proof: 'HMAC-SHA256 of the body in `X-Hub-Signature`',
    replayWindow: 'none',
    eventId: 'the body’s hash',
  },
  kinds: ['deploy'],
  settings: z.strictObject({}),
  contentTypes: ['application/json'],
  verify: (request, { secrets }) =>
    verifyHmac(request, { header: 'x-hub-signature', prefix: 'sha256=', keys: secrets }),
  payload: z.looseObject({}),
  normalise(payload, request, { now }) {
    const { headers } = request;
    // The body is signed, the key is not: the key may only confirm the body.
    const schema = BITBUCKET_EVENTS.get(inferBitbucketEvent(payload) ?? '');
    const key = headers['x-event-key'];
    if (schema === undefined || (key !== undefined && BITBUCKET_EVENTS.get(key) !== schema)) {
      return { kind: 'ignored', because: `Bitbucket’s event ${key ?? '(unnamed)'} starts nothing` };
    }
    const id = bodyId(request.body);
    const deliveryid = firstText(headers['x-request-uuid'], headers['x-request-id']);
    const changes = checkPayload('bitbucket', schema, payload);
    if (changes.length === 0) return { kind: 'ignored', because: 'the push changes no branch' };
    const events = changes.map(({ verb, time, ...facts }, index) =>
      deployEvent(
        {
          source: 'bitbucket',
          id: changes.length === 1 ? id : joinedId([id, index]),
          deliveryid,
          verb,
          time: time ?? now.toISOString(),
        },
        { ...facts, raw: payload },
      ),
    );
    return { kind: 'events', events };
  },
});
