/**
 * Errors over HTTP: `application/problem+json` (RFC 9457). Each kind of refusal has its own `type`; a refusal before
 * the signature is known to be right says no more than that.
 */
import { FleetReflexError } from '../errors.ts';

export interface HttpAnswer {
  statusCode: number;
  headers: Record<string, string>;
  body: string;
}

export interface Problem {
  status: number;
  /** Stable, for programs: becomes `type` as `urn:fleet-reflex:problem:<code>`. */
  code: string;
  title: string;
  detail: string;
  headers?: Readonly<Record<string, string>>;
}

export function problemAnswer(
  { status, code, title, detail, headers }: Problem,
  instance?: string,
): HttpAnswer {
  return {
    statusCode: status,
    headers: { 'content-type': 'application/problem+json', 'cache-control': 'no-store', ...headers },
    body: JSON.stringify({
      type: `urn:fleet-reflex:problem:${code}`,
      title,
      status,
      detail,
      ...(instance !== undefined && { instance }),
    }),
  };
}

export function jsonAnswer(
  status: number,
  body: unknown,
  headers: Readonly<Record<string, string>> = {},
): HttpAnswer {
  return {
    statusCode: status,
    headers: { 'content-type': 'application/json', 'cache-control': 'no-store', ...headers },
    body: JSON.stringify(body),
  };
}

/** A refusal that an edge throws and `problemOf` turns into its answer. */
export class Refusal extends Error {
  readonly problem: Problem;
  /** Why, for our log only. */
  readonly because: string;

  constructor(problem: Problem, because: string) {
    super(problem.detail);
    this.name = 'Refusal';
    this.problem = problem;
    this.because = because;
  }
}

const RETRY_AFTER_SECONDS = 5;

/** What a person reads; a message may hold a key or an id of any length. */
const MAX_DETAIL = 1000;

/** Who reads the answer: the system that sent an event, or an operator with a token. */
export type Audience = 'sender' | 'operator';

/**
 * The problem document of an exception. Our own failures are only logged, not shown to a sender: they name our queues,
 * parameters and roles, and the sender may not be authenticated yet.
 */
export function problemOf(thrown: unknown, audience: Audience = 'sender'): Problem {
  if (thrown instanceof Refusal) return thrown.problem;
  if (thrown instanceof FleetReflexError) {
    if (thrown.disposition === 'retry') {
      const seconds = Math.max(1, Math.ceil((thrown.retryAfterMs ?? RETRY_AFTER_SECONDS * 1000) / 1000));
      return notNow(thrown.code, seconds, audience === 'operator' ? thrown.message : undefined);
    }
    const detail = thrown.message.slice(0, MAX_DETAIL);
    return { status: 400, code: thrown.code, title: 'Not understood', detail };
  }
  return {
    status: 500,
    code: 'internal',
    title: 'Internal error',
    detail:
      'fleet-reflex failed inside, and the log says why under this request id. Sending it again is safe: what was already asked for is not done twice.',
  };
}

/** A dependency does not answer; the request can be sent again. */
export function notNow(code: string, retryAfterSeconds = RETRY_AFTER_SECONDS, detail?: string): Problem {
  return {
    status: 503,
    code,
    title: 'Not now',
    detail:
      detail ??
      `fleet-reflex cannot take this now. Send it again in ${retryAfterSeconds} s: what was already asked for is not done twice.`,
    headers: { 'retry-after': String(retryAfterSeconds) },
  };
}
