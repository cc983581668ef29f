/**
 * Any system that can sign its body with HMAC-SHA256 or send a bearer token. Its payload is the body of a generic event;
 * the settings describe the signature and the id.
 */
import { Environment, evaluate, parse as parseExpression } from '@marcbachmann/cel-js';
import * as z from 'zod';
import type { SourceRequest } from '../http/request.ts';
import { verifyAuthorization } from './proofs/bearer.ts';
import { verifyFreshness } from './proofs/freshness.ts';
import { verifyHmac } from './proofs/hmac.ts';
import { genericEvent } from './shared/build-event.ts';
import { contentHash } from './shared/content-hash.ts';
import { deliveryId } from './shared/delivery-id.ts';
import { defineSource, forged, type SourceContext, type Verification } from './source.ts';

const HeaderName = z
  .string()
  .regex(/^[A-Za-z0-9-]+$/)
  .toLowerCase();

const Expression = z.string().superRefine((text, context) => {
  try {
    parseExpression(text);
  } catch (cause) {
    const [first] = String(cause instanceof Error ? cause.message : cause).split('\n', 1);
    context.addIssue({ code: 'custom', message: `is not a CEL expression: ${first}` });
  }
});

/** Expressions over the body only: the signature covers no other header. */
const bodyAlone = new Environment().registerVariable('body', 'dyn');
const NO_HEADERS =
  'reads `headers`, and no header is signed: a captured request could be sent again with another. Take it from `body`';

const Settings = z
  .strictObject({
    signatureHeader: HeaderName.optional().describe(
      'The header with the HMAC-SHA256. If it is set, bearer tokens are refused. Default: a bearer token or basic password, or X-Hub-Signature-256.',
    ),
    prefix: z.string().optional().describe('The prefix of the signature. Default: `sha256=` or none.'),
    encoding: z.enum(['hex', 'base64']).default('hex').describe('How the signature is written.'),
    timestampHeader: HeaderName.optional().describe(
      'The header with the time of signing, which must then be part of `signed`. Default: none, and no replay window.',
    ),
    timestampUnit: z.enum(['s', 'ms']).default('s').describe('Unix seconds or milliseconds.'),
    windowSeconds: z
      .int()
      .positive()
      .max(86_400)
      .default(300)
      .describe('How far the signed time may differ from ours.'),
    signed: z
      .string()
      .regex(/\{body\}/, 'must contain {body}')
      .optional()
      .describe('What is signed. Default: `{body}`, or `{timestamp}.{body}` with a timestamp header.'),
    id: Expression.optional().describe(
      'A CEL expression over `body` (for unsigned requests also `headers`) that gives the delivery’s id. Default: a hash of the body.',
    ),
    type: Expression.optional().describe(
      'A CEL expression, over the same fields, that gives the event’s type after `generic.`. Default: `received`.',
    ),
  })
  .superRefine(({ signatureHeader, id, type }, context) => {
    if (signatureHeader === undefined) return;
    for (const [name, text] of Object.entries({ id, type })) {
      if (text === undefined || bodyAlone.check(text).valid) continue;
      context.addIssue({ code: 'custom', path: [name], message: NO_HEADERS });
    }
  });
type Settings = z.infer<typeof Settings>;

const DEFAULT_HEADER = 'x-hub-signature-256';

export const generic = defineSource({
  name: 'generic',
  title: 'Any system that signs, or sends a token',
  documentation: 'https://github.com/standard-webhooks/standard-webhooks',
  setup: `Without settings it accepts \`Authorization: Bearer <secret>\`, a basic password, or
\`X-Hub-Signature-256: sha256=<hex HMAC-SHA256 of the body>\`. A system that signs in its own way is described:

\`\`\`yaml
sources:
  generic:
    signatureHeader: X-Acme-Signature
    encoding: base64
    timestampHeader: X-Acme-Timestamp
    signed: '{timestamp}.{body}'
    id: body.delivery.id
\`\`\`

Without \`id\`, the same body is always the same event: set it if a sender repeats a body for a new event. For a signed
request, \`id\` and \`type\` can read only the body, because the other headers are not signed.`,
  facts: {
    proof: 'a bearer token, a basic password, or an HMAC-SHA256 header of your choice',
    replayWindow: 'none; 5 minutes with a timestamp header',
    eventId: 'an expression of the settings, else the body’s hash',
  },
  kinds: ['generic'],
  settings: Settings,
  contentTypes: ['application/json', 'application/x-www-form-urlencoded'],
  verify: verifyGeneric,
  payload: z.unknown(),
  normalise(body, request, { now, settings }) {
    // A token protects neither headers nor body, so both may be read; a signature covers only the body.
    const scope = isByToken(request, settings) ? { body, headers: request.headers } : { body };
    const id = textOf(settings.id, scope);
    const event = genericEvent(
      {
        source: 'generic',
        id: deliveryId(request.body, id),
        verb: textOf(settings.type, scope) ?? 'received',
        time: now.toISOString(),
      },
      { body },
    );
    // Without an id, the body identifies the event.
    if (id === undefined) return { kind: 'events', events: [event] };
    const isSigned = !isByToken(request, settings) && hasSignature(request, settings);
    return { kind: 'events', events: [event], contents: { hashes: [contentHash(body)], isSigned } };
  },
});

function isByToken({ headers }: SourceRequest, { signatureHeader }: Settings): boolean {
  return signatureHeader === undefined && headers['authorization'] !== undefined;
}

/** A message of the queue has none. */
function hasSignature({ headers }: SourceRequest, { signatureHeader }: Settings): boolean {
  return headers[signatureHeader ?? DEFAULT_HEADER] !== undefined;
}

function verifyGeneric(
  request: SourceRequest,
  { secrets, settings, now }: SourceContext<Settings>,
): Verification {
  if (isByToken(request, settings)) return verifyAuthorization(request, secrets);
  const header = settings.signatureHeader ?? DEFAULT_HEADER;
  const timestamp =
    settings.timestampHeader === undefined ? undefined : request.headers[settings.timestampHeader];
  const hasTime = settings.timestampHeader !== undefined;
  if (hasTime && timestamp === undefined) return forged(`it has no ${settings.timestampHeader} header`);
  const template = settings.signed ?? (hasTime ? '{timestamp}.{body}' : '{body}');
  if (hasTime && !template.includes('{timestamp}')) return forged('the settings sign no {timestamp}');
  const given = request.headers[header] ?? '';
  const signature = verifyHmac(request, {
    header,
    prefix: settings.prefix ?? (given.startsWith('sha256=') ? 'sha256=' : ''),
    encoding: settings.encoding,
    signed: fill(template, timestamp ?? '', request.body),
    keys: secrets,
  });
  if (!signature.isAuthentic || !hasTime) return signature;
  return verifyFreshness(timestamp, now, settings.windowSeconds * 1000, settings.timestampUnit);
}

/** The template's parts in order, with the body as raw bytes. */
function fill(template: string, timestamp: string, body: Buffer): (string | Buffer)[] {
  return template
    .split(/(\{timestamp\}|\{body\})/)
    .map((part) => (part === '{body}' ? body : part === '{timestamp}' ? timestamp : part));
}

/** Text, or a number as text; undefined if the expression finds nothing, so that the default applies. */
function textOf(expression: string | undefined, scope: Record<string, unknown>): string | undefined {
  if (expression === undefined) return undefined;
  try {
    const value: unknown = evaluate(expression, scope);
    const isText = typeof value === 'string' || typeof value === 'number' || typeof value === 'bigint';
    return isText && value !== '' ? String(value) : undefined;
  } catch {
    return undefined;
  }
}
