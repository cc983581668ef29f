/** The leases of loops: one process at a time tends a scope. */
import { DeleteCommand, type DynamoDBDocumentClient, PutCommand } from '@aws-sdk/lib-dynamodb';
import * as z from 'zod';
import type { Item } from './batch.ts';
import type { Lease, RunStore } from './run-store.ts';
import { condition, key } from './table.ts';
import { unlessConditionFails } from './unless-condition-fails.ts';

const StoredLease = z.looseObject({ owner: z.string(), until: z.iso.datetime() });

export function dynamoLeases({
  client,
  table,
}: {
  client: DynamoDBDocumentClient;
  table: string;
}): Pick<RunStore, 'acquireLease' | 'releaseLease'> {
  return {
    acquireLease: (name, owner, now, leaseMs) =>
      unlessConditionFails(
        client.send(
          new PutCommand({
            TableName: table,
            Item: { ...key.lease(name), owner, until: new Date(now.getTime() + leaseMs).toISOString() },
            ConditionExpression: condition.isLeaseFree,
            ExpressionAttributeNames: { '#owner': 'owner', '#until': 'until' },
            ExpressionAttributeValues: { ':owner': owner, ':now': now.toISOString() },
          }),
        ),
      ),

    async releaseLease(name, owner, restUntil) {
      const isOurs = {
        TableName: table,
        ConditionExpression: condition.isLeaseOurs,
        ExpressionAttributeNames: { '#owner': 'owner' },
        ExpressionAttributeValues: { ':owner': owner },
      };
      const rest = restUntil && { ...key.lease(name), owner: 'nobody', until: restUntil.toISOString() };
      await unlessConditionFails(
        rest === undefined
          ? client.send(new DeleteCommand({ ...isOurs, Key: key.lease(name) }))
          : client.send(new PutCommand({ ...isOurs, Item: rest })),
      );
    },
  };
}

export function readLease(item: Item | undefined): Lease | undefined {
  if (item === undefined) return undefined;
  const { owner, until } = StoredLease.parse(item);
  return { owner, until: new Date(until) };
}
