/** The border between "certainly nothing happened" and "may have happened", against real sockets on loopback. */
import { createServer as createHttpServer, type RequestListener } from 'node:http';
import { createServer, type Server, type Socket } from 'node:net';
import { Dispatcher } from 'undici';
import { afterEach, describe, expect, it } from 'vitest';
import { type HttpOutcome, httpCall } from '../../../lib/providers/http-call.ts';
import { borrowedPool, createHttpPool, type HttpPool } from '../../../lib/providers/http-pool.ts';

const opened: { server: Server; sockets: Set<Socket> }[] = [];
const pools: HttpPool[] = [];

afterEach(async () => {
  await Promise.all(pools.splice(0).map((pool) => pool.close()));
  for (const { server, sockets } of opened.splice(0)) {
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
  }
});

async function listen(server: Server): Promise<string> {
  const sockets = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined).on('close', () => sockets.delete(socket));
  });
  opened.push({ server, sockets });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return `http://127.0.0.1:${address.port}`;
}

const listenHttp = (listener: RequestListener): Promise<string> => listen(createHttpServer(listener));

function call(
  origin: string,
  options: { deadlineMs?: number; signal?: AbortSignal; maxBodyBytes?: number; connections?: number } = {},
): Promise<HttpOutcome> {
  const { connections, ...rest } = options;
  const pool = createHttpPool({ origin, ...(connections === undefined ? {} : { connections }) });
  pools.push(pool);
  return callOn(pool, origin, rest);
}

async function callOn(
  pool: HttpPool,
  origin: string,
  options: { deadlineMs?: number; signal?: AbortSignal; maxBodyBytes?: number } = {},
): Promise<HttpOutcome> {
  return httpCall(await pool.dispatcher(), {
    origin,
    method: 'POST',
    path: '/',
    headers: ['content-type', 'application/json'],
    body: '{"a":1}',
    deadlineMs: 5000,
    ...options,
  });
}

/** Fails as undici does when no connection comes about: without ever starting the request. */
class FailingDispatcher extends Dispatcher {
  readonly #code: string;
  constructor(code: string) {
    super();
    this.#code = code;
  }
  override dispatch(_options: Dispatcher.DispatchOptions, handler: Dispatcher.DispatchHandler): boolean {
    const controller = { aborted: false, paused: false, reason: null, abort() {}, pause() {}, resume() {} };
    handler.onResponseError?.(controller, Object.assign(new Error('no connection'), { code: this.#code }));
    return true;
  }
}

const brief = (outcome: HttpOutcome): string =>
  outcome.kind === 'answered'
    ? `answered ${outcome.status} ${outcome.body}`
    : `${outcome.kind} ${outcome.code}`;

describe('httpCall', () => {
  it('gives the whole answer, whatever its status', async () => {
    const origin = await listenHttp((request, response) => {
      let body = '';
      request.on('data', (chunk) => {
        body += String(chunk);
      });
      request.on('end', () => {
        response.writeHead(503, { 'x-told': body });
        response.write('first ');
        setImmediate(() => response.end('grüße'));
      });
    });
    const outcome = await call(origin);
    expect(brief(outcome)).toBe('answered 503 first grüße');
    expect(outcome.kind === 'answered' && outcome.headers['x-told']).toBe('{"a":1}');
  });

  it('knows that a refused connection sent nothing', async () => {
    const origin = await listen(createServer());
    const closing = opened.pop();
    await new Promise((resolve) => closing?.server.close(resolve));
    expect(brief(await call(origin))).toBe('notSent Network');
  });

  it.each([
    ['ENOTFOUND', 'notSent Network'],
    ['EHOSTUNREACH', 'notSent Network'],
    ['UND_ERR_CONNECT_TIMEOUT', 'notSent Timeout'],
  ])('knows that nothing was sent when connecting ends with %s', async (code, expected) => {
    const pool = borrowedPool(new FailingDispatcher(code));
    expect(brief(await callOn(pool, 'http://127.0.0.1:1'))).toBe(expected);
  });

  it('counts a request as lost when the connection ends before the answer', async () => {
    const origin = await listen(createServer((socket) => socket.once('data', () => socket.destroy())));
    expect(brief(await call(origin))).toBe('lost Network');
  });

  it('counts a request as lost when the answer breaks off', async () => {
    const origin = await listen(
      createServer((socket) =>
        socket.once('data', () => socket.end('HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{"Resp')),
      ),
    );
    expect(brief(await call(origin))).toBe('lost Network');
  });

  it('counts a request as lost when no answer comes before the deadline', async () => {
    const origin = await listenHttp(() => undefined);
    expect(brief(await call(origin, { deadlineMs: 50 }))).toBe('lost Timeout');
  });

  it('counts a request as lost when the caller cancels after it left', async () => {
    const cancel = new AbortController();
    const origin = await listenHttp(() => cancel.abort());
    expect(brief(await call(origin, { signal: cancel.signal }))).toBe('lost Aborted');
  });

  it('sends nothing for a caller who cancelled before', async () => {
    let requests = 0;
    const origin = await listenHttp((_request, response) => {
      requests += 1;
      response.end('{}');
    });
    expect(brief(await call(origin, { signal: AbortSignal.abort() }))).toBe('notSent Aborted');
    expect(requests).toBe(0);
  });

  it('never sends what was given up while it waited for a connection', async () => {
    let requests = 0;
    const answers: (() => void)[] = [];
    const origin = await listenHttp((_request, response) => {
      requests += 1;
      answers.push(() => response.end('{}'));
    });
    const pool = createHttpPool({ origin, connections: 1 });
    pools.push(pool);
    const first = callOn(pool, origin);
    const second = callOn(pool, origin, { deadlineMs: 50 });
    expect(brief(await second)).toBe('notSent Timeout');
    await expect.poll(() => answers.length).toBe(1);
    answers[0]?.();
    expect(brief(await first)).toBe('answered 200 {}');
    const third = callOn(pool, origin);
    await expect.poll(() => answers.length).toBe(2);
    answers[1]?.();
    expect(brief(await third)).toBe('answered 200 {}');
    expect(requests).toBe(2);
  });

  it('gives up an answer that is too long', async () => {
    const origin = await listenHttp((_request, response) => response.end('x'.repeat(5000)));
    expect(brief(await call(origin, { maxBodyBytes: 1000 }))).toBe('lost Network');
  });
});

describe('http pool', () => {
  it('keeps a connection for the next call, and opens anew after a pause', async () => {
    let nowMs = 0;
    const clock = { epochMs: () => nowMs, monotonicMs: () => 0, schedule: () => () => undefined };
    const connections = new Set<number | undefined>();
    const origin = await listenHttp((request, response) => {
      connections.add(request.socket.remotePort);
      response.end('{}');
    });
    const pool = createHttpPool({ origin, keepAliveMs: 4000, clock });
    pools.push(pool);
    const seen: number[] = [];
    for (const atMs of [0, 1000, 2000, 60_000]) {
      nowMs = atMs;
      expect(brief(await callOn(pool, origin))).toBe('answered 200 {}');
      seen.push(connections.size);
      // undici frees the connection in the turn after the answer.
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(seen).toEqual([1, 1, 1, 2]);
  });
});
