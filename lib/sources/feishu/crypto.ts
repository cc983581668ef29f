/**
 * Feishu's own cryptography, by its page on encryption: a body under AES-256-CBC with a key made of the Encrypt Key,
 * and a plain SHA-256 (no HMAC) as signature. Its SDK is not used: it hashes the parsed body, and accepts everything
 * if no key is set.
 */
import { createDecipheriv, createHash } from 'node:crypto';
import * as z from 'zod';
import { parseJson } from '../../http/body.ts';
import type { SourceRequest } from '../../http/request.ts';
import { isOneOf } from '../proofs/secret-match.ts';

export const Encrypted = z.looseObject({ encrypt: z.string() });
const IV_BYTES = 16;

/** Hex SHA-256 of time, nonce, key and body in `X-Lark-Signature`: the key that it was made with. */
export function signingKeyOf(request: SourceRequest, keys: readonly string[]): string | undefined {
  const { headers, body } = request;
  const signature = headers['x-lark-signature'];
  const before = `${headers['x-lark-request-timestamp'] ?? ''}${headers['x-lark-request-nonce'] ?? ''}`;
  return keys
    .filter((key) => key !== '')
    .filter((key) => {
      const expected = createHash('sha256').update(before).update(key).update(body).digest('hex');
      return isOneOf(signature, [expected]);
    })
    .at(0);
}

/**
 * The JSON inside `{"encrypt": …}`, decrypted with the first key that fits; a body that is not encrypted, unchanged.
 * @throws FleetReflexError `body.*`
 */
export function readFeishuBody(request: SourceRequest, keys: readonly string[]): unknown {
  const outer = request.json();
  const { data } = Encrypted.safeParse(outer);
  if (data === undefined) return outer;
  const opened = keys.map((key) => decrypt(data.encrypt, key)).find((plain) => plain !== undefined);
  // If no key fits, the bytes are refused like any other bytes that are not JSON.
  return parseJson(opened ?? Buffer.alloc(0));
}

/** @returns undefined if the padding shows that the key is wrong */
export function decrypt(encrypted: string, key: string): Buffer | undefined {
  const bytes = Buffer.from(encrypted, 'base64');
  try {
    const decipher = createDecipheriv(
      'aes-256-cbc',
      createHash('sha256').update(key).digest(),
      bytes.subarray(0, IV_BYTES),
    );
    return Buffer.concat([decipher.update(bytes.subarray(IV_BYTES)), decipher.final()]);
  } catch {
    return undefined;
  }
}
