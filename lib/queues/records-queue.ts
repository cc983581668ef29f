/** The `records` queue's sending side: what was decided about events, apart from the runs, which it must not delay. */
import type { SQSClient } from '@aws-sdk/client-sqs';
import type { EventRecord } from '../model/decision.ts';
import { messageText } from './message-text.ts';
import { sendMessages } from './send-messages.ts';

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
      await sendMessages(
        { client, url, name: 'records' },
        records.map((record) => ({ body: messageText(record), attributes: { source: record.source } })),
      ),
  };
}
