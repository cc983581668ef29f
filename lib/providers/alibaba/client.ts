/**
 * The Cloud Assistant actions of Alibaba Cloud ECS (API 2014-05-26) over signed HTTP: one request, one honest
 * outcome. It checks a request before it costs a call, keeps to a rate for each API and region, never repeats
 * anything, and never throws for what the vendor or the network does.
 */
import { randomBytes } from 'node:crypto';
import type { Dispatcher } from 'undici';
import * as z from 'zod';
import { messageOf } from '../../errors.ts';
import { type Clock, systemClock } from '../clock.ts';
import { httpCall } from '../http-call.ts';
import { borrowedPool, createHttpPool, type HttpPool } from '../http-pool.ts';
import type { ProviderFailure } from '../provider.ts';
import { createRateLimiter, type RateLimiter } from '../rate-limiter.ts';
import { type RequestShares, shareOf, shareOfRate, WHOLE } from '../request-shares.ts';
import {
  DescribeCloudAssistantStatusAnswer,
  DescribeCommandsAnswer,
  DescribeInvocationResultsAnswer,
  DescribeInvocationsAnswer,
  InvokeCommandAnswer,
  ModifyInvocationAttributeAnswer,
  StopInvocationAnswer,
} from './answers.ts';
import { type CallResult, readAnswer, transportFailure } from './call-result.ts';
import { ownFailure } from './failure.ts';
import {
  DescribeCloudAssistantStatusRequest,
  DescribeCommandsRequest,
  DescribeInvocationResultsRequest,
  DescribeInvocationsRequest,
  InvokeCommandRequest,
  ModifyInvocationAttributeRequest,
  RunCommandRequest,
  StopInvocationRequest,
} from './requests.ts';
import { flattenParameters, type RpcValue } from './rpc-parameters.ts';
import { type AlibabaCredentials, canonicalQuery, signAcs3 } from './signature.ts';

const API_VERSION = '2014-05-26';
/** The vendor counts by the minute. */
const WINDOW_MS = 1000;

export interface CloudAssistantClientOptions {
  /** A function is asked before each call: temporary credentials change. */
  credentials: AlibabaCredentials | (() => Promise<AlibabaCredentials>);
  /** Scheme, host and port for every region. Default `https://ecs.<region>.aliyuncs.com`. */
  endpoint?: string;
  /** Used instead of our own connections, and never closed here: a test's. */
  dispatcher?: Dispatcher;
  /** For one call, waiting for its turn included, in milliseconds. Default 10000. */
  deadlineMs?: number;
  /**
   * Requests a second for each API and region; `Infinity` for no limit. The vendor publishes no number and counts
   * all keys of the account together. Default 20.
   */
  requestsPerSecond?: number;
  /** What of that this process takes. Default all of it. */
  requestShares?: RequestShares;
  clock?: Clock;
  /** Unique for each call. Default 32 random hexadecimal digits. */
  newNonce?: () => string;
}

export interface CloudAssistantClient {
  invokeCommand(request: InvokeCommandRequest): Promise<CallResult<InvokeCommandAnswer>>;
  runCommand(request: RunCommandRequest): Promise<CallResult<InvokeCommandAnswer>>;
  stopInvocation(request: StopInvocationRequest): Promise<CallResult<StopInvocationAnswer>>;
  modifyInvocationAttribute(
    request: ModifyInvocationAttributeRequest,
  ): Promise<CallResult<ModifyInvocationAttributeAnswer>>;
  describeInvocations(request: DescribeInvocationsRequest): Promise<CallResult<DescribeInvocationsAnswer>>;
  describeInvocationResults(
    request: DescribeInvocationResultsRequest,
  ): Promise<CallResult<DescribeInvocationResultsAnswer>>;
  describeCommands(request: DescribeCommandsRequest): Promise<CallResult<DescribeCommandsAnswer>>;
  describeCloudAssistantStatus(
    request: DescribeCloudAssistantStatusRequest,
  ): Promise<CallResult<DescribeCloudAssistantStatusAnswer>>;
  /** Requests handed to the network, by action. */
  readonly requestCounts: Readonly<Record<string, number>>;
  close(): Promise<void>;
}

interface Turn {
  limiter: RateLimiter;
  /** Monotonic; the vendor refuses this API until then. */
  heldUntilMs: number;
}

export function createCloudAssistantClient(options: CloudAssistantClientOptions): CloudAssistantClient {
  const { endpoint, dispatcher, deadlineMs = 10_000, clock = systemClock } = options;
  const { requestsPerSecond = 20, requestShares = WHOLE } = options;
  const newNonce = options.newNonce ?? (() => randomBytes(16).toString('hex'));
  const pools = new Map<string, HttpPool>();
  const turns = new Map<string, Turn>();
  const requestCounts: Record<string, number> = {};

  const credentialsNow = async (): Promise<AlibabaCredentials | ProviderFailure> => {
    if (typeof options.credentials !== 'function') return options.credentials;
    try {
      return await options.credentials();
    } catch (error) {
      return ownFailure('NoCredentials', `Not sent: the credentials could not be read: ${messageOf(error)}`);
    }
  };

  const poolOf = (origin: string): HttpPool => {
    const existing = pools.get(origin);
    if (existing !== undefined) return existing;
    const pool = dispatcher === undefined ? createHttpPool({ origin, clock }) : borrowedPool(dispatcher);
    pools.set(origin, pool);
    return pool;
  };

  const turnOf = (region: string, action: string): Turn => {
    const key = `${region}/${action}`;
    const existing = turns.get(key);
    if (existing !== undefined) return existing;
    const rate = shareOfRate(requestsPerSecond, shareOf(requestShares, action), WINDOW_MS);
    const limiter = createRateLimiter({ ...rate, clock });
    const turn = { limiter, heldUntilMs: Number.NEGATIVE_INFINITY };
    turns.set(key, turn);
    return turn;
  };

  /** Waits for this API's turn. @returns why there is none within the deadline */
  const waitForTurn = async (turn: Turn): Promise<ProviderFailure | undefined> => {
    const heldMs = turn.heldUntilMs - clock.monotonicMs();
    if (heldMs < deadlineMs && (await turn.limiter.take('', deadlineMs))) return undefined;
    return ownFailure(
      'RateLimited',
      `Not sent: no turn within ${deadlineMs} ms at the rate that is kept for this API.`,
      Math.max(1000, Math.ceil(heldMs)),
    );
  };

  const call = async <Request extends { RegionId: string }, Answer extends { RequestId: string }>(
    action: string,
    requestSchema: z.ZodType<Request>,
    answerSchema: z.ZodType<Answer>,
    request: Request,
  ): Promise<CallResult<Answer>> => {
    const checked = requestSchema.safeParse(request);
    if (!checked.success) return { kind: 'notSent', failure: invalidRequest(action, checked.error) };
    const endsAt = clock.monotonicMs() + deadlineMs;
    const region = checked.data.RegionId;
    const turn = turnOf(region, action);
    const refused = await waitForTurn(turn);
    if (refused !== undefined) return { kind: 'notSent', failure: refused };

    const credentials = await credentialsNow();
    if ('advice' in credentials) return { kind: 'notSent', failure: credentials };
    const origin = endpoint ?? `https://ecs.${region}.aliyuncs.com`;
    const query = flattenParameters(wireForm(checked.data));
    const headers = signAcs3(
      {
        method: 'POST',
        host: new URL(origin).host,
        action,
        version: API_VERSION,
        query,
        date: new Date(clock.epochMs()),
        nonce: newNonce(),
      },
      credentials,
    );
    requestCounts[action] = (requestCounts[action] ?? 0) + 1;
    const outcome = await httpCall(
      poolOf(origin).dispatcher(),
      {
        origin,
        method: 'POST',
        path: `/?${canonicalQuery(query)}`,
        headers: Object.entries({ ...headers, accept: 'application/json' }).flat(),
        deadlineMs: Math.max(1, endsAt - clock.monotonicMs()),
      },
      clock,
    );
    if (outcome.kind !== 'answered') return transportFailure(outcome);
    const result = readAnswer(outcome, answerSchema, clock.epochMs());
    if (result.kind !== 'answered' && result.isThrottled === true) {
      const holdMs = result.failure.retryAfterMs ?? 0;
      turn.limiter.holdFor(holdMs);
      turn.heldUntilMs = clock.monotonicMs() + holdMs;
    }
    return result;
  };

  return {
    invokeCommand: (request) => call('InvokeCommand', InvokeCommandRequest, InvokeCommandAnswer, request),
    runCommand: (request) => call('RunCommand', RunCommandRequest, InvokeCommandAnswer, request),
    stopInvocation: (request) => call('StopInvocation', StopInvocationRequest, StopInvocationAnswer, request),
    modifyInvocationAttribute: (request) =>
      call(
        'ModifyInvocationAttribute',
        ModifyInvocationAttributeRequest,
        ModifyInvocationAttributeAnswer,
        request,
      ),
    describeInvocations: (request) =>
      call('DescribeInvocations', DescribeInvocationsRequest, DescribeInvocationsAnswer, request),
    describeInvocationResults: (request) =>
      call(
        'DescribeInvocationResults',
        DescribeInvocationResultsRequest,
        DescribeInvocationResultsAnswer,
        request,
      ),
    describeCommands: (request) =>
      call('DescribeCommands', DescribeCommandsRequest, DescribeCommandsAnswer, request),
    describeCloudAssistantStatus: (request) =>
      call(
        'DescribeCloudAssistantStatus',
        DescribeCloudAssistantStatusRequest,
        DescribeCloudAssistantStatusAnswer,
        request,
      ),
    requestCounts,
    async close() {
      await Promise.all([...pools.values()].map((pool) => pool.close()));
    },
  };
}

/** `Parameters` travels as JSON text in one parameter; everything else is flat already. */
function wireForm(request: Readonly<Record<string, unknown>>): Record<string, RpcValue> {
  const form: Record<string, RpcValue> = {};
  for (const [name, value] of Object.entries(request)) {
    form[name] = name === 'Parameters' && value !== undefined ? JSON.stringify(value) : RpcForm.parse(value);
  }
  return form;
}

const RpcForm: z.ZodType<RpcValue> = z.union([
  z.string(),
  z.number(),
  z.boolean(),
  z.undefined(),
  z.array(z.string()),
  z.array(z.record(z.string(), z.string())),
]);

function invalidRequest(action: string, error: z.ZodError): ProviderFailure {
  const problems = error.issues.map((issue) => `${issue.path.join('.') || 'request'}: ${issue.message}`);
  return ownFailure('InvalidRequest', `${action} was not sent: ${problems.join('; ')}`);
}
