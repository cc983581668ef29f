/**
 * The sending side of the `records` queue, for the decisions about events that start nothing, so that they do not delay
 * runs. The record of an event that starts runs is sent with them.
 */
import type { SQSClient } from '@aws-sdk/client-sqs';
import type { EventRecord } from '../model/decision.ts';
import { messageText } from './message-text.ts';
import { type OutgoingMessage, sendMessages } from './send-messages.ts';

export interface RecordsQueue {
  /**
   * Resolves when all of them are durable. Safe to call again: of an event the newest record is kept.
   * @throws FleetReflexError `queue.unavailable` (retry)
   */
  send(records: readonly EventRecord[]): Promise<void>;
}

export function recordsQueue(client: SQSClient, url: string): RecordsQueue {
  return {
    send: async (records) =>
      await sendMessages({ client, url, name: 'records' }, records.map(toRecordMessage)),
  };
}

/** The message of a record, on this queue and on that of the runs that its event started. */
export function toRecordMessage(record: EventRecord): OutgoingMessage {
  return { body: messageText(record), attributes: { source: record.source }, tenant: record.source };
}
