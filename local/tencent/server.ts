/**
 * A local Tencent Cloud TAT: its API 2020-10-28 on loopback, in front of the fleet of local instances, on which the
 * commands really run. The vendor's own SDK works against it unchanged.
 *
 * Knowing differences: it takes TC3-HMAC-SHA256 with JSON only (no GET, no HmacSHA1), keeps what it uploads to COS in
 * a folder, runs nothing on Windows instances, and knows no registration of instances, no scenes and no public commands.
 */
import { randomUUID } from 'node:crypto';
import { messageOf } from '../../lib/errors.ts';
import { type Clock, systemClock } from '../../lib/providers/clock.ts';
import type { FleetEngine } from '../fleet/engine.ts';
import { type CloudServer, type Envelope, startCloudServer } from '../server/cloud-server.ts';
import { fromFleet } from './commands.ts';
import { createTatFaults, type Faults } from './faults.ts';
import { admitRequest } from './request.ts';
import { createScheduler } from './scheduler.ts';
import { TatError } from './tat-error.ts';
import type { Credential } from './tc3.ts';
import { COS_PATH } from './upload.ts';
import type { World } from './world.ts';

export interface TatServerOptions {
  /** Where the commands run; shared with the other local cloud, and not stopped here. */
  engine: FleetEngine;
  /** Default 0: any free one. */
  port?: number;
  /** Default `local` / `local-secret`. */
  credentials?: readonly Credential[];
  /** For each action in any second, as documented; `unlimited` for tests of other things. Default 20. */
  requestsPerSecond?: number | 'unlimited';
  /** How many commands may be stored. Default 500. */
  commandQuota?: number;
  /** Which COS buckets there are (`name-123456`). Default: every well-formed one. */
  cosBuckets?: readonly string[];
  clock?: Clock;
}

/** For the SDK, `127.0.0.1:4580` as `endpoint` with `protocol: 'http://'`. */
export type TatServer = CloudServer<Faults> & {
  /** Loses the record of an invocation: what it started goes on. */
  forget: (invocationId: string) => void;
};

/** @throws FleetReflexError `local.port-in-use` */
export async function startTatServer(options: TatServerOptions): Promise<TatServer> {
  const { engine, clock = systemClock, requestsPerSecond = 20 } = options;
  const { credentials = [{ secretId: 'local', secretKey: 'local-secret' }] } = options;
  const stopping = new AbortController();
  const faults = createTatFaults();
  const startedAt = new Date(clock.epochMs());
  const world: World = {
    engine,
    records: {
      commands: new Map(
        engine.commands
          .filter(({ provider }) => provider === 'tencent')
          .map((command) => [command.id, fromFleet(command, startedAt)]),
      ),
      invocations: new Map(),
      invocationOfTask: new Map(),
      invokers: new Map(),
      firings: [],
    },
    faults,
    scheduler: createScheduler(clock, () => world),
    clock,
    stopped: stopping.signal,
    commandQuota: options.commandQuota ?? 500,
    address: () => server.url,
    cosBuckets: options.cosBuckets,
  };
  const server = await startCloudServer({
    faults,
    buckets: engine.buckets,
    clock,
    port: options.port,
    cloud: {
      name: 'TAT',
      portVariable: 'TAT_PORT',
      objectsPath: COS_PATH,
      limit: {
        requests: requestsPerSecond === 'unlimited' ? Number.POSITIVE_INFINITY : requestsPerSecond,
        windowMs: 1000,
        window: 'sliding',
      },
      actionOf: ({ headers }) => headers['x-tc-action'] ?? '',
      admit(request, skewMs) {
        const nowSeconds = (clock.epochMs() + skewMs) / 1000;
        const { action, region, account, body } = admitRequest(request, credentials, nowSeconds);
        return {
          action: action.name,
          throttleKey: `${account}/${action.name}`,
          async perform({ begins, lateVisibilityMs }) {
            await begins();
            return action.answer(body, world, { region, lateVisibilityMs });
          },
        };
      },
      envelope: ENVELOPE,
      errorOf: (code) => new TatError(code, 'A fault of the local TAT, as asked for.'),
      unexpected: (error) => new TatError('InternalError', messageOf(error)),
      tooFrequent: new TatError(
        'RequestLimitExceeded',
        'Your current request times exceeds the frequency limit for a second. Please reduce the frequency of calls.',
      ),
      forbidden: (detail) => new TatError('UnauthorizedOperation', detail),
      close() {
        stopping.abort();
        world.scheduler.stop();
      },
    },
  });
  return { ...server, forget: (invocationId) => void world.records.invocations.delete(invocationId) };
}

const ENVELOPE: Envelope = {
  newRequestId: () => randomUUID(),
  headers(_requestId, request) {
    const traceId = request?.headers['x-tc-traceid'];
    return {
      'content-type': 'application/json',
      ...(traceId !== undefined && { 'X-TC-TraceId': traceId }),
    };
  },
  // The vendor names no time; the way of HTTP.
  retryAfter: (delayMs) => ({ 'retry-after': String(Math.ceil(delayMs / 1000)) }),
  answer: (result, RequestId) => ({ Response: { ...result, RequestId } }),
  error: ({ code, message }, RequestId) => ({
    Response: { Error: { Code: code, Message: message }, RequestId },
  }),
  faultsRefusal: ({ status, message }) => ({
    status: status === 405 ? 405 : 400,
    body: { error: message },
  }),
};
