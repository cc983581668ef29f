/**
 * CloudEvents over HTTP, in the structured, binary and batched modes, and the handshake of its webhook specification.
 * The package `cloudevents` does not decode header values and replaces an unreadable time by the present, so the
 * binding is implemented here.
 */
import * as z from 'zod';
import { FleetReflexError } from '../../errors.ts';
import type { SourceRequest } from '../../http/request.ts';
import { joinedId } from '../../model/id-parts.ts';
import { isTaskEvent } from '../cloud-assistant/event.ts';
import { isOwnEvent } from '../fleet-reflex.ts';
import { verifyAuthorization, verifySecret } from '../proofs/bearer.ts';
import { isStandardSecret, verifyStandardSignature } from '../proofs/standard-signature.ts';
import { genericEvent } from '../shared/build-event.ts';
import { CloudEvent, isCloudEvent } from '../shared/cloud-event.ts';
import { contentHash } from '../shared/content-hash.ts';
import { toIsoTime } from '../shared/event-time.ts';
import { AUTHENTIC, defineSource, type SourceAnswer } from '../source.ts';
import { isBinary, parseCloudEvents } from './http.ts';

const Settings = z.strictObject({
  allowedOrigins: z
    .array(z.string())
    .default(['*'])
    .describe(
      'The senders (WebHook-Request-Origin) that the handshake accepts; `*` is any, because requests still need the secret.',
    ),
  acceptsQueryToken: z
    .boolean()
    .default(false)
    .describe('Also accept `?access_token=`, for senders that can set no header. It ends up in access logs.'),
});
type Settings = z.infer<typeof Settings>;

export const cloudevents = defineSource({
  name: 'cloudevents',
  title: 'CloudEvents over HTTP',
  documentation:
    'https://github.com/cloudevents/spec/blob/main/cloudevents/bindings/http-protocol-binding.md',
  setup: `Send to \`https://<your-endpoint>/hooks/cloudevents\`, structured (\`application/cloudevents+json\`), batched
(\`application/cloudevents-batch+json\`) or binary (\`ce-…\` headers), with \`Authorization: Bearer <secret>\`. Where the
secret begins with \`whsec_\` the request has to be signed as Standard Webhooks instead, and structured or batched: the
signature does not cover the \`ce-…\` headers, in which a binary event has its id and its type.

Source and id identify an event. If they come again with another type, subject or data, it is \`event.id-reused\`, in the
record and in the answer's \`notes\`: a signed event runs as a separate event, an event with a token is rejected.

The \`OPTIONS\` handshake is answered; an access token in the query is refused unless the setting
\`acceptsQueryToken\` allows it. The event's data is \`event.data.body\`, all its attributes are \`event.data.raw\`, its
type follows \`generic.\`. The \`events\` queue accepts any structured event.`,
  facts: {
    proof: 'a bearer token, or Standard Webhooks',
    replayWindow: 'none; 5 minutes when signed',
    eventId: '`source` and `id`',
  },
  kinds: ['generic'],
  settings: Settings,
  methods: ['POST', 'OPTIONS'],
  // Any: in the binary mode the type is that of the data.
  contentTypes: [],
  verify(request, { secrets, settings, now }) {
    // The handshake only asks whether events may be sent; each event is authenticated.
    if (request.method === 'OPTIONS') return AUTHENTIC;
    if (secrets.some(isStandardSecret)) {
      return verifyStandardSignature(request, secrets.filter(isStandardSecret), now);
    }
    const token = request.query.get('access_token');
    if (settings.acceptsQueryToken && token !== null) return verifySecret(token, secrets, 'its access_token');
    return verifyAuthorization(request, secrets);
  },
  parse(request, { secrets }) {
    if (request.method === 'OPTIONS') return [];
    if (secrets.some(isStandardSecret) && isBinary(request)) throw unsignedAttributes();
    return parseCloudEvents(request);
  },
  payload: z.union([CloudEvent, z.array(CloudEvent)]),
  normalise(payload, request, { now, settings, secrets }) {
    if (request.method === 'OPTIONS') return { kind: 'answered', answer: consent(request, settings) };
    const events = Array.isArray(payload) ? payload : [payload];
    if (events.length === 0) return { kind: 'ignored', because: 'the batch is empty' };
    // Transports add attributes and may change the time: type, subject and data identify the content.
    const hashes = events.map(({ type, subject, data, data_base64: bytes }) =>
      contentHash({ type, subject, data: data ?? bytes }),
    );
    return {
      kind: 'events',
      events: events.map((event) => toTriggerEvent(event, now)),
      contents: { hashes, isSigned: secrets.some(isStandardSecret) },
    };
  },
  recognises: (body) => isCloudEvent(body) && !isOwnEvent(body) && !isTaskEvent(body),
});

function unsignedAttributes(): FleetReflexError {
  return new FleetReflexError(
    'body.format',
    'A signed CloudEvent must be structured or batched, and this one is binary: the signature does not cover its ce- headers. Send application/cloudevents+json.',
  );
}

function toTriggerEvent(event: CloudEvent, now: Date) {
  return genericEvent(
    {
      source: 'cloudevents',
      // Only both together are unique, and either may have a space in it, whatever a URI may.
      id: joinedId([event.source, event.id], ' '),
      verb: event.type,
      subject: event.subject ?? undefined,
      time: toIsoTime(event.time) ?? now.toISOString(),
      traceparent: event.traceparent ?? undefined,
    },
    { body: event.data ?? event.data_base64 ?? null, raw: event },
  );
}

/** The headers carry the consent, not the status; the callback URL is never followed. */
function consent(request: SourceRequest, settings: Settings): SourceAnswer {
  const origin = request.headers['webhook-request-origin'] ?? '';
  const isName = /^[A-Za-z0-9.:-]{1,255}$/.test(origin);
  const isAllowed = settings.allowedOrigins.includes('*') || settings.allowedOrigins.includes(origin);
  if (!isName || !isAllowed) return { status: 200, headers: { allow: 'POST, OPTIONS' }, body: '' };
  return {
    status: 200,
    headers: { allow: 'POST, OPTIONS', 'webhook-allowed-origin': origin, 'webhook-allowed-rate': '*' },
    body: '',
  };
}
