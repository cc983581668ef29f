/**
 * A hash of an event's content, without its id. A repetition has the same hash, even with another order of keys or with
 * the time of sending in the body. Two contents under one id are two events.
 */
import { createHash } from 'node:crypto';

/** Fields of the delivery and not of the event, in any spelling: `sentAt`, `sent_at`, `Sent-At`. */
const OF_THE_SENDING: ReadonlySet<string> = new Set([
  'sentat',
  'senttime',
  'senttimestamp',
  'deliveredat',
  'deliverytime',
  'deliverytimestamp',
  'deliveryattempt',
  'attempt',
  'attempts',
  'attemptnumber',
  'retry',
  'retries',
  'retrycount',
  'retrynumber',
  'retriedat',
]);

/** The top, an envelope’s `data`, and what is in it. */
const LAST_OF_THE_SENDING = 2;

/** @returns 64 hex digits */
export function contentHash(content: unknown): string {
  return createHash('sha256')
    .update(JSON.stringify(canonical(content, 0)))
    .digest('hex');
}

/** Keys in order, without the fields of the delivery, which are at the top or in an envelope's `data`. */
function canonical(value: unknown, depth: number): unknown {
  if (Array.isArray(value)) return value.map((item) => canonical(item, depth + 1));
  if (typeof value !== 'object' || value === null) return value ?? null;
  const entries = Object.entries(value)
    .filter(
      ([name]) =>
        depth > LAST_OF_THE_SENDING || !OF_THE_SENDING.has(name.toLowerCase().replace(/[^a-z]/g, '')),
    )
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, item]) => [name, canonical(item, depth + 1)]);
  // As a list in an object, because an empty object must differ from an empty list.
  return { entries };
}
