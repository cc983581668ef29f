/**
 * The TAT client: checks a request against the documented limits, keeps the rate limit, signs, sends, repeats what
 * is safe to repeat, and checks the answer. What goes wrong comes back as a value; nothing is thrown.
 */
import type { Dispatcher } from 'undici';
import * as z from 'zod';
import { type Clock, systemClock } from '../clock.ts';
import { borrowedPool, createHttpPool, type HttpPool, type HttpPoolOptions } from '../http-pool.ts';
import { createRateLimiter, type RateLimiter } from '../rate-limiter.ts';
import { withRepetitions } from '../repetition.ts';
import { type RequestShares, shareOf, shareOfRate, WHOLE } from '../request-shares.ts';
import type { Action, ActionName } from './actions/action.ts';
import { type CallFailure, isSafeToRepeat, isWorthRepeating, ownFailure } from './failure.ts';
import type { TencentCredentials } from './sign.ts';
import { createTransport, type Transport } from './transport.ts';

/** The sites of TAT: international and mainland. Each resolves to the nearest access point, whatever the region. */
export const TAT_ENDPOINTS = {
  international: 'https://tat.intl.tencentcloudapi.com',
  mainland: 'https://tat.tencentcloudapi.com',
} as const;

export interface TencentClientOptions {
  /** The key pair, or what gives it for each call (temporary credentials that are renewed). */
  credentials: TencentCredentials | (() => TencentCredentials | Promise<TencentCredentials>);
  /**
   * Default the international site; the local stack is `http://127.0.0.1:4580`. `{region}` stands for the call's region:
   * `https://tat.{region}.tencentcloudapi.com`; then each region has connections of its own.
   */
  endpoint?: string;
  /** The language of the vendor's messages. Default `en-US`. */
  language?: 'en-US' | 'zh-CN';
  /** For each action. Default 20, the documented limit; `Infinity` for none. */
  requestsPerSecond?: number;
  /** What of that this process takes. Default all of it. */
  requestShares?: RequestShares;
  /** For one call, waits and repetitions included, in milliseconds. Default 15000. */
  deadlineMs?: number;
  /** Attempts of a call that is safe to repeat, the first included. Default 3. */
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

export type CallOutcome<Answer> =
  | {
      kind: 'answered';
      answer: Answer;
      requestId: string;
      /** What the vendor's clock is ahead of ours, as far as the answer tells. */
      offsetMs: number;
    }
  | { kind: 'failed'; failure: CallFailure };

export interface TencentClient {
  /** @param region goes into `X-TC-Region`: `ap-guangzhou` */
  call<Request, Answer>(
    action: Action<Request, Answer>,
    region: string,
    request: Request,
    options?: CallOptions,
  ): Promise<CallOutcome<Answer>>;
  /** Requests sent since start, by action, repetitions included. */
  readonly requestCounts: Readonly<Record<string, number>>;
  /** Ends the connections once running calls have ended. */
  close(): Promise<void>;
}

/**
 * The vendor's second may begin anywhere and the way there takes varying time: a window a little longer than its
 * second keeps requests that bunch up on the way within its limit.
 */
const WINDOW_MS = 1050;
/** After a refusal for the rate, the whole action rests: other processes use the same account. */
const REST_AFTER_REFUSAL_MS = 250;
const REGION = /^[a-z0-9-]{1,64}$/;

export function createTencentClient(options: TencentClientOptions): TencentClient {
  const { clock = systemClock, credentials, requestsPerSecond = 20, requestShares = WHOLE } = options;
  const endpoint = options.endpoint ?? TAT_ENDPOINTS.international;
  // One for each access point, with connections of its own: a region that hangs takes none from another.
  const sites = new Map<string, { pool: HttpPool; transport: Transport }>();

  function siteOf(region: string): { pool: HttpPool; transport: Transport } {
    const origin = originOf(endpoint, region);
    const known = sites.get(origin);
    if (known !== undefined) return known;
    const pool =
      options.dispatcher === undefined
        ? createHttpPool({ ...options.connections, origin, clock })
        : borrowedPool(options.dispatcher);
    const transport = createTransport({
      pool,
      origin,
      credentials: typeof credentials === 'function' ? credentials : () => credentials,
      language: options.language ?? 'en-US',
      clock,
    });
    const site = { pool, transport };
    sites.set(origin, site);
    return site;
  }
  // A wrong endpoint is refused at once, and not at the first call.
  originOf(endpoint, 'ap-guangzhou');
  const limiters = new Map<ActionName, RateLimiter>();
  const requestCounts: Record<string, number> = {};

  function limiterOf(action: ActionName): RateLimiter {
    let limiter = limiters.get(action);
    if (limiter === undefined) {
      const rate = shareOfRate(requestsPerSecond, shareOf(requestShares, action), WINDOW_MS);
      limiter = createRateLimiter({ ...rate, clock });
      limiters.set(action, limiter);
    }
    return limiter;
  }

  async function attempt<Answer>(
    action: Pick<Action<unknown, Answer>, 'name' | 'answer'>,
    region: string,
    body: string,
    deadlineMs: number,
    call: CallOptions,
  ): Promise<CallOutcome<Answer>> {
    const endsAt = clock.monotonicMs() + deadlineMs;
    const limiter = limiterOf(action.name);
    if (!(await limiter.take(call.caller ?? action.name, deadlineMs))) {
      return failed(ownFailure('RateLimited', `no place for ${action.name} within ${deadlineMs} ms`, 'none'));
    }
    requestCounts[action.name] = (requestCounts[action.name] ?? 0) + 1;
    const sent = await siteOf(region).transport.send(action.name, region, body, {
      deadlineMs: endsAt - clock.monotonicMs(),
      ...(call.signal === undefined ? {} : { signal: call.signal }),
    });
    if (sent.kind === 'failed') {
      if (sent.failure.class === 'throttled') limiter.holdFor(REST_AFTER_REFUSAL_MS);
      return sent;
    }
    const parsed = action.answer.safeParse(sent.response);
    if (!parsed.success) {
      const message = `${action.name}: ${z.prettifyError(parsed.error)}`;
      return failed({ ...ownFailure('InvalidAnswer', message, 'maybe'), ...withRequestId(sent.requestId) });
    }
    return {
      kind: 'answered',
      answer: parsed.data,
      requestId: sent.requestId ?? '',
      offsetMs: sent.offsetMs,
    };
  }

  return {
    requestCounts,
    async close() {
      await Promise.all([...sites.values()].map(({ pool }) => pool.close()));
    },
    async call(action, region, request, call = {}) {
      const checked = action.request.safeParse(request);
      if (!checked.success || !REGION.test(region)) {
        const why = checked.success
          ? `expected a region such as ap-guangzhou`
          : z.prettifyError(checked.error);
        return failed(ownFailure('InvalidRequest', `${action.name}: ${why}`, 'none'));
      }
      const body = JSON.stringify(request);
      const { transport } = siteOf(region);
      const deadlineMs = call.deadlineMs ?? options.deadlineMs ?? 15_000;
      return await withRepetitions(
        async (leftMs) => {
          const endsAt = clock.monotonicMs() + leftMs;
          const offsetBefore = transport.clockOffsetMs;
          const outcome = await attempt(action, region, body, leftMs, call);
          const isClockWrong = outcome.kind === 'failed' && outcome.failure.class === 'clock';
          if (!isClockWrong || transport.clockOffsetMs === offsetBefore) return outcome;
          return await attempt(action, region, body, endsAt - clock.monotonicMs(), call);
        },
        (outcome) =>
          outcome.kind === 'failed' && mayRepeat(action.effect, outcome.failure) ? AT_ONCE : false,
        {
          attempts: call.attempts ?? options.attempts ?? 3,
          deadlineMs,
          clock,
          ...(options.random === undefined ? {} : { random: options.random }),
        },
      );
    },
  };
}

/** The backoff is wait enough. */
const AT_ONCE = { afterMs: 0 };

function mayRepeat(effect: Action<unknown, unknown>['effect'], failure: CallFailure): boolean {
  // A clock that could be corrected was, and the call made again: more of the same changes nothing.
  if (failure.class === 'clock' || failure.code === 'RateLimited') return false;
  return effect === 'once' ? isSafeToRepeat(failure) : isWorthRepeating(failure);
}

function failed(failure: CallFailure): { kind: 'failed'; failure: CallFailure } {
  return { kind: 'failed', failure };
}

function withRequestId(requestId: string | undefined): { requestId?: string } {
  return requestId === undefined ? {} : { requestId };
}

function originOf(endpoint: string, region: string): string {
  const url = URL.parse(endpoint.replaceAll('{region}', region));
  const isPlain =
    url !== null &&
    url.pathname === '/' &&
    url.search === '' &&
    url.username === '' &&
    !/[{}]/.test(url.host);
  if (!isPlain || (url.protocol !== 'https:' && url.protocol !== 'http:')) {
    throw new TypeError(`endpoint: expected a URL such as ${TAT_ENDPOINTS.international}, got ${endpoint}`);
  }
  return url.origin;
}
