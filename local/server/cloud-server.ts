/**
 * The frame of both local clouds: a port on loopback that no web page may call, requests in, the faults that befall
 * them, the frequency limit, the vendor's envelope out, and an end. What is of one vendor it is handed as a `Cloud`.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { FleetReflexError, messageOf } from '../../lib/errors.ts';
import { type Clock, pause } from '../../lib/providers/clock.ts';
import { sendObject } from '../fleet/bucket-door.ts';
import type { Buckets } from '../fleet/buckets.ts';
import { CloudError } from './cloud-error.ts';
import type { RequestFault } from './faults.ts';
import { FAULTS_PATH, type FaultsRefusal, type Switchboard, switchFaults } from './faults-endpoint.ts';
import { type HttpRequest, type Reply, readRequest, send } from './http.ts';
import { guardAgainstPages } from './page-guard.ts';
import { createThrottle, type Limit } from './throttle.ts';

/** A vendor's facts. */
export interface Cloud {
  /** In messages: `TAT`. */
  name: string;
  /** The variable that sets its port: `TAT_PORT`. */
  portVariable: string;
  /** Under which path the objects of its buckets are given back, `/_cos/`. */
  objectsPath: string;
  limit: Limit;
  /** The action that a request names, before anything of it is checked. */
  actionOf(request: HttpRequest): string;
  /** Checks signature, action and region. @param skewMs how far off the server's clock is. @throws CloudError */
  admit(request: HttpRequest, skewMs: number): Admitted;
  envelope: Envelope;
  /** The documented error of a code. */
  errorOf(code: string): CloudError;
  /** The answer to an internal error of the server. */
  unexpected(error: unknown): CloudError;
  tooFrequent: CloudError;
  /** The refusal of a forbidden request, such as a web page's. */
  forbidden(detail: string): CloudError;
  /** Ends what runs by itself. */
  close(): void;
}

export interface Admitted {
  action: string;
  /** The key of the frequency limit. */
  throttleKey: string;
  /** @throws CloudError @returns the answer without its envelope */
  perform(effect: Effect): object | Promise<object>;
}

/** The faults that concern the effect of a request. */
export interface Effect {
  /** To be awaited right before it. */
  begins(): Promise<void>;
  /** How long what it starts is not listed; 0: at once. */
  lateVisibilityMs: number;
}

/** The vendor's form of an answer. */
export interface Envelope {
  newRequestId(): string;
  headers(requestId: string, request?: HttpRequest): Readonly<Record<string, string>>;
  retryAfter(delayMs: number): Readonly<Record<string, string>>;
  answer(result: object, requestId: string): object;
  error(error: CloudError, requestId: string, request?: HttpRequest): object;
  faultsRefusal(refusal: FaultsRefusal, requestId: string): { status: number; body: object };
}

interface CloudServerOptions<Faults> {
  cloud: Cloud;
  faults: Faults;
  buckets: Buckets;
  clock: Clock;
  /** Default 0: any free one. */
  port?: number | undefined;
}

export interface CloudServer<Faults> {
  port: number;
  /** `http://127.0.0.1:4580` */
  url: string;
  /** Also over HTTP, at `/_faults`. */
  faults: Faults;
  /** Requests that were signed well and within the limit, by action. */
  readonly requestCounts: Readonly<Record<string, number>>;
  /** Ends the listening and the schedules; running commands are the engine's. */
  stop(): Promise<void>;
}

// All parameters may travel in the query, 24 KB of content among them: Node's 16 KB are too few.
const MAX_HEADER_BYTES = 256 * 1024;
/** Longer than the pools of clients idle, so that none sends into a connection that is being closed. */
const KEEP_ALIVE_MS = 65_000;

/** @throws FleetReflexError `local.port-in-use` */
export async function startCloudServer<
  Faults extends Switchboard & { takeForRequest(action: string): RequestFault | undefined },
>(options: CloudServerOptions<Faults>): Promise<CloudServer<Faults>> {
  const { cloud, faults, buckets, clock } = options;
  const { envelope } = cloud;
  const throttle = createThrottle(cloud.limit, () =>
    cloud.limit.window === 'sliding' ? clock.monotonicMs() : clock.epochMs(),
  );
  const requestCounts: Record<string, number> = {};

  const perform = async (request: HttpRequest, fault: RequestFault | undefined): Promise<object> => {
    const admitted = cloud.admit(request, fault?.kind === 'clockSkew' ? fault.seconds * 1000 : 0);
    if (!throttle.admits(admitted.throttleKey)) throw cloud.tooFrequent;
    requestCounts[admitted.action] = (requestCounts[admitted.action] ?? 0) + 1;
    if (fault?.kind === 'throttle') throw cloud.tooFrequent;
    if (fault?.kind === 'error' && !fault.isAfter) throw askedFor(fault);
    const answer = await admitted.perform({
      begins: () => (fault?.kind === 'beginLate' ? pause(clock, fault.ms) : Promise.resolve()),
      lateVisibilityMs: fault?.kind === 'lateVisibility' ? fault.ms : 0,
    });
    if (fault?.kind === 'error') throw askedFor(fault);
    return answer;
  };

  const askedFor = (fault: Extract<RequestFault, { kind: 'error' }>): CloudError => {
    const { message, httpStatus } = cloud.errorOf(fault.code);
    return new CloudError(fault.code, fault.message ?? message, fault.httpStatus ?? httpStatus);
  };

  const replyTo = async (request: HttpRequest): Promise<Reply | 'drop'> => {
    const requestId = envelope.newRequestId();
    const headers = envelope.headers(requestId, request);
    if (request.path === FAULTS_PATH) {
      const outcome = switchFaults(request, faults);
      const { status, body } =
        'refusal' in outcome
          ? envelope.faultsRefusal(outcome.refusal, requestId)
          : { status: 200, body: outcome };
      return { status, headers, body: JSON.stringify(body) };
    }
    const fault = faults.takeForRequest(cloud.actionOf(request));
    if (fault?.kind === 'dropBefore') return 'drop';
    if (fault?.kind === 'httpStatus') return { status: fault.status, headers, body: '' };
    const reply = await perform(request, fault).then(
      (result) => ({ status: 200, headers, body: JSON.stringify(envelope.answer(result, requestId)) }),
      (thrown: unknown) => {
        const error = thrown instanceof CloudError ? thrown : cloud.unexpected(thrown);
        if (error !== thrown) console.error(`local.${cloud.name}.unexpected`, thrown);
        const body = JSON.stringify(envelope.error(error, requestId, request));
        return { status: error.httpStatus, headers, body };
      },
    );
    if (fault?.kind === 'dropAfter') return 'drop';
    if (fault?.kind === 'answerLate') await pause(clock, fault.ms);
    if (fault?.kind === 'garbage') return { ...reply, body: fault.body };
    if (fault?.kind === 'throttle' && fault.retryAfterMs !== undefined) {
      return { ...reply, headers: { ...headers, ...envelope.retryAfter(fault.retryAfterMs) } };
    }
    return reply;
  };

  const handle = async (message: IncomingMessage, response: ServerResponse): Promise<void> => {
    const request = await readRequest(message);
    if (request.method === 'GET' && request.path.startsWith(cloud.objectsPath)) {
      await sendObject(response, buckets, request.path.slice(cloud.objectsPath.length));
      return;
    }
    const reply = await replyTo(request);
    if (reply === 'drop') message.socket.destroy();
    else send(response, reply);
  };

  const server = createServer({ maxHeaderSize: MAX_HEADER_BYTES }, (message, response) => {
    handle(message, response).catch(() => message.socket.destroy());
  });
  guardAgainstPages(server, {
    hasPages: false,
    // The vendors' clients post forms, or are told by the cloud itself that it takes none.
    takesForms: true,
    answer({ detail }) {
      const requestId = envelope.newRequestId();
      const body = JSON.stringify(envelope.error(cloud.forbidden(detail), requestId));
      return { headers: envelope.headers(requestId), body };
    },
  });
  server.keepAliveTimeout = KEEP_ALIVE_MS;
  const port = await new Promise<number>((resolve, reject) => {
    server.once('error', reject);
    server.listen(options.port ?? 0, '127.0.0.1', () => {
      const address = server.address();
      resolve(typeof address === 'object' && address !== null ? address.port : 0);
    });
  }).catch((error: unknown) => {
    cloud.close();
    throw new FleetReflexError(
      'local.port-in-use',
      `The local ${cloud.name} cannot listen on 127.0.0.1:${options.port}: ${messageOf(error)}. Set ${cloud.portVariable} to a free port.`,
      { details: { variable: cloud.portVariable, port: options.port }, cause: error },
    );
  });

  return {
    port,
    url: `http://127.0.0.1:${port}`,
    faults,
    requestCounts,
    async stop() {
      cloud.close();
      await new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      });
    },
  };
}
