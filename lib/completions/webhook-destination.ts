/**
 * A web hook of somebody else's: each event is a signed POST, the CloudEvents event as its body. The URL is of the rules
 * file, and the request takes outputs of the fleet with it: it goes to public addresses only, checked when the connection
 * is made, and follows no redirect.
 */
import type { LookupFunction } from 'node:net';
import type { Dispatcher } from 'undici';
import { FleetReflexError, messageOf } from '../errors.ts';
import { whyNotTo } from '../http/destination-guard.ts';
import { PRIVATE_ADDRESS, publicLookup } from '../http/public-lookup.ts';
import type { CompletionEvent } from '../model/completion-event.ts';
import { type DestinationRef, describeDestination } from '../model/destination-ref.ts';
import { type HttpOutcome, httpCall } from '../providers/http-call.ts';
import { borrowedPool, createHttpPool, type HttpPool } from '../providers/http-pool.ts';
import type { Delivery, Sender } from './destination.ts';
import { refused, unavailable } from './failure.ts';
import { fitEvent } from './fit-event.ts';
import { isUsableSecret, signedHeaders } from './webhook-signature.ts';

type WebhookRef = Extract<DestinationRef, { webhook: string }>;

/** What frameworks take without being told (Express: 100 KB). Standard Webhooks advises to stay small. */
const MAX_BODY_BYTES = 64 * 1024;
/** GitHub gives its receivers as long. */
const DEADLINE_MS = 10_000;
const MAX_ANSWER_BYTES = 1024 * 1024;
const MAX_RETRY_AFTER_MS = 3_600_000;
/** Any public name: the rules file has named this one. */
const ANYWHERE = ['*'];

export interface WebhookOptions {
  /** The live secrets of a destination, by its name, newest first. */
  secrets: (destination: string) => Promise<readonly string[]>;
  now: () => Date;
  /** Also to this machine: for tests and the local stack. Default: never. */
  allowLoopback?: boolean;
  /** For one request, in milliseconds. Default 10 seconds. */
  deadlineMs?: number;
  /** How names are resolved. Default: only public addresses, unless this machine is allowed. */
  lookup?: LookupFunction;
  /** Connections that somebody else owns; tests give a `MockAgent`. */
  dispatcher?: Dispatcher;
}

export function webhookSender(ref: WebhookRef, options: WebhookOptions): Sender {
  const { secrets, now, allowLoopback = false, deadlineMs = DEADLINE_MS } = options;
  let pool: HttpPool | undefined;
  return {
    send: async (events) => await Promise.all(events.map((event) => post(event))),
  };

  async function post(event: CompletionEvent): Promise<Delivery> {
    try {
      const error = await attempt(event);
      return error === undefined ? { kind: 'delivered' } : { kind: 'failed', error };
    } catch (thrown) {
      // A secret that cannot be read now may be readable later.
      return { kind: 'failed', error: unavailable(ref, messageOf(thrown), { cause: thrown }) };
    }
  }

  async function attempt(event: CompletionEvent): Promise<FleetReflexError | undefined> {
    const url = new URL(ref.webhook);
    const refusal = whyNotTo(url, ANYWHERE, allowLoopback);
    if (refusal !== undefined) {
      return refused(ref, refusal, 'Web hooks go to public https addresses only: correct `destinations`.');
    }
    const live = await secrets(ref.name);
    if (live.length === 0 || !live.every(isUsableSecret)) return unsigned(live.length);
    const body = JSON.stringify(fitEvent(event, MAX_BODY_BYTES));
    const headers = {
      'content-type': 'application/json; charset=utf-8',
      'user-agent': 'fleet-reflex',
      ...signedHeaders({ id: event.id, at: now(), body }, live),
    };
    const outcome = await httpCall(await poolTo(url.origin).dispatcher(), {
      origin: url.origin,
      method: 'POST',
      path: `${url.pathname}${url.search}`,
      headers: Object.entries(headers).flat(),
      body,
      deadlineMs,
      maxBodyBytes: MAX_ANSWER_BYTES,
    });
    return failureOf(outcome);
  }

  function poolTo(origin: string): HttpPool {
    pool ??=
      options.dispatcher === undefined
        ? createHttpPool({
            origin,
            connections: 10,
            ...(!allowLoopback && { lookup: options.lookup ?? publicLookup() }),
          })
        : borrowedPool(options.dispatcher);
    return pool;
  }

  function failureOf(outcome: HttpOutcome): FleetReflexError | undefined {
    if (outcome.kind !== 'answered') {
      const { cause, message } = outcome;
      const isPrivate = cause instanceof FleetReflexError && cause.code === PRIVATE_ADDRESS;
      return isPrivate
        ? refused(ref, message, 'Web hooks go to public addresses only: correct its DNS, or `destinations`.')
        : unavailable(ref, `${outcome.code}, ${message}`, { cause });
    }
    const { status, headers } = outcome;
    if (status >= 200 && status < 300) return undefined;
    if (status === 410) return gone();
    if (status === 408 || status === 425 || status === 429 || status >= 500) {
      const retryAfterMs = retryAfterOf(headers['retry-after'], now());
      return unavailable(ref, `it answered ${status}`, { retryAfterMs });
    }
    const remedy =
      status >= 300 && status < 400
        ? 'Redirects are not followed: name the URL that it leads to.'
        : 'Its owner can say why; the signature is that of Standard Webhooks, with the secret of this destination.';
    return refused(ref, `it answered ${status}`, remedy);
  }

  function unsigned(count: number): FleetReflexError {
    const why =
      count === 0 ? 'it has no secret to sign with' : 'its secret is `whsec_` without base64 after it';
    return refused(
      ref,
      why,
      `Store one as SSM SecureString /fleet-reflex/<stage>/destinations/${ref.name}: \`whsec_\` and 24 to 64 bytes of base64.`,
    );
  }

  /** As Standard Webhooks has it: the receiver wants no more of these. */
  function gone(): FleetReflexError {
    return new FleetReflexError(
      'destination.gone',
      `${describeDestination(ref)} answered 410, Gone: its owner wants no more events. Take it out of \`destinations\`, or have it brought back and send what is in deliveries-dlq with \`fleet-reflex redrive deliveries\`.`,
      { disposition: 'hold' },
    );
  }
}

/** Seconds, or a date; no more than an hour. */
function retryAfterOf(header: string | string[] | undefined, now: Date): number | undefined {
  if (typeof header !== 'string') return undefined;
  const ms = /^\d+$/.test(header) ? Number(header) * 1000 : Date.parse(header) - now.getTime();
  return Number.isFinite(ms) && ms >= 0 ? Math.min(ms, MAX_RETRY_AFTER_MS) : undefined;
}
