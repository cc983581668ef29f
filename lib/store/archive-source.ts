/**
 * What the tables have of a day, in a fixed order and a page at a time, for the archive; and how far the archive has come.
 */
import { type DynamoDBDocumentClient, GetCommand, PutCommand, QueryCommand } from '@aws-sdk/lib-dynamodb';
import * as z from 'zod';
import type { Item } from './batch.ts';
import { AUDIT_DAYS, condition, EVENT_DAYS, key, RUN_DAYS } from './table.ts';
import { unlessConditionFails } from './unless-condition-fails.ts';

/** What comes next. */
export const ArchiveCursor = z.object({
  /** `2026-11-20` */
  day: z.string(),
  /** Which of `partsOf` the day. */
  part: z.int(),
  /** Which page of it. */
  page: z.int(),
  /** The sort key of the last one before. */
  after: z.string().optional(),
  /** Counts the steps. */
  revision: z.int(),
});
export type ArchiveCursor = z.infer<typeof ArchiveCursor>;

export interface ArchiveSource {
  /** undefined: nothing was ever archived. */
  cursor(): Promise<ArchiveCursor | undefined>;
  /** @returns false if another process was faster: it has archived the same */
  advance(cursor: ArchiveCursor): Promise<boolean>;
  /** Oldest first; undefined: the day has no such part. */
  page(cursor: ArchiveCursor): Promise<ArchivePage | undefined>;
}

export interface ArchivePage {
  kind: 'runs' | 'events' | 'audit';
  /** Of this kind, from 0 on. */
  shard: number;
  items: readonly Item[];
  /** The sort key of the last; absent: there are no more in this part. */
  last?: string;
}

export interface ArchiveSourceOptions {
  client: DynamoDBDocumentClient;
  table: string;
  recordsTable: string;
  /** So many items are one object. Default: what one read of the runs takes. */
  pageSize?: number;
}

const Stored = z.looseObject({ cursor: ArchiveCursor });

export function archiveSource({
  client,
  table,
  recordsTable,
  pageSize = 100,
}: ArchiveSourceOptions): ArchiveSource {
  const partsOf = (day: string) =>
    [
      { kind: 'runs' as const, table, days: RUN_DAYS },
      { kind: 'events' as const, table: recordsTable, days: EVENT_DAYS },
      { kind: 'audit' as const, table: recordsTable, days: AUDIT_DAYS },
    ].flatMap(({ days, ...of }) =>
      days.partitions(day).map((partition, shard) => ({ ...of, ...days, partition, shard })),
    );
  return {
    async cursor() {
      const { Item } = await client.send(
        new GetCommand({ TableName: table, Key: key.archive(), ConsistentRead: true }),
      );
      return Item === undefined ? undefined : Stored.parse(Item).cursor;
    },

    advance: (cursor) =>
      unlessConditionFails(
        client.send(
          new PutCommand({
            TableName: table,
            Item: { ...key.archive(), revision: cursor.revision, cursor },
            ...(cursor.revision === 1
              ? { ConditionExpression: condition.isNew }
              : {
                  ConditionExpression: condition.isRevision,
                  ExpressionAttributeValues: { ':expected': cursor.revision - 1 },
                }),
          }),
        ),
      ),

    async page({ day, part, after }) {
      const of = partsOf(day)[part];
      if (of === undefined) return undefined;
      const { Items = [], LastEvaluatedKey } = await client.send(
        new QueryCommand({
          TableName: of.table,
          IndexName: of.index,
          KeyConditionExpression: after === undefined ? '#pk = :pk' : '#pk = :pk AND #sk > :after',
          ExpressionAttributeNames: { '#pk': of.keys.pk, ...(after !== undefined && { '#sk': of.keys.sk }) },
          ExpressionAttributeValues: { ':pk': of.partition, ...(after !== undefined && { ':after': after }) },
          Limit: pageSize,
        }),
      );
      const last = LastEvaluatedKey?.[of.keys.sk];
      return {
        kind: of.kind,
        shard: of.shard,
        items: Items,
        ...(last !== undefined && { last: z.string().parse(last) }),
      };
    },
  };
}
