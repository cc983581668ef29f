/** Live schedules on DynamoDB: one collection beside the runs. Keys are in lib/store/table.ts. They do not expire. */
import {
  DeleteCommand,
  type DynamoDBDocumentClient,
  GetCommand,
  PutCommand,
  QueryCommand,
} from '@aws-sdk/lib-dynamodb';
import * as z from 'zod';
import { FleetReflexError } from '../errors.ts';
import { LiveSchedule, type ScheduleKey } from '../model/live-schedule.ts';
import { type Ledger, type ScheduleLedger, SyncState } from './schedule-ledger.ts';
import { condition, key } from './table.ts';
import { unlessConditionFails } from './unless-condition-fails.ts';

export interface DynamoScheduleLedgerOptions {
  client: DynamoDBDocumentClient;
  table: string;
}

const StoredSchedule = z.looseObject({ schedule: LiveSchedule });
const StoredSync = z.looseObject({ sync: SyncState });

export function dynamoScheduleLedger({ client, table }: DynamoScheduleLedgerOptions): ScheduleLedger {
  const keyOf = ({ provider, region, name }: ScheduleKey) => key.schedule(provider, region, name);

  return {
    async all() {
      const ledger: Ledger = { schedules: [] };
      let from: Record<string, unknown> | undefined;
      do {
        const page = await client.send(
          new QueryCommand({
            TableName: table,
            ConsistentRead: true,
            KeyConditionExpression: 'pk = :pk',
            ExpressionAttributeValues: { ':pk': key.scheduleSync().pk },
            ...(from && { ExclusiveStartKey: from }),
          }),
        );
        for (const item of page.Items ?? []) {
          if (item['sk'] === key.scheduleSync().sk) ledger.sync = read(StoredSync, item).sync;
          else ledger.schedules.push(read(StoredSchedule, item).schedule);
        }
        from = page.LastEvaluatedKey;
      } while (from);
      return ledger;
    },

    async get(scheduleKey) {
      const { Item } = await client.send(
        new GetCommand({ TableName: table, Key: keyOf(scheduleKey), ConsistentRead: true }),
      );
      return Item === undefined ? undefined : read(StoredSchedule, Item).schedule;
    },

    add: (schedule) =>
      unlessConditionFails(
        client.send(
          new PutCommand({
            TableName: table,
            Item: { ...keyOf(schedule), revision: schedule.revision, schedule },
            ConditionExpression: condition.isNew,
          }),
        ),
      ),

    async save(schedule) {
      const next: LiveSchedule = { ...schedule, revision: schedule.revision + 1 };
      const isSaved = await unlessConditionFails(
        client.send(
          new PutCommand({
            TableName: table,
            Item: { ...keyOf(next), revision: next.revision, schedule: next },
            ConditionExpression: condition.isRevision,
            ExpressionAttributeValues: { ':expected': schedule.revision },
          }),
        ),
      );
      return isSaved ? next : undefined;
    },

    async remove(scheduleKey) {
      await client.send(new DeleteCommand({ TableName: table, Key: keyOf(scheduleKey) }));
    },

    async saveSync(sync) {
      await client.send(new PutCommand({ TableName: table, Item: { ...key.scheduleSync(), sync } }));
    },
  };
}

function read<Item>(schema: z.ZodType<Item>, item: Record<string, unknown>): Item {
  const parsed = schema.safeParse(item);
  if (parsed.success) return parsed.data;
  throw new FleetReflexError(
    'store.unreadable',
    `The stored schedule ${String(item['sk'])} is not of a version that this code knows. Deploy the version that wrote it, or a newer one.`,
    { disposition: 'hold', cause: parsed.error },
  );
}
