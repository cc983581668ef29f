/** The memory of the guards: on DynamoDB, with the table that is deployed, in this process, for rehearsals, and on the table of the seeds. */
import { afterAll } from 'vitest';
import { dynamoGuardStore } from '../../lib/store/dynamodb-guard-store.ts';
import { memoryGuardStore } from '../../lib/store/memory-guard-store.ts';
import { simulation } from '../faults/seeds/simulation.ts';
import { startTable, TABLE } from '../faults/seeds/table.ts';
import { startRunsTable } from '../fixtures/runs-table.ts';
import { guardStoreContract } from './guard-store-contract.ts';

const table = await startRunsTable();
afterAll(() => table.stop());

guardStoreContract('the guards’ memory on DynamoDB', () => dynamoGuardStore(table));
guardStoreContract('the guards’ memory in this process', () => memoryGuardStore());
guardStoreContract('the guards’ memory on the table of the seeds', () =>
  dynamoGuardStore({ client: startTable(simulation(0, 1), 0).client, table: TABLE }),
);
