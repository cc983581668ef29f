/**
 * One signed request to TAT and its answer in the vendor's envelope. Nothing is repeated here, and no schema is
 * applied: the client does both.
 */
import { messageOf } from '../../errors.ts';
import type { Clock } from '../clock.ts';
import { httpCall } from '../http-call.ts';
import type { HttpPool } from '../http-pool.ts';
import type { ActionName } from './actions/action.ts';
import { type CallFailure, ownFailure, vendorFailure } from './failure.ts';
import { createTc3Signer, type Tc3Signer, type TencentCredentials } from './sign.ts';

const API_VERSION = '2020-10-28';
const SERVICE = 'tat';
const CONTENT_TYPE = 'application/json';
/** Offsets below this are the network's and the rounding of the Date header. */
const LEAST_OFFSET_MS = 2000;

export interface TransportOptions {
  pool: HttpPool;
  /** Scheme, host and port. */
  origin: string;
  credentials: () => TencentCredentials | Promise<TencentCredentials>;
  language: 'en-US' | 'zh-CN';
  clock: Clock;
}

export type Answer =
  | {
      kind: 'answered';
      response: Readonly<Record<string, unknown>>;
      requestId: string | undefined;
      /** What the vendor's clock is ahead of ours, by the answer's Date; 0 for less than two seconds, or without one. */
      offsetMs: number;
    }
  | { kind: 'failed'; failure: CallFailure };

export interface SendOptions {
  deadlineMs: number;
  signal?: AbortSignal;
}

export interface Transport {
  send(action: ActionName, region: string, body: string, options: SendOptions): Promise<Answer>;
  /** What is added to our clock for signing, learnt from a refused timestamp, in milliseconds. */
  readonly clockOffsetMs: number;
}

export function createTransport({ pool, origin, credentials, language, clock }: TransportOptions): Transport {
  // The host that is signed is the Host header that is sent, port included.
  const { host } = new URL(origin);
  let clockOffsetMs = 0;
  let signer: Tc3Signer | undefined;
  let signerOf: TencentCredentials | undefined;

  function signerFor(current: TencentCredentials): Tc3Signer {
    const isSame = signerOf?.secretId === current.secretId && signerOf.secretKey === current.secretKey;
    if (signer === undefined || !isSame) {
      signer = createTc3Signer({
        credentials: current,
        service: SERVICE,
        signedHeaders: { 'content-type': CONTENT_TYPE, host },
      });
      signerOf = current;
    }
    return signer;
  }

  return {
    get clockOffsetMs() {
      return clockOffsetMs;
    },
    async send(action, region, body, { deadlineMs, signal }) {
      let current: TencentCredentials;
      try {
        current = await credentials();
      } catch (thrown) {
        return { kind: 'failed', failure: ownFailure('NoCredentials', messageOf(thrown), 'none') };
      }
      const timestamp = Math.floor((clock.epochMs() + clockOffsetMs) / 1000);
      const headers = [
        'host',
        host,
        'content-type',
        CONTENT_TYPE,
        'x-tc-action',
        action,
        'x-tc-version',
        API_VERSION,
        'x-tc-region',
        region,
        'x-tc-language',
        language,
        'x-tc-timestamp',
        String(timestamp),
        'authorization',
        signerFor(current).authorization(body, timestamp),
      ];
      if (current.token !== undefined) headers.push('x-tc-token', current.token);
      const outcome = await httpCall(
        pool.dispatcher(),
        {
          origin,
          method: 'POST',
          path: '/',
          headers,
          body,
          deadlineMs,
          ...(signal === undefined ? {} : { signal }),
        },
        clock,
      );
      if (outcome.kind !== 'answered') {
        const effect = outcome.kind === 'lost' ? 'maybe' : 'none';
        return { kind: 'failed', failure: ownFailure(outcome.code, outcome.message, effect) };
      }
      const offsetMs = offsetBy(outcome.headers['date'], clock.epochMs(), 0);
      const answer = openEnvelope(outcome.status, outcome.body, offsetMs);
      if (answer.kind === 'failed' && answer.failure.class === 'clock') {
        clockOffsetMs = offsetBy(outcome.headers['date'], clock.epochMs(), clockOffsetMs);
      }
      return answer;
    },
  };
}

/** Our clock's error by the answer's Date header; the old value where there is none. */
function offsetBy(date: string | string[] | undefined, nowMs: number, before: number): number {
  const theirs = typeof date === 'string' ? Date.parse(date) : Number.NaN;
  if (Number.isNaN(theirs)) return before;
  const offset = theirs - nowMs;
  return Math.abs(offset) < LEAST_OFFSET_MS ? 0 : offset;
}

/** `{"Response":{…}}`: the presence of `Error` decides, whatever the HTTP status; without it only 200 is an answer. */
function openEnvelope(status: number, body: string, offsetMs: number): Answer {
  const response = responseOf(body);
  const requestId = typeof response?.['RequestId'] === 'string' ? response['RequestId'] : undefined;
  const error = response?.['Error'];
  if (isRecord(error)) {
    const { Code: code, Message: message } = error;
    if (typeof code === 'string' && code !== '') {
      const text = typeof message === 'string' ? message : '';
      return { kind: 'failed', failure: vendorFailure(code, text, requestId) };
    }
  }
  if (status !== 200) {
    return { kind: 'failed', failure: ownFailure('HttpStatus', `expected HTTP 200, got ${status}`, 'maybe') };
  }
  if (response === undefined || error !== undefined) {
    const got = `expected {"Response":{…}}, got ${body.length} characters of something else`;
    return { kind: 'failed', failure: ownFailure('InvalidAnswer', got, 'maybe') };
  }
  return { kind: 'answered', response, requestId, offsetMs };
}

function responseOf(body: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const parsed: unknown = JSON.parse(body);
    const response = isRecord(parsed) ? parsed['Response'] : undefined;
    return isRecord(response) ? response : undefined;
  } catch {
    return undefined;
  }
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
