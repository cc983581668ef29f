/** What guards remember, where others are always faster: a fault with a code, which the queue repeats. */
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import { afterAll, expect, it, onTestFinished } from 'vitest';
import * as z from 'zod';
import { runIdFor } from '../../../lib/model/run-id.ts';
import { dynamoGuardStore } from '../../../lib/store/dynamodb-guard-store.ts';
import { LOCAL_AWS } from '../../../local/stack/local-aws.ts';
import { startRunsTable } from '../../fixtures/runs-table.ts';

const table = await startRunsTable();
afterAll(() => table.stop());

/** Another process writes, or takes and gives back, between each read and write of this one. */
function alwaysLate() {
  const dynamodb = new DynamoDBClient({ ...LOCAL_AWS, endpoint: table.endpoint });
  onTestFinished(() => dynamodb.destroy());
  let writes = 0;
  dynamodb.middlewareStack.add(
    (next, { commandName }) =>
      async (args) => {
        if (commandName !== 'PutItemCommand' && commandName !== 'UpdateItemCommand') return await next(args);
        writes += 1;
        const { ConditionalCheckFailedException } = await import('@aws-sdk/client-dynamodb');
        throw new ConditionalCheckFailedException({ message: 'it changed', $metadata: {} });
      },
    { step: 'initialize' },
  );
  const client = DynamoDBDocumentClient.from(dynamodb);
  return { store: dynamoGuardStore({ client, table: table.table }), writes: () => writes };
}

it('a cell that others change at each try is left to the queue', async () => {
  const { store, writes } = alwaysLate();
  const cell = { guard: 'times', of: 'restart', schema: z.number(), empty: 0 };
  await expect(
    store.revise(cell, (known) => ({ state: known + 1, answer: undefined })),
  ).rejects.toMatchObject({
    code: 'guard.busy',
    disposition: 'retry',
  });
  expect(writes()).toBe(50);
});

it('locks that others take and give back at each try are left to the queue', async () => {
  const { store, writes } = alwaysLate();
  const locking = {
    runId: runIdFor('restart', 'test', '1'),
    provider: 'tencent',
    region: 'ap-guangzhou',
    instances: ['ins-1'],
  };
  const now = new Date();
  await expect(store.lockInstances(locking, new Date(now.getTime() + 1000), now)).rejects.toMatchObject({
    code: 'guard.busy',
    disposition: 'retry',
  });
  expect(writes()).toBe(20);
});
