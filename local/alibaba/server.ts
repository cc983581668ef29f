/**
 * A local Alibaba Cloud Assistant: the ECS API 2014-05-26 as far as it concerns commands, on loopback, in front of the
 * fleet of local instances, on which the commands really run. The vendor's own SDK works against it unchanged.
 *
 * Knowing differences: it always answers JSON (the vendor's older RPC style defaults to XML), runs nothing in
 * containers, and delivers no output to OSS.
 */
import { randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { setTimeout as wait } from 'node:timers/promises';
import { type Clock, systemClock } from '../../lib/providers/clock.ts';
import type { FleetEngine } from '../fleet/engine.ts';
import { ACTIONS } from './actions/registry.ts';
import { ApiError, apiError, missingParameter } from './api-error.ts';
import { createAuthenticator, type LocalCredentials, type SignedRequest } from './authenticate.ts';
import { createCloud } from './cloud.ts';
import { createFaults, type Fault, type Faults } from './faults.ts';
import { createIdempotence } from './idempotence.ts';
import { rpcParameters } from './rpc-parameters.ts';
import { createThrottle } from './throttle.ts';

export interface CloudAssistantServerOptions {
  /** Where the commands run; shared with the other local cloud, and not stopped here. */
  engine: FleetEngine;
  /** Default 0: any free one. */
  port?: number;
  /** Default `local` / `local-secret`. */
  credentials?: readonly LocalCredentials[];
  /**
   * What StopInvocation does with a command that runs already: the vendor's pages disagree. `kill` (the default: the
   * states Stopping and Terminated), or `leave` (only what has not started is dropped).
   */
  stopsRunning?: 'kill' | 'leave';
  /** Requests a minute for each action and region; more are throttled until the next minute. Default 1200. */
  requestsPerMinute?: number;
  /** How long a command is Pending at the least. Default 0. */
  deliveryMs?: number;
  /** When an instance whose agent is offline counts as not reached. Default 60000, the vendor's minute. */
  deliveryTimeoutMs?: number;
  /** How long a ClientToken is known. Default one day; the vendor does not say. */
  tokenLifetimeMs?: number;
  clock?: Clock;
}

export interface CloudAssistantServer {
  port: number;
  /** `http://127.0.0.1:4581`. */
  endpoint: string;
  faults: Faults;
  /** Tells that an instance came up, for NextRebootOnly and EveryReboot. */
  instanceStarted(instanceId: string): void;
  /** Requests that were signed well, by action. */
  readonly requestCounts: Readonly<Record<string, number>>;
  close(): Promise<void>;
}

const VERSION = '2014-05-26';
const MAX_BODY_BYTES = 1024 * 1024;
const MAX_HEADER_BYTES = 256 * 1024;
const REGION = /^[a-z]{2}(-[a-z]+)+(-\d+)?(-[a-z0-9]+)*$/;

export async function startCloudAssistantServer(
  options: CloudAssistantServerOptions,
): Promise<CloudAssistantServer> {
  const { clock = systemClock } = options;
  const cloud = createCloud({
    engine: options.engine,
    clock,
    stopsRunning: options.stopsRunning ?? 'kill',
    deliveryMs: options.deliveryMs ?? 0,
    deliveryTimeoutMs: options.deliveryTimeoutMs ?? 60_000,
  });
  const epochMs = (): number => clock.epochMs();
  const authenticator = createAuthenticator(
    options.credentials ?? [{ accessKeyId: 'local', accessKeySecret: 'local-secret' }],
    epochMs,
  );
  const idempotence = createIdempotence(options.tokenLifetimeMs ?? 86_400_000, epochMs);
  const throttle = createThrottle(options.requestsPerMinute ?? 1200, epochMs);
  const faults = createFaults();
  const requestCounts: Record<string, number> = {};

  /** What a well-signed request answers, without RequestId. */
  const perform = async (
    signed: SignedRequest,
    fault: Fault | undefined,
    action: string,
  ): Promise<object> => {
    if (fault?.kind === 'error') {
      const known = apiError(fault.code);
      throw new ApiError(fault.code, known.message, fault.httpStatus ?? known.httpStatus);
    }
    const parameters = rpcParameters(new Map([...signed.query, ...signed.form]));
    const regionId = parameters.text('RegionId');
    if (regionId === undefined) throw missingParameter('RegionId');
    if (!REGION.test(regionId)) throw apiError('InvalidRegionId.NotFound');
    if (throttle.isRefused(action, regionId)) throw apiError('Throttling.User');
    const run = ACTIONS.get(action);
    if (run === undefined) throw apiError('InvalidAction.NotFound');
    const token = parameters.text('ClientToken');
    if (token === undefined) {
      if (fault?.kind === 'beginLate') await wait(fault.ms);
      return run({ parameters, regionId }, cloud);
    }
    const first = idempotence.begin(token, `${action} ${parameters.fingerprint()}`);
    if (first !== undefined) return first;
    try {
      if (fault?.kind === 'beginLate') await wait(fault.ms);
      const answer = run({ parameters, regionId }, cloud);
      idempotence.finish(token, answer);
      return answer;
    } catch (error) {
      idempotence.abandon(token);
      throw error;
    }
  };

  const handle = async (message: IncomingMessage, response: ServerResponse): Promise<void> => {
    const requestId = randomUUID().toUpperCase();
    let fault: Fault | undefined;
    let answer: { status: number; body: string };
    try {
      const signed = await readRequest(message);
      const { action, version } = authenticator.check(signed);
      requestCounts[action] = (requestCounts[action] ?? 0) + 1;
      if (version !== VERSION) throw apiError('InvalidVersion');
      fault = faults.take(action);
      if (fault?.kind === 'dropBefore') {
        message.socket.destroy();
        return;
      }
      const result = await perform(signed, fault, action);
      answer = { status: 200, body: JSON.stringify({ RequestId: requestId, ...result }) };
    } catch (error) {
      answer = errorAnswer(error, requestId, message.headers.host ?? '');
    }
    if (fault?.kind === 'dropAfter') {
      message.socket.destroy();
      return;
    }
    if (fault?.kind === 'answerLate') await wait(fault.ms);
    if (fault?.kind === 'garbage') answer = { status: fault.httpStatus ?? 200, body: fault.body };
    const retryAfterMs = fault?.kind === 'error' ? fault.retryAfterMs : undefined;
    response.writeHead(answer.status, {
      'content-type': 'application/json;charset=utf-8',
      'x-acs-request-id': requestId,
      ...(retryAfterMs !== undefined && { 'x-acs-retry-after': String(retryAfterMs) }),
    });
    response.end(answer.body);
  };

  // All parameters may travel in the query, 24 KB of content among them: Node's 16 KB are too few.
  const server = createServer({ maxHeaderSize: MAX_HEADER_BYTES }, (message, response) => {
    handle(message, response).catch(() => message.socket.destroy());
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(options.port ?? 0, '127.0.0.1', resolve);
  });
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;

  return {
    port,
    endpoint: `http://127.0.0.1:${port}`,
    faults,
    instanceStarted(instanceId) {
      for (const record of cloud.invocations.list()) cloud.runner.instanceStarted(record, instanceId);
    },
    requestCounts,
    async close() {
      cloud.runner.close();
      server.closeAllConnections();
      await new Promise((resolve) => {
        server.close(resolve);
      });
    },
  };
}

async function readRequest(message: IncomingMessage): Promise<SignedRequest> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of message) {
    const bytes = Buffer.from(chunk);
    size += bytes.length;
    if (size > MAX_BODY_BYTES) throw new ApiError('RequestEntityTooLarge', 'The request is too large.', 413);
    chunks.push(bytes);
  }
  const body = Buffer.concat(chunks);
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(message.headers)) {
    if (value !== undefined) headers[name] = Array.isArray(value) ? value.join(',') : value;
  }
  const url = new URL(message.url ?? '/', 'http://local');
  const isForm = headers['content-type']?.startsWith('application/x-www-form-urlencoded') === true;
  return {
    method: message.method ?? 'GET',
    path: url.pathname,
    headers,
    query: new Map(url.searchParams),
    form: new Map(isForm ? new URLSearchParams(body.toString('utf8')) : []),
    body,
  };
}

function errorAnswer(error: unknown, requestId: string, host: string): { status: number; body: string } {
  if (!(error instanceof ApiError)) console.error('cloud-assistant.unexpected', error);
  const known =
    error instanceof ApiError
      ? error
      : new ApiError('InternalError', 'The request processing has failed due to some unknown error.', 500);
  const body = {
    RequestId: requestId,
    HostId: host,
    Code: known.code,
    Message: known.message,
    Recommend: `https://api.aliyun.com/troubleshoot?q=${encodeURIComponent(known.code)}&product=Ecs`,
  };
  return { status: known.httpStatus, body: JSON.stringify(body) };
}
