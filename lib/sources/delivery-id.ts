/** Ids for what comes without one: the same bytes, or the same facts, always give the same id. */
import { createHash } from 'node:crypto';
import { firstText } from './labels.ts';

/** The first of the sender's own ids that is not empty; without one, the hash of the body. */
export function deliveryId(body: Uint8Array, ...candidates: readonly unknown[]): string {
  return firstText(...candidates) ?? hashedId(body);
}

/** @returns `sha256-` and 64 hex digits */
function hashedId(body: Uint8Array): string {
  return `sha256-${createHash('sha256').update(body).digest('hex')}`;
}

/** A short fingerprint of a record's content, whatever the order of its keys. @returns 16 hex digits */
export function fingerprintOf(labels: Readonly<Record<string, string>>): string {
  const sorted = Object.entries(labels).toSorted(([a], [b]) => (a < b ? -1 : 1));
  return createHash('sha256').update(JSON.stringify(sorted)).digest('hex').slice(0, 16);
}
