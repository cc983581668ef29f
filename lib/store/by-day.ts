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
  /** How many days back it has items, where that is less than is asked for. */
  days?: number;
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
  /** How many days back. Default: as long as runs are kept. */
  days?: number | undefined;
  /** ISO 8601: from then on … */
  since?: string | undefined;
  /** … until before then. */
  until?: string | undefined;
  /** What an earlier page gave. */
  cursor?: string | undefined;
  /** Only items of which each holds. It saves an answer's bytes, no reads: the days between are read whole. */
  where?: readonly Where[] | undefined;
}

/** One of these attributes, each by its path, has this value. */
export interface Where {
  anyOf: readonly (readonly string[])[];
  value: string;
}

interface Found<Item> {
  item: Item;
  at: string;
}

/** A day's partitions are read so often before an answer is given that may have few items and a cursor. */
const MAX_ROUNDS = 100;
/** So many items of a partition are looked at in one request, where most may be left out. */
const FILTERED = 500;

/** @throws FleetReflexError `runs.cursor` */
export async function listByDay<Item>(options: ByDay<Item>): Promise<{ items: Item[]; cursor?: string }> {
  const { indexes, limit, cursor, now, days = RETENTION_DAYS, since = '', until } = options;
  const items: Item[] = [];
  const newest = until === undefined || until > now.toISOString() ? undefined : until;
  const start =
    cursor === undefined
      ? { day: (newest ?? now.toISOString()).slice(0, 10), before: newest }
      : readCursor(cursor);
  const oldestDay = latest(dayOf(new Date(now.getTime() - days * DAY_MS)), since.slice(0, 10));
  let { day, before }: z.infer<typeof Cursor> = start;
  for (let round = 0; day >= oldestDay; round += 1) {
    if (round >= MAX_ROUNDS) return { items, cursor: cursorOf(day, before) };
    const parts = await Promise.all(
      indexes
        .filter(
          (index) => index.days === undefined || day >= dayOf(new Date(now.getTime() - index.days * DAY_MS)),
        )
        .flatMap((index) =>
          index
            .partitions(day)
            .map((partition) => newestOf(options, index, partition, before, limit - items.length)),
        ),
    );
    // What is older than this may have something between it that was not read yet.
    const read = latest(...parts.map(({ readTo }) => readTo ?? ''));
    const page = parts
      .flatMap(({ found }) => found)
      .filter(({ at }) => at >= read)
      .toSorted((a, b) => (a.at > b.at ? -1 : 1))
      .slice(0, limit - items.length);
    items.push(...page.map(({ item }) => item));
    const last = page.at(-1);
    if (items.length >= limit && last !== undefined) return { items, cursor: cursorOf(day, last.at) };
    if (read === '') day = dayBefore(day);
    before = read === '' ? undefined : read;
  }
  return { items };
}

/** One request. @returns `readTo`: the sort key of the last that was looked at, where there are more */
async function newestOf<Item>(
  { client, read, where = [], since }: ByDay<Item>,
  { table, index, keys }: DayIndex,
  partition: string,
  before: string | undefined,
  limit: number,
): Promise<{ found: Found<Item>[]; readTo?: string }> {
  // A cursor of another list.
  if (before !== undefined && since !== undefined && before < since) return { found: [] };
  const filter = filterOf(where);
  const page = await client.send(
    new QueryCommand({
      TableName: table,
      IndexName: index,
      KeyConditionExpression: `#pk = :pk${before || since ? ' AND #sk BETWEEN :since AND :before' : ''}`,
      ...(where.length > 0 && { FilterExpression: filter.expression }),
      ExpressionAttributeNames: {
        '#pk': keys.pk,
        ...((before || since) && { '#sk': keys.sk }),
        ...filter.names,
      },
      ExpressionAttributeValues: {
        ':pk': partition,
        ...((before || since) && { ':since': since || '0', ':before': before ?? '~' }),
        ...filter.values,
      },
      ScanIndexForward: false,
      Limit: where.length > 0 ? FILTERED : limit,
    }),
  );
  const found = (page.Items ?? []).flatMap((item) => {
    const at = z.string().parse(item[keys.sk]);
    // BETWEEN has both ends in it.
    return at === before ? [] : read(item).map((one) => ({ item: one, at }));
  });
  const readTo = page.LastEvaluatedKey?.[keys.sk];
  return readTo === undefined ? { found } : { found, readTo: z.string().parse(readTo) };
}

function filterOf(where: readonly Where[]) {
  const names: Record<string, string> = {};
  const values: Record<string, string> = {};
  const nameOf = (part: string): string => {
    const name = `#f_${part}`;
    names[name] = part;
    return name;
  };
  const expression = where
    .map(({ anyOf, value }, index) => {
      values[`:f${index}`] = value;
      return `(${anyOf.map((path) => `${path.map(nameOf).join('.')} = :f${index}`).join(' OR ')})`;
    })
    .join(' AND ');
  return { expression, names, values };
}

function cursorOf(day: string, before: string | undefined): string {
  return Buffer.from(JSON.stringify({ day, before })).toString('base64url');
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

const DAY_MS = 86_400_000;

function dayBefore(day: string): string {
  return dayOf(new Date(Date.parse(`${day}T00:00:00Z`) - DAY_MS));
}

function dayOf(at: Date): string {
  return at.toISOString().slice(0, 10);
}

function latest(...times: readonly string[]): string {
  return times.reduce((one, other) => (one > other ? one : other), '');
}
