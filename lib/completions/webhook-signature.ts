/**
 * What a web hook of ours proves itself with: Standard Webhooks' symmetric signature, HMAC-SHA256 over
 * `id.timestamp.body`. The package `standardwebhooks` holds the tests to it.
 * https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
 */
import { createHmac } from 'node:crypto';

const SYMMETRIC = 'whsec_';

export interface Signed {
  id: string;
  at: Date;
  body: string;
}

/** @param secrets `whsec_` and base64, or any text; of two live ones the receiver needs to know one */
export function signedHeaders({ id, at, body }: Signed, secrets: readonly string[]): Record<string, string> {
  const timestamp = String(Math.floor(at.getTime() / 1000));
  const signatures = secrets.map((secret) => {
    const signature = createHmac('sha256', keyOf(secret))
      .update(`${id}.${timestamp}.${body}`)
      .digest('base64');
    return `v1,${signature}`;
  });
  return {
    'webhook-id': id,
    'webhook-timestamp': timestamp,
    'webhook-signature': signatures.join(' '),
  };
}

/** An empty key signs nothing: anybody could make the signature. */
export function isUsableSecret(secret: string): boolean {
  return keyOf(secret).length > 0;
}

function keyOf(secret: string): Buffer {
  return secret.startsWith(SYMMETRIC)
    ? Buffer.from(secret.slice(SYMMETRIC.length), 'base64')
    : Buffer.from(secret);
}
