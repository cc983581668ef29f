/**
 * Keeps web pages away from a port of this machine. The local secrets are public, so what proves a sender elsewhere
 * proves nothing here: any page that a developer opens could sign a request and have a command run. It cannot choose
 * what a browser says of the request, though, nor send a header or a media type of its own without asking first
 * (a preflight, which is refused as well). docs/decisions/2026-11-21-local-ports-and-web-pages.md
 */
import type { IncomingMessage, Server, ServerResponse } from 'node:http';

export interface Door {
  /** Whether pages of this very port may call it: the web console. Those of any other place never may. */
  hasPages: boolean;
  /** Whether a POST may be what a page can send unasked: a form, text, or nothing that says what it is. */
  takesForms: boolean;
  /** The refusal in the words of the API that is served there. */
  answer(refusal: Refusal): RefusalAnswer;
}

export interface Refusal {
  status: 403 | 413 | 415;
  /** Stable, for programs. */
  code: 'page.host' | 'page.origin' | 'page.site' | 'body.mediaType' | 'body.tooLarge';
  title: string;
  detail: string;
}

export interface RefusalAnswer {
  headers: Readonly<Record<string, string>>;
  body: string;
}

/** The port is not looked at: it says nothing of who asks, and one that is forwarded has another. */
const LOOPBACK = /^(127\.0\.0\.1|localhost|\[::1\])(:\d{1,5})?$/i;
/** What clients of APIs send; Lambda's send its payload as bytes. */
const API_BODY =
  /^(application\/(json|[a-z0-9.-]+\+json|x-amz-json-1\.[01]|octet-stream)|binary\/octet-stream)$/;
const MAX_SHOWN = 64;

/** Why this request is not for this door, which a program on this machine would have sent otherwise. */
export function refusalOf({ method, headers }: IncomingMessage, door: Door): Refusal | undefined {
  const { host, origin } = headers;
  if (host === undefined || !LOOPBACK.test(host)) return wrongHost(host);
  const isOwnPage = door.hasPages && origin?.toLowerCase() === `http://${host.toLowerCase()}`;
  if (origin !== undefined && !isOwnPage) return fromPage('page.origin', 'Origin', origin, door);
  const site = headers['sec-fetch-site'];
  const isOwnSite = site === undefined || site === 'none' || (site === 'same-origin' && door.hasPages);
  if (!isOwnSite) return fromPage('page.site', 'Sec-Fetch-Site', String(site), door);
  const type = headers['content-type']?.split(';', 1).join('').trim().toLowerCase() ?? '';
  // A page cannot send `Authorization` unasked either; some clients of AWS name no type, and all of them sign.
  const mayBeForm = method !== 'POST' || door.takesForms || headers.authorization !== undefined;
  if (!mayBeForm && !API_BODY.test(type)) return wrongType(type);
  return undefined;
}

/** Puts the guard before all that the server does with a request. To be called once its listeners are there. */
export function guardAgainstPages(server: Server, door: Door): void {
  const listeners = server.listeners('request');
  server.removeAllListeners('request');
  server.on('request', (request, response) => {
    const refusal = refusalOf(request, door);
    if (refusal !== undefined) refuse(response, refusal, door);
    else for (const listener of listeners) Reflect.apply(listener, server, [request, response]);
  });
}

/** Answers and closes: what is left of the request is of no interest. */
export function refuse(response: ServerResponse, refusal: Refusal, door: Door): void {
  const { headers, body } = door.answer(refusal);
  response.writeHead(refusal.status, {
    'cache-control': 'no-store',
    ...headers,
    'content-length': Buffer.byteLength(body),
    connection: 'close',
  });
  response.end(body);
}

function wrongHost(host: string | undefined): Refusal {
  return {
    status: 403,
    code: 'page.host',
    title: 'Not a host of this machine',
    detail: `Expected \`Host: 127.0.0.1\`, \`localhost\` or \`[::1]\`, with or without a port, and this was ${shown(host)}. The local stack answers this machine alone, and no name that may be made to point at it. Call it as http://127.0.0.1:<port>; a tunnel has to rewrite the Host.`,
  };
}

function fromPage(code: 'page.origin' | 'page.site', header: string, value: string, door: Door): Refusal {
  const expected = door.hasPages
    ? 'a request of a program, or of a page that this port itself serves'
    : 'a request of a program';
  return {
    status: 403,
    code,
    title: 'Not for web pages',
    detail: `Expected ${expected}, and \`${header}: ${shown(value)}\` is of a web page. The secrets of the local stack are public, so no page may use them. Use curl or an SDK, or type the address.`,
  };
}

function wrongType(type: string): Refusal {
  return {
    status: 415,
    code: 'body.mediaType',
    title: 'Unsupported media type',
    detail: `Expected \`Content-Type: application/json\`, and this was ${type === '' ? 'none' : shown(type)}: a web page could send that unasked.`,
  };
}

function shown(value: string | undefined): string {
  return value === undefined ? 'absent' : value.slice(0, MAX_SHOWN);
}
