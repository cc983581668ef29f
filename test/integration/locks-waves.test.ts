/** Locks of runs in waves: a wave has its own instances, from before its call to the end of their tasks. */
import { expect, onTestFinished, test } from 'vitest';
import { dynamoGuardStore } from '../../lib/store/dynamodb-guard-store.ts';
import { aRunWorld, type RunOnlyRequest } from '../fixtures/run-world.ts';
import { startRunsTable } from '../fixtures/runs-table.ts';

const LOCKED = { guards: { lock: true } } as const;
const FOUR = ['ins-1', 'ins-2', 'ins-3', 'ins-4'];

/** Two and two, a minute between. */
async function aRollout(options: Parameters<typeof aRunWorld>[1] = {}) {
  const table = await startRunsTable();
  onTestFinished(() => table.stop());
  const world = aRunWorld(table, { hasTokens: true, ...options });
  const writes = { count: 0 };
  const { client } = table;
  const send = client.send.bind(client);
  const counting = new Proxy(client, {
    get(target, property, receiver) {
      if (property !== 'send') return Reflect.get(target, property, receiver);
      return (...args: Parameters<typeof send>) => {
        if (args[0].constructor.name === 'UpdateCommand') writes.count += 1;
        return send(...args);
      };
    },
  });
  world.context.guards = dynamoGuardStore({ client: counting, table: table.table });
  const start = async (request: RunOnlyRequest) => {
    await world.dispatch(request);
    return async () => {
      const { status, reason, waitingFor } = await world.run(request.runId);
      return { status, reason: reason?.code, waitsFor: waitingFor?.code };
    };
  };
  const other = async (...instances: string[]) => {
    const request = world.request({ ...LOCKED, instances });
    return { request, show: await start(request) };
  };
  const later = async (ms: number) => {
    world.advance(ms);
    await world.poll();
  };
  const request: RunOnlyRequest = {
    ...world.request({ ...LOCKED, instances: FOUR }),
    waves: { sizes: [{ instances: 2 }], pauseMs: 60_000, stopAfterFailures: 1, onStop: 'finish' },
  };
  const show = await start(request);
  return { world, request, show, other, later, writes };
}

const SENT = { status: 'pending', reason: undefined, waitsFor: undefined };

test('a wave that has not begun keeps nobody waiting, and one that has ended neither', async () => {
  const { world, other, later, show } = await aRollout();
  expect(await (await other('ins-3')).show()).toEqual(SENT);
  expect(await (await other('ins-1')).show()).toMatchObject({ waitsFor: 'guard.lock' });
  world.cloud.tasksAre('succeeded', 'ins-1', 'ins-2');
  await later(2_000);
  expect(await show()).toMatchObject({ waitsFor: 'wave.pause' });
  expect(await (await other('ins-2')).show()).toEqual(SENT);
});

test('the next wave waits for an instance that another run has, holds none meanwhile, and goes on', async () => {
  const { world, request, other, later, show } = await aRollout();
  const busy = await other('ins-3');
  world.cloud.tasksAre('succeeded', 'ins-1', 'ins-2');
  await later(2_000);
  await later(60_000);
  expect(await world.run(request.runId)).toMatchObject({
    status: 'dispatching',
    waitingFor: {
      code: 'guard.lock',
      message: `${busy.request.runId} has ins-3: an instance has one run at a time (lock).`,
    },
  });
  expect(await (await other('ins-4')).show()).toEqual(SENT);
  world.cloud.tasksAre('succeeded');
  await later(2_000);
  await later(3_000);
  await later(3_000);
  expect(world.cloud.taken.at(-1)?.invocation.target.instances).toEqual(['ins-3', 'ins-4']);
  world.cloud.tasksAre('succeeded');
  await later(2_000);
  expect(await show()).toMatchObject({ status: 'succeeded' });
});

test('a wave that waits past its deadline stops the rollout, and says who had the instance', async () => {
  const { world, request, other, later } = await aRollout();
  const busy = await other('ins-3');
  world.cloud.tasksAre('succeeded', 'ins-1', 'ins-2');
  await later(2_000);
  await later(60_000);
  await later(900_000);
  const run = await world.run(request.runId);
  expect({ reason: run.reason?.code, names: run.reason?.message.includes(busy.request.runId) }).toEqual({
    reason: 'wave.stopped',
    names: true,
  });
});

test('one write for each instance of a wave at most, and one for each bucket at the end', async () => {
  const { world, later, show, writes } = await aRollout();
  expect(writes.count).toBeLessThanOrEqual(2);
  world.cloud.tasksAre('succeeded', 'ins-1', 'ins-2');
  await later(2_000);
  expect(writes.count).toBeLessThanOrEqual(2);
  await later(60_000);
  expect(writes.count).toBeLessThanOrEqual(4);
  world.cloud.tasksAre('succeeded');
  await later(2_000);
  expect(await show()).toMatchObject({ status: 'succeeded' });
  expect(writes.count).toBeLessThanOrEqual(8);
});
