/**
 * The frame of every cloud's client: checks a request against the documented limits, waits for its turn, signs, sends,
 * opens the answer, checks its schema, and repeats what is safe to repeat. A cloud hands in its facts (`Vendor`). What
 * goes wrong comes back as a value; nothing is thrown.
 */
import type { Dispatcher } from 'undici';
import type * as z from 'zod';
import { FleetReflexError, messageOf } from '../errors.ts';
import { type CallFailed, type CallOutcome, type OwnCode, ownFailed } from './call-outcome.ts';
import { type Clock, systemClock } from './clock.ts';
import { httpCall } from './http-call.ts';
import { borrowedPool, createHttpPool, type HttpPool, type HttpPoolOptions } from './http-pool.ts';
import { createRateLimiter, type RateLimiter } from './rate-limiter.ts';
import { withRepetitions } from './repetition.ts';
import { type RequestShares, shareOf, shareOfRate, WHOLE } from './request-shares.ts';
import type { HttpAnswer, Opened, Vendor, VendorAction } from './vendor.ts';

export interface VendorClientOptions<Credentials> {
  /** The key pair, or what gives it for each call (temporary credentials that are renewed). */
  credentials: Credentials | (() => Credentials | Promise<Credentials>);
  /** Instead of the vendor's: the local stack, another site. `{region}` stands for the call's region. */
  endpoint?: string;
  /** Default the vendor's documented limit; `Infinity` for none. */
  requestsPerSecond?: number;
  /** What of that this process takes. Default all of it. */
  requestShares?: RequestShares;
  /** For one call, waits and repetitions included, in milliseconds. Default the vendor's. */
  deadlineMs?: number;
  /** Attempts of a call that is safe to repeat, the first included. Default the vendor's. */
  attempts?: number;
  /** Connections and their time-outs. */
  connections?: Omit<HttpPoolOptions, 'origin' | 'clock'>;
  /** Used instead of own connections, and never closed here: for tests. */
  dispatcher?: Dispatcher;
  clock?: Clock;
  /** Uniform in [0, 1), for the jitter. Default `Math.random`. */
  random?: () => number;
}

export interface CallOptions {
  /** Default the client's. */
  deadlineMs?: number;
  /** Default the client's. `1`: no repetition, only the correction of a wrong clock. */
  attempts?: number;
  signal?: AbortSignal;
  /** Whose turn it is where the rate limit makes callers wait. Default the action's name. */
  caller?: string;
}

export interface VendorClient {
  call<Request extends object, Answer>(
    action: VendorAction<Request, Answer>,
    region: string,
    request: Request,
    options?: CallOptions,
  ): Promise<CallOutcome<Answer>>;
  /** Requests handed to the network since start, by action, repetitions included. */
  readonly requestCounts: Readonly<Record<string, number>>;
  /** Ends the connections once running calls have ended. */
  close(): Promise<void>;
}

/** An access point. */
interface Site {
  origin: string;
  pool: HttpPool;
  /** The correction of our clock for signing, derived from a refused timestamp, in milliseconds. */
  offsetMs: number;
}

const REGION = /^[a-z0-9-]{1,64}$/;
/** Offsets below this are the network's and the rounding of the Date header. */
const LEAST_OFFSET_MS = 2000;
const LEAST_RETRY_MS = 1000;

/** @throws TypeError when the endpoint is none */
export function createVendorClient<Credentials extends object>(
  vendor: Vendor<Credentials>,
  options: VendorClientOptions<Credentials>,
): VendorClient {
  const { clock = systemClock, credentials, requestShares = WHOLE } = options;
  const { requestsPerSecond = vendor.requestsPerSecond } = options;
  const endpoint = options.endpoint ?? vendor.endpoint;
  const sites = new Map<string, Site>();
  const limiters = new Map<string, RateLimiter>();
  const requestCounts: Record<string, number> = {};
  // A wrong endpoint is refused at once, and not at the first call.
  originOf(endpoint, 'region', vendor.endpoint);

  // Connections of its own for each access point: a region that hangs takes none from another.
  function siteOf(region: string): Site {
    const origin = originOf(endpoint, region, vendor.endpoint);
    const known = sites.get(origin);
    if (known !== undefined) return known;
    const { dispatcher, connections } = options;
    const pool = dispatcher ? borrowedPool(dispatcher) : createHttpPool({ ...connections, origin, clock });
    const site = { origin, pool, offsetMs: 0 };
    sites.set(origin, site);
    return site;
  }

  function limiterOf(action: string, region: string): RateLimiter {
    const key = vendor.isRateByRegion ? `${region}/${action}` : action;
    const known = limiters.get(key);
    if (known !== undefined) return known;
    const rate = shareOfRate(requestsPerSecond, shareOf(requestShares, action), vendor.windowMs);
    const limiter = createRateLimiter({ ...rate, clock });
    limiters.set(key, limiter);
    return limiter;
  }

  function failed(code: OwnCode, message: string, kind: CallFailed['kind'] = 'notSent'): CallFailed {
    return ownFailed(code, message, vendor.advice(code, kind), kind);
  }

  /** The answer as received; it may be from a proxy and not from the cloud. */
  function open(answer: HttpAnswer, nowMs: number): Opened {
    try {
      return vendor.open(answer, nowMs);
    } catch (thrown) {
      return failed('InvalidAnswer', `HTTP ${answer.status}: ${messageOf(thrown)}`, 'unknown');
    }
  }

  async function attempt<Answer>(
    { name, answer: schema }: Pick<VendorAction<never, Answer>, 'name' | 'answer'>,
    region: string,
    request: object,
    deadlineMs: number,
    { caller = name, signal }: CallOptions,
  ): Promise<CallOutcome<Answer>> {
    const endsAt = clock.monotonicMs() + deadlineMs;
    const limiter = limiterOf(name, region);
    if (!(await limiter.take(caller, deadlineMs))) {
      const refused = failed('RateLimited', `${name} was not sent: no turn within ${deadlineMs} ms`);
      refused.failure.retryAfterMs = Math.max(LEAST_RETRY_MS, Math.ceil(limiter.heldMs));
      return refused;
    }
    let current: Credentials;
    try {
      current = typeof credentials === 'function' ? await credentials() : credentials;
    } catch (thrown) {
      return failed('NoCredentials', messageOf(thrown));
    }
    const site = siteOf(region);
    const { origin } = site;
    const dispatcher = await site.pool.dispatcher();
    // The host that is signed is the Host header that is sent, port included.
    const unsigned = { action: name, region, request, host: new URL(origin).host };
    const signed = vendor.sign({ ...unsigned, nowMs: clock.epochMs() + site.offsetMs }, current);
    requestCounts[name] = (requestCounts[name] ?? 0) + 1;
    const leftMs = Math.max(1, endsAt - clock.monotonicMs());
    const http = await httpCall(
      dispatcher,
      { origin, method: 'POST', ...signed, deadlineMs: leftMs, ...(signal && { signal }) },
      clock,
    );
    if (http.kind !== 'answered') {
      return failed(http.code, http.message, http.kind === 'lost' ? 'unknown' : 'notSent');
    }
    const nowMs = clock.epochMs();
    const opened = open(http, nowMs);
    const { date } = http.headers;
    if (opened.kind !== 'answered') {
      if (opened.class === 'clock') site.offsetMs = offsetBy(date, nowMs, site.offsetMs);
      if (opened.class === 'throttled') limiter.holdFor(vendor.restMs ?? opened.failure.retryAfterMs ?? 0);
      return opened;
    }
    const parsed = schema.safeParse(opened.answer);
    if (!parsed.success) {
      const other = failed('InvalidAnswer', `${name}: ${problemsOf(parsed.error)}`, 'unknown');
      if (opened.requestId !== undefined) other.failure.requestId = opened.requestId;
      return other;
    }
    const { requestId = '' } = opened;
    return { kind: 'answered', answer: parsed.data, requestId, offsetMs: offsetBy(date, nowMs, 0) };
  }

  return {
    requestCounts,
    async close() {
      await Promise.all([...sites.values()].map(({ pool }) => pool.close()));
    },
    async call(action, region, request, call = {}) {
      if (!REGION.test(region))
        return failed('InvalidRequest', `${action.name}: expected a region such as ap-guangzhou`);
      const checked = action.request.safeParse(request);
      if (!checked.success) {
        return failed('InvalidRequest', `${action.name} was not sent: ${problemsOf(checked.error)}`);
      }
      const site = siteOf(region);
      const deadlineMs = call.deadlineMs ?? options.deadlineMs ?? vendor.deadlineMs;
      return await withRepetitions(
        async (leftMs) => {
          const endsAt = clock.monotonicMs() + leftMs;
          const offsetBefore = site.offsetMs;
          const outcome = await attempt(action, region, request, leftMs, call);
          const isClockCorrected = site.offsetMs !== offsetBefore;
          if (outcome.kind === 'answered' || outcome.class !== 'clock' || !isClockCorrected) return outcome;
          return await attempt(action, region, request, endsAt - clock.monotonicMs(), call);
        },
        // The backoff is wait enough.
        (outcome) => (mayRepeat(action.effect, outcome) ? { afterMs: 0 } : false),
        {
          attempts: call.attempts ?? options.attempts ?? vendor.attempts,
          deadlineMs,
          clock,
          ...(options.random && { random: options.random }),
        },
      );
    },
  };
}

function mayRepeat(effect: VendorAction<never, unknown>['effect'], outcome: CallOutcome<unknown>): boolean {
  if (outcome.kind === 'answered') return false;
  const { code, isRetryable } = outcome.failure;
  // A clock that could be corrected was, and the call made again: more of the same changes nothing.
  if (outcome.class === 'clock' || code === 'RateLimited') return false;
  return isRetryable && (effect !== 'once' || outcome.kind === 'notSent');
}

/** Our clock's error by the answer's Date header; the old value where there is none. */
function offsetBy(date: string | string[] | undefined, nowMs: number, before: number): number {
  const theirs = typeof date === 'string' ? Date.parse(date) : Number.NaN;
  if (Number.isNaN(theirs)) return before;
  const offset = theirs - nowMs;
  return Math.abs(offset) < LEAST_OFFSET_MS ? 0 : offset;
}

function problemsOf(error: z.ZodError): string {
  return error.issues.map(({ path, message }) => `${path.join('.') || 'it'}: ${message}`).join('; ');
}

function originOf(endpoint: string, region: string, example: string): string {
  const url = URL.parse(endpoint.replaceAll('{region}', region));
  const isPlain =
    url !== null &&
    url.pathname === '/' &&
    url.search === '' &&
    url.username === '' &&
    !/[{}]/.test(url.host) &&
    (url.protocol === 'https:' || url.protocol === 'http:');
  if (!isPlain) {
    const message = `endpoint: expected a URL such as ${example}, got ${endpoint}`;
    throw new FleetReflexError('provider.endpoint', message, { details: { expected: example } });
  }
  return url.origin;
}
