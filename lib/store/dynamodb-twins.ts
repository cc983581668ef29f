/** The leases of attempts that look alike to their provider, and the state of a run as far as those who meet it need it. */
import { type DynamoDBDocumentClient, GetCommand, PutCommand } from '@aws-sdk/lib-dynamodb';
import * as z from 'zod';
import type { RunStore } from './run-store.ts';
import { condition, expiresAt, key } from './table.ts';
import { Glimpse, TwinLease } from './twin-lease.ts';
import { unlessConditionFails } from './unless-condition-fails.ts';

const StoredGlimpse = z.looseObject({ run: Glimpse });
const StoredTwin = z.looseObject({ lease: TwinLease });

export function dynamoTwins({
  client,
  table,
  now: clock,
}: {
  client: DynamoDBDocumentClient;
  table: string;
  now: () => Date;
}): Pick<RunStore, 'twin' | 'takeTwin' | 'glimpse'> {
  return {
    async twin(twinKey) {
      const Key = key.twin(twinKey);
      const { Item } = await client.send(new GetCommand({ TableName: table, Key, ConsistentRead: true }));
      return Item === undefined ? undefined : StoredTwin.parse(Item).lease;
    },

    takeTwin: (twinKey, lease, read) =>
      unlessConditionFails(
        client.send(
          new PutCommand({
            TableName: table,
            Item: {
              ...key.twin(twinKey),
              revision: lease.revision,
              lease,
              expiresAt: expiresAt(clock()),
            },
            ...(read === undefined
              ? { ConditionExpression: condition.isNew }
              : {
                  ConditionExpression: condition.isRevision,
                  ExpressionAttributeValues: { ':expected': read.revision },
                }),
          }),
        ),
      ),

    async glimpse(runId) {
      const { Item } = await client.send(
        new GetCommand({ TableName: table, Key: key.run(runId), ConsistentRead: true }),
      );
      if (Item === undefined) return undefined;
      const seen = StoredGlimpse.safeParse(Item);
      return seen.success ? seen.data.run : 'unreadable';
    },
  };
}
