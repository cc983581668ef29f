/** Standard Webhooks: any sender that follows the specification, with `v1` or `v1a` signatures. */
import * as z from 'zod';
import { verifyStandardSignature } from './proofs/standard-signature.ts';
import { genericEvent } from './shared/build-event.ts';
import { contentHash } from './shared/content-hash.ts';
import { deliveryId } from './shared/delivery-id.ts';
import { toIsoTime } from './shared/event-time.ts';
import { defineSource } from './source.ts';

export const standardWebhooks = defineSource({
  name: 'standard-webhooks',
  title: 'Standard Webhooks',
  documentation: 'https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md',
  setup: `Give the sender \`https://<your-endpoint>/hooks/standard-webhooks\`; the secret is its \`whsec_…\` (HMAC, \`v1\`)
or its public key \`whpk_…\` (Ed25519, \`v1a\`). A request signed more than 5 minutes ago or ahead is refused.

\`event.data.body\` is the payload, its \`type\` follows \`generic.\`, and the signed \`webhook-id\` is the event's id. An id
that comes again with another body is \`event.id-reused\`, and a separate event; fields of the delivery, like \`sentAt\`
or \`attempt\`, may differ.`,
  facts: {
    proof: 'HMAC-SHA256 (`v1`) or Ed25519 (`v1a`) of id, time and body',
    replayWindow: '5 minutes',
    eventId: '`webhook-id`',
  },
  kinds: ['generic'],
  settings: z.strictObject({}),
  contentTypes: ['application/json'],
  verify: (request, { secrets, now }) => verifyStandardSignature(request, secrets, now),
  parse: (request) => request.json(),
  payload: z.unknown(),
  normalise(body, request, { now }) {
    const { type, timestamp } = Convention.safeParse(body).data ?? {};
    const event = genericEvent(
      {
        source: 'standard-webhooks',
        id: deliveryId(request.body, request.headers['webhook-id']),
        verb: type ?? 'received',
        time: toIsoTime(timestamp) ?? toIsoTime(request.headers['webhook-timestamp']) ?? now.toISOString(),
      },
      { body },
    );
    // A message of the queue is not signed.
    const isSigned = request.headers['webhook-id'] !== undefined;
    return { kind: 'events', events: [event], contents: { hashes: [contentHash(body)], isSigned } };
  },
});

/** The fields that the specification advises; none is required. */
const Convention = z.looseObject({
  type: z.string().min(1).optional().catch(undefined),
  timestamp: z.union([z.string(), z.number()]).optional().catch(undefined),
});
