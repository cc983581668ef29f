/** From HTTP to a checked API request: path, common headers, signature, action, region, body. */
import type { HttpRequest } from '../server/http.ts';
import type { Action } from './action.ts';
import { ACTIONS } from './actions/registry.ts';
import { checkRegion } from './regions.ts';
import { TatError } from './tat-error.ts';
import { authenticate, type Credential } from './tc3.ts';

interface ApiRequest {
  action: Action;
  region: string;
  account: string;
  body: unknown;
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

/** @throws TatError the common codes, in the vendor's order as far as it is known */
export function admitRequest(
  http: HttpRequest,
  credentials: readonly Credential[],
  nowSeconds: number,
): ApiRequest {
  const { headers } = http;
  const name = checkShape(http);
  const credential = authenticate(http, credentials, nowSeconds);
  const action = ACTIONS.get(name);
  if (action === undefined) {
    throw new TatError(
      'InvalidAction',
      `The action \`${name.slice(0, 64)}\` is not one of: ${[...ACTIONS.keys()].join(', ')}.`,
    );
  }
  if (headers['x-tc-version'] !== action.version) {
    throw new TatError('NoSuchVersion', `\`X-TC-Version\` must be ${action.version} for ${name}.`);
  }
  const region = checkRegion(headers['x-tc-region']);
  if (credential.actions?.includes(name) === false) throw unauthorized(name, credential);
  return { action, region, account: credential.secretId, body: parseBody(http.body) };
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
