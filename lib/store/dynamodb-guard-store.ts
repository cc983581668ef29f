/** What guards remember, on the same DynamoDB table as the runs. Keys are in lib/store/table.ts. */
import {
  DeleteCommand,
  type DynamoDBDocumentClient,
  GetCommand,
  PutCommand,
  UpdateCommand,
} from '@aws-sdk/lib-dynamodb';
import * as z from 'zod';
import { RunId } from '../model/run-request.ts';
import { dynamoCells } from './dynamodb-cells.ts';
import { dynamoHourlyCounts } from './dynamodb-hourly.ts';
import { dynamoInstanceLocks } from './dynamodb-instance-locks.ts';
import { dynamoTombstones } from './dynamodb-tombstones.ts';
import { Appointment, type Freeze, type GuardStore } from './guard-store.ts';
import { condition, expiresAt, key } from './table.ts';
import type { Sleep } from './together.ts';
import { unlessConditionFails } from './unless-condition-fails.ts';

const StoredClaim = z.looseObject({ runId: z.string(), at: z.iso.datetime(), until: z.iso.datetime() });
/** A set without members is no attribute. */
const StoredFlight = z.looseObject({ runs: z.set(RunId).default(new Set()) });
const StoredAgenda = z.looseObject({ revision: z.int(), appointments: z.array(Appointment) });
const StoredFreeze = z.looseObject({
  by: z.string(),
  onBehalfOf: z.string().optional(),
  reason: z.string(),
  until: z.iso.datetime().optional(),
});

export interface DynamoGuardStoreOptions {
  client: DynamoDBDocumentClient;
  table: string;
  /** What comes at about the same time is gathered so. Default: by this machine's clock. */
  sleep?: Sleep | undefined;
}

export function dynamoGuardStore({ client, table, sleep }: DynamoGuardStoreOptions): GuardStore {
  const read = async (itemKey: Record<string, string>) =>
    (await client.send(new GetCommand({ TableName: table, Key: itemKey, ConsistentRead: true }))).Item;

  return {
    ...dynamoHourlyCounts({ client, table, sleep }),
    ...dynamoInstanceLocks({ client, table }),
    ...dynamoTombstones({ client, table }),
    ...dynamoCells({ client, table, sleep }),

    async claim(guard, rule, claimKey, runId, until, now) {
      const itemKey = key.claim(guard, rule, claimKey);
      const isOurs = await unlessConditionFails(
        client.send(
          new PutCommand({
            TableName: table,
            Item: {
              ...itemKey,
              runId,
              at: now.toISOString(),
              until: until.toISOString(),
              expiresAt: expiresAt(until, 1),
            },
            ConditionExpression: 'attribute_not_exists(pk) OR #until <= :now',
            ExpressionAttributeNames: { '#until': 'until' },
            ExpressionAttributeValues: { ':now': now.toISOString() },
          }),
        ),
      );
      if (isOurs) return { isOurs: true };
      const held = await read(itemKey);
      // Gone between the two calls: the holder gave it back, so ask again.
      if (held === undefined) return await this.claim(guard, rule, claimKey, runId, until, now);
      const claim = StoredClaim.parse(held);
      return claim.runId === runId
        ? { isOurs: true }
        : { isOurs: false, runId: RunId.parse(claim.runId), until: new Date(claim.until) };
    },

    async claimant(guard, rule, claimKey, now) {
      const item = await read(key.claim(guard, rule, claimKey));
      if (item === undefined) return undefined;
      const claim = StoredClaim.parse(item);
      if (claim.until <= now.toISOString()) return undefined;
      return { runId: claim.runId, at: new Date(claim.at), until: new Date(claim.until) };
    },

    async release(guard, rule, claimKey, runId) {
      await unlessConditionFails(
        client.send(
          new DeleteCommand({
            TableName: table,
            Key: key.claim(guard, rule, claimKey),
            ConditionExpression: 'runId = :runId',
            ExpressionAttributeValues: { ':runId': runId },
          }),
        ),
      );
    },

    enterFlight: (rule, runId, max) =>
      unlessConditionFails(
        client.send(
          new UpdateCommand({
            TableName: table,
            Key: key.inFlight(rule),
            UpdateExpression: 'ADD runs :run',
            ConditionExpression: 'attribute_not_exists(runs) OR contains(runs, :runId) OR size(runs) < :max',
            ExpressionAttributeValues: { ':run': new Set([runId]), ':runId': runId, ':max': max },
          }),
        ),
      ),

    async leaveFlight(rule, runId) {
      await client.send(
        new UpdateCommand({
          TableName: table,
          Key: key.inFlight(rule),
          UpdateExpression: 'DELETE runs :run',
          ExpressionAttributeValues: { ':run': new Set([runId]) },
        }),
      );
    },

    async flight(rule) {
      const item = await read(key.inFlight(rule));
      return item === undefined ? [] : [...StoredFlight.parse(item).runs];
    },

    async agenda(rule) {
      const item = await read(key.agenda(rule));
      if (item === undefined) return { revision: 0, appointments: [] };
      const { revision, appointments } = StoredAgenda.parse(item);
      return { revision, appointments };
    },

    async saveAgenda(rule, { revision, appointments }) {
      // What recurs stays until it is struck.
      const isForEver = appointments.some(({ until }) => until === undefined);
      const last = Math.max(Date.now(), ...appointments.map(({ until }) => Date.parse(until ?? '')));
      return await unlessConditionFails(
        client.send(
          new PutCommand({
            TableName: table,
            Item: {
              ...key.agenda(rule),
              revision: revision + 1,
              appointments,
              ...(!isForEver && { expiresAt: expiresAt(new Date(last), 1) }),
            },
            ...(revision === 0
              ? { ConditionExpression: condition.isNew }
              : {
                  ConditionExpression: condition.isRevision,
                  ExpressionAttributeValues: { ':expected': revision },
                }),
          }),
        ),
      );
    },

    freeze: async (now) => readFreeze(await read(key.freeze()), now),

    async setFreeze(freeze) {
      if (freeze === undefined) {
        await client.send(new DeleteCommand({ TableName: table, Key: key.freeze() }));
        return;
      }
      const { until, ...rest } = freeze;
      await client.send(
        new PutCommand({
          TableName: table,
          Item: { ...key.freeze(), ...rest, ...(until && { until: until.toISOString() }) },
        }),
      );
    },
  };
}

/** The freeze that its item says, while it holds. */
export function readFreeze(
  item: Readonly<Record<string, unknown>> | undefined,
  now: Date,
): Freeze | undefined {
  if (item === undefined) return undefined;
  const { by, onBehalfOf, reason, until } = StoredFreeze.parse(item);
  if (until !== undefined && until <= now.toISOString()) return undefined;
  return {
    by,
    ...(onBehalfOf && { onBehalfOf }),
    reason,
    ...(until !== undefined && { until: new Date(until) }),
  };
}
