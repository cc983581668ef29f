/** Decisions about events, on the same table as the runs. Keys are in lib/store/table.ts. */
import { type DynamoDBDocumentClient, PutCommand } from '@aws-sdk/lib-dynamodb';
import * as z from 'zod';
import { EventRecord } from '../model/decision.ts';
import { listByDay } from './by-day.ts';
import type { EventLog } from './event-log.ts';
import { dayPartition, eventDayKey, expiresAt, key } from './table.ts';

const StoredEvent = z.looseObject({ event: EventRecord });

export interface DynamoEventLogOptions {
  client: DynamoDBDocumentClient;
  table: string;
  /** Default: the clock of this machine. */
  now?: () => Date;
}

export function dynamoEventLog({ client, table, now = () => new Date() }: DynamoEventLogOptions): EventLog {
  return {
    async put(record) {
      const { source, eventId, receivedAt } = record;
      await client.send(
        new PutCommand({
          TableName: table,
          Item: {
            ...key.event(source, eventId),
            ...eventDayKey(receivedAt, source, eventId),
            source,
            event: record,
            expiresAt: expiresAt(new Date(receivedAt)),
          },
        }),
      );
    },

    async list({ source, ...options }) {
      const { items, ...next } = await listByDay({
        ...options,
        client,
        table,
        partition: dayPartition.events,
        now: now(),
        // What another version wrote is left out of the list.
        read(item) {
          const { data } = StoredEvent.safeParse(item);
          return data === undefined ? [] : [data.event];
        },
        ...(source !== undefined && { where: { attribute: 'source', value: source } }),
      });
      return { events: items, ...next };
    },
  };
}
