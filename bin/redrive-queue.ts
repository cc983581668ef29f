/** Moves what is in a dead-letter queue back to its queue: sent first, deleted after, so that nothing is lost. */
import {
  DeleteMessageCommand,
  GetQueueUrlCommand,
  type Message,
  QueueDoesNotExist,
  ReceiveMessageCommand,
  SendMessageCommand,
  type SQSClient,
} from '@aws-sdk/client-sqs';
import { FleetReflexError } from '../lib/errors.ts';

/** Attributes that say why a message was set aside; it starts afresh without them. */
const REASONS: ReadonlySet<string> = new Set(['reason', 'explanation', 'originalMessageId']);

export interface Redrive {
  client: SQSClient;
  /** The queue that the messages came from; they are in `<queue>-dlq`. */
  queue: string;
  limit: number;
  /** Says what is there and moves nothing. */
  isDryRun: boolean;
  onMessage: (message: Message) => void;
}

/**
 * @returns how many messages were moved, or seen
 * @throws FleetReflexError `queue.missing`
 */
export async function redriveQueue({ client, queue, limit, isDryRun, onMessage }: Redrive): Promise<number> {
  const from = await urlOf(client, `${queue}-dlq`);
  const to = await urlOf(client, queue);
  let count = 0;
  while (count < limit) {
    const { Messages = [] } = await client.send(
      new ReceiveMessageCommand({
        QueueUrl: from,
        MaxNumberOfMessages: Math.min(10, limit - count),
        MessageAttributeNames: ['All'],
        // A look leaves them for the next one who looks.
        VisibilityTimeout: isDryRun ? 5 : 60,
        WaitTimeSeconds: 1,
      }),
    );
    if (Messages.length === 0) return count;
    for (const message of Messages) {
      onMessage(message);
      if (!isDryRun) await move(client, message, from, to);
      count += 1;
    }
  }
  return count;
}

async function move(client: SQSClient, message: Message, from: string, to: string): Promise<void> {
  const kept = Object.entries(message.MessageAttributes ?? {}).filter(([name]) => !REASONS.has(name));
  await client.send(
    new SendMessageCommand({
      QueueUrl: to,
      MessageBody: message.Body,
      ...(kept.length > 0 && { MessageAttributes: Object.fromEntries(kept) }),
    }),
  );
  await client.send(new DeleteMessageCommand({ QueueUrl: from, ReceiptHandle: message.ReceiptHandle }));
}

async function urlOf(client: SQSClient, QueueName: string): Promise<string> {
  try {
    const { QueueUrl } = await client.send(new GetQueueUrlCommand({ QueueName }));
    if (QueueUrl !== undefined) return QueueUrl;
    throw new Error(`SQS named no URL for ${QueueName}`);
  } catch (cause) {
    if (!(cause instanceof QueueDoesNotExist)) throw cause;
    throw new FleetReflexError(
      'queue.missing',
      `There is no queue ${QueueName} in this account and region. Queues: events, runs, wake-up, completions. Is AWS_REGION right?`,
      { cause },
    );
  }
}
