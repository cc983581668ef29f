/** The memory of the guards: on DynamoDB, with the table that is deployed, and in this process, for rehearsals. */
import { afterAll } from 'vitest';
import { dynamoGuardStore } from '../../lib/store/dynamodb-guard-store.ts';
import { memoryGuardStore } from '../../lib/store/memory-guard-store.ts';
import { startRunsTable } from '../fixtures/runs-table.ts';
import { guardStoreContract } from './guard-store-contract.ts';

const table = await startRunsTable();
afterAll(() => table.stop());

guardStoreContract('the guards’ memory on DynamoDB', () => dynamoGuardStore(table));
guardStoreContract('the guards’ memory in this process', () => memoryGuardStore());
