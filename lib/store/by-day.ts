/** What is kept by the day that it came, newest first, a page at a time: runs, and decisions about events. */
import { type DynamoDBDocumentClient, QueryCommand } from '@aws-sdk/lib-dynamodb';
import * as z from 'zod';
import { FleetReflexError } from '../errors.ts';
import { INDEX, RETENTION_DAYS } from './table.ts';

const Cursor = z.strictObject({ day: z.string(), from: z.record(z.string(), z.string()).optional() });

export interface ByDay<Item> {
  client: DynamoDBDocumentClient;
  table: string;
  /** The index's partition of a day (`2026-11-20`). */
  partition: (day: string) => string;
  /** None for one that cannot be read. */
  read: (item: Record<string, unknown>) => readonly Item[];
  limit: number;
  /** Its day is the newest that is read. */
  now: Date;
  /** What an earlier page gave. */
  cursor?: string | undefined;
  /** Only items whose attribute has this value. */
  where?: { attribute: string; value: string } | undefined;
}

/** @throws FleetReflexError `runs.cursor` */
export async function listByDay<Item>(options: ByDay<Item>): Promise<{ items: Item[]; cursor?: string }> {
  const { client, table, partition, read, limit, cursor, where, now } = options;
  const items: Item[] = [];
  const today = now.toISOString().slice(0, 10);
  const start = cursor === undefined ? { day: today } : readCursor(cursor);
  let from: Record<string, unknown> | undefined = start.from;
  for (let day = start.day, age = 0; age <= RETENTION_DAYS; day = dayBefore(day), age += 1) {
    do {
      const page = await client.send(
        new QueryCommand({
          TableName: table,
          IndexName: INDEX.days,
          KeyConditionExpression: 'dayPk = :day',
          ExpressionAttributeValues: { ':day': partition(day), ...(where && { ':value': where.value }) },
          ...(where && {
            FilterExpression: '#attribute = :value',
            ExpressionAttributeNames: { '#attribute': where.attribute },
          }),
          ScanIndexForward: false,
          Limit: limit - items.length,
          ...(from && { ExclusiveStartKey: from }),
        }),
      );
      for (const item of page.Items ?? []) items.push(...read(item));
      from = page.LastEvaluatedKey;
      if (items.length >= limit) {
        const next = from ? { day, from } : { day: dayBefore(day) };
        return { items, cursor: Buffer.from(JSON.stringify(next)).toString('base64url') };
      }
    } while (from);
  }
  return { items };
}

function readCursor(cursor: string): z.infer<typeof Cursor> {
  try {
    return Cursor.parse(JSON.parse(Buffer.from(cursor, 'base64url').toString()));
  } catch (cause) {
    throw new FleetReflexError(
      'runs.cursor',
      'The cursor is not one that this API gave. Leave it out to start with the newest.',
      { cause },
    );
  }
}

function dayBefore(day: string): string {
  return new Date(Date.parse(`${day}T00:00:00Z`) - 86_400_000).toISOString().slice(0, 10);
}
