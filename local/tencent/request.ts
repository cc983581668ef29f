/** From HTTP to a checked API request: path, common headers, signature, action, region, frequency, body. */
import type { IncomingMessage } from 'node:http';
import type { Action } from './action.ts';
import { ACTIONS } from './actions/registry.ts';
import type { RateLimit } from './rate-limit.ts';
import { checkRegion } from './regions.ts';
import { TatError } from './tat-error.ts';
import { authenticate, type Credential } from './tc3.ts';

const VERSION = '2020-10-28';
const MAX_BODY_BYTES = 10 * 1024 * 1024;

export interface HttpRequest {
  method: string;
  path: string;
  query: string;
  headers: Readonly<Record<string, string>>;
  body: Buffer;
}

export interface ApiRequest {
  action: Action;
  region: string;
  body: unknown;
}

/** @throws TatError `RequestSizeLimitExceeded` */
export async function readHttp(message: IncomingMessage): Promise<HttpRequest> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of message) {
    const bytes = Buffer.from(chunk);
    size += bytes.length;
    if (size > MAX_BODY_BYTES) {
      throw new TatError('RequestSizeLimitExceeded', 'The request is larger than 10 MB.');
    }
    chunks.push(bytes);
  }
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(message.headers)) {
    if (value !== undefined) headers[name] = Array.isArray(value) ? value.join(',') : value;
  }
  const [path = '/', query = ''] = (message.url ?? '/').split('?', 2);
  return { method: message.method ?? 'GET', path, query, headers, body: Buffer.concat(chunks) };
}

/** The checks that need no signature. @throws TatError @returns the name of the action */
function checkShape({ method, path, headers }: HttpRequest): string {
  if (method !== 'POST' || path !== '/') {
    throw new TatError(
      'UnsupportedProtocol',
      `The local TAT answers \`POST /\`, not \`${method} ${path.slice(0, 64)}\`.`,
    );
  }
  if (headers['content-type']?.startsWith('application/json') !== true) {
    throw new TatError(
      'UnsupportedProtocol',
      'The local TAT takes `Content-Type: application/json`, signed with TC3-HMAC-SHA256.',
    );
  }
  for (const name of ['X-TC-Action', 'X-TC-Version']) {
    if (headers[name.toLowerCase()] !== undefined) continue;
    throw new TatError('MissingParameter', `The request is missing a required parameter \`${name}\`.`);
  }
  return headers['x-tc-action'] ?? '';
}

export interface Door {
  credentials: readonly Credential[];
  rateLimit: RateLimit | undefined;
  nowSeconds: number;
}

/** @throws TatError the common codes, in the vendor's order as far as it is known */
export function admit(http: HttpRequest, door: Door): ApiRequest {
  const { headers } = http;
  const name = checkShape(http);
  const credential = authenticate(http, door.credentials, door.nowSeconds);
  const action = ACTIONS.get(name);
  if (action === undefined) {
    throw new TatError(
      'InvalidAction',
      `The action \`${name.slice(0, 64)}\` is not one of: ${[...ACTIONS.keys()].join(', ')}.`,
    );
  }
  if (headers['x-tc-version'] !== VERSION) {
    throw new TatError('NoSuchVersion', `\`X-TC-Version\` must be ${VERSION}.`);
  }
  const region = checkRegion(headers['x-tc-region']);
  if (credential.actions?.includes(name) === false) throw unauthorized(name, credential);
  if (door.rateLimit?.admit(credential.secretId, name) === false) throw tooFrequent();
  return { action, region, body: parseBody(http.body) };
}

export function tooFrequent(): TatError {
  return new TatError(
    'RequestLimitExceeded',
    'Your current request times exceeds the frequency limit for a second. Please reduce the frequency of calls.',
  );
}

/** The actions of invokers answer with another family of codes than the others. */
function unauthorized(name: string, { secretId }: Credential): TatError {
  const code = name.includes('Invoker')
    ? 'AuthFailure.UnauthorizedOperation'
    : 'UnauthorizedOperation.CamAuthFailed';
  return new TatError(code, `The SecretId \`${secretId}\` may not call ${name}.`);
}

function parseBody(body: Buffer): unknown {
  let value: unknown;
  try {
    value = JSON.parse(body.toString('utf8'));
  } catch {
    throw new TatError('InvalidParameter', 'The body is not JSON.');
  }
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value;
  throw new TatError('InvalidParameter', 'The body must be a JSON object.');
}
