/** The run store on DynamoDB, with the table that is deployed. */
import { DeleteCommand, GetCommand, PutCommand, ScanCommand, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import { afterAll, expect, it } from 'vitest';
import { summariseRun } from '../../lib/model/run-summary.ts';
import { wantedAtMs } from '../../lib/runs/scope-loop.ts';
import { dynamoRunStore } from '../../lib/store/dynamodb-run-store.ts';
import { key } from '../../lib/store/table.ts';
import { asVersion1 } from '../fixtures/flat.ts';
import { memoryRunStore } from '../fixtures/memory-run-store.ts';
import { startRunsTable } from '../fixtures/runs-table.ts';
import { aRun, aTask, runStoreContract } from './run-store-contract.ts';

const table = await startRunsTable();
afterAll(() => table.stop());

runStoreContract('the run store on DynamoDB', () => dynamoRunStore(table));
const memory = memoryRunStore();
runStoreContract('the run store of the models', () => memory);

it('says when an item expires: 30 days after the run was asked for', async () => {
  const run = aRun({ pollAt: undefined });
  await dynamoRunStore(table).create(run);
  const { Item } = await table.client.send(
    new GetCommand({ TableName: table.table, Key: key.run(run.runId) }),
  );
  expect(Item?.['expiresAt']).toBe(Math.floor(Date.parse(run.requestedAt) / 1000) + 30 * 86_400);
});

it('reads a run that version 1 wrote wherever runs are read, and writes it as version 2', async () => {
  const own = await startRunsTable();
  const store = dynamoRunStore({ ...own, onUnreadable: (error) => expect.unreachable(error.message) });
  const now = new Date();
  const run = aRun({ pollAt: new Date(now.getTime() - 1_000).toISOString(), timeoutSeconds: 30 });
  await store.create(run);
  await own.client.send(
    new UpdateCommand({
      TableName: own.table,
      Key: key.run(run.runId),
      UpdateExpression: 'SET #run = :earlier',
      ExpressionAttributeNames: { '#run': 'run' },
      ExpressionAttributeValues: { ':earlier': asVersion1(run) },
    }),
  );
  expect(await store.get(run.runId)).toEqual(run);
  expect(await store.getMany([run.runId])).toEqual([run]);
  expect((await store.list({ limit: 10 })).runs).toEqual([summariseRun(run)]);
  expect(await store.save(run)).toEqual({ kind: 'saved', run: { ...run, revision: run.revision + 1 } });
  const { Item } = await own.client.send(new GetCommand({ TableName: own.table, Key: key.run(run.runId) }));
  expect(Item?.['run']).toMatchObject({ version: 2, target: run.target });
  await own.stop();
});

it('reads the tasks that an earlier version stored as items of their own, with their outputs', async () => {
  const store = dynamoRunStore(table);
  const run = aRun();
  await store.create(run);
  const outputs = [Buffer.from('done\n'), Buffer.alloc(24 * 1024, 'x'), undefined];
  const tasks = outputs.map((output, index) =>
    aTask({ instanceId: `ins-${index}`, status: 'succeeded', output, isEventSent: index === 0 }),
  );
  await table.client.send(
    new UpdateCommand({ TableName: table.table, Key: key.run(run.runId), UpdateExpression: 'REMOVE tasks' }),
  );
  for (const task of tasks) {
    const { pk } = key.run(run.runId);
    const sk = `TASK#${task.invocationId}#${task.instanceId}`;
    const Item = { pk, sk, rank: 4, task: { version: 1, runId: run.runId, ...task } };
    await table.client.send(new PutCommand({ TableName: table.table, Item }));
  }
  const found = await store.get(run.runId);
  if (found === undefined) throw new Error('the run is gone');
  const text = (all: typeof tasks) =>
    all.map(({ isOutputApart: _, output, ...task }) => ({
      ...task,
      output: output && String(Buffer.from(output)),
    }));
  expect(text((await store.outputs(found)).tasks)).toEqual(text(tasks));
  // What is written of it is in the new form, and large outputs stay where they are.
  await store.save(found);
  const saved = await store.get(run.runId);
  if (saved === undefined) throw new Error('the run is gone');
  expect(text(saved.tasks)).toEqual(text(found.tasks));
  expect(text((await store.outputs(saved)).tasks)).toEqual(text(tasks));
});

it('lists what an earlier version stored among the others, and no run twice when it is written anew', async () => {
  const own = await startRunsTable();
  const store = dynamoRunStore(own);
  const minutesAgo = (minutes: number) => new Date(Date.now() - minutes * 60_000).toISOString();
  const runs = [1, 2, 3, 4, 5, 6].map((minutes) => aRun({ requestedAt: minutesAgo(minutes) }));
  for (const run of runs) await store.create(run);
  const earlier = runs.filter((_, index) => index % 2 === 1);
  for (const run of earlier) {
    await own.client.send(
      new UpdateCommand({
        TableName: own.table,
        Key: key.run(run.runId),
        UpdateExpression:
          'SET dayPk = :day, daySk = :at, #run = :earlier REMOVE listPk, listSk, summary, tasks',
        ExpressionAttributeNames: { '#run': 'run' },
        ExpressionAttributeValues: {
          ':day': `DAY#${run.requestedAt.slice(0, 10)}`,
          ':at': `${run.requestedAt}#${run.runId}`,
          ':earlier': asVersion1(run),
        },
      }),
    );
  }
  const listed = async () => {
    const { runs: first, cursor } = await store.list({ limit: 4 });
    const { runs: rest } = await store.list({ limit: 4, ...(cursor !== undefined && { cursor }) });
    return [...first, ...rest];
  };
  expect(await listed()).toEqual(runs.map(summariseRun));
  for (const run of earlier) await store.save(run);
  expect(await listed()).toEqual(runs.map(summariseRun));
  const { Items = [] } = await own.client.send(new ScanCommand({ TableName: own.table }));
  expect(Items.filter(({ dayPk }) => dayPk !== undefined)).toEqual([]);
  await own.stop();
});

it('does not read tasks that are damaged as none', async () => {
  const run = aRun();
  await dynamoRunStore(table).create(run);
  await table.client.send(
    new UpdateCommand({
      TableName: table.table,
      Key: key.run(run.runId),
      UpdateExpression: 'SET tasks = :bad',
      ExpressionAttributeValues: { ':bad': Buffer.from('bad') },
    }),
  );
  await expect(dynamoRunStore(table).get(run.runId)).rejects.toMatchObject({ code: 'store.unreadable' });
});

it('sets aside a run that another version wrote, says so, and goes on with the others', async () => {
  const own = await startRunsTable();
  const told: string[] = [];
  const store = dynamoRunStore({ ...own, onUnreadable: ({ code }) => told.push(code) });
  const now = new Date();
  const pollAt = new Date(now.getTime() - 1_000).toISOString();
  const [good, foreign] = [aRun({ pollAt }), aRun({ pollAt })];
  await store.create(good);
  await store.create(foreign);
  await own.client.send(
    new UpdateCommand({
      TableName: own.table,
      Key: key.run(foreign.runId),
      UpdateExpression: 'SET run.version = :three',
      ExpressionAttributeValues: { ':three': 3 },
    }),
  );
  const [scope = ''] = (await store.scopes()).keys();
  const ids = (await store.liveIn(scope)).map(({ runId }) => runId);
  expect(ids.toSorted()).toEqual([good.runId, foreign.runId].toSorted());
  expect((await store.getMany(ids)).map(({ runId }) => runId)).toEqual([good.runId]);
  expect(told).toEqual(['store.unreadable']);
  // For a while nobody fetches it.
  const aside = (await store.liveIn(scope)).find(({ runId }) => runId === foreign.runId);
  expect(aside && wantedAtMs(aside, now.getTime())).toBeGreaterThan(now.getTime() + 5 * 60_000);
  // Its line in the list can be read; a line that cannot is left out.
  const listed = async () => (await store.list({ limit: 10 })).runs.map(({ runId }) => runId);
  expect(new Set(await listed())).toEqual(new Set([good.runId, foreign.runId]));
  await own.client.send(
    new UpdateCommand({
      TableName: own.table,
      Key: key.run(foreign.runId),
      UpdateExpression: 'SET summary.#trigger = :other',
      ExpressionAttributeNames: { '#trigger': 'trigger' },
      ExpressionAttributeValues: { ':other': 'another shape' },
    }),
  );
  expect(await listed()).toEqual([good.runId]);
  await expect(store.get(foreign.runId)).rejects.toMatchObject({
    code: 'store.unreadable',
    disposition: 'hold',
  });
  await own.stop();
});

it('takes over what an earlier version had in its index, and shows it at once where it is asked for', async () => {
  const own = await startRunsTable();
  const pollAt = new Date(Date.now() + 60_000).toISOString();
  const run = aRun({ pollAt });
  const before = dynamoRunStore(own);
  await before.create(run);
  const asEarlier = async () =>
    await own.client.send(
      new UpdateCommand({
        TableName: own.table,
        Key: key.run(run.runId),
        UpdateExpression: 'SET duePk = :due, dueSk = :at',
        ExpressionAttributeValues: { ':due': 'DUE', ':at': pollAt },
      }),
    );
  await asEarlier();
  await own.client.send(new DeleteCommand({ TableName: own.table, Key: key.scopes() }));
  const store = dynamoRunStore(own);
  expect(await store.live(run.rule)).toEqual([run.runId]);
  await asEarlier();
  await dynamoRunStore(own).adoptEarlier();
  const [scope = ''] = (await store.scopes()).keys();
  expect(await store.liveIn(scope)).toMatchObject([{ runId: run.runId, pollAt }]);
  await own.stop();
});
