/**
 * The switchboard over HTTP, for rehearsals in another process: GET lists, POST adds one or several, DELETE clears.
 * Unsigned, and so only JSON: no page in a browser can send that unasked.
 */
import { ApiError } from './api-error.ts';
import type { SignedRequest } from './authenticate.ts';
import { checkFault, type Faults } from './faults.ts';

export const FAULTS_PATH = '/_faults';

/** @returns what to answer. @throws ApiError */
export function handleFaults(
  { method, headers, body }: Pick<SignedRequest, 'method' | 'headers' | 'body'>,
  faults: Faults,
): object {
  if (method === 'POST') {
    if (headers['content-type']?.startsWith('application/json') !== true) {
      throw new ApiError('UnsupportedMediaType', 'Expected `Content-Type: application/json`.', 415);
    }
    const sent = parse(body.toString('utf8'));
    // All of them are checked before one is added.
    for (const fault of (Array.isArray(sent) ? sent : [sent]).map(checkFault)) faults.add(fault);
  } else if (method === 'DELETE') {
    faults.clear();
  } else if (method !== 'GET') {
    throw new ApiError('UnsupportedHTTPMethod', `Expected GET, POST or DELETE, got ${method}.`, 405);
  }
  return { faults: faults.list() };
}

function parse(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    throw new ApiError('InvalidParameter', 'Expected a fault, or several, as JSON.', 400);
  }
}
