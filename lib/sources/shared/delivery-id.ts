/**
 * Ids of deliveries: the sender's own if the signature covers it, otherwise derived from the body: the same bytes, or the
 * same facts, always give the same id.
 */
import { createHash } from 'node:crypto';
import { firstText } from '../../model/id-parts.ts';
import { toIsoTime } from './event-time.ts';

/**
 * The first of the sender's own ids that is not empty; without one, the hash of the body.
 * @param candidates of the body, or of headers that the signature covers. An id in any other header is whatever the
 * sender of a captured request wants: that one is `deliveryid`, and the event's id is `bodyId`
 */
export function deliveryId(body: Uint8Array, ...candidates: readonly unknown[]): string {
  return firstText(...candidates) ?? bodyId(body);
}

/** The id of a body whose sender proves no id. @returns `sha256-` and 64 hex digits */
export function bodyId(body: Uint8Array): string {
  return `sha256-${createHash('sha256').update(body).digest('hex')}`;
}

/**
 * A time as part of an id: the same instant is the same text, however it was written. Milliseconds, without the zeros
 * that say nothing: as Go writes it, whose times most senders send. A Unix time has one spelling, and stays.
 */
export function idTime(value: unknown, zone?: string): string {
  const given = firstText(value) ?? '';
  const time = /^\d+$/.test(given) ? undefined : toIsoTime(value, zone);
  if (time === undefined) return given;
  return time.replace(/\.(\d*?)0*Z$/, (_, digits: string) => (digits === '' ? 'Z' : `.${digits}Z`));
}

/** A short fingerprint of a record's content, whatever the order of its keys. @returns 16 hex digits */
export function fingerprintOf(labels: Readonly<Record<string, string>>): string {
  const sorted = Object.entries(labels).toSorted(([a], [b]) => (a < b ? -1 : 1));
  return createHash('sha256').update(JSON.stringify(sorted)).digest('hex').slice(0, 16);
}
