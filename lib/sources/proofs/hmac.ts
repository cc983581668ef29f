/**
 * The most common signature: an HMAC-SHA256 of the raw bytes in a header. Signatures are compared exactly, as text:
 * senders never send another spelling of the same bytes (upper-case hex, base64 with stray bits). Why no vendor's package
 * is used: docs/decisions/2026-11-20-signature-checks.md.
 */
import { createHmac } from 'node:crypto';
import type { SourceRequest } from '../../http/request.ts';
import { AUTHENTIC, forged, type Verification } from '../source.ts';
import { isOneOf } from './secret-match.ts';

export interface HmacProof {
  /** The header with the signature, lower case. */
  header: string;
  /** The prefix of each signature: `sha256=`. Default: none. */
  prefix?: string;
  encoding?: 'hex' | 'base64';
  /** Separates several signatures in one header, while the sender rotates its secret. Default: only one signature. */
  separator?: ',' | ' ';
  /** The signed parts. Default: the body. */
  signed?: readonly (string | Uint8Array)[];
  /** The live keys; more than one while a secret is rotated. */
  keys: readonly (string | Uint8Array)[];
}

/** Is one of the header's signatures made with one of the keys? */
export function verifyHmac(request: SourceRequest, proof: HmacProof): Verification {
  const { header, prefix = '', encoding = 'hex', separator, signed = [request.body], keys } = proof;
  const value = request.headers[header];
  if (value === undefined || value === '') return forged(`it has no ${header} header`);
  const expected = keys
    .filter((key) => key.length > 0)
    .map((key) => {
      const hmac = createHmac('sha256', key);
      for (const part of signed) hmac.update(part);
      return prefix + hmac.digest(encoding);
    });
  const given = separator === undefined ? [value] : value.split(separator).map((item) => item.trim());
  const isSigned = given.map((signature) => isOneOf(signature, expected)).includes(true);
  return isSigned ? AUTHENTIC : forged(`its ${header} is not a signature made with a live secret`);
}
