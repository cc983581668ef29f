/** Moves messages from a queue to another in batches: sent first, deleted after, so that none is lost. */
import {
  DeleteMessageBatchCommand,
  type Message,
  SendMessageBatchCommand,
  type SendMessageBatchRequestEntry,
  type SQSClient,
} from '@aws-sdk/client-sqs';
import { FIRST_SENT, firstSent } from '../../../lib/queues/sent-at.ts';

/** Attributes that say why a message was set aside; it starts afresh without them, but no younger than it is. */
const REASONS: ReadonlySet<string> = new Set(['reason', 'explanation', 'originalMessageId']);
const MAX_ATTRIBUTES = 10;
/** Of a batch, attributes included. */
const MAX_BYTES = 256 * 1024;
const ATTRIBUTES_BYTES = 10 * 1024;

export interface Moved {
  /** Under which ids they are on their queue now. */
  ids: string[];
  /** SQS did not take them: they are where they were. */
  refused: { message: Message; why: string }[];
  /** They are on both queues: SQS did not delete them. */
  twice: { message: Message; why: string }[];
}

/** @param messages up to ten */
export async function moveMessages(
  client: SQSClient,
  messages: readonly Message[],
  from: string,
  to: string,
): Promise<Moved> {
  const moved: Moved = { ids: [], refused: [], twice: [] };
  for (const batch of inBatches(messages)) await moveBatch(client, batch, { from, to }, moved);
  return moved;
}

async function moveBatch(
  client: SQSClient,
  batch: readonly Message[],
  { from, to }: { from: string; to: string },
  moved: Moved,
): Promise<void> {
  const sent = await client.send(
    new SendMessageBatchCommand({ QueueUrl: to, Entries: batch.map((one, index) => entryOf(one, index)) }),
  );
  const idOf = new Map(sent.Successful?.map(({ Id, MessageId }) => [Id, MessageId]));
  const whyNot = new Map(sent.Failed?.map(({ Id, Code, Message: said }) => [Id, `${Code}: ${said ?? ''}`]));
  const there: Message[] = [];
  for (const [index, message] of batch.entries()) {
    const id = idOf.get(String(index));
    // On its queue when the answer says so, and only then.
    if (id === undefined) moved.refused.push({ message, why: whyNot.get(String(index)) ?? 'no answer' });
    else {
      moved.ids.push(id);
      there.push(message);
    }
  }
  if (there.length === 0) return;
  const Entries = there.map(({ ReceiptHandle }, index) => ({ Id: String(index), ReceiptHandle }));
  const { Failed = [] } = await client.send(new DeleteMessageBatchCommand({ QueueUrl: from, Entries }));
  for (const { Id, Code, Message: said } of Failed) {
    const message = there[Number(Id)];
    if (message !== undefined) moved.twice.push({ message, why: `${Code}: ${said ?? ''}` });
  }
}

function entryOf(message: Message, index: number): SendMessageBatchRequestEntry {
  const { Attributes: system = {}, MessageAttributes: given = {} } = message;
  const first = firstSent(system.SentTimestamp, given[FIRST_SENT]?.StringValue);
  const kept = Object.entries(given)
    .filter(([name]) => !REASONS.has(name) && name !== FIRST_SENT)
    // One that SQS itself set aside may have the ten attributes that a message may have.
    .slice(0, MAX_ATTRIBUTES - 1);
  return {
    Id: String(index),
    MessageBody: message.Body,
    ...(system.MessageGroupId !== undefined && { MessageGroupId: system.MessageGroupId }),
    MessageAttributes: {
      ...Object.fromEntries(kept),
      ...(first !== undefined && { [FIRST_SENT]: { DataType: 'String', StringValue: first } }),
    },
  };
}

function inBatches(messages: readonly Message[]): Message[][] {
  const batches: Message[][] = [];
  let bytes = 0;
  for (const message of messages) {
    const own = Buffer.byteLength(message.Body ?? '') + ATTRIBUTES_BYTES;
    const batch = batches.at(-1);
    if (batch === undefined || bytes + own > MAX_BYTES) {
      batches.push([message]);
      bytes = own;
    } else {
      batch.push(message);
      bytes += own;
    }
  }
  return batches;
}
