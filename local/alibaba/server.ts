/**
 * A local Alibaba Cloud Assistant: the ECS API 2014-05-26 as far as it concerns commands, on loopback, in front of the
 * fleet of local instances, on which the commands really run. The vendor's own SDK works against it unchanged.
 *
 * Knowing differences: the older signature starts nothing by `GET` (authenticate.ts), it always answers JSON (the vendor's
 * older RPC style defaults to XML), runs nothing in containers, and keeps what it delivers to OSS in a folder.
 */
import { randomUUID } from 'node:crypto';
import { type Clock, systemClock } from '../../lib/providers/clock.ts';
import type { FleetEngine } from '../fleet/engine.ts';
import { type CloudServer, type Envelope, startCloudServer } from '../server/cloud-server.ts';
import { createAdmission } from './admit.ts';
import { ApiError, apiError } from './api-error.ts';
import { actionOf, type LocalCredentials } from './authenticate.ts';
import { createCloud } from './cloud.ts';
import { OSS_PATH } from './delivery.ts';
import { createCloudAssistantFaults, type Faults } from './faults.ts';

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

export interface CloudAssistantServer extends CloudServer<Faults> {
  /** Tells that an instance came up, for NextRebootOnly and EveryReboot. */
  instanceStarted(instanceId: string): void;
  /** Loses the record of an invocation: what it started goes on. */
  forget(invokeId: string): void;
}

/** @throws FleetReflexError `local.port-in-use` */
export async function startCloudAssistantServer(
  options: CloudAssistantServerOptions,
): Promise<CloudAssistantServer> {
  const { engine, clock = systemClock, requestsPerMinute = 1200 } = options;
  const faults = createCloudAssistantFaults();
  const cloud = createCloud({
    engine,
    clock,
    stopsRunning: options.stopsRunning ?? 'kill',
    deliveryMs: options.deliveryMs ?? 0,
    deliveryTimeoutMs: options.deliveryTimeoutMs ?? 60_000,
    takeFault: (instanceId) => faults.takeForTask(instanceId),
    takeDeliveryFault: (instanceId) => faults.takeForDelivery(instanceId),
  });
  const server = await startCloudServer({
    faults,
    buckets: engine.buckets,
    clock,
    port: options.port,
    cloud: {
      name: 'Cloud Assistant',
      portVariable: 'CLOUD_ASSISTANT_PORT',
      objectsPath: OSS_PATH,
      limit: { requests: requestsPerMinute, windowMs: 60_000, window: 'clock' },
      actionOf,
      admit: createAdmission({
        cloud,
        epochMs: () => clock.epochMs(),
        credentials: options.credentials ?? [{ accessKeyId: 'local', accessKeySecret: 'local-secret' }],
        tokenLifetimeMs: options.tokenLifetimeMs ?? 86_400_000,
      }),
      envelope: ENVELOPE,
      errorOf: apiError,
      unexpected: () =>
        new ApiError('InternalError', 'The request processing has failed due to some unknown error.', 500),
      tooFrequent: apiError('Throttling.User'),
      forbidden: (detail) => new ApiError('Forbidden', detail, 403),
      close: () => cloud.runner.close(),
    },
  });
  return {
    ...server,
    forget: (invokeId) => cloud.invocations.forget(invokeId),
    instanceStarted(instanceId) {
      for (const record of cloud.invocations.all()) cloud.runner.instanceStarted(record, instanceId);
    },
  };
}

const ENVELOPE: Envelope = {
  newRequestId: () => randomUUID().toUpperCase(),
  headers: (requestId) => ({
    'content-type': 'application/json;charset=utf-8',
    'x-acs-request-id': requestId,
  }),
  retryAfter: (delayMs) => ({ 'x-acs-retry-after': String(delayMs) }),
  answer: (result, RequestId) => ({ RequestId, ...result }),
  error: ({ code, message }, RequestId, request) => ({
    RequestId,
    HostId: request?.headers['host'] ?? '',
    Code: code,
    Message: message,
    Recommend: `https://api.aliyun.com/troubleshoot?q=${encodeURIComponent(code)}&product=Ecs`,
  }),
  faultsRefusal: ({ status, code, message }, RequestId) => ({
    status,
    body: { RequestId, Code: code, Message: message },
  }),
};
