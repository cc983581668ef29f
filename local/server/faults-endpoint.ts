/**
 * The switchboard over HTTP, for rehearsals in another process: `GET /_faults` lists, `POST` adds one or several,
 * `DELETE` clears. Unsigned, and so only JSON: no page in a browser can send that unasked.
 */
import { FaultError } from './faults.ts';
import type { HttpRequest } from './http.ts';

export const FAULTS_PATH = '/_faults';

/** The part of a cloud's faults that the endpoint uses. */
export interface Switchboard {
  addUnchecked(sent: unknown): void;
  clear(): void;
  list(): readonly object[];
}

export interface FaultsRefusal {
  status: 400 | 405 | 415;
  code: 'InvalidParameter' | 'UnsupportedHTTPMethod' | 'UnsupportedMediaType';
  message: string;
}

/** @returns what to answer, or why nothing was done */
export function switchFaults(
  { method, headers, body }: Pick<HttpRequest, 'method' | 'headers' | 'body'>,
  faults: Switchboard,
): { faults: readonly object[] } | { refusal: FaultsRefusal } {
  switch (method) {
    case 'GET':
      break;
    case 'DELETE':
      faults.clear();
      break;
    case 'POST': {
      if (headers['content-type']?.startsWith('application/json') !== true) {
        return refuse(415, 'UnsupportedMediaType', 'Expected `Content-Type: application/json`.');
      }
      try {
        faults.addUnchecked(JSON.parse(body.toString('utf8')));
      } catch (error) {
        if (error instanceof FaultError) return refuse(400, 'InvalidParameter', error.message);
        if (!(error instanceof SyntaxError)) throw error;
        return refuse(400, 'InvalidParameter', 'Expected a fault, or several, as JSON.');
      }
      break;
    }
    default:
      return refuse(405, 'UnsupportedHTTPMethod', `Expected GET, POST or DELETE, got ${method}.`);
  }
  return { faults: faults.list() };
}

function refuse(
  status: FaultsRefusal['status'],
  code: FaultsRefusal['code'],
  message: string,
): { refusal: FaultsRefusal } {
  return { refusal: { status, code, message } };
}
