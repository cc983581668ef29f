/** Decisions about events, on a table of their own. Keys are in lib/store/table.ts. */
import type { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import * as z from 'zod';
import { EventRecord } from '../model/decision.ts';
import { putAll } from './batch.ts';
import { listByDay } from './by-day.ts';
import type { EventLog } from './event-log.ts';
import { EARLIER_EVENT_DAYS, EVENT_DAYS, eventDayKey, expiresAt, key } from './table.ts';
import { together } from './together.ts';

const StoredEvent = z.looseObject({ event: EventRecord });

export interface DynamoEventLogOptions {
  client: DynamoDBDocumentClient;
  recordsTable: string;
  /** The table of the runs, where the previous version kept its records. Absent: they are not read. */
  table?: string;
  /** Default: the clock of this machine. */
  now?: () => Date;
}

export function dynamoEventLog(options: DynamoEventLogOptions): EventLog {
  const { client, recordsTable, table, now = () => new Date() } = options;
  const put = together(
    async (records: readonly EventRecord[]) => {
      // Of two records of one event the later one is kept.
      const oldestFirst = records.toSorted((a, b) => (a.receivedAt < b.receivedAt ? -1 : 1));
      await putAll({ client, table: recordsTable }, oldestFirst.map(itemOf));
      return records.map(() => ({}));
    },
    { max: 25 },
  );

  return {
    async put(record) {
      await put(record);
    },

    async list({ source, ...page }) {
      const { items, ...next } = await listByDay({
        ...page,
        client,
        indexes: [
          { table: recordsTable, ...EVENT_DAYS },
          ...(table === undefined ? [] : [{ table, ...EARLIER_EVENT_DAYS }]),
        ],
        now: now(),
        // What another version wrote is left out of the list.
        read(item) {
          const { data } = StoredEvent.safeParse(item);
          return data === undefined ? [] : [data.event];
        },
        ...(source !== undefined && { where: [{ anyOf: [['source']], value: source }] }),
      });
      return { events: items, ...next };
    },
  };
}

function itemOf(record: EventRecord) {
  const { source, eventId, receivedAt } = record;
  return {
    ...key.event(source, eventId),
    ...eventDayKey(receivedAt, source, eventId),
    source,
    event: record,
    expiresAt: expiresAt(new Date(receivedAt)),
  };
}
