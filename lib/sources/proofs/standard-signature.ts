/**
 * The Standard Webhooks signature, for the sources that carry it (standard-webhooks, GitLab's signing token,
 * CloudEvents): `v1` HMAC-SHA256 with `whsec_` secrets, `v1a` Ed25519 with `whpk_` public keys, over
 * `id.timestamp.body`. The package `standardwebhooks` reads the machine's clock, knows only `v1` and turns the body
 * into text first; the tests hold us to its signatures.
 * https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
 */
import { createPublicKey, verify as verifySignature } from 'node:crypto';
import type { SourceRequest } from '../../http/request.ts';
import { forged, type Verification } from '../source.ts';
import { verifyFreshness } from './freshness.ts';
import { verifyHmac } from './hmac.ts';

const SYMMETRIC = 'whsec_';
const PUBLIC = 'whpk_';
/** DER of SubjectPublicKeyInfo for Ed25519, before the 32 bytes of the key. */
const ED25519_SPKI_PREFIX = Buffer.from('302a300506032b6570032100', 'hex');

/** Whether this secret has the Standard Webhooks form. */
export function isStandardSecret(secret: string): boolean {
  return secret.startsWith(SYMMETRIC) || secret.startsWith(PUBLIC);
}

/** @param secrets `whsec_…` and `whpk_…`; one without a prefix is used as text, and also as base64 if it is valid base64 */
export function verifyStandardSignature(
  request: SourceRequest,
  secrets: readonly string[],
  now: Date,
): Verification {
  const id = request.headers['webhook-id'];
  const timestamp = request.headers['webhook-timestamp'];
  if (id === undefined || id === '') return forged('it has no webhook-id header');
  if (timestamp === undefined) return forged('it has no webhook-timestamp header');
  const signed = [`${id}.${timestamp}.`, request.body];
  const symmetric = verifyHmac(request, {
    header: 'webhook-signature',
    prefix: 'v1,',
    encoding: 'base64',
    separator: ' ',
    signed,
    keys: secrets.filter((secret) => !secret.startsWith(PUBLIC)).flatMap(keysOf),
  });
  const isSigned =
    symmetric.isAuthentic || isSignedByPublicKey(request, Buffer.concat(signed.map(toBytes)), secrets);
  return isSigned ? verifyFreshness(timestamp, now) : symmetric;
}

function keysOf(secret: string): Uint8Array[] {
  if (secret.startsWith(SYMMETRIC)) return [Buffer.from(secret.slice(SYMMETRIC.length), 'base64')];
  const bytes = Buffer.from(secret, 'base64');
  return bytes.toString('base64') === secret ? [Buffer.from(secret), bytes] : [Buffer.from(secret)];
}

function isSignedByPublicKey(request: SourceRequest, signed: Buffer, secrets: readonly string[]): boolean {
  const signatures = (request.headers['webhook-signature'] ?? '')
    .split(' ')
    .filter((item) => item.startsWith('v1a,'))
    .map((item) => item.slice('v1a,'.length));
  const keys = secrets
    .filter((secret) => secret.startsWith(PUBLIC))
    .map((secret) => secret.slice(PUBLIC.length));
  return signatures.some((signature) => keys.some((key) => isEd25519(signed, signature, key)));
}

function isEd25519(signed: Buffer, signature: string, publicKey: string): boolean {
  const bytes = Buffer.from(signature, 'base64');
  const key = Buffer.from(publicKey, 'base64');
  if (bytes.length !== 64 || key.length !== 32 || bytes.toString('base64') !== signature) return false;
  const spki = createPublicKey({
    key: Buffer.concat([ED25519_SPKI_PREFIX, key]),
    format: 'der',
    type: 'spki',
  });
  return verifySignature(null, signed, spki, bytes);
}

function toBytes(part: string | Uint8Array): Uint8Array {
  return typeof part === 'string' ? Buffer.from(part) : part;
}
