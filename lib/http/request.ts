/**
 * One request of API Gateway's HTTP API (payload format 2.0) as the rooms know it: raw bytes, lower-case headers, and
 * a body that is parsed once, when it is asked for.
 */
import * as z from 'zod';
import { isForm, parseForm, parseJson } from './body.ts';

/** What we read of the event; serverless-offline sends the same shape. */
export const HttpEvent = z.looseObject({
  rawPath: z.string().default('/'),
  rawQueryString: z.string().default(''),
  headers: z.record(z.string(), z.string().optional()).default({}),
  pathParameters: z.record(z.string(), z.string().optional()).nullish(),
  // Text, by API Gateway's word; serverless-offline gives a JSON body of `0` or `false` as that value.
  body: z
    .unknown()
    .optional()
    .transform((body) => (typeof body === 'string' || body == null ? body : JSON.stringify(body))),
  isBase64Encoded: z.boolean().default(false),
  requestContext: z.looseObject({
    requestId: z.string().default(''),
    http: z.looseObject({ method: z.string() }),
  }),
});
export type HttpEvent = z.infer<typeof HttpEvent>;

/** @param path what is below the door's own path */
export function toRequest(event: HttpEvent, path: string): SourceRequest {
  return readable({
    method: event.requestContext.http.method.toUpperCase(),
    path,
    query: new URLSearchParams(event.rawQueryString),
    headers: lowerCase(event.headers),
    body: Buffer.from(event.body ?? '', event.isBase64Encoded ? 'base64' : 'utf8'),
  });
}

function lowerCase(
  headers: Readonly<Record<string, string | undefined>>,
): Record<string, string | undefined> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));
}

/** W3C Trace Context, version 00; anything else is left out. */
const TRACEPARENT = /^00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}$/;

export function traceparentOf(headers: Readonly<Record<string, string | undefined>>): string | undefined {
  const given = headers['traceparent'];
  return given !== undefined && TRACEPARENT.test(given) ? given : undefined;
}

/** `Prefer: return=representation` (RFC 7240): the sender wants to be told all. */
export function prefersRepresentation(headers: Readonly<Record<string, string | undefined>>): boolean {
  const preferences = (headers['prefer'] ?? '').split(',').map((it) => it.split(';', 1)[0] ?? '');
  return preferences.some((it) => /^\s*return\s*=\s*"?representation"?\s*$/i.test(it));
}

/** One HTTP request as it came over the wire. Header names are lower case; `body` is the raw bytes. */
export interface RawRequest {
  method: string;
  /** The path below `/hooks/{source}`, without a leading slash; empty for most. */
  path: string;
  query: URLSearchParams;
  headers: Readonly<Record<string, string | undefined>>;
  body: Buffer;
}

/** A request whose body can be read: each way of reading it is taken once, however often it is asked for. */
export interface SourceRequest extends RawRequest {
  /** @throws FleetReflexError `body.*` */
  json(): unknown;
  /** @throws FleetReflexError `body.*` */
  form(): Readonly<Record<string, string>>;
  /** A form where the content type says so and the body does not begin as JSON; otherwise JSON. */
  parsed(): unknown;
}

export function readable(request: RawRequest): SourceRequest {
  const json = once(() => parseJson(request.body));
  const form = once(() => parseForm(request.body));
  return { ...request, json, form, parsed: () => (isForm(request) ? form() : json()) };
}

/** What throws is asked again: a body that cannot be read is refused at its first reading. */
function once<Value>(read: () => Value): () => Value {
  let known: { value: Value } | undefined;
  return () => {
    known ??= { value: read() };
    return known.value;
  };
}

/** The media type without its parameters, lower case; empty when there is none. */
export function mediaType(request: Pick<RawRequest, 'headers'>): string {
  return (request.headers['content-type'] ?? '').split(';', 1)[0]?.trim().toLowerCase() ?? '';
}
