/**
 * Cells on the table of the runs, an item each. What one process asks of a cell at about the same time is one read and
 * one write: five hundred deliveries at once are not five hundred conflicts.
 */
import { type DynamoDBDocumentClient, GetCommand, PutCommand } from '@aws-sdk/lib-dynamodb';
import * as z from 'zod';
import { FleetReflexError } from '../errors.ts';
import type { Cells } from './cell.ts';
import { unlessConditionFails } from './dynamodb-run-store.ts';
import { condition, expiresAt, key, RETENTION_DAYS } from './table.ts';

/** Each try that fails has seen another process succeed. */
const MAX_TRIES = 50;

const Stored = z.looseObject({ revision: z.int(), state: z.unknown() });

interface Asked {
  /** The next state; the same value when nothing of it changes. */
  apply(stored: unknown): { state: unknown; settle: () => void };
  fail(thrown: unknown): void;
}

type ItemKey = ReturnType<typeof key.claim>;

export function dynamoCells({ client, table }: { client: DynamoDBDocumentClient; table: string }): Cells {
  const queues = new Map<string, Asked[]>();

  async function work(itemKey: ItemKey, name: string, queue: Asked[]): Promise<void> {
    while (queue.length > 0) {
      const batch = queue.splice(0);
      try {
        for (const settle of await carryOut(itemKey, batch)) settle();
      } catch (thrown) {
        for (const asked of batch) asked.fail(thrown);
      }
    }
    queues.delete(name);
  }

  async function carryOut(itemKey: ItemKey, batch: readonly Asked[]): Promise<(() => void)[]> {
    for (let tries = 0; tries < MAX_TRIES; tries += 1) {
      const got = await client.send(new GetCommand({ TableName: table, Key: itemKey, ConsistentRead: true }));
      const stored = got.Item && Stored.parse(got.Item);
      let state = stored?.state;
      const settles = batch.map((asked) => {
        const next = asked.apply(state);
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
    revise({ guard, of, key: cellKey, schema, empty }, edit) {
      return new Promise((resolve, reject) => {
        const itemKey = key.claim(guard, of, cellKey);
        const name = JSON.stringify(itemKey);
        const queue = queues.get(name) ?? [];
        queue.push({
          apply(stored) {
            const before = stored === undefined ? empty : schema.parse(stored);
            const { state, answer } = edit(before);
            return { state: state === before ? stored : state, settle: () => resolve(answer) };
          },
          fail: reject,
        });
        if (queues.has(name)) return;
        queues.set(name, queue);
        void work(itemKey, name, queue);
      });
    },
  };
}
