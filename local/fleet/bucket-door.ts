/** The files in the local clouds' buckets, over HTTP: `<bucket>/<key>` below each cloud's path. */
import type { ServerResponse } from 'node:http';
import type { Buckets } from './buckets.ts';

/** @param path `<bucket>/<key>`, percent-encoded */
export async function sendObject(
  response: Pick<ServerResponse, 'writeHead' | 'end'>,
  buckets: Buckets,
  path: string,
): Promise<void> {
  const [bucket = '', ...key] = path.split('/').map(decoded);
  const object = await buckets.read(bucket, key.join('/'));
  if (object === undefined) {
    response.writeHead(404, { 'content-type': 'text/plain; charset=utf-8' });
    response.end('There is no such object in the local buckets.\n');
    return;
  }
  // As a download: what a command prints must not be a page of this origin.
  response.writeHead(200, {
    'content-type': 'application/octet-stream',
    'content-disposition': 'attachment',
    'x-content-type-options': 'nosniff',
  });
  response.end(object);
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return '';
  }
}
