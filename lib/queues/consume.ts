/**
 * The receiving edge of every queue: a message is done, is retried later, or is set aside for a person. The error decides
 * (FleetReflexError.disposition); an unexpected exception is a failure of that one message, never an acknowledgement.
 */
import { BatchProcessor, EventType, processPartialResponse } from '@aws-lambda-powertools/batch';
import {
  ChangeMessageVisibilityCommand,
  type MessageAttributeValue,
  SendMessageCommand,
  type SQSClient,
} from '@aws-sdk/client-sqs';
import middy from '@middy/core';
import type { SQSBatchResponse, SQSEvent, SQSRecord } from 'aws-lambda';
import { FleetReflexError, messageOf } from '../errors.ts';
import type { CorrelatedLog, Log } from '../logging.ts';
import type { Metrics } from '../metrics.ts';
import { FIRST_SENT, firstSent } from './sent-at.ts';

/**
 * What becomes of a message: it is done, or it comes back after that time. `Known` is what its handler knows beside that.
 * @example Handled<{ run: Run }>
 */
export type Handled<Known = unknown> = Known &
  ({ kind: 'done' } | { kind: 'retry'; retryAfterMs: number; reason: string });

export interface ConsumerOptions {
  client: SQSClient;
  queueUrl: string;
  /** Where messages go that a person has to decide on, with the reason as attributes. */
  deadLetterUrl: string;
  handle: (record: SQSRecord) => Promise<Handled>;
  /** With `correlate`, the request's id is on every line of the batch. */
  log: Log & Partial<Pick<CorrelatedLog, 'correlate'>>;
  /** Default: none. */
  metrics?: Metrics;
}

/** SQS keeps a message invisible for 12 hours at most. */
const MAX_INVISIBLE_SECONDS = 43_200;
/** How much each receive lengthens the wait, so that a long wait uses few of the allowed receives. */
const WAIT_GROWTH_MS = 250;
const FIRST_BACKOFF_MS = 1_000;
const MAX_BACKOFF_MS = 5 * 60_000;

/** The handler of a function behind a queue with `ReportBatchItemFailures`. */
export function queueHandler(options: ConsumerOptions) {
  return middy<SQSEvent, SQSBatchResponse>().handler(async (event, context) => {
    options.log.correlate?.({ requestId: context.awsRequestId });
    measureAge(event.Records, options);
    return await processPartialResponse(
      event,
      (record: SQSRecord) => consume(record, options),
      new BatchProcessor(EventType.SQS, undefined),
      // If all messages fail, each is reported too, so that each returns at its own time.
      { context, throwOnFullBatchFailure: false },
    );
  });
}

/** One line for a batch; a queue without a name of ours (a prefix) counts under the name that it has. */
function measureAge(records: readonly SQSRecord[], { metrics, queueUrl }: ConsumerOptions): void {
  const sentAtMs = records.map(({ attributes }) => Number(attributes.SentTimestamp));
  const oldestMs = Math.min(...sentAtMs.filter((it) => Number.isFinite(it)));
  if (!Number.isFinite(oldestMs)) return;
  metrics?.add('QueueAge', Math.max(0, Date.now() - oldestMs), { queue: queueUrl.split('/').at(-1) ?? '' });
}

async function consume(record: SQSRecord, options: ConsumerOptions): Promise<void> {
  const { handle, log } = options;
  let handled: Handled;
  try {
    handled = await handle(record);
  } catch (thrown) {
    handled = await afterFailure(record, thrown, options);
  }
  if (handled.kind === 'done') return;
  const received = receiveCount(record);
  const waitMs = handled.retryAfterMs + received * WAIT_GROWTH_MS;
  log.info('message.waits', { messageId: record.messageId, received, waitMs, reason: handled.reason });
  await comeBack(record, waitMs, options);
  // For the batch: this message is not done.
  throw new FleetReflexError('message.waits', handled.reason, { disposition: 'retry' });
}

async function afterFailure(record: SQSRecord, thrown: unknown, options: ConsumerOptions): Promise<Handled> {
  const { log } = options;
  const received = receiveCount(record);
  const facts = { messageId: record.messageId, received, error: messageOf(thrown) };
  if (!(thrown instanceof FleetReflexError)) {
    log.error('message.failed', { ...facts, stack: thrown instanceof Error ? thrown.stack : undefined });
    return { kind: 'retry', retryAfterMs: backoffMs(received), reason: messageOf(thrown) };
  }
  const { code, disposition, details, retryAfterMs } = thrown;
  switch (disposition) {
    case 'retry':
      log.warn('message.failed', { ...facts, code, details });
      return { kind: 'retry', retryAfterMs: retryAfterMs ?? backoffMs(received), reason: thrown.message };
    case 'drop':
      log.error('message.dropped', { ...facts, code, details });
      return { kind: 'done' };
    case 'hold':
      log.error('message.held', { ...facts, code, details });
      return await setAside(record, thrown, options);
  }
}

export function backoffMs(received: number): number {
  return Math.min(MAX_BACKOFF_MS, FIRST_BACKOFF_MS * 2 ** Math.min(received - 1, 20));
}

async function comeBack(record: SQSRecord, waitMs: number, { client, queueUrl, log }: ConsumerOptions) {
  const VisibilityTimeout = Math.min(MAX_INVISIBLE_SECONDS, Math.ceil(waitMs / 1000));
  try {
    await client.send(
      new ChangeMessageVisibilityCommand({
        QueueUrl: queueUrl,
        ReceiptHandle: record.receiptHandle,
        VisibilityTimeout,
      }),
    );
  } catch (thrown) {
    // It returns anyway, at the end of the queue's own visibility time-out.
    log.warn('message.visibility', { messageId: record.messageId, error: messageOf(thrown) });
  }
}

/** The message is done when the dead-letter queue has it, and only then. */
async function setAside(
  record: SQSRecord,
  error: FleetReflexError,
  { client, deadLetterUrl, log }: ConsumerOptions,
): Promise<Handled> {
  const first = firstSent(record.attributes.SentTimestamp, record.messageAttributes[FIRST_SENT]?.stringValue);
  try {
    await client.send(
      new SendMessageCommand({
        QueueUrl: deadLetterUrl,
        MessageBody: record.body,
        // Whose it is, for when it is redriven.
        MessageGroupId: record.attributes.MessageGroupId,
        MessageAttributes: {
          ...ownAttributes(record),
          reason: text(error.code),
          explanation: text(error.message),
          originalMessageId: text(record.messageId),
          ...(first !== undefined && { [FIRST_SENT]: text(first) }),
        },
      }),
    );
    return { kind: 'done' };
  } catch (thrown) {
    const reason = `It could not be put on the dead-letter queue: ${messageOf(thrown)}`;
    log.error('message.stuck', { messageId: record.messageId, reason });
    return { kind: 'retry', retryAfterMs: backoffMs(receiveCount(record)), reason };
  }
}

/** A message may have ten attributes; four are ours. */
const MAX_OWN_ATTRIBUTES = 6;
const OURS: ReadonlySet<string> = new Set(['reason', 'explanation', 'originalMessageId', FIRST_SENT]);
/** The attributes that our functions read are kept first. */
const READ: ReadonlySet<string> = new Set(['source', 'traceparent']);

/** The message's original attributes (`source`, `traceparent`), so that a redriven message is unchanged. */
function ownAttributes({ messageAttributes }: SQSRecord): Record<string, MessageAttributeValue> {
  const own = Object.entries(messageAttributes)
    .filter(([name]) => !OURS.has(name))
    .toSorted(([a], [b]) => Number(READ.has(b)) - Number(READ.has(a)));
  return Object.fromEntries(
    own.slice(0, MAX_OWN_ATTRIBUTES).map(([name, { dataType, stringValue, binaryValue }]) => [
      name,
      {
        DataType: dataType,
        ...(stringValue !== undefined && { StringValue: stringValue }),
        ...(binaryValue !== undefined && { BinaryValue: Buffer.from(binaryValue, 'base64') }),
      },
    ]),
  );
}

/** Characters that SQS takes in an attribute: those of XML 1.0. */
const NOT_IN_XML = /[^\t\n\r\u{20}-\u{d7ff}\u{e000}-\u{fffd}\u{10000}-\u{10ffff}]/gu;

function text(value: string): MessageAttributeValue {
  const StringValue = value.slice(0, 4096).toWellFormed().replace(NOT_IN_XML, '\ufffd');
  return { DataType: 'String', StringValue: StringValue === '' ? '-' : StringValue };
}

export function receiveCount(record: SQSRecord): number {
  const count = Number(record.attributes.ApproximateReceiveCount);
  return Number.isInteger(count) && count > 0 ? count : 1;
}
