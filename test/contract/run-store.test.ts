/** The run store on DynamoDB, with the table that is deployed. */
import { GetCommand } from '@aws-sdk/lib-dynamodb';
import { afterAll, expect, it } from 'vitest';
import { dynamoRunStore } from '../../lib/runs/dynamodb-store.ts';
import { key } from '../../lib/runs/table.ts';
import { startRunsTable } from '../fixtures/runs-table.ts';
import { aRun, runStoreContract } from './run-store-contract.ts';

const table = await startRunsTable();
afterAll(() => table.stop());

runStoreContract('the run store on DynamoDB', () => dynamoRunStore(table));

it('says when an item expires: 30 days after the run was asked for', async () => {
  const run = aRun();
  await dynamoRunStore(table).create(run);
  const { Item } = await table.client.send(
    new GetCommand({ TableName: table.table, Key: key.run(run.runId) }),
  );
  expect(Item?.['expiresAt']).toBe(Math.floor(Date.parse(run.requestedAt) / 1000) + 30 * 86_400);
});
