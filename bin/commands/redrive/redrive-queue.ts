/** Moves what is wanted of a dead-letter queue back to its queue. Each message is looked at once. */
import {
  GetQueueAttributesCommand,
  GetQueueUrlCommand,
  type Message,
  QueueDoesNotExist,
  ReceiveMessageCommand,
  type SQSClient,
} from '@aws-sdk/client-sqs';
import { FleetReflexError, messageOf } from '../../../lib/errors.ts';
import { deadLetterName, nameInAccount, QUEUES } from '../../../lib/queues/names.ts';
import { holdMessages, MAX_HELD } from './held.ts';
import { moveMessages } from './move.ts';

export interface Redrive {
  client: SQSClient;
  /** The queue that the messages came from; they are in `<queue>-dlq`. */
  queue: string;
  /** What the names of the deployment's own queues begin with. Default: nothing. */
  queuePrefix?: string;
  /** At most so many are moved, or shown. */
  limit: number;
  /** Says what is there and moves nothing. */
  isDryRun: boolean;
  /** Default: all. */
  isWanted?: (message: Message) => boolean;
  onMessage: (message: Message) => void;
  /** Called after each batch. */
  onProgress?: (progress: Redriven) => void;
  /** When it is aborted, the batch at hand is finished and nothing more is moved. */
  signal?: AbortSignal;
}

export interface Redriven {
  /** So many were moved, or shown. */
  count: number;
  /** So many were seen that are not wanted: they stay. */
  left: number;
  /** Of those that were moved, so many were seen to come back at once: what set them aside is still so. */
  cameBack: number;
  /** What SQS did not take, in words. */
  failures: string[];
  /** It ended before the queue was seen whole. */
  isCutShort: boolean;
  /** About so many were there when it began. */
  total: number;
}

/** Longer than a pass over a hundred thousand messages: until then what was seen is not seen again. */
const HIDDEN_SECONDS = 1_800;
/** A standard queue may answer with nothing although it has something. */
const EMPTY_ANSWERS = 2;
const AT_ONCE = 4;
const MAX_FAILURES = 20;

/**
 * One that is set aside again at once would go round and round: where one is seen that was moved, it ends.
 * @throws FleetReflexError `queue.missing`, `queue.unreachable`
 */
export async function redriveQueue(options: Redrive): Promise<Redriven> {
  const { client, queue, limit, isDryRun, isWanted = () => true, onMessage, onProgress, signal } = options;
  const name = nameInAccount(queue, options.queuePrefix ?? '');
  const [from, to] = await Promise.all([urlOf(client, deadLetterName(name)), urlOf(client, name)]);
  const moved = new Set<string>();
  const held = holdMessages(client, from);
  const result: Redriven = {
    count: 0,
    left: 0,
    cameBack: 0,
    failures: [],
    isCutShort: false,
    total: await countOf(client, from),
  };
  let taken = 0;
  let hasFailed = false;

  const isOver = () =>
    hasFailed ||
    signal?.aborted === true ||
    taken >= limit ||
    result.cameBack > 0 ||
    held.size >= MAX_HELD ||
    result.failures.length >= MAX_FAILURES;

  const lookAt = async (messages: readonly Message[]): Promise<void> => {
    const wanted: Message[] = [];
    for (const message of messages) {
      if (isOneOf(message, moved)) result.cameBack += 1;
      else if (!isWanted(message)) result.left += 1;
      else if (taken < limit) {
        taken += 1;
        wanted.push(message);
        continue;
      }
      held.add(message);
    }
    if (isDryRun) {
      for (const message of wanted) held.add(message);
    } else if (wanted.length > 0) {
      const { ids, refused, twice } = await moveMessages(client, wanted, from, to);
      for (const id of ids) moved.add(id);
      for (const { message, why } of refused) {
        held.add(message);
        result.failures.push(`${message.MessageId} was not moved: ${why}`);
      }
      for (const { message, why } of twice) {
        held.add(message);
        result.failures.push(`${message.MessageId} was moved, and could not be deleted here: ${why}`);
      }
      result.count -= refused.length;
    }
    result.count += wanted.length;
    for (const message of wanted) onMessage(message);
    onProgress?.(result);
  };

  const work = async (): Promise<void> => {
    for (let empty = 0; empty < EMPTY_ANSWERS && !isOver(); ) {
      const { Messages = [] } = await client.send(
        new ReceiveMessageCommand({
          QueueUrl: from,
          MaxNumberOfMessages: Math.max(1, Math.min(10, limit - taken)),
          MessageAttributeNames: ['All'],
          MessageSystemAttributeNames: ['SentTimestamp', 'MessageGroupId'],
          VisibilityTimeout: HIDDEN_SECONDS,
          WaitTimeSeconds: 1,
        }),
      );
      empty = Messages.length === 0 ? empty + 1 : 0;
      if (Messages.length > 0) await lookAt(Messages);
    }
  };

  const workers = Array.from({ length: Math.min(AT_ONCE, Math.ceil(limit / 10)) }, () =>
    work().catch((thrown: unknown) => {
      hasFailed = true;
      throw thrown;
    }),
  );
  // All of them have ended before what they hold is given back.
  const outcomes = await Promise.allSettled(workers);
  result.isCutShort = isOver();
  const late = await held.giveBack();
  if (late > 0)
    result.failures.push(`${late} messages are hidden for up to ${HIDDEN_SECONDS / 60} minutes more`);
  for (const outcome of outcomes) if (outcome.status === 'rejected') throw outcome.reason;
  return result;
}

/** By the id under which it was sent: SQS keeps that when it moves a message, and we write it down. */
function isOneOf({ MessageId = '', MessageAttributes }: Message, moved: ReadonlySet<string>): boolean {
  return moved.has(MessageId) || moved.has(MessageAttributes?.['originalMessageId']?.StringValue ?? '');
}

/** As SQS counts: about. */
async function countOf(client: SQSClient, QueueUrl: string): Promise<number> {
  const { Attributes } = await client.send(
    new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ['ApproximateNumberOfMessages'] }),
  );
  return Number(Attributes?.['ApproximateNumberOfMessages'] ?? 0);
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
      `There is no queue ${QueueName} in this account and region. Queues: ${QUEUES.join(', ')}, and those of your destinations. Is AWS_REGION right, and the deployment's stage (--stage, or STAGE)? A deployment that keeps plain names, or has a prefix of its own, needs QUEUE_PREFIX.`,
      { cause },
    );
  }
}
