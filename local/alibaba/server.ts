/**
 * A local Alibaba Cloud Assistant: the ECS API 2014-05-26 as far as it concerns commands, on loopback, in front of the
 * fleet of local instances, on which the commands really run. The vendor's own SDK works against it unchanged.
 *
 * Knowing differences: the older signature starts nothing by `GET` (authenticate.ts), it always answers JSON (the vendor's
 * older RPC style defaults to XML), runs nothing in containers, and keeps what it delivers to OSS in a folder.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { type Clock, systemClock } from '../../lib/providers/clock.ts';
import { guardAgainstPages } from '../door/page-guard.ts';
import { sendObject } from '../fleet/bucket-door.ts';
import type { FleetEngine } from '../fleet/engine.ts';
import type { LocalCredentials, SignedRequest } from './authenticate.ts';
import { createCloud } from './cloud.ts';
import { OSS_PATH } from './delivery.ts';
import { CLOUD_ASSISTANT_DOOR } from './door.ts';
import { createFaults, type Faults } from './faults.ts';
import { createGateway } from './gateway.ts';

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
  /** Also over HTTP, at `/_faults`. */
  faults: Faults;
  /** Tells that an instance came up, for NextRebootOnly and EveryReboot. */
  instanceStarted(instanceId: string): void;
  /** Requests that were signed well, by action. */
  readonly requestCounts: Readonly<Record<string, number>>;
  close(): Promise<void>;
}

const MAX_BODY_BYTES = 1024 * 1024;
const MAX_HEADER_BYTES = 256 * 1024;

export async function startCloudAssistantServer(
  options: CloudAssistantServerOptions,
): Promise<CloudAssistantServer> {
  const { clock = systemClock } = options;
  const faults = createFaults();
  const cloud = createCloud({
    engine: options.engine,
    clock,
    stopsRunning: options.stopsRunning ?? 'kill',
    deliveryMs: options.deliveryMs ?? 0,
    deliveryTimeoutMs: options.deliveryTimeoutMs ?? 60_000,
    takeFault: (instanceId) => faults.takeForTask(instanceId),
    takeDeliveryFault: (instanceId) => faults.takeForDelivery(instanceId),
  });
  const requestCounts: Record<string, number> = {};
  const answer = createGateway({
    cloud,
    faults,
    epochMs: () => clock.epochMs(),
    credentials: options.credentials ?? [{ accessKeyId: 'local', accessKeySecret: 'local-secret' }],
    requestsPerMinute: options.requestsPerMinute ?? 1200,
    tokenLifetimeMs: options.tokenLifetimeMs ?? 86_400_000,
    countRequest(action) {
      requestCounts[action] = (requestCounts[action] ?? 0) + 1;
    },
  });

  const handle = async (message: IncomingMessage, response: ServerResponse): Promise<void> => {
    const request = await readRequest(message);
    if (request.method === 'GET' && request.path.startsWith(OSS_PATH)) {
      await sendObject(response, options.engine.buckets, request.path.slice(OSS_PATH.length));
      return;
    }
    const reply = await answer(request);
    if (reply === 'drop') {
      message.socket.destroy();
      return;
    }
    response.writeHead(reply.status, reply.headers);
    response.end(reply.body);
  };

  // All parameters may travel in the query, 24 KB of content among them: Node's 16 KB are too few.
  const server = createServer({ maxHeaderSize: MAX_HEADER_BYTES }, (message, response) => {
    handle(message, response).catch(() => message.socket.destroy());
  });
  guardAgainstPages(server, CLOUD_ASSISTANT_DOOR);
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
      for (const record of cloud.invocations.all()) cloud.runner.instanceStarted(record, instanceId);
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
    // The connection is closed: nothing that we speak is so long.
    if (size > MAX_BODY_BYTES) throw new RangeError('the request is too large');
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
