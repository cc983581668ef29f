/**
 * Checks TC3-HMAC-SHA256 as the vendor does, written from its rules and not from our client, so that the two check
 * each other.
 */
import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import type { HttpRequest } from '../server/http.ts';
import { TatError } from './tat-error.ts';

export interface Credential {
  secretId: string;
  secretKey: string;
  /** For temporary credentials: what X-TC-Token has to say. */
  token?: string;
  /** The actions that it may call; default all. */
  actions?: readonly string[];
}

export type SignedRequest = Pick<HttpRequest, 'method' | 'search' | 'headers' | 'body'>;

const AUTHORIZATION =
  /^TC3-HMAC-SHA256 +Credential=([^/,]+)\/(\d{4}-\d{2}-\d{2})\/([^/,]+)\/tc3_request, *SignedHeaders=([^, ]+), *Signature=([0-9a-f]{64})$/;
const WINDOW_SECONDS = 300;

/** @throws TatError `AuthFailure.*`, `MissingParameter`; nothing of what was expected is in the message */
export function authenticate(
  request: SignedRequest,
  credentials: readonly Credential[],
  nowSeconds: number,
): Credential {
  const { headers } = request;
  const authorization = headers['authorization'];
  if (authorization === undefined) {
    throw new TatError(
      'AuthFailure.InvalidAuthorization',
      'The request is not signed: the header `Authorization` is missing. Sign it with TC3-HMAC-SHA256.',
    );
  }
  const [, secretId, date, service, signedHeaders, signature] = AUTHORIZATION.exec(authorization) ?? [];
  if (!(secretId && date && service && signedHeaders && signature)) {
    throw new TatError(
      'AuthFailure.InvalidAuthorization',
      'The header `Authorization` must read `TC3-HMAC-SHA256 Credential=<SecretId>/<yyyy-mm-dd>/<service>/tc3_request, SignedHeaders=<names>, Signature=<hex>`.',
    );
  }
  const timestamp = checkTimestamp(headers['x-tc-timestamp'], date, nowSeconds);
  const names = signedHeaders.split(';');
  for (const name of ['content-type', 'host']) {
    if (names.includes(name)) continue;
    throw new TatError('AuthFailure.InvalidAuthorization', `SignedHeaders must name \`${name}\`.`);
  }
  const credential = credentials.find((one) => one.secretId === secretId);
  if (credential === undefined) {
    throw new TatError('AuthFailure.SecretIdNotFound', `The SecretId \`${secretId}\` is not found.`);
  }
  const scope = `${date}/${service}/tc3_request`;
  const key = [date, service, 'tc3_request'].reduce(hmac, Buffer.from(`TC3${credential.secretKey}`));
  const isRight = canonicalRequests(request, names).some((canonical) => {
    const stringToSign = `TC3-HMAC-SHA256\n${timestamp}\n${scope}\n${sha256(canonical)}`;
    return timingSafeEqual(hmac(key, stringToSign), Buffer.from(signature, 'hex'));
  });
  if (!isRight) {
    throw new TatError(
      'AuthFailure.SignatureFailure',
      'The provided credentials could not be validated: the signature is not the one of this request. Check the SecretKey, the signed headers and that the body is sent as it was signed.',
    );
  }
  checkToken(credential, headers['x-tc-token']);
  return credential;
}

function checkTimestamp(value: string | undefined, date: string, nowSeconds: number): string {
  if (value === undefined) {
    throw new TatError('MissingParameter', 'The request is missing a required parameter `X-TC-Timestamp`.');
  }
  if (!/^\d{1,12}$/.test(value)) {
    throw new TatError('InvalidParameterValue', '`X-TC-Timestamp` must be a Unix time in seconds.');
  }
  const timestamp = Number(value);
  if (Math.abs(nowSeconds - timestamp) > WINDOW_SECONDS) {
    throw new TatError(
      'AuthFailure.SignatureExpire',
      `\`X-TC-Timestamp\` is ${timestamp}, the time of the server ${Math.floor(nowSeconds)}: they may be 5 minutes apart at most.`,
    );
  }
  if (new Date(timestamp * 1000).toISOString().slice(0, 10) !== date) {
    throw new TatError(
      'AuthFailure.SignatureFailure',
      `The date in Credential is ${date}: it must be the UTC date of \`X-TC-Timestamp\`.`,
    );
  }
  return value;
}

function checkToken(credential: Credential, sent: string | undefined): void {
  // The international SDK sends the word `undefined` where there is no token.
  const token = sent === undefined || sent === '' || sent === 'undefined' ? undefined : sent;
  if (token === credential.token) return;
  const message =
    credential.token === undefined
      ? 'This SecretId is no temporary one: send no `X-TC-Token`.'
      : '`X-TC-Token` is missing or not the token of this SecretId.';
  throw new TatError('AuthFailure.TokenFailure', message);
}

/**
 * The forms that are in use: the official SDKs sign the host without its port, others sign the header as it is; the
 * documents lower-case the values of signed headers, and the SDKs do not.
 */
function canonicalRequests(request: SignedRequest, names: readonly string[]): string[] {
  const { headers, body } = request;
  const isUnsigned = headers['x-tc-content-sha256'] === 'UNSIGNED-PAYLOAD';
  const payload = sha256(isUnsigned ? 'UNSIGNED-PAYLOAD' : body);
  const host = headers['host'] ?? '';
  const forms = new Set<string>();
  for (const signedHost of [host, host.replace(/:\d+$/, '')]) {
    for (const isLower of [false, true]) {
      const lines = names.map((name) => {
        const value = (name === 'host' ? signedHost : (headers[name] ?? '')).trim();
        return `${name}:${isLower ? value.toLowerCase() : value}\n`;
      });
      forms.add([request.method, '/', request.search, lines.join(''), names.join(';'), payload].join('\n'));
    }
  }
  return [...forms];
}

function sha256(data: string | Buffer): string {
  return createHash('sha256').update(data).digest('hex');
}

function hmac(key: Buffer, text: string): Buffer {
  return createHmac('sha256', key).update(text).digest();
}
