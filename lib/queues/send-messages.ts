/** Puts messages on a queue in batches that SQS takes; all of them are durable when it resolves. */
import { SendMessageBatchCommand, type SQSClient } from '@aws-sdk/client-sqs';
import { FleetReflexError, messageOf } from '../errors.ts';
import { groupId } from './group-id.ts';
import { inBatches } from './in-batches.ts';

/** SQS takes 10 messages and 256 KiB in a batch (a queue may allow more by its MaximumMessageSize; none needs to). */
const MAX_ENTRIES = 10;
/** The most that one message may take, attributes included. */
export const MAX_BYTES = 256 * 1024 - 4096;
/** What a message's attributes add, at most. */
const ATTRIBUTES_BYTES = 512;

export interface OutgoingMessage {
  body: string;
  attributes: Readonly<Record<string, string>>;
  /**
   * Whose message it is, on a queue that is not FIFO: SQS prefers those of others while one has more than its share (fair
   * queues).
   */
  tenant?: string;
  /** For a FIFO queue: the group that is kept in order, and the deduplication id. */
  fifo?: { groupId: string; deduplicationId: string } | undefined;
}

export interface OutgoingQueue {
  client: SQSClient;
  url: string;
  /** The queue's name in messages: `runs`. */
  name: string;
  /** What the messages are, for error messages. Default: runs of an event, which its sender can send again. */
  what?: string;
}

/** The size of a message in a batch. */
export function bytesOf({ body }: Pick<OutgoingMessage, 'body'>): number {
  return Buffer.byteLength(body) + ATTRIBUTES_BYTES;
}

/**
 * Sends all messages, with the batches in parallel; for a FIFO queue in sequence. If a batch fails, this rejects only after
 * all other batches have settled.
 * @throws FleetReflexError `queue.unavailable` (retry)
 */
export async function sendMessages(
  queue: OutgoingQueue,
  messages: readonly OutgoingMessage[],
): Promise<void> {
  const failed = (await trySendMessages(queue, messages)).find((failure) => failure !== undefined);
  if (failed !== undefined) throw failed;
}

/**
 * The same, for who knows what to do with those that were not taken.
 * @returns for each message in its place why it is not known to be durable; undefined where it is
 */
export async function trySendMessages(
  queue: OutgoingQueue,
  messages: readonly OutgoingMessage[],
): Promise<readonly (FleetReflexError | undefined)[]> {
  const batches = inBatches(messages, bytesOf, { entries: MAX_ENTRIES, bytes: MAX_BYTES });
  if (!messages.some(({ fifo }) => fifo !== undefined)) {
    return (await Promise.all(batches.map((batch) => sendBatch(queue, batch)))).flat();
  }
  const sent: (FleetReflexError | undefined)[] = [];
  for (const batch of batches) {
    // What comes after a message that was not taken must not overtake it.
    const failed = sent.findLast((failure) => failure !== undefined);
    sent.push(...(failed === undefined ? await sendBatch(queue, batch) : batch.map(() => failed)));
  }
  return sent;
}

/** Waits for every one, and only then throws what the first of them threw. */
export async function settleAll(sends: readonly Promise<void>[]): Promise<void> {
  const failed = (await Promise.allSettled(sends)).find((send) => send.status === 'rejected');
  if (failed !== undefined) throw failed.reason;
}

async function sendBatch(
  queue: OutgoingQueue,
  batch: readonly OutgoingMessage[],
): Promise<(FleetReflexError | undefined)[]> {
  const { client, url } = queue;
  const Entries = batch.map(({ body, attributes, tenant, fifo }, index) => ({
    Id: String(index),
    MessageBody: body,
    MessageAttributes: Object.fromEntries(
      Object.entries(attributes).map(([key, StringValue]) => [key, { DataType: 'String', StringValue }]),
    ),
    ...(tenant !== undefined && { MessageGroupId: groupId(tenant) }),
    ...(fifo && { MessageGroupId: fifo.groupId, MessageDeduplicationId: fifo.deduplicationId }),
  }));
  try {
    const { Successful = [], Failed = [] } = await client.send(
      new SendMessageBatchCommand({ QueueUrl: url, Entries }),
    );
    // An entry is durable when the answer says so, and only then.
    const durable = new Set(Successful.map(({ Id }) => Id));
    const why = Failed.map(({ Code, Message }) => `${Code}: ${Message}`).join('; ');
    const failure = unavailable(queue, why || 'an answer is missing');
    return Entries.map(({ Id }) => (durable.has(Id) ? undefined : failure));
  } catch (cause) {
    const failure = unavailable(queue, messageOf(cause), cause);
    return batch.map(() => failure);
  }
}

function unavailable(
  { name, what = 'The event was understood, and what came of it' }: OutgoingQueue,
  why: string,
  cause?: unknown,
): FleetReflexError {
  return new FleetReflexError(
    'queue.unavailable',
    `${what} could not be put on the ${name} queue (${why}). Nothing is lost or done twice if it is sent again.`,
    { disposition: 'retry', cause },
  );
}
