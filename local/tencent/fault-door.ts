/**
 * The switchboard of faults over HTTP, for rehearsals: `GET /_faults` lists, `POST /_faults` adds one or a list,
 * `DELETE /_faults` clears. Unsigned, and so only JSON: no page in a browser can send that unasked.
 */
import { checkFault, type Faults } from './faults.ts';
import type { HttpRequest } from './request.ts';
import { TatError } from './tat-error.ts';

export function isFaultPath(path: string): boolean {
  return path === '/_faults';
}

export function answerFaultRequest(http: HttpRequest, faults: Faults): { status: number; body: string } {
  try {
    switch (http.method) {
      case 'GET':
        break;
      case 'POST':
        for (const fault of parseFaults(http)) faults.add(fault);
        break;
      case 'DELETE':
        faults.clear();
        break;
      default:
        return { status: 405, body: problem(`\`${http.method} /_faults\`: expected GET, POST or DELETE.`) };
    }
    return { status: 200, body: JSON.stringify({ faults: faults.list() }) };
  } catch (error) {
    if (!(error instanceof TatError)) throw error;
    return { status: 400, body: problem(error.message) };
  }
}

function parseFaults(http: HttpRequest) {
  if (http.headers['content-type']?.startsWith('application/json') !== true) {
    throw new TatError('InvalidParameter', 'Send `Content-Type: application/json`.');
  }
  let value: unknown;
  try {
    value = JSON.parse(http.body.toString('utf8'));
  } catch {
    throw new TatError('InvalidParameter', 'The body is not JSON.');
  }
  return (Array.isArray(value) ? value : [value]).map(checkFault);
}

function problem(detail: string): string {
  return JSON.stringify({ error: detail });
}
