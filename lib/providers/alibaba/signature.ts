/**
 * ACS3-HMAC-SHA256, the V3 signature of Alibaba Cloud's RPC APIs: every parameter travels in the
 * query of a POST, the body is empty, and what is signed is what is sent.
 */
import { createHash, createHmac } from 'node:crypto';

export const ALGORITHM = 'ACS3-HMAC-SHA256';

export interface AlibabaCredentials {
  accessKeyId: string;
  accessKeySecret: string;
  /** Present for temporary credentials (STS). */
  securityToken?: string;
}

export interface Acs3Request {
  method: 'GET' | 'POST';
  /** Exactly as the Host header is sent, with the port where there is one. */
  host: string;
  action: string;
  version: string;
  query: Readonly<Record<string, string>>;
  /** Default empty. */
  body?: string | Uint8Array;
  date: Date;
  /** Unique for each attempt: the vendor refuses a second use. */
  nonce: string;
}

/** Percent-encoding of RFC 3986: only letters, digits and `-_.~` stay as they are; a blank is `%20`. */
export function percentEncode(text: string): string {
  return encodeURIComponent(text).replace(
    /[!'()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}

/** `k=v&k=v`, sorted by key in UTF-16 order; the same text is signed and sent. */
export function canonicalQuery(query: Readonly<Record<string, string>>): string {
  return Object.entries(query)
    .sort(([left], [right]) => (left < right ? -1 : left > right ? 1 : 0))
    .map(([key, value]) => `${percentEncode(key)}=${percentEncode(value)}`)
    .join('&');
}

export interface CanonicalParts {
  method: string;
  path: string;
  /** Already canonical. */
  query: string;
  /** Lower-case names; all of them are signed. */
  headers: Readonly<Record<string, string>>;
  /** Hex SHA-256 of the body. */
  payloadHash: string;
}

/** The text whose hash is signed, and the list of header names that goes beside the signature. */
export function canonicalRequest(parts: CanonicalParts): { text: string; signedHeaders: string } {
  const names = Object.keys(parts.headers).sort();
  const signedHeaders = names.join(';');
  const lines = names.map((name) => `${name}:${(parts.headers[name] ?? '').trim()}\n`).join('');
  const text = [parts.method, parts.path, parts.query, lines, signedHeaders, parts.payloadHash].join('\n');
  return { text, signedHeaders };
}

/** HMAC directly with the secret: there is no key derivation and no date in the string to sign. */
export function acs3Signature(canonical: string, accessKeySecret: string): string {
  const stringToSign = `${ALGORITHM}\n${sha256Hex(canonical)}`;
  return createHmac('sha256', accessKeySecret).update(stringToSign).digest('hex');
}

export function sha256Hex(content: string | Uint8Array): string {
  return createHash('sha256').update(content).digest('hex');
}

/** `2023-11-14T22:13:20Z`: UTC, whole seconds. */
export function acsDate(date: Date): string {
  return date.toISOString().replace(/\.\d{3}Z$/, 'Z');
}

/** The headers to send, all lower-case, `host` and `authorization` among them. */
export function signAcs3(request: Acs3Request, credentials: AlibabaCredentials): Record<string, string> {
  const payloadHash = sha256Hex(request.body ?? '');
  const headers: Record<string, string> = {
    host: request.host,
    'x-acs-action': request.action,
    'x-acs-content-sha256': payloadHash,
    'x-acs-date': acsDate(request.date),
    'x-acs-signature-nonce': request.nonce,
    'x-acs-version': request.version,
  };
  if (credentials.securityToken !== undefined) headers['x-acs-security-token'] = credentials.securityToken;
  const { text, signedHeaders } = canonicalRequest({
    method: request.method,
    path: '/',
    query: canonicalQuery(request.query),
    headers,
    payloadHash,
  });
  const signature = acs3Signature(text, credentials.accessKeySecret);
  // Commas without blanks: the vendor's parser takes no other form.
  const authorization = `${ALGORITHM} Credential=${credentials.accessKeyId},SignedHeaders=${signedHeaders},Signature=${signature}`;
  return { ...headers, authorization };
}
