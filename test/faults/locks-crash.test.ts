/**
 * A process that dies at any request to the table of the locks, before or after its effect: when locks are taken, given
 * back, and taken away from a run that has left its instances. Nothing runs twice, no instance has two runs, and nothing
 * stays locked.
 */
import { describe, expect, onTestFinished, test } from 'vitest';
import { isTerminalRun } from '../../lib/model/run.ts';
import { cancelRun } from '../../lib/runs/cancel.ts';
import { dispatchRun } from '../../lib/runs/dispatch.ts';
import { type PollContext, poll } from '../../lib/runs/poll.ts';
import { dynamoGuardStore } from '../../lib/store/dynamodb-guard-store.ts';
import { CRASH, dying, type Failpoint } from '../fixtures/dying.ts';
import { aRunWorld, type RunOnlyRequest, type RunWorld } from '../fixtures/run-world.ts';
import { startRunsTable } from '../fixtures/runs-table.ts';

const LOCKED = { guards: { lock: true } } as const;

/** In a region of its own: two worlds on one table are two clouds with the same names. */
const inRegion = (at: number) => ({ ...LOCKED, region: `ap-test${at}`, command: `cmd-${at}` });

/** Of many buckets. */
const MANY = Array.from({ length: 5 }, (_, index) => `ins-${index}`);

async function carryOn(world: RunWorld, requests: readonly RunOnlyRequest[]) {
  for (let round = 0; round < 40; round += 1) {
    world.advance(75_000);
    for (const request of requests) await world.dispatch(request);
    await world.poll();
    const runs = await Promise.all(requests.map(({ runId }) => world.context.store.get(runId)));
    if (runs.every((run) => run !== undefined && isTerminalRun(run) && run.outbox.length === 0)) return;
    expectOneEach(world);
    world.cloud.tasksAre('succeeded');
  }
  throw new Error('the runs never end');
}

/** No instance is in two invocations that go on. */
function expectOneEach({ cloud }: RunWorld): void {
  const busy = cloud.taken.flatMap(({ tasks }) =>
    [...tasks.values()].flatMap(({ status, instanceId }) => (status === 'queued' ? [instanceId] : [])),
  );
  expect(busy).toEqual([...new Set(busy)]);
}

/** @param live the part in which it dies, with its context; @returns how many requests there were */
async function atEveryRequest(
  when: Failpoint['when'],
  live: (world: RunWorld, context: PollContext, at: number) => Promise<RunOnlyRequest[]>,
): Promise<number> {
  const table = await startRunsTable();
  onTestFinished(() => table.stop());
  for (let at = 1; at < 200; at += 1) {
    const world = aRunWorld(table, { hasTokens: true });
    const point: Failpoint = { at, when, calls: 0 };
    const client = dying(table.client, point, ['send']);
    const context = { ...world.context, guards: dynamoGuardStore({ client, table: table.table }) };
    const requests = await live(world, context, at);
    const isReached = point.calls >= at;
    await carryOn(world, requests);
    expect({ at, sentTo: world.cloud.taken.length }).toEqual({ at, sentTo: requests.length });
    const after = world.request({ ...inRegion(at), instances: MANY });
    await world.dispatch(after);
    expect({ at, after: await world.run(after.runId) }).toMatchObject({ at, after: { status: 'pending' } });
    if (!isReached) return at - 1;
  }
  throw new Error('there is no end of requests');
}

const died = (thrown: unknown) => expect(String(thrown)).toContain(CRASH);

describe.each(['before', 'after'] as const)('dying %s the effect', { timeout: 120_000 }, (when) => {
  test('of a request that takes the locks of a run on many instances', async () => {
    const requests = await atEveryRequest(when, async (world, context, at) => {
      const request = world.request({ ...inRegion(at), instances: MANY });
      await dispatchRun(request, context).catch(died);
      return [request];
    });
    expect(requests).toBeGreaterThan(3);
  });

  test('of a request that gives them back at the end', async () => {
    const requests = await atEveryRequest(when, async (world, context, at) => {
      const request = world.request({ ...inRegion(at), instances: MANY });
      await world.dispatch(request);
      world.cloud.tasksAre('succeeded');
      world.advance(2_000);
      await poll(context).catch(died);
      return [request];
    });
    expect(requests).toBeGreaterThan(3);
  });

  test('of a request of a run that waits for another, and gives back what it has', async () => {
    const requests = await atEveryRequest(when, async (world, context, at) => {
      const first = world.request({ ...inRegion(at), instances: [MANY.at(-1) ?? ''] });
      await world.dispatch(first);
      const second = world.request({ ...inRegion(at), instances: MANY });
      await dispatchRun(second, context).catch(died);
      return [first, second];
    });
    expect(requests).toBeGreaterThan(2);
  });

  test('of a request that takes an instance over from a run that has left it', async () => {
    const requests = await atEveryRequest(when, async (world, context, at) => {
      const first = world.request({ ...inRegion(at), instances: MANY });
      await world.dispatch(first);
      world.cloud.tasksAre('succeeded', ...MANY.slice(1));
      world.advance(2_000);
      await world.poll();
      const second = world.request({ ...inRegion(at), instances: MANY.slice(1) });
      await dispatchRun(second, context).catch(died);
      return [first, second];
    });
    expect(requests).toBeGreaterThan(6);
  });
});

describe('a run whose process died with its locks leaves none where it may not be sent any more', () => {
  const STOPS: [string, (world: RunWorld, request: RunOnlyRequest) => Promise<unknown>, string][] = [
    [
      'because all is frozen',
      ({ context }) => context.guards.setFreeze({ by: 'ann', reason: 'look' }),
      'rejected',
    ],
    ['because it was cancelled', ({ context }, { runId }) => cancelRun(runId, 'ann', context), 'stopped'],
  ];
  test.each(STOPS)('%s', async (_why, stop, status) => {
    const table = await startRunsTable();
    onTestFinished(() => table.stop());
    const world = aRunWorld(table, { hasTokens: true });
    const request = world.request({ ...LOCKED, instances: MANY });
    const lastLook = () => Promise.reject(new Error(CRASH));
    await dispatchRun(request, { ...world.context, lastLook }).catch(died);
    await stop(world, request);
    world.advance(75_000);
    await world.dispatch(request);
    world.advance(75_000);
    await world.poll();

    const { provider, region } = request.target;
    const locking = { runId: world.request().runId, provider, region, instances: MANY };
    const now = world.context.now();
    const held = await world.context.guards.lockInstances(locking, new Date(now.getTime() + 1_000), now);
    expect({ status: (await world.run(request.runId)).status, held }).toEqual({ status, held: [] });
    expect(world.cloud.taken).toEqual([]);
  });
});
