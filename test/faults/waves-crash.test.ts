/**
 * A process that dies at any await of a run in three waves: each wave is sent once, none before the one before it has
 * ended well, every fact is told, and a rollout that failed starts nothing more.
 */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { isTerminalRun } from '../../lib/model/run.ts';
import { type PollContext, poll } from '../../lib/runs/poll.ts';
import { CRASH, dying, type Failpoint } from '../fixtures/dying.ts';
import { aRunWorld, type RunOnlyRequest, type RunWorld } from '../fixtures/run-world.ts';
import { startRunsTable } from '../fixtures/runs-table.ts';

let table: Awaited<ReturnType<typeof startRunsTable>>;
beforeEach(async () => {
  table = await startRunsTable();
});
afterEach(async () => {
  await table.stop();
});

const CALLS = ['invoke', 'find', 'read', 'cancel', 'availability'];
const INSTANCES = ['ins-1', 'ins-2', 'ins-3'];

function dyingContext(world: RunWorld, point: Failpoint): PollContext {
  const { context } = world;
  const provider = dying(context.providers.tencent, point, CALLS);
  return {
    ...context,
    store: dying(context.store, point),
    guards: dying(context.guards, point),
    lastLook: dying({ take: context.lastLook }, point).take,
    providers: { tencent: provider, alibaba: provider },
    publishing: { ...context.publishing, resolve: (ref) => dying(context.publishing.resolve(ref), point) },
  };
}

interface Case {
  world: RunWorld;
  request: RunOnlyRequest;
}

/** Each of a command of its own: two worlds on one table are two clouds with the same names. */
function aRollout(world: RunWorld, at: number): RunOnlyRequest {
  return {
    ...world.request({ command: `cmd-${at}`, instances: INSTANCES, guards: { maxInFlight: 1 } }),
    waves: { sizes: [{ instances: 1 }], pauseMs: 30_000, stopAfterFailures: 1, onStop: 'cancel' },
  };
}

/** Nothing is sent while a task of an earlier wave runs, or after one has failed. */
function watchGates({ cloud }: RunWorld): string[] {
  const broken: string[] = [];
  const { invoke } = cloud.provider;
  cloud.provider.invoke = async (invocation) => {
    const earlier = cloud.taken.flatMap(({ tasks }) => [...tasks.values()]);
    const isOther = ({ instanceId }: { instanceId: string }) =>
      !invocation.target.instances.includes(instanceId);
    const open = earlier.filter((task) => isOther(task) && task.status !== 'succeeded');
    if (open.length > 0) broken.push(`${invocation.target.instances} before ${open[0]?.instanceId} was well`);
    return await invoke(invocation);
  };
  return broken;
}

/** Plays the rollout to its end, with a process that dies once, in the step where the point lies. */
async function play(
  { world, request }: Case,
  point: Failpoint,
  ends: (instanceId: string) => 'succeeded' | 'failed',
) {
  const broken = watchGates(world);
  for (let round = 0; round < 40; round += 1) {
    const before = point.calls;
    await poll(dyingContext(world, point)).catch((thrown: unknown) =>
      expect(String(thrown)).toContain(CRASH),
    );
    // The process is dead: the next one is whole.
    if (point.calls >= point.at && before < point.at) point.calls = Number.MIN_SAFE_INTEGER;
    for (const { invocation } of world.cloud.taken) {
      for (const instanceId of invocation.target.instances)
        world.cloud.tasksAre(ends(instanceId), instanceId);
    }
    world.advance(75_000);
    const run = await world.context.store.get(request.runId);
    if (run !== undefined && isTerminalRun(run) && run.outbox.length === 0 && run.pollAt === undefined)
      return { run, broken };
  }
  throw new Error('the run never ends');
}

async function atEveryAwait(
  when: Failpoint['when'],
  ends: (instanceId: string) => 'succeeded' | 'failed',
  check: (it: Case, outcome: Awaited<ReturnType<typeof play>>, at: number) => Promise<void>,
  { isLost = false } = {},
): Promise<number> {
  for (let at = 1; at < 300; at += 1) {
    const world = aRunWorld(table);
    const request = aRollout(world, at);
    if (isLost) world.cloud.next('take', 'loseAnswer', 'loseRequest');
    await world.dispatch(request);
    const point: Failpoint = { at, when, calls: 0 };
    const outcome = await play({ world, request }, point, ends);
    await check({ world, request }, outcome, at);
    if (point.calls >= 0) return at - 1;
  }
  throw new Error('there is no end of awaits');
}

describe.each(['before', 'after'] as const)('dying %s the effect', { timeout: 300_000 }, (when) => {
  test.each([
    ['with answers', {}],
    ['with answers and requests that are lost', { isLost: true }],
  ])('of an await of the poller that takes a run through three waves, %s', async (_, options) => {
    const awaits = await atEveryAwait(
      when,
      () => 'succeeded',
      async ({ world, request }, { run, broken }, at) => {
        const sentTo = world.cloud.taken.map(({ invocation }) => invocation.target.instances);
        expect({ at, broken, sentTo, status: run.status }).toEqual({
          at,
          broken: [],
          sentTo: INSTANCES.map((instanceId) => [instanceId]),
          status: 'succeeded',
        });
        expect({ at, told: world.told(request.runId).toSorted() }).toEqual({
          at,
          told: [
            'inv-1/ins-1/succeeded',
            'inv-2/ins-2/succeeded',
            'inv-3/ins-3/succeeded',
            'started',
            'succeeded',
          ],
        });
        expect({ at, free: await world.context.guards.enterFlight(request.rule, request.runId, 1) }).toEqual({
          at,
          free: true,
        });
      },
      options,
    );
    expect(awaits).toBeGreaterThan(20);
  });

  test('of an await of a rollout whose second wave fails: the third never starts', async () => {
    const awaits = await atEveryAwait(
      when,
      (instanceId) => (instanceId === 'ins-2' ? 'failed' : 'succeeded'),
      async ({ world }, { run, broken }, at) => {
        const sentTo = world.cloud.taken.map(({ invocation }) => invocation.target.instances);
        expect({ at, broken, sentTo, status: run.status, reason: run.reason?.code }).toEqual({
          at,
          broken: [],
          sentTo: [['ins-1'], ['ins-2']],
          status: 'partly_failed',
          reason: 'wave.stopped',
        });
        const tasks = run.tasks.map(({ instanceId, started }) => [instanceId, started]);
        expect({ at, tasks }).toEqual({
          at,
          tasks: [
            ['ins-1', 'yes'],
            ['ins-2', 'yes'],
            ['ins-3', 'no'],
          ],
        });
      },
    );
    expect(awaits).toBeGreaterThan(15);
  });
});
