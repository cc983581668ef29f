/**
 * When a message was first sent. SQS reports when it was put on its current queue; a message that was set aside and
 * redriven carries the time of its first sending.
 */
import type { SQSRecord } from 'aws-lambda';

/** The message attribute, in Unix milliseconds like SQS's own `SentTimestamp`. */
export const FIRST_SENT = 'firstSentTimestamp';

/** SQS keeps a message at most this long; an older claim is limited to it. */
const MAX_AGE_MS = 14 * 86_400_000;

type Sent = { [part in 'attributes' | 'messageAttributes']?: SQSRecord[part] | undefined };

/**
 * The earlier of SQS's and the message's time, so that no sender can make a message younger; never later than now, because
 * clocks differ.
 */
export function sentAt({ attributes, messageAttributes }: Sent, now: Date): Date {
  const said = [attributes?.SentTimestamp, messageAttributes?.[FIRST_SENT]?.stringValue].map(toMs);
  const earliest = Math.min(now.getTime(), ...said.filter((ms) => ms !== undefined));
  return new Date(Math.max(earliest, now.getTime() - MAX_AGE_MS));
}

/**
 * The value of `FIRST_SENT` when the message is sent again; undefined if no time is known.
 * @param said SQS's `SentTimestamp`, and the attribute that it came with
 */
export function firstSent(...said: readonly (string | undefined)[]): string | undefined {
  const times = said.map(toMs).filter((ms) => ms !== undefined);
  return times.length === 0 ? undefined : String(Math.min(...times));
}

function toMs(text: string | undefined): number | undefined {
  return text !== undefined && /^\d{1,15}$/.test(text) ? Number(text) : undefined;
}
