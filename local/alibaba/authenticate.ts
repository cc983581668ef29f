/**
 * Checks the signature of a request, of both kinds that the vendor takes: ACS3-HMAC-SHA256 in headers (V3), and the
 * older HMAC-SHA1 among the parameters (RPC). Both are valid for 15 minutes, and each nonce once.
 */
import { createHmac, timingSafeEqual } from 'node:crypto';
import {
  ALGORITHM,
  acs3Signature,
  canonicalQuery,
  canonicalRequest,
  percentEncode,
  sha256Hex,
} from '../../lib/providers/alibaba/signature.ts';
import type { HttpRequest } from '../server/http.ts';
import { ApiError, apiError } from './api-error.ts';

export interface LocalCredentials {
  accessKeyId: string;
  accessKeySecret: string;
  securityToken?: string;
}

interface Authenticated {
  action: string;
  version: string;
  accessKeyId: string;
}

const VALID_MS = 15 * 60_000;
/** The headers that V3 must sign at least, in addition to every sent `x-acs-…`. */
const MUST_SIGN = ['host', 'x-acs-action', 'x-acs-version', 'x-acs-date', 'x-acs-signature-nonce'];

/** Which action a request is for, before anything of it is checked. */
export function actionOf(request: HttpRequest): string {
  const { headers, query, form } = request;
  return headers['x-acs-action'] ?? query.get('Action') ?? form.get('Action') ?? '';
}

export interface Authenticator {
  /** @param skewMs how far the server's clock is off for this request. @throws ApiError */
  check(request: HttpRequest, skewMs?: number): Authenticated;
}

export function createAuthenticator(
  credentials: readonly LocalCredentials[],
  epochMs: () => number,
): Authenticator {
  const nonces = new Map<string, number>();

  const keyOf = (accessKeyId: string | undefined): LocalCredentials => {
    const found = credentials.find((candidate) => candidate.accessKeyId === accessKeyId);
    if (found === undefined) throw apiError('InvalidAccessKeyId.NotFound');
    return found;
  };

  const checkToken = (key: LocalCredentials, token: string | undefined): void => {
    if (key.securityToken !== undefined && token === undefined) throw apiError('MissingSecurityToken');
    if (key.securityToken !== token) throw apiError('InvalidSecurityToken.MismatchWithAccessKey');
  };

  const checkTime = (text: string | undefined, skewMs: number): void => {
    if (text === undefined || !/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/.test(text)) {
      throw apiError('InvalidTimeStamp.Format');
    }
    if (!(Math.abs(Date.parse(text) - epochMs() - skewMs) <= VALID_MS))
      throw apiError('InvalidTimeStamp.Expired');
  };

  const useNonce = (accessKeyId: string, nonce: string): void => {
    const now = epochMs();
    for (const [used, at] of nonces) {
      if (now - at <= 2 * VALID_MS) break; // a Map keeps the order of insertion
      nonces.delete(used);
    }
    const name = `${accessKeyId}/${nonce}`;
    if (nonces.has(name)) throw apiError('SignatureNonceUsed');
    nonces.set(name, now);
  };

  const checkV3 = (request: HttpRequest, authorization: string, skewMs: number): Authenticated => {
    const { headers } = request;
    const match = /^ACS3-HMAC-SHA256 Credential=([^,]*),SignedHeaders=([^,]*),Signature=([0-9a-f]*)$/.exec(
      authorization,
    );
    if (match === null) throw apiError('IncompleteSignature');
    const [, accessKeyId = '', signedNames = '', signature = ''] = match;
    const key = keyOf(accessKeyId);
    checkToken(key, headers['x-acs-security-token']);
    checkTime(headers['x-acs-date'], skewMs);
    const names = signedNames.split(';');
    const mustSign = [
      ...MUST_SIGN,
      ...Object.keys(headers).filter((name) => name.startsWith('x-acs-') || name === 'content-type'),
    ];
    if (mustSign.some((name) => !names.includes(name))) throw apiError('IncompleteSignature');
    const payloadHash = sha256Hex(request.body);
    const { text } = canonicalRequest({
      method: request.method,
      path: request.path,
      query: canonicalQuery(Object.fromEntries(request.query)),
      headers: Object.fromEntries(names.map((name) => [name, headers[name] ?? ''])),
      payloadHash,
    });
    const isBodySigned = (headers['x-acs-content-sha256'] ?? payloadHash) === payloadHash;
    if (!isBodySigned || !isSame(acs3Signature(text, key.accessKeySecret), signature)) {
      throw apiError('SignatureDoesNotMatch');
    }
    const nonce = headers['x-acs-signature-nonce'] ?? '';
    if (nonce === '') throw apiError('IncompleteSignature');
    useNonce(accessKeyId, nonce);
    return { accessKeyId, action: headers['x-acs-action'] ?? '', version: headers['x-acs-version'] ?? '' };
  };

  const checkRpc = (request: HttpRequest, skewMs: number): Authenticated => {
    const parameters = new Map([...request.query, ...request.form]);
    checkMethod(request.method, parameters.get('Action') ?? '');
    const signature = parameters.get('Signature');
    const nonce = parameters.get('SignatureNonce');
    if (signature === undefined || nonce === undefined) throw apiError('IncompleteSignature');
    if (parameters.get('SignatureMethod') !== 'HMAC-SHA1' || parameters.get('SignatureVersion') !== '1.0') {
      throw apiError('IncompleteSignature');
    }
    const key = keyOf(parameters.get('AccessKeyId'));
    checkToken(key, parameters.get('SecurityToken'));
    checkTime(parameters.get('Timestamp'), skewMs);
    parameters.delete('Signature');
    const expected = rpcSignature(request.method, Object.fromEntries(parameters), key.accessKeySecret);
    if (!isSame(expected, signature)) throw apiError('SignatureDoesNotMatch');
    useNonce(key.accessKeyId, nonce);
    return {
      accessKeyId: key.accessKeyId,
      action: parameters.get('Action') ?? '',
      version: parameters.get('Version') ?? '',
    };
  };

  return {
    check(request, skewMs = 0) {
      const { authorization } = request.headers;
      if (authorization?.startsWith(ALGORITHM) === true) return checkV3(request, authorization, skewMs);
      return checkRpc(request, skewMs);
    },
  };
}

/**
 * All of the older signature fits into an address, so a link or an image tag could start a command, and browsers that
 * send neither `Origin` nor `Sec-Fetch-Site` with those would not give the page away. The vendor takes it by any method,
 * but says itself that GET is for reading; its generated clients and its command line post what has an effect.
 */
function checkMethod(method: string, action: string): void {
  if (method === 'POST' || action === '' || action.startsWith('Describe')) return;
  throw new ApiError(
    'UnsupportedHTTPMethod',
    `Expected POST for ${action.slice(0, 64)}, and this was ${method}: with the older signature (SignatureVersion 1.0) the local Cloud Assistant takes by ${method} only what reads, as any web page can send that. Clients have a setting for it, such as \`method: 'POST'\`.`,
    405,
  );
}

/** The older signature: Base64 of HMAC-SHA1, the key is the secret and an ampersand; values end encoded twice. */
export function rpcSignature(
  method: string,
  parameters: Readonly<Record<string, string>>,
  accessKeySecret: string,
): string {
  const stringToSign = `${method}&${percentEncode('/')}&${percentEncode(canonicalQuery(parameters))}`;
  return createHmac('sha1', `${accessKeySecret}&`).update(stringToSign).digest('base64');
}

function isSame(expected: string, given: string): boolean {
  const [left, right] = [Buffer.from(expected), Buffer.from(given)];
  return left.length === right.length && timingSafeEqual(left, right);
}
