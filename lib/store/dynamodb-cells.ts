/**
 * Cells on the table of the runs, an item each. What one process asks of a cell at about the same time is one read and
 * one write: five hundred deliveries at once are not five hundred conflicts.
 */
import { type DynamoDBDocumentClient, GetCommand, PutCommand } from '@aws-sdk/lib-dynamodb';
import * as z from 'zod';
import { FleetReflexError } from '../errors.ts';
import type { Cells } from './cell.ts';
import { condition, expiresAt, key, RETENTION_DAYS } from './table.ts';
import { type Sleep, together } from './together.ts';
import { unlessConditionFails } from './unless-condition-fails.ts';

/** Each try that fails has seen another process succeed. */
const MAX_TRIES = 50;

const Stored = z.looseObject({ revision: z.int(), state: z.unknown() });

/** Makes the next state; the same value when nothing of it changes. */
type Apply = (stored: unknown) => { state: unknown; settle: () => void };

type ItemKey = ReturnType<typeof key.claim>;

export function dynamoCells({
  client,
  table,
  sleep,
}: {
  client: DynamoDBDocumentClient;
  table: string;
  sleep?: Sleep | undefined;
}): Cells {
  /** Of the cells that are asked for now, and how many do. */
  const asking = new Map<string, { ask: (apply: Apply) => Promise<() => void>; count: number }>();

  async function ask(itemKey: ItemKey, apply: Apply): Promise<() => void> {
    const name = JSON.stringify(itemKey);
    const one = asking.get(name) ?? {
      ask: together((all: readonly Apply[]) => carryOut(itemKey, all), {
        max: Number.POSITIVE_INFINITY,
        sleep,
      }),
      count: 0,
    };
    asking.set(name, one);
    one.count += 1;
    try {
      return await one.ask(apply);
    } finally {
      one.count -= 1;
      if (one.count === 0) asking.delete(name);
    }
  }

  async function carryOut(itemKey: ItemKey, batch: readonly Apply[]): Promise<(() => void)[]> {
    for (let tries = 0; tries < MAX_TRIES; tries += 1) {
      const got = await client.send(new GetCommand({ TableName: table, Key: itemKey, ConsistentRead: true }));
      const stored = got.Item && Stored.parse(got.Item);
      let state = stored?.state;
      const settles = batch.map((apply) => {
        const next = apply(state);
        state = next.state;
        return next.settle;
      });
      if (state === stored?.state) return settles;
      if (await put(itemKey, stored?.revision, state)) return settles;
    }
    throw new FleetReflexError(
      'guard.busy',
      `What the guards know of ${itemKey.pk} changed too often to be written. It is tried again.`,
      { disposition: 'retry' },
    );
  }

  const put = (itemKey: ItemKey, revision: number | undefined, state: unknown) =>
    unlessConditionFails(
      client.send(
        new PutCommand({
          TableName: table,
          // No guard looks further back than 30 days.
          Item: {
            ...itemKey,
            revision: (revision ?? 0) + 1,
            state,
            expiresAt: expiresAt(new Date(), 2 * RETENTION_DAYS),
          },
          ...(revision === undefined
            ? { ConditionExpression: condition.isNew }
            : {
                ConditionExpression: condition.isRevision,
                ExpressionAttributeValues: { ':expected': revision },
              }),
        }),
      ),
    );

  return {
    async revise({ guard, of, key: cellKey, schema, empty }, edit) {
      const { promise, resolve } = Promise.withResolvers<ReturnType<typeof edit>['answer']>();
      const settle = await ask(key.claim(guard, of, cellKey), (stored) => {
        const before = stored === undefined ? empty : schema.parse(stored);
        const { state, answer } = edit(before);
        return { state: state === before ? stored : state, settle: () => resolve(answer) };
      });
      settle();
      return await promise;
    },
  };
}
