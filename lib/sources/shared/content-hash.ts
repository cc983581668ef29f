/**
 * What an event says, whatever its id: the same when it is sent again, also by a sender that writes its keys in another
 * order or says in the body when it sends. Two contents under one id are two events.
 */
import { createHash } from 'node:crypto';

/** Of the sending and not of the event, however they are written: `sentAt`, `sent_at`, `Sent-At`. */
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

/** Keys in order, and without what is of the sending, which stands at the top or in an envelope's `data`. */
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
  // As a list in an object: an empty object is no empty list.
  return { entries };
}
