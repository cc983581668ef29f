/** A run counts as let in only when freezes and cancels were asked too, whatever it had to wait for first. */
import { describe, expect, onTestFinished, test } from 'vitest';
import { runIdFor } from '../../lib/model/run-id.ts';
import { cancelRuns } from '../../lib/runs/cancel.ts';
import { ALWAYS_CLOSED } from '../../lib/runs/circuits.ts';
import { aRunWorld, type RunOnlyRequest } from '../fixtures/run-world.ts';
import { startRunsTable } from '../fixtures/runs-table.ts';

type World = Awaited<ReturnType<typeof aWorld>>;

async function aWorld() {
  const table = await startRunsTable();
  onTestFinished(() => table.stop());
  return aRunWorld(table);
}

const LOCKED = { guards: { lock: true } } as const;
const AWAY = {
  retryAfterMs: 1_000,
  reason: { code: 'provider.circuit-open', message: 'It does not answer.' },
};

/** Each makes the next run wait at its first attempt, after the guards of its rule, and gives what ends that. */
const WAITS: Record<string, (world: World) => Promise<{ code: string; end: () => Promise<void> }>> = {
  'the lock of an instance': async (world) => {
    await world.dispatch(world.request(LOCKED));
    const end = async () => {
      world.cloud.tasksAre('succeeded');
      world.advance(3_000);
      await world.poll();
    };
    return { code: 'guard.lock', end };
  },
  'a cloud that does not answer': async (world) => {
    world.context.circuits = { ...ALWAYS_CLOSED, away: () => AWAY };
    const end = async () => {
      world.context.circuits = ALWAYS_CLOSED;
      world.advance(1_000);
    };
    return { code: 'provider.circuit-open', end };
  },
  'a run that looks the same': async (world) => {
    world.cloud.next('loseAnswer');
    const twin = world.request();
    await world.dispatch(twin);
    const end = async () => {
      world.advance(60_000);
      await world.dispatch(twin);
      world.advance(60_000);
    };
    return { code: 'run.twin', end };
  },
};

describe.each(Object.entries(WAITS))('a run that first waited for %s', (_, wait) => {
  const request = (world: World) => world.request(LOCKED);

  test('is not sent when it was cancelled before it came', async () => {
    const world = await aWorld();
    const asked = request(world);
    await overtake(asked, world);
    const { code, end } = await wait(world);
    await world.dispatch(asked);
    expect(await world.run(asked.runId)).toMatchObject({ status: 'dispatching', waitingFor: { code } });
    const calls = world.cloud.calls();
    await end();
    await world.dispatch(asked);
    expect(await world.run(asked.runId)).toMatchObject({
      status: 'rejected',
      reason: { code: 'guard.cancelled' },
    });
    expect(world.cloud.calls()).toBe(calls);
  });

  test('ends as rejected when it came in during a freeze', async () => {
    const world = await aWorld();
    const asked = request(world);
    const { code, end } = await wait(world);
    await world.context.guards.setFreeze({ by: 'ann', reason: 'incident' });
    await world.dispatch(asked);
    expect(await world.run(asked.runId)).toMatchObject({ status: 'dispatching', waitingFor: { code } });
    await end();
    await world.dispatch(asked);
    expect(await world.run(asked.runId)).toMatchObject({
      status: 'rejected',
      reason: {
        code: 'guard.freeze',
        advice: expect.stringMatching(/^When the freeze is over, ask anew\. This run stays as it is/),
      },
    });
  });
});

test('a run whose process died before the guards were asked is asked by them when it is taken over', async () => {
  const world = await aWorld();
  const dedupe = { dedupe: { key: 'k', windowMs: 600_000 } };
  const first = world.request({ rule: 'one-of-two', guards: dedupe });
  const second = world.request({ rule: 'one-of-two', guards: dedupe });
  const { claim } = world.context.guards;
  world.context.guards.claim = () => Promise.reject(new Error('it died'));
  await expect(world.dispatch(first)).rejects.toThrow('it died');
  world.context.guards.claim = claim;
  await world.dispatch(second);
  world.advance(200_000);
  await world.dispatch(first);
  world.advance(200_000);
  await world.dispatch(first);
  expect(await world.run(first.runId)).toMatchObject({
    status: 'rejected',
    reason: { code: 'guard.dedupe' },
  });
  expect(world.cloud.taken).toHaveLength(1);
});

/** The cancel of its rule, which the queue delivers first. */
async function overtake({ rule, trigger, requestedAt }: RunOnlyRequest, { context }: World): Promise<void> {
  await cancelRuns(
    {
      version: 1,
      action: 'cancel',
      runId: runIdFor('stop', 'test', `stop of ${rule}`),
      rule: 'stop',
      trigger: { ...trigger, id: `stop of ${rule}` },
      notify: [],
      requestedAt: new Date(Date.parse(requestedAt) + 1).toISOString(),
      targetRule: rule,
    },
    context,
  );
}
