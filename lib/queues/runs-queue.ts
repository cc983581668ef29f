/** The `runs` queue's sending side: run requests are durable here before any door answers. */
import { SendMessageBatchCommand, type SQSClient } from '@aws-sdk/client-sqs';
import { FleetReflexError, messageOf } from '../errors.ts';
import type { EventRecord } from '../events/event-record.ts';
import type { RunRequest } from '../runs/run-request.ts';
import { messageText } from './message-text.ts';

/** SQS takes 10 messages and 256 KiB in a batch (a queue may allow more by its MaximumMessageSize; none needs to). */
const MAX_ENTRIES = 10;
const MAX_BYTES = 256 * 1024 - 4096;
/** What a message's attributes add, at most. */
const ATTRIBUTES_BYTES = 512;

export interface RunsQueue {
  /**
   * Resolves when all of them are durable. Safe to call again with the same requests: a run id is a run once.
   * @param records what was decided about the events that asked for them, kept beside the runs
   * @throws FleetReflexError `queue.unavailable` (retry), `request.tooLarge` (drop)
   */
  send(requests: readonly RunRequest[], records?: readonly EventRecord[]): Promise<void>;
}

export function runsQueue(client: SQSClient, queueUrl: string): RunsQueue {
  return {
    async send(requests, records = []) {
      const entries = [...requests.map(toEntry), ...records.map(toRecordEntry)];
      for (const batch of inBatches(entries)) await sendBatch(client, queueUrl, batch);
    },
  };
}

interface Entry {
  body: string;
  bytes: number;
  attributes: Readonly<Record<string, string>>;
}

/** Whether the request fits in a message; `send` refuses one that does not. */
export function fitsInMessage(request: RunRequest): boolean {
  return measure(request).bytes <= MAX_BYTES;
}

function measure(request: RunRequest): Entry {
  const body = messageText(request);
  const attributes = { runId: request.runId, rule: request.rule };
  return { body, bytes: Buffer.byteLength(body) + ATTRIBUTES_BYTES, attributes };
}

function toRecordEntry(record: EventRecord): Entry {
  const body = messageText(record);
  return { body, bytes: Buffer.byteLength(body) + ATTRIBUTES_BYTES, attributes: { source: record.source } };
}

function toEntry(request: RunRequest): Entry {
  const entry = measure(request);
  const { bytes } = entry;
  if (bytes <= MAX_BYTES) return entry;
  throw new FleetReflexError(
    'request.tooLarge',
    `What the rule ${request.rule} asks for takes ${bytes} bytes; a message holds ${MAX_BYTES}. Fewer instances or shorter parameters fit.`,
  );
}

function inBatches(entries: readonly Entry[]): Entry[][] {
  const batches: Entry[][] = [];
  let bytes = 0;
  for (const entry of entries) {
    const batch = batches.at(-1);
    if (batch === undefined || batch.length === MAX_ENTRIES || bytes + entry.bytes > MAX_BYTES) {
      batches.push([entry]);
      bytes = entry.bytes;
    } else {
      batch.push(entry);
      bytes += entry.bytes;
    }
  }
  return batches;
}

async function sendBatch(client: SQSClient, QueueUrl: string, batch: readonly Entry[]): Promise<void> {
  const Entries = batch.map(({ body, attributes }, index) => ({
    Id: String(index),
    MessageBody: body,
    MessageAttributes: Object.fromEntries(
      Object.entries(attributes).map(([name, StringValue]) => [name, { DataType: 'String', StringValue }]),
    ),
  }));
  const answer = await client
    .send(new SendMessageBatchCommand({ QueueUrl, Entries }))
    .catch((cause: unknown) => {
      throw unavailable(messageOf(cause), cause);
    });
  // An entry is durable when the answer says so, and only then.
  const failed = answer.Failed ?? [];
  if (failed.length === 0 && answer.Successful?.length === batch.length) return;
  throw unavailable(
    failed.map(({ Code, Message }) => `${Code}: ${Message}`).join('; ') || 'an answer is missing',
  );
}

function unavailable(why: string, cause?: unknown): FleetReflexError {
  return new FleetReflexError(
    'queue.unavailable',
    `The event was understood, and what it asks for could not be put on the runs queue (${why}). Nothing is lost if it is sent again.`,
    { disposition: 'retry', cause },
  );
}
