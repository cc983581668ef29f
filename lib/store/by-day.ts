/**
 * What is kept by the day that it came, newest first, a page at a time: runs, and decisions about events. A day is
 * split over several partitions, for one takes a thousand writes a second and no more; they are merged when read.
 */
import { type DynamoDBDocumentClient, QueryCommand } from '@aws-sdk/lib-dynamodb';
import * as z from 'zod';
import { FleetReflexError } from '../errors.ts';
import { RETENTION_DAYS } from './table.ts';

/** `before`: the sort key of the last that was shown of that day. */
const Cursor = z.strictObject({ day: z.string(), before: z.string().optional() });

/** An index by day. */
export interface DayIndex {
  table: string;
  index: string;
  /** Names of its keys. */
  keys: { pk: string; sk: string };
  /** The partitions of a day (`2026-11-20`). */
  partitions: (day: string) => readonly string[];
}

export interface ByDay<Item> {
  client: DynamoDBDocumentClient;
  /** All of them are merged: what an earlier version wrote is in another. */
  indexes: readonly DayIndex[];
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

interface Found<Item> {
  item: Item;
  at: string;
}

/** @throws FleetReflexError `runs.cursor` */
export async function listByDay<Item>(options: ByDay<Item>): Promise<{ items: Item[]; cursor?: string }> {
  const { indexes, limit, cursor, now } = options;
  const items: Item[] = [];
  const start = cursor === undefined ? { day: now.toISOString().slice(0, 10) } : readCursor(cursor);
  let before: string | undefined = start.before;
  for (let day = start.day, age = 0; age <= RETENTION_DAYS; day = dayBefore(day), age += 1) {
    const split = await Promise.all(
      indexes.flatMap((index) =>
        index
          .partitions(day)
          .map((partition) => newestOf(options, index, partition, before, limit - items.length)),
      ),
    );
    const page = split
      .flat()
      .toSorted((a, b) => (a.at > b.at ? -1 : 1))
      .slice(0, limit - items.length);
    items.push(...page.map(({ item }) => item));
    const last = page.at(-1);
    if (items.length >= limit && last !== undefined) {
      return { items, cursor: Buffer.from(JSON.stringify({ day, before: last.at })).toString('base64url') };
    }
    before = undefined;
  }
  return { items };
}

async function newestOf<Item>(
  { client, read, where }: ByDay<Item>,
  { table, index, keys }: DayIndex,
  partition: string,
  before: string | undefined,
  limit: number,
): Promise<Found<Item>[]> {
  const found: Found<Item>[] = [];
  let from: Record<string, unknown> | undefined;
  do {
    const page = await client.send(
      new QueryCommand({
        TableName: table,
        IndexName: index,
        KeyConditionExpression: before === undefined ? '#pk = :pk' : '#pk = :pk AND #sk < :before',
        ...(where && { FilterExpression: '#attribute = :value' }),
        ExpressionAttributeNames: {
          '#pk': keys.pk,
          ...(before !== undefined && { '#sk': keys.sk }),
          ...(where && { '#attribute': where.attribute }),
        },
        ExpressionAttributeValues: {
          ':pk': partition,
          ...(before !== undefined && { ':before': before }),
          ...(where && { ':value': where.value }),
        },
        ScanIndexForward: false,
        Limit: limit,
        ...(from && { ExclusiveStartKey: from }),
      }),
    );
    for (const item of page.Items ?? []) {
      const at = z.string().parse(item[keys.sk]);
      found.push(...read(item).map((one) => ({ item: one, at })));
    }
    from = page.LastEvaluatedKey;
  } while (from && found.length < limit);
  return found;
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
