/** Moves what is in a dead-letter queue back to its queue: sent first, deleted after, so that nothing is lost. */
import {
  ChangeMessageVisibilityCommand,
  DeleteMessageCommand,
  GetQueueUrlCommand,
  type Message,
  QueueDoesNotExist,
  ReceiveMessageCommand,
  SendMessageCommand,
  type SQSClient,
} from '@aws-sdk/client-sqs';
import { FleetReflexError, messageOf } from '../lib/errors.ts';
import { FIRST_SENT, firstSent } from '../lib/queues/sent-at.ts';

/** Attributes that say why a message was set aside; it starts afresh without them, but no younger than it is. */
const REASONS: ReadonlySet<string> = new Set(['reason', 'explanation', 'originalMessageId']);

const MAX_ATTRIBUTES = 10;

export interface Redrive {
  client: SQSClient;
  /** The queue that the messages came from; they are in `<queue>-dlq`. */
  queue: string;
  limit: number;
  /** Says what is there and moves nothing. */
  isDryRun: boolean;
  onMessage: (message: Message) => void;
}

export interface Redriven {
  /** So many were moved, or seen. */
  count: number;
  /** Of these, so many were seen to come back at once: what set them aside is still so. */
  cameBack: number;
}

/**
 * Each message once: one that is set aside again at once would else go round and round.
 * @throws FleetReflexError `queue.missing`, `queue.unreachable`
 */
export async function redriveQueue(options: Redrive): Promise<Redriven> {
  const { client, queue, limit, isDryRun, onMessage } = options;
  const from = await urlOf(client, `${queue}-dlq`);
  const to = await urlOf(client, queue);
  const moved = new Set<string | undefined>();
  let count = 0;
  let cameBack = 0;
  while (count < limit && cameBack === 0) {
    const { Messages = [] } = await client.send(
      new ReceiveMessageCommand({
        QueueUrl: from,
        MaxNumberOfMessages: Math.min(10, limit - count),
        MessageAttributeNames: ['All'],
        MessageSystemAttributeNames: ['SentTimestamp'],
        // A look leaves them for the next one who looks.
        VisibilityTimeout: isDryRun ? 5 : 60,
        WaitTimeSeconds: 1,
      }),
    );
    if (Messages.length === 0) break;
    for (const message of Messages) {
      if (isOneOf(message, moved)) {
        cameBack += 1;
        await leave(client, message, from);
        continue;
      }
      onMessage(message);
      if (!isDryRun) moved.add(await move(client, message, from, to));
      count += 1;
    }
  }
  return { count, cameBack };
}

/** By the id under which it was sent: SQS keeps that when it moves a message, and we write it down. */
function isOneOf({ MessageId, MessageAttributes }: Message, moved: ReadonlySet<string | undefined>): boolean {
  return moved.has(MessageId) || moved.has(MessageAttributes?.['originalMessageId']?.StringValue ?? '');
}

/** @returns its new id */
async function move(
  client: SQSClient,
  message: Message,
  from: string,
  to: string,
): Promise<string | undefined> {
  const { Attributes: system = {}, MessageAttributes: given = {} } = message;
  const first = firstSent(system['SentTimestamp'], given[FIRST_SENT]?.StringValue);
  const kept = Object.entries(given)
    .filter(([name]) => !REASONS.has(name) && name !== FIRST_SENT)
    // One that SQS itself set aside may have the ten attributes that a message may have.
    .slice(0, MAX_ATTRIBUTES - 1);
  const { MessageId } = await client.send(
    new SendMessageCommand({
      QueueUrl: to,
      MessageBody: message.Body,
      MessageAttributes: {
        ...Object.fromEntries(kept),
        ...(first !== undefined && { [FIRST_SENT]: { DataType: 'String', StringValue: first } }),
      },
    }),
  );
  await client.send(new DeleteMessageCommand({ QueueUrl: from, ReceiptHandle: message.ReceiptHandle }));
  return MessageId;
}

/** Makes the message visible again for the next receiver. */
async function leave(client: SQSClient, { ReceiptHandle }: Message, QueueUrl: string): Promise<void> {
  await client.send(new ChangeMessageVisibilityCommand({ QueueUrl, ReceiptHandle, VisibilityTimeout: 0 }));
}

async function urlOf(client: SQSClient, QueueName: string): Promise<string> {
  try {
    const { QueueUrl } = await client.send(new GetQueueUrlCommand({ QueueName }));
    if (QueueUrl !== undefined) return QueueUrl;
    throw new Error(`SQS named no URL for ${QueueName}`);
  } catch (cause) {
    if (!(cause instanceof QueueDoesNotExist)) {
      throw new FleetReflexError(
        'queue.unreachable',
        `SQS could not be asked for ${QueueName} (${messageOf(cause)}). It needs AWS credentials and AWS_REGION; --local asks the local stack.`,
        { cause },
      );
    }
    throw new FleetReflexError(
      'queue.missing',
      `There is no queue ${QueueName} in this account and region. Queues: events, runs, records, wake-up, completions. Is AWS_REGION right?`,
      { cause },
    );
  }
}
