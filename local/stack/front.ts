/**
 * A port in front of a server that is not ours (serverless-offline): web pages end here, and what that server answers
 * otherwise than AWS does is put right. The server itself listens on a socket file that only its owner reaches, so
 * there is no second port. Bodies pass byte for byte: signatures are over them.
 */
import { once } from 'node:events';
import { createServer, request as httpRequest, type IncomingMessage, type ServerResponse } from 'node:http';
import { buffer } from 'node:stream/consumers';
import { type Door, guardAgainstPages, refuse } from '../server/page-guard.ts';
import { portOf } from './ports.ts';

export interface FrontOptions {
  /** A port, 0: any free one; or the path of a socket. */
  at: number | string;
  /** Where the server behind listens. */
  socketPath: string;
  door: Door;
  /** What is answered without asking the server, while it is not there yet. */
  instead: () => Answer | undefined;
  /** Waits with a request until its function has a free instance. */
  turn: <Result>(path: string, work: () => Promise<Result>) => Promise<Result>;
  /** Which answer takes the place of the server's; `undefined` when it gave none. */
  mend: (answer: Answer | undefined) => Answer;
}

/** A whole answer; names and values of its headers by turns, as they came. */
export interface Answer {
  status: number;
  rawHeaders: readonly string[];
  body: Buffer;
}

export interface Front {
  /** Where it listens: the port, or the path. */
  at: number | string;
}

/** API Gateway's limit; Lambda's is below it, and serverless-offline keeps that. */
const MAX_BODY_BYTES = 10 * 1024 * 1024;
/** Of one connection, and so not passed on (RFC 9110, 7.6.1). */
const OF_THE_CONNECTION: ReadonlySet<string> = new Set([
  'connection',
  'content-length',
  'expect',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);

/** Listens as long as its process lives. */
export async function startFront(options: FrontOptions): Promise<Front> {
  const { door } = options;
  const server = createServer((request, response) => {
    pass(request, response, options).catch((thrown: unknown) => {
      // Otherwise the client disconnected before the request was complete.
      if (request.complete) console.error('front.unexpected', thrown);
      request.socket.destroy();
    });
  });
  guardAgainstPages(server, door);
  if (typeof options.at === 'string') server.listen(options.at);
  else server.listen(options.at, '127.0.0.1');
  await once(server, 'listening');
  // It ends with its process, and does not keep it: the server behind it does.
  server.unref();
  return { at: typeof options.at === 'string' ? options.at : portOf(server) };
}

async function pass(
  request: IncomingMessage,
  response: ServerResponse,
  { socketPath, door, mend, turn, instead }: FrontOptions,
): Promise<void> {
  const body = await readBody(request);
  if (body === undefined) {
    const detail = `A body may have ${MAX_BODY_BYTES} bytes, and this one has more.`;
    refuse(response, { status: 413, code: 'body.tooLarge', title: 'Body too large', detail }, door);
    return;
  }
  const { method = 'GET', url = '/', rawHeaders } = request;
  const hasLength = request.headers['content-length'] !== undefined || body.length > 0;
  const headers = [
    ...passedOn(rawHeaders, (name) => !OF_THE_CONNECTION.has(name)),
    ...(hasLength ? ['content-length', String(body.length)] : []),
  ];
  const answer =
    instead() ??
    (await turn(url, async () =>
      // Who went away while waiting was not heard yet.
      response.destroyed ? undefined : mend(await exchange(socketPath, { method, path: url, headers, body })),
    ));
  if (answer === undefined) return;
  // The deployment answers no other origin, and so do we.
  const isPassedOn = (name: string) => !OF_THE_CONNECTION.has(name) && !name.startsWith('access-control-');
  response.writeHead(answer.status, [
    ...passedOn(answer.rawHeaders, isPassedOn),
    ...(method === 'HEAD' ? [] : ['content-length', String(answer.body.length)]),
  ]);
  response.end(answer.body);
}

/** @returns `undefined` when it is too large; the rest of it is then not read */
async function readBody(request: IncomingMessage): Promise<Buffer | undefined> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request) {
    const bytes = Buffer.from(chunk);
    size += bytes.length;
    if (size > MAX_BODY_BYTES) return undefined;
    chunks.push(bytes);
  }
  return Buffer.concat(chunks);
}

function passedOn(rawHeaders: readonly string[], isPassedOn: (name: string) => boolean): string[] {
  return rawHeaders.filter((_, index) => isPassedOn(rawHeaders[index - (index % 2)]?.toLowerCase() ?? ''));
}

interface Passed {
  method: string;
  path: string;
  headers?: readonly string[];
  body?: Buffer;
}

/** One request, sent once, on a connection of its own. @returns `undefined` when no whole answer came */
export async function exchange(
  socketPath: string,
  { method, path, headers = ['host', 'localhost'], body }: Passed,
): Promise<Answer | undefined> {
  try {
    const sent = httpRequest({
      socketPath,
      method,
      path,
      headers: [...headers],
      setHost: false,
      agent: false,
    });
    sent.end(body);
    const [answer] = await once(sent, 'response');
    return await whole(answer);
  } catch {
    return undefined;
  }
}

async function whole(answer: IncomingMessage): Promise<Answer> {
  const { statusCode = 502, rawHeaders } = answer;
  return { status: statusCode, rawHeaders, body: await buffer(answer) };
}
