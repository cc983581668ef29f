/** The reasons that people read at night: they count everything, and are sentences. */
import { expect, onTestFinished, test } from 'vitest';
import { cancelRun } from '../../lib/runs/cancel.ts';
import { aRunWorld } from '../fixtures/run-world.ts';
import { startRunsTable } from '../fixtures/runs-table.ts';

async function aWorld() {
  const table = await startRunsTable();
  onTestFinished(() => table.stop());
  return aRunWorld(table);
}

test('a run that is cancelled between two waves counts the instances that were never started', async () => {
  const world = await aWorld();
  const waves = {
    sizes: [{ instances: 1 }],
    pauseMs: 60_000,
    stopAfterFailures: 1,
    onStop: 'finish' as const,
  };
  const request = world.request({ instances: ['ins-1', 'ins-2', 'ins-3'], waves });
  await world.dispatch(request);
  world.cloud.tasksAre('succeeded');
  world.advance(2_000);
  await world.poll();
  await cancelRun(request.runId, 'ann', world.context);
  world.advance(2_000);
  await world.poll();
  expect(await world.run(request.runId)).toMatchObject({
    status: 'partly_stopped',
    reason: { message: 'ann cancelled it; its tasks ended as 1 succeeded, 2 never started.' },
  });
});

test('a run that a wave stopped counts those that could not be sent to, and says nothing of none', async () => {
  const world = await aWorld();
  const reasonOf = async (refuse: boolean, ...sizes: number[]) => {
    const waves = {
      sizes: sizes.map((instances) => ({ instances })),
      pauseMs: 0,
      stopAfterFailures: 1,
      onStop: 'cancel' as const,
    };
    const request = world.request({ instances: ['ins-1', 'ins-2', 'ins-3'], waves });
    if (refuse) world.cloud.next({ refuse: {} });
    await world.dispatch(request);
    world.cloud.tasksAre('failed', 'ins-1');
    for (let looks = 0; looks < 3; looks += 1) {
      world.advance(2_000);
      await world.poll();
    }
    const { reason } = await world.run(request.runId);
    expect(reason?.code).toBe('wave.stopped');
    return reason?.message;
  };
  expect(await reasonOf(true, 1)).toMatch(/; 3 of 3 instances were never started\.$/);
  expect(await reasonOf(false, 3)).toMatch(/exited with 3\)\.$/);
});

test.each([
  [1, '1 run'],
  [2, '2 runs'],
])('a rule with a limit of %i says that it has %s in flight', async (maxInFlight, said) => {
  const world = await aWorld();
  const asked = Array.from({ length: maxInFlight + 1 }, (_, index) =>
    world.request({ rule: 'full', guards: { maxInFlight }, instances: [`ins-${index}`] }),
  );
  for (const request of asked) await world.dispatch(request);
  const last = await world.run(asked.at(-1)?.runId ?? '');
  expect(last.waitingFor?.message).toBe(`The rule has ${said} in flight already, its limit (maxInFlight).`);
});
