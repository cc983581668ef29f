/**
 * Lambda's event source mapping: takes batches from a queue to a function, and deletes what the function does not
 * report as failed. A call that fails deletes nothing; the rest is the queue's business (visibility, redrive). If the
 * function's process has died, nobody works on the batch any more, which only this stack knows: it comes back at once.
 * https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html
 */
import { ChangeMessageVisibilityBatchCommand, type Message, type SQSClient } from '@aws-sdk/client-sqs';
import { Consumer } from 'sqs-consumer';
import * as z from 'zod';
import { FleetReflexError, messageOf } from '../../lib/errors.ts';
import { toRecord } from './sqs-record.ts';

export interface EventSource {
  client: SQSClient;
  queueUrl: string;
  batchSize: number;
  /** So many batches at the same time. */
  concurrency: number;
  /** `ReportBatchItemFailures`: the answer says which messages failed. */
  reportsFailures: boolean;
  /** Calls the function with an event; its answer as JSON. */
  invoke: (event: unknown) => Promise<unknown>;
  onError: (message: string) => void;
}

const BatchAnswer = z.looseObject({
  batchItemFailures: z.array(z.looseObject({ itemIdentifier: z.string().min(1) })).nullish(),
});

export function startEventSource(given: EventSource): { stop: () => Promise<void> } {
  let isStopping = false;
  // A request that is cut off by the stop is no error.
  const source: EventSource = {
    ...given,
    onError(message) {
      if (!isStopping) given.onError(message);
    },
  };
  const consumers = Array.from({ length: source.concurrency }, () => startConsumer(source));
  return {
    async stop() {
      isStopping = true;
      await Promise.all(
        consumers.map(async (consumer) => {
          const stopped = new Promise((resolve) => {
            consumer.once('stopped', resolve);
          });
          consumer.stop({ abort: true });
          await stopped;
        }),
      );
    },
  };
}

function startConsumer(source: EventSource): Consumer {
  const { client, queueUrl, batchSize, onError } = source;
  const queueName = queueUrl.split('/').at(-1) ?? '';
  const consumer = Consumer.create({
    queueUrl,
    sqs: client,
    batchSize: Math.min(batchSize, 10),
    waitTimeSeconds: 20,
    messageSystemAttributeNames: ['All'],
    messageAttributeNames: ['All'],
    suppressFifoWarning: true,
    handleMessageBatch: async (messages) => await deliver(messages, queueName, source),
  });
  consumer.on('error', (error) => {
    onError(`${queueName}: ${messageOf(error)}`);
  });
  consumer.on('processing_error', (error) => {
    onError(`${queueName}: ${messageOf(error)}`);
  });
  consumer.start();
  return consumer;
}

/** @returns the messages to delete */
async function deliver(messages: Message[], queueName: string, source: EventSource): Promise<Message[]> {
  let answer: unknown;
  try {
    answer = await source.invoke({ Records: messages.map((message) => toRecord(message, queueName)) });
  } catch (thrown) {
    const hasDied = thrown instanceof FleetReflexError && thrown.code === 'function.died';
    const when = hasDied && (await comeBack(messages, source)) ? ` in ${COME_BACK_SECONDS} s` : '';
    source.onError(`${queueName}: ${messageOf(thrown)}; its ${messages.length} message(s) come back${when}`);
    return [];
  }
  const failed = source.reportsFailures ? failedIds(answer, messages) : [];
  if (failed === undefined) {
    source.onError(`${queueName}: the answer ${JSON.stringify(answer)} names no messages of the batch`);
    return [];
  }
  return messages.filter(({ MessageId }) => !failed.includes(MessageId ?? ''));
}

/** After the next process is asked for. Each time counts as a receive, as it does at AWS. */
const COME_BACK_SECONDS = 2;

/** @returns whether they do; otherwise they come at the end of their visibility time-out */
async function comeBack(
  messages: readonly Message[],
  { client, queueUrl, onError }: EventSource,
): Promise<boolean> {
  try {
    const { Failed = [] } = await client.send(
      new ChangeMessageVisibilityBatchCommand({
        QueueUrl: queueUrl,
        Entries: messages.map(({ ReceiptHandle }, index) => ({
          Id: String(index),
          ReceiptHandle,
          VisibilityTimeout: COME_BACK_SECONDS,
        })),
      }),
    );
    return Failed.length === 0;
  } catch (thrown) {
    onError(`${queueUrl}: ${messageOf(thrown)}`);
    return false;
  }
}

/** @returns `undefined` where Lambda takes the whole batch as failed: an id that is empty, or not of this batch */
function failedIds(answer: unknown, messages: readonly Message[]): string[] | undefined {
  const parsed = BatchAnswer.nullish().safeParse(answer);
  if (!parsed.success) return undefined;
  const failed = (parsed.data?.batchItemFailures ?? []).map(({ itemIdentifier }) => itemIdentifier);
  const known = messages.map(({ MessageId }) => MessageId);
  return failed.every((id) => known.includes(id)) ? failed : undefined;
}
