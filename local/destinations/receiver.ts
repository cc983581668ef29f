/** A receiver of web hooks that checks them by the package that the standard's authors publish. */
import { Webhook } from 'standardwebhooks';
import type { HttpRequest, Reply } from '../server/http.ts';
import type { Arrivals } from './arrival.ts';

const PATH = /^\/webhooks\/([\w-]+)$/;

/**
 * `POST /webhooks/<name>` of the destination of that name.
 * @param secretOf undefined: there is no such destination
 * @returns undefined for any other request
 */
export function receiveWebhook(
  { method, path, headers, body }: HttpRequest,
  secretOf: (name: string) => string | undefined,
  arrivals: Arrivals,
): Reply | undefined {
  const name = PATH.exec(path)?.[1];
  if (method !== 'POST' || name === undefined) return undefined;
  const secret = secretOf(name);
  if (secret === undefined) return says(404, `There is no destination ${name} with a web hook.`);
  try {
    const key = secret.startsWith('whsec_') ? new Webhook(secret) : new Webhook(secret, { format: 'raw' });
    const event: unknown = key.verify(body.toString('utf8'), { ...headers });
    const own = Object.entries(headers).filter(([header]) => header.startsWith('webhook-'));
    arrivals.add({
      at: new Date().toISOString(),
      kind: 'webhook',
      place: name,
      event,
      headers: Object.fromEntries(own),
    });
    return { status: 204, headers: {}, body: '' };
  } catch (thrown) {
    return says(401, thrown instanceof Error ? thrown.message : String(thrown));
  }
}

function says(status: number, message: string): Reply {
  return { status, headers: { 'content-type': 'application/json' }, body: JSON.stringify({ message }) };
}
