/** One request from its signature to its answer: what stands before every action, and the faults that befall it. */
import { randomUUID } from 'node:crypto';
import { setTimeout as wait } from 'node:timers/promises';
import { ACTIONS } from './actions/registry.ts';
import { ApiError, apiError, missingParameter } from './api-error.ts';
import { actionOf, createAuthenticator, type LocalCredentials, type SignedRequest } from './authenticate.ts';
import type { Cloud } from './cloud.ts';
import type { Faults, RequestFault } from './faults.ts';
import { FAULTS_PATH, handleFaults } from './faults-endpoint.ts';
import { createIdempotence } from './idempotence.ts';
import { checkRegion } from './regions.ts';
import { rpcParameters } from './rpc-parameters.ts';
import { createThrottle } from './throttle.ts';

export interface GatewayOptions {
  cloud: Cloud;
  faults: Faults;
  epochMs: () => number;
  credentials: readonly LocalCredentials[];
  requestsPerMinute: number;
  tokenLifetimeMs: number;
  /** Told of each request that was signed well. */
  countRequest: (action: string) => void;
}

export interface Reply {
  status: number;
  headers: Record<string, string>;
  body: string;
}

/** Answers a request, or says that the connection is to be closed without an answer. Never throws. */
export type Gateway = (request: SignedRequest) => Promise<Reply | 'drop'>;

const VERSION = '2014-05-26';

export function createGateway(options: GatewayOptions): Gateway {
  const { cloud, faults, epochMs, countRequest } = options;
  const authenticator = createAuthenticator(options.credentials, epochMs);
  const idempotence = createIdempotence(options.tokenLifetimeMs, epochMs);
  const throttle = createThrottle(options.requestsPerMinute, epochMs);

  /** What a request that was signed well answers, without RequestId. */
  const perform = async (
    request: SignedRequest,
    action: string,
    fault: RequestFault | undefined,
  ): Promise<object> => {
    const parameters = rpcParameters(new Map([...request.query, ...request.form]));
    const regionId = parameters.text('RegionId');
    if (regionId === undefined) throw missingParameter('RegionId');
    checkRegion(regionId);
    if (throttle.isRefused(action, regionId)) throw apiError('Throttling.User');
    const run = ACTIONS.get(action);
    if (run === undefined) throw apiError('InvalidAction.NotFound');
    const doIt = async (): Promise<object> => {
      if (fault?.kind === 'beginLate') await wait(fault.ms);
      const answer = run({ parameters, regionId }, cloud);
      if (fault?.kind === 'lateVisibility') hide(answer, regionId, fault.ms);
      return answer;
    };
    const token = parameters.text('ClientToken');
    if (token === undefined) return doIt();
    const first = idempotence.begin(token, `${action} ${parameters.fingerprint()}`);
    if (first !== undefined) return first;
    try {
      const answer = await doIt();
      idempotence.finish(token, answer);
      return answer;
    } catch (error) {
      idempotence.abandon(token);
      throw error;
    }
  };

  const hide = (answer: object, regionId: string, ms: number): void => {
    if (!('InvokeId' in answer)) return;
    const record = cloud.invocations.get(String(answer.InvokeId), regionId);
    record.visibleAt = new Date(epochMs() + ms);
  };

  const result = async (request: SignedRequest, fault: RequestFault | undefined): Promise<object> => {
    if (request.path === FAULTS_PATH) return handleFaults(request, faults);
    const skewMs = fault?.kind === 'clockSkew' ? fault.seconds * 1000 : 0;
    const { action, version } = authenticator.check(request, skewMs);
    countRequest(action);
    if (version !== VERSION) throw apiError('InvalidVersion');
    if (fault?.kind === 'throttle') throw apiError('Throttling.User');
    if (fault?.kind !== 'error') return perform(request, action, fault);
    if (fault.isAfter) await perform(request, action, fault);
    const known = apiError(fault.code);
    throw new ApiError(fault.code, known.message, fault.httpStatus ?? known.httpStatus);
  };

  return async (request) => {
    const requestId = randomUUID().toUpperCase();
    const isForFaults = request.path === FAULTS_PATH;
    const fault = isForFaults ? undefined : faults.takeForRequest(actionOf(request));
    if (fault?.kind === 'dropBefore') return 'drop';
    const headers: Record<string, string> = {
      'content-type': 'application/json;charset=utf-8',
      'x-acs-request-id': requestId,
    };
    if (fault?.kind === 'httpStatus') return { status: fault.status, headers, body: '' };
    let status = 200;
    let body: object;
    try {
      body = { RequestId: requestId, ...(await result(request, fault)) };
    } catch (error) {
      const known = knownError(error);
      status = known.httpStatus;
      body = errorBody(known, requestId, request.headers['host'] ?? '');
    }
    if (fault?.kind === 'dropAfter') return 'drop';
    if (fault?.kind === 'answerLate') await wait(fault.ms);
    if (fault?.kind === 'garbage') return { status, headers, body: fault.body };
    if (fault?.kind === 'throttle' && fault.retryAfterMs !== undefined) {
      headers['x-acs-retry-after'] = String(fault.retryAfterMs);
    }
    return { status, headers, body: JSON.stringify(body) };
  };
}

function knownError(error: unknown): ApiError {
  if (error instanceof ApiError) return error;
  console.error('cloud-assistant.unexpected', error);
  return new ApiError('InternalError', 'The request processing has failed due to some unknown error.', 500);
}

function errorBody(error: ApiError, requestId: string, host: string): object {
  return {
    RequestId: requestId,
    HostId: host,
    Code: error.code,
    Message: error.message,
    Recommend: `https://api.aliyun.com/troubleshoot?q=${encodeURIComponent(error.code)}&product=Ecs`,
  };
}
