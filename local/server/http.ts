/** A request as a local cloud sees it, read whole, and what it answers. */
import type { IncomingMessage, ServerResponse } from 'node:http';

export interface HttpRequest {
  method: string;
  /** Without the query. */
  path: string;
  /** The query as it was sent, without `?`: some signatures cover it byte by byte. */
  search: string;
  query: ReadonlyMap<string, string>;
  /** Of a form body; empty for any other. */
  form: ReadonlyMap<string, string>;
  /** Lower-case names. */
  headers: Readonly<Record<string, string>>;
  body: Buffer;
}

export interface Reply {
  status: number;
  headers: Readonly<Record<string, string>>;
  body: string;
}

/** More than either vendor takes. */
const MAX_BODY_BYTES = 10 * 1024 * 1024;

/** @throws RangeError for a body that no client of these APIs sends; the connection is closed by then */
export async function readRequest(message: IncomingMessage): Promise<HttpRequest> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of message) {
    const bytes = Buffer.from(chunk);
    size += bytes.length;
    if (size > MAX_BODY_BYTES) throw new RangeError(`the body is larger than ${MAX_BODY_BYTES} bytes`);
    chunks.push(bytes);
  }
  const body = Buffer.concat(chunks);
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(message.headers)) {
    if (value !== undefined) headers[name] = Array.isArray(value) ? value.join(',') : value;
  }
  const [path = '/', ...query] = (message.url ?? '/').split('?');
  const search = query.join('?');
  const isForm = headers['content-type']?.startsWith('application/x-www-form-urlencoded') === true;
  return {
    method: message.method ?? 'GET',
    path,
    search,
    query: new Map(new URLSearchParams(search)),
    form: new Map(isForm ? new URLSearchParams(body.toString('utf8')) : []),
    headers,
    body,
  };
}

export function send(response: ServerResponse, { status, headers, body }: Reply): void {
  response.writeHead(status, headers);
  response.end(body);
}
