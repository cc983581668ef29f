/**
 * When a message was first sent. SQS says when it was put on the queue that it is on; a message that was set aside and
 * redriven is put there again, and carries along when that was first.
 */
import type { SQSRecord } from 'aws-lambda';

/** The message attribute, in Unix milliseconds like SQS's own `SentTimestamp`. */
export const FIRST_SENT = 'firstSentTimestamp';

/** SQS keeps a message for so long at most; what says that it is older is believed to be so old. */
const MAX_AGE_MS = 14 * 86_400_000;

type Sent = { [part in 'attributes' | 'messageAttributes']?: SQSRecord[part] | undefined };

/**
 * The earliest of what SQS and the message say, so that no sender can make a message younger than it is; never later
 * than now, for two clocks may differ.
 */
export function sentAt({ attributes, messageAttributes }: Sent, now: Date): Date {
  const said = [attributes?.SentTimestamp, messageAttributes?.[FIRST_SENT]?.stringValue].map(toMs);
  const earliest = Math.min(now.getTime(), ...said.filter((ms) => ms !== undefined));
  return new Date(Math.max(earliest, now.getTime() - MAX_AGE_MS));
}

/**
 * What `FIRST_SENT` has to be when the message is sent again; undefined when nobody says when it was sent.
 * @param said SQS's `SentTimestamp`, and the attribute that it came with
 */
export function firstSent(...said: readonly (string | undefined)[]): string | undefined {
  const times = said.map(toMs).filter((ms) => ms !== undefined);
  return times.length === 0 ? undefined : String(Math.min(...times));
}

function toMs(text: string | undefined): number | undefined {
  return text !== undefined && /^\d{1,15}$/.test(text) ? Number(text) : undefined;
}
