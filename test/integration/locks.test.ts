/** `guards.lock`: an instance has one run at a time. The table is real, the cloud does as it is told. */
import { describe, expect, onTestFinished, test } from 'vitest';
import { isTerminalRun } from '../../lib/model/run.ts';
import { cancelRuns } from '../../lib/runs/cancel.ts';
import { aRunWorld, FAILURE, type RunOnlyRequest } from '../fixtures/run-world.ts';
import { startRunsTable } from '../fixtures/runs-table.ts';

const LOCKED = { guards: { lock: true } } as const;

async function aWorld(options: Parameters<typeof aRunWorld>[1] = {}) {
  const table = await startRunsTable();
  onTestFinished(() => table.stop());
  const world = aRunWorld(table, options);
  const start = async (given: Parameters<typeof world.request>[0]) => {
    const request = world.request(given);
    return { request, result: await world.dispatch(request) };
  };
  return { ...world, start };
}

const waitOf = (holder: RunOnlyRequest, ...instances: string[]) => ({
  code: 'guard.lock',
  message: `${holder.runId} has ${instances.join(', ')}: an instance has one run at a time (lock).`,
  advice: 'It waits for them to end, up to its deadline.',
});

describe('an instance that another run has', () => {
  test('is waited for, whatever the rule, and taken when that one has ended', async () => {
    const world = await aWorld();
    const first = await world.start({ ...LOCKED, instances: ['ins-1', 'ins-2'] });
    const second = await world.start({ ...LOCKED, command: 'cmd-2', instances: ['ins-2', 'ins-3'] });
    expect(second.result).toMatchObject({ kind: 'retry', retryAfterMs: 3_000 });
    expect(await world.run(second.request.runId)).toMatchObject({
      status: 'dispatching',
      waitingFor: waitOf(first.request, 'ins-2'),
    });
    // It holds nothing meanwhile.
    const third = await world.start({ ...LOCKED, instances: ['ins-3'] });
    expect(third.result).toMatchObject({ kind: 'done', run: { status: 'pending' } });
    world.cloud.tasksAre('succeeded');
    world.advance(3_000);
    await world.poll();
    expect(await world.dispatch(second.request)).toMatchObject({ kind: 'done', run: { status: 'pending' } });
    expect(world.cloud.taken.map(({ invocation }) => invocation.target.instances)).toEqual([
      ['ins-1', 'ins-2'],
      ['ins-3'],
      ['ins-2', 'ins-3'],
    ]);
  });

  test('is waited for up to the deadline', async () => {
    const world = await aWorld();
    await world.start(LOCKED);
    const { request } = await world.start(LOCKED);
    world.advance(900_000);
    await world.dispatch(request);
    expect(await world.run(request.runId)).toMatchObject({
      status: 'expired',
      reason: { code: 'guard.lock' },
    });
    expect(world.cloud.taken).toHaveLength(1);
  });

  test('is no hindrance for a run without locks, nor is such a run for others', async () => {
    const world = await aWorld({ hasTokens: true });
    for (const guards of [{ lock: true }, { lock: false }]) await world.start({ guards });
    expect(world.cloud.taken).toHaveLength(2);
  });

  test('is not locked by a request of a version in which locks were asked for', async () => {
    const world = await aWorld({ hasTokens: true });
    for (const guards of [{}, {}]) await world.start({ guards });
    expect(world.cloud.taken).toHaveLength(2);
  });

  test('is of another region, or of another cloud, when its id is the same', async () => {
    const world = await aWorld();
    for (const region of ['ap-guangzhou', 'ap-shanghai']) await world.start({ ...LOCKED, region });
    await world.start({ ...LOCKED, provider: 'alibaba' });
    expect(world.cloud.taken).toHaveLength(3);
  });
});

describe('of a run on several instances, those are free', () => {
  test('on which its task has ended, though it goes on at the others', async () => {
    const world = await aWorld();
    const first = await world.start({ ...LOCKED, instances: ['ins-1', 'ins-2'] });
    world.cloud.tasksAre('succeeded', 'ins-1');
    world.advance(2_000);
    await world.poll();
    expect((await world.start({ ...LOCKED, instances: ['ins-1'] })).result.kind).toBe('done');
    const { request } = await world.start({ ...LOCKED, instances: ['ins-1', 'ins-2'] });
    const { waitingFor } = await world.run(request.runId);
    expect({
      code: waitingFor?.code,
      names: waitingFor?.message.includes(`${first.request.runId} has ins-2`),
    }).toEqual({
      code: 'guard.lock',
      names: true,
    });
  });

  test('that it could not be sent to yet, while it waits', async () => {
    const world = await aWorld({ perInvocation: 1, hasTokens: true });
    world.cloud.next('take', { refuse: { ...FAILURE, isRetryable: true } });
    await world.start(LOCKED);
    expect((await world.start({ ...LOCKED, instances: ['ins-2'] })).result.kind).toBe('done');
  });
});

describe('a run gives its instances back', () => {
  const isFree = async (world: Awaited<ReturnType<typeof aWorld>>) => {
    world.cloud.isStopped([]);
    const { result } = await world.start(LOCKED);
    return result.kind === 'done';
  };

  test('when the cloud refuses it', async () => {
    const world = await aWorld();
    world.cloud.next({ refuse: {} });
    await world.start(LOCKED);
    expect(await isFree(world)).toBe(true);
  });

  test.each([
    ['the cloud is busy', { refuse: { ...FAILURE, isRetryable: true } }, {}],
    ['an instance is not available', { refuse: { isUnavailable: true } }, { onUnavailable: 'retry' }],
  ] as const)('while it waits because %s', async (_, step, given) => {
    const world = await aWorld();
    world.cloud.next(step);
    expect((await world.start({ ...LOCKED, ...given })).result.kind).toBe('retry');
    expect(await isFree(world)).toBe(true);
  });

  test('while it waits for the end of a freeze', async () => {
    const world = await aWorld();
    const { lastLook } = world.context;
    world.context.lastLook = async (...args) => ({
      ...(await lastLook(...args)),
      freeze: { by: 'ann', reason: 'incident' },
    });
    await world.start(LOCKED);
    world.context.lastLook = lastLook;
    expect(await isFree(world)).toBe(true);
  });

  test('not while nobody knows whether it was sent', async () => {
    const world = await aWorld();
    world.cloud.next('loseAnswer');
    await world.start(LOCKED);
    expect(await isFree(world)).toBe(false);
  });

  test('when it is cancelled while it waits for others', async () => {
    const world = await aWorld();
    await world.start({ ...LOCKED, instances: ['ins-1'] });
    const { request } = await world.start(LOCKED);
    await cancelRuns(
      {
        version: 1,
        action: 'cancel',
        runId: world.request().runId,
        rule: 'stop-it',
        trigger: request.trigger,
        notify: [],
        requestedAt: new Date(world.now()).toISOString(),
        targetRunId: request.runId,
      },
      world.context,
    );
    world.advance(3_000);
    await world.dispatch(request);
    expect(await world.run(request.runId)).toMatchObject({ status: 'stopped' });
    const { result } = await world.start({ ...LOCKED, instances: ['ins-2'] });
    expect(result.kind).toBe('done');
  });

  test('at its end, though its process dies before: who reads the lock sees that the run has ended', async () => {
    const world = await aWorld();
    const { guards } = world.context;
    const { request } = await world.start(LOCKED);
    const { unlockInstances } = guards;
    guards.unlockInstances = () => Promise.reject(new Error('it died'));
    world.cloud.tasksAre('succeeded');
    world.advance(2_000);
    await world.poll();
    guards.unlockInstances = unlockInstances;
    expect(await world.run(request.runId)).toMatchObject({ status: 'succeeded' });
    expect(await isFree(world)).toBe(true);
  });

  test('at the latest after its time-out and the grace', async () => {
    const world = await aWorld();
    const { runId } = world.request();
    const locking = { runId, provider: 'tencent', region: 'ap-guangzhou', instances: ['ins-1'] };
    const { request } = await world.start({ ...LOCKED, timeoutSeconds: 60 });
    const held = async () =>
      (await world.context.guards.lockInstances(locking, new Date(world.now() + 1), new Date(world.now())))
        .length > 0;
    world.advance(60_000 + world.context.timing.graceMs + world.context.leaseMs - 1);
    expect({ is: await held(), status: (await world.run(request.runId)).status }).toEqual({
      is: true,
      status: 'pending',
    });
    world.advance(1_000);
    expect(await held()).toBe(false);
  });
});

test.each([60_000, -60_000])(
  'to a clock that is %i ms off, a run has its instances until it is given up',
  async (offMs) => {
    const world = await aWorld();
    await world.start({ ...LOCKED, timeoutSeconds: 60 });
    world.advance(60_000 + world.context.timing.graceMs - 1);
    const now = new Date(world.now() + offMs);
    const { runId } = world.request();
    const locking = { runId, provider: 'tencent', region: 'ap-guangzhou', instances: ['ins-1'] };
    expect(await world.context.guards.lockInstances(locking, new Date(now.getTime() + 1), now)).toHaveLength(
      1,
    );
  },
);

test('a part that could not be sent yet keeps what was sent locked', async () => {
  const world = await aWorld({ perInvocation: 1 });
  world.cloud.next('take', { refuse: { ...FAILURE, isRetryable: true } });
  const { request } = await world.start(LOCKED);
  const other = await world.start({ ...LOCKED, instances: ['ins-1'] });
  expect(await world.run(other.request.runId)).toMatchObject({
    waitingFor: waitOf(request, 'ins-1'),
  });
  world.advance(3_000);
  expect(await world.dispatch(request)).toMatchObject({ kind: 'done', run: { status: 'pending' } });
});

test('of 500 runs on overlapping sets at once no two have one instance, and all end', {
  timeout: 240_000,
}, async () => {
  const world = await aWorld({ hasTokens: true });
  const fleet = Array.from({ length: 900 }, (_, index) => `ins-${index}`);
  const requests = Array.from({ length: 500 }, (_, index) =>
    world.request({
      ...LOCKED,
      deadline: new Date(world.now() + 30 * 86_400_000).toISOString(),
      instances: Array.from(
        { length: 1 + (index % 5) },
        (_n, place) => fleet[(index * 13 + place * 17) % 900] ?? '',
      ),
    }),
  );
  const open = new Map(requests.map((request) => [request.runId, request]));
  let rounds = 0;
  while (open.size > 0) {
    rounds += 1;
    expect(rounds).toBeLessThan(200);
    await Promise.all([...open.values()].map((request) => world.dispatch(request)));
    const live = world.cloud.taken.filter(({ tasks }) =>
      [...tasks.values()].some(({ status }) => status === 'queued'),
    );
    const taken = live.flatMap(({ invocation }) => invocation.target.instances);
    expect(taken).toEqual([...new Set(taken)]);
    expect(live.length).toBeGreaterThan(0);
    world.cloud.tasksAre('succeeded');
    world.advance(3_000);
    await world.poll();
    for (const { runId } of await world.context.store
      .getMany([...open.keys()])
      .then((runs) => runs.filter(isTerminalRun))) {
      open.delete(runId);
    }
  }
  expect(world.cloud.taken).toHaveLength(500);
});
