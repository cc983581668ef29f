/**
 * A local Tencent Cloud TAT: its API 2020-10-28 on loopback, in front of the fleet of local instances, on which the
 * commands really run. The vendor's own SDK works against it unchanged.
 *
 * Knowing differences: it takes TC3-HMAC-SHA256 with JSON only (no GET, no HmacSHA1), keeps what it uploads to COS in
 * a folder, runs nothing on Windows instances, and knows no registration of instances, no scenes and no public commands.
 */
import { randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { FleetReflexError, messageOf } from '../../lib/errors.ts';
import { type Clock, pause, systemClock } from '../../lib/providers/clock.ts';
import { guardAgainstPages } from '../door/page-guard.ts';
import { sendObject } from '../fleet/bucket-door.ts';
import type { FleetEngine } from '../fleet/engine.ts';
import { fromFleet } from './commands.ts';
import { TAT_DOOR } from './door.ts';
import { answerFaultRequest, isFaultPath } from './fault-door.ts';
import { createFaults, type Faults, type RequestFault } from './faults.ts';
import { createRateLimit } from './rate-limit.ts';
import { type ApiRequest, admit, type HttpRequest, readHttp, tooFrequent } from './request.ts';
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

export interface TatServer {
  port: number;
  /** `http://127.0.0.1:4580`; for the SDK, `127.0.0.1:4580` as `endpoint` with `protocol: 'http://'`. */
  url: string;
  faults: Faults;
  /** Requests that were admitted, by action. */
  readonly requestCounts: Readonly<Record<string, number>>;
  /** Ends the listening and the schedules; the processes are the engine's. */
  stop(): Promise<void>;
}

/** @throws FleetReflexError `local.port-in-use` */
export async function startTatServer(options: TatServerOptions): Promise<TatServer> {
  const { engine, clock = systemClock, requestsPerSecond = 20 } = options;
  const stopping = new AbortController();
  const faults = createFaults();
  const startedAt = new Date(clock.epochMs());
  let listeningOn = 0;
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
    address: () => `http://127.0.0.1:${listeningOn}`,
    cosBuckets: options.cosBuckets,
  };
  const credentials = options.credentials ?? [{ secretId: 'local', secretKey: 'local-secret' }];
  const rateLimit =
    requestsPerSecond === 'unlimited'
      ? undefined
      : createRateLimit(requestsPerSecond, () => clock.monotonicMs());
  const requestCounts: Record<string, number> = {};

  const perform = (http: HttpRequest, fault: RequestFault | undefined): Record<string, unknown> => {
    const skewSeconds = fault?.kind === 'clockSkew' ? fault.seconds : 0;
    const nowSeconds = clock.epochMs() / 1000 + skewSeconds;
    const request: ApiRequest = admit(http, { credentials, rateLimit, nowSeconds });
    const { name } = request.action;
    requestCounts[name] = (requestCounts[name] ?? 0) + 1;
    if (fault?.kind === 'throttle') throw tooFrequent();
    if (fault?.kind === 'error' && !fault.isAfter) throw errorOf(fault);
    const lateVisibilityMs = fault?.kind === 'lateVisibility' ? fault.ms : 0;
    const answer = request.action.answer(request.body, world, { region: request.region, lateVisibilityMs });
    if (fault?.kind === 'error') throw errorOf(fault);
    return answer;
  };

  const handle = async (message: IncomingMessage, response: ServerResponse): Promise<void> => {
    const requestId = randomUUID();
    const traceId = message.headers['x-tc-traceid'];
    if (typeof traceId === 'string') response.setHeader('X-TC-TraceId', traceId);
    const answer = (result: Record<string, unknown>): void => {
      send(response, 200, JSON.stringify({ Response: { ...result, RequestId: requestId } }));
    };
    let fault: RequestFault | undefined;
    try {
      const http = await readHttp(message);
      if (isFaultPath(http.path)) {
        const { status, body } = answerFaultRequest(http, faults);
        send(response, status, body);
        return;
      }
      if (http.method === 'GET' && http.path.startsWith(COS_PATH)) {
        await sendObject(response, engine.buckets, http.path.slice(COS_PATH.length));
        return;
      }
      fault = faults.takeForRequest(http.headers['x-tc-action'] ?? '');
      if (fault?.kind === 'dropBefore') {
        message.socket.destroy();
        return;
      }
      if (fault?.kind === 'httpStatus') {
        send(response, fault.status, '');
        return;
      }
      if (fault?.kind === 'beginLate') await pause(clock, fault.ms);
      const result = perform(http, fault);
      if (fault?.kind === 'answerLate') await pause(clock, fault.ms);
      if (fault?.kind === 'dropAfter') message.socket.destroy();
      else if (fault?.kind === 'garbage') send(response, 200, fault.body);
      else answer(result);
    } catch (error) {
      if (!message.complete) return; // the client has gone before it said all
      if (!(error instanceof TatError)) console.error('tat.unexpected', error);
      const { code, message: text } =
        error instanceof TatError ? error : new TatError('InternalError', messageOf(error));
      answer({ Error: { Code: code, Message: text } });
    }
  };

  const server = createServer((message, response) => {
    handle(message, response).catch(() => message.socket.destroy());
  });
  guardAgainstPages(server, TAT_DOOR);
  // Longer than the pools of clients idle, so that none sends into a connection that is being closed.
  server.keepAliveTimeout = 65_000;
  const port = await new Promise<number>((resolve, reject) => {
    server.once('error', reject);
    server.listen(options.port ?? 0, '127.0.0.1', () => {
      const address = server.address();
      resolve(typeof address === 'object' && address !== null ? address.port : 0);
    });
  }).catch((error: unknown) => {
    world.scheduler.stop();
    throw new FleetReflexError(
      'local.port-in-use',
      `The local TAT cannot listen on 127.0.0.1:${options.port}: ${messageOf(error)}. Set TAT_PORT to a free port.`,
      { cause: error },
    );
  });

  listeningOn = port;
  return {
    port,
    url: `http://127.0.0.1:${port}`,
    faults,
    requestCounts,
    async stop() {
      stopping.abort();
      world.scheduler.stop();
      await new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      });
    },
  };
}

function errorOf(fault: { code: string; message?: string | undefined }): TatError {
  return new TatError(fault.code, fault.message ?? 'A fault of the local TAT, as asked for.');
}

function send(response: ServerResponse, status: number, body: string): void {
  response.writeHead(status, { 'Content-Type': 'application/json' });
  response.end(body);
}
