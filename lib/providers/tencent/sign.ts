/**
 * TC3-HMAC-SHA256, Tencent Cloud's request signature v3. Built for a client
 * that signs thousands of requests with the same key, host and day: what does not change is computed once.
 */
import { createHmac, hash } from 'node:crypto';

export interface TencentCredentials {
  secretId: string;
  secretKey: string;
  /** Of temporary credentials (STS): sent in `X-TC-Token`, which is not signed. */
  token?: string;
}

export interface Tc3SignerOptions {
  credentials: TencentCredentials;
  /** The API's name in the credential scope: `tat`. */
  service: string;
  /**
   * Every header that is signed, by its lower-case name, exactly as it is sent; `content-type` and `host` must be
   * among them. The official SDKs sign these two only.
   */
  signedHeaders: Readonly<Record<string, string>>;
}

export interface Tc3Signer {
  /**
   * The value of the `Authorization` header of a `POST /` without a query.
   * @param body the exact bytes that are sent
   * @param timestampSeconds the value of `X-TC-Timestamp`
   */
  authorization(body: string | Buffer, timestampSeconds: number): string;
}

const ALGORITHM = 'TC3-HMAC-SHA256';
const SECONDS_A_DAY = 86_400;

export function createTc3Signer({ credentials, service, signedHeaders }: Tc3SignerOptions): Tc3Signer {
  const names = Object.keys(signedHeaders).sort();
  const lines = names.map((name) => `${name}:${(signedHeaders[name] ?? '').trim().toLowerCase()}\n`).join('');
  const list = names.join(';');
  const canonicalHead = `POST\n/\n\n${lines}\n${list}\n`;

  // Everything below holds for one UTC day.
  let day = -1;
  let scope = '';
  let signingKey: Buffer = Buffer.alloc(0);
  let prefix = '';

  function turnTo(newDay: number): void {
    day = newDay;
    const date = new Date(newDay * SECONDS_A_DAY * 1000).toISOString().slice(0, 10);
    scope = `${date}/${service}/tc3_request`;
    const dateKey = hmac(`TC3${credentials.secretKey}`, date);
    signingKey = hmac(hmac(dateKey, service), 'tc3_request');
    prefix = `${ALGORITHM} Credential=${credentials.secretId}/${scope}, SignedHeaders=${list}, Signature=`;
  }

  return {
    authorization(body, timestampSeconds) {
      const today = Math.floor(timestampSeconds / SECONDS_A_DAY);
      if (today !== day) turnTo(today);
      const requestHash = hash('sha256', canonicalHead + hash('sha256', body, 'hex'), 'hex');
      const stringToSign = `${ALGORITHM}\n${timestampSeconds}\n${scope}\n${requestHash}`;
      return prefix + createHmac('sha256', signingKey).update(stringToSign).digest('hex');
    },
  };
}

function hmac(key: string | Buffer, text: string): Buffer {
  return createHmac('sha256', key).update(text).digest();
}
