/**
 * WeCom's own cryptography, by its page on encryption: every message under AES-256-CBC with the EncodingAESKey, and
 * the SHA-1 of its sorted parts as signature. The old hash is the protocol's; what holds is the Token inside it.
 */
import { createCipheriv, createDecipheriv, createHash, createHmac } from 'node:crypto';
import { isOneOf } from '../proofs/secret-match.ts';

/** The parts of `<Token>:<EncodingAESKey>`, optionally followed by `:<CorpId>`. */
export interface WecomSecret {
  token: string;
  key: Buffer;
  /** The required receiver; unchecked if the secret does not name one. */
  receiveId?: string;
}

/** 43 characters of base64 without their `=`. */
const FORM = /^([^:]+):([A-Za-z0-9+/]{43})(?::([^:]+))?$/;
const BLOCK = 32;
const RANDOM_BYTES = 16;

/** @returns undefined for what is not of this form */
export function parseWecomSecret(secret: string): WecomSecret | undefined {
  const [, token, encodingAesKey, receiveId] = FORM.exec(secret) ?? [];
  if (token === undefined || encodingAesKey === undefined) return undefined;
  const key = Buffer.from(`${encodingAesKey}=`, 'base64');
  return { token, key, ...(receiveId !== undefined && { receiveId }) };
}

export interface WecomEnvelope {
  signature: string | undefined;
  timestamp: string;
  nonce: string;
  encrypted: string;
}

/** The secret that the envelope's signature was made with. */
export function sealingSecretOf(
  { signature, timestamp, nonce, encrypted }: WecomEnvelope,
  secrets: readonly WecomSecret[],
): WecomSecret | undefined {
  return secrets.find(({ token }) => isOneOf(signature, [signWecom(token, timestamp, nonce, encrypted)]));
}

/** Hex SHA-1 of the four texts in the order of their bytes. */
export function signWecom(token: string, timestamp: string, nonce: string, encrypted: string): string {
  const parts = [token, timestamp, nonce, encrypted].map((part) => Buffer.from(part));
  return createHash('sha1')
    .update(Buffer.concat(parts.toSorted(Buffer.compare)))
    .digest('hex');
}

/** @returns the message and its receiver; undefined if it was not encrypted with this key */
export function openWecom(
  encrypted: string,
  { key }: WecomSecret,
): { message: Buffer; receiveId: string } | undefined {
  const bytes = Buffer.from(encrypted, 'base64');
  if (bytes.length === 0 || bytes.length % 16 !== 0) return undefined;
  // Padded to 32 bytes, which is more than AES's own 16 and so not what node takes off.
  const decipher = createDecipheriv('aes-256-cbc', key, key.subarray(0, 16)).setAutoPadding(false);
  const padded = Buffer.concat([decipher.update(bytes), decipher.final()]);
  const padding = padded.at(-1) ?? 0;
  const plain = padded.subarray(RANDOM_BYTES, padded.length - padding);
  if (padding < 1 || padding > BLOCK || plain.length < 4) return undefined;
  const length = plain.readUInt32BE(0);
  if (length > plain.length - 4) return undefined;
  return { message: plain.subarray(4, 4 + length), receiveId: plain.subarray(4 + length).toString('utf8') };
}

/** The 16 bytes that WeCom wants random are made of the message itself: the same answer is the same text. */
export function sealWecom(message: string, receiveId: string, { key }: WecomSecret): string {
  const body = Buffer.from(message);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(body.length);
  const random = createHmac('sha256', key).update(body).digest().subarray(0, RANDOM_BYTES);
  const plain = Buffer.concat([random, length, body, Buffer.from(receiveId)]);
  const padding = BLOCK - (plain.length % BLOCK);
  const cipher = createCipheriv('aes-256-cbc', key, key.subarray(0, 16)).setAutoPadding(false);
  return Buffer.concat([
    cipher.update(plain),
    cipher.update(Buffer.alloc(padding, padding)),
    cipher.final(),
  ]).toString('base64');
}
