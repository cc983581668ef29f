/** Puts messages on a queue in batches that SQS takes; all of them are durable when it resolves. */
import { SendMessageBatchCommand, type SQSClient } from '@aws-sdk/client-sqs';
import { FleetReflexError, messageOf } from '../errors.ts';
import { groupId } from './group-id.ts';

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
  const batches = inBatches(messages);
  if (!messages.some(({ fifo }) => fifo !== undefined)) {
    await settleAll(batches.map((batch) => sendBatch(queue, batch)));
    return;
  }
  for (const batch of batches) await sendBatch(queue, batch);
}

/** Waits for every one, and only then throws what the first of them threw. */
export async function settleAll(sends: readonly Promise<void>[]): Promise<void> {
  const failed = (await Promise.allSettled(sends)).find((send) => send.status === 'rejected');
  if (failed !== undefined) throw failed.reason;
}

function inBatches(messages: readonly OutgoingMessage[]): OutgoingMessage[][] {
  const batches: OutgoingMessage[][] = [];
  let bytes = 0;
  for (const message of messages) {
    const batch = batches.at(-1);
    if (batch === undefined || batch.length === MAX_ENTRIES || bytes + bytesOf(message) > MAX_BYTES) {
      batches.push([message]);
      bytes = bytesOf(message);
    } else {
      batch.push(message);
      bytes += bytesOf(message);
    }
  }
  return batches;
}

async function sendBatch(queue: OutgoingQueue, batch: readonly OutgoingMessage[]): Promise<void> {
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
  const answer = await client
    .send(new SendMessageBatchCommand({ QueueUrl: url, Entries }))
    .catch((cause: unknown) => {
      throw unavailable(queue, messageOf(cause), cause);
    });
  // An entry is durable when the answer says so, and only then.
  const failed = answer.Failed ?? [];
  if (failed.length === 0 && answer.Successful?.length === batch.length) return;
  throw unavailable(
    queue,
    failed.map(({ Code, Message }) => `${Code}: ${Message}`).join('; ') || 'an answer is missing',
  );
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
