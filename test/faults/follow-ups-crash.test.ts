/**
 * A process that dies at any await while a run ends that another one follows: there is exactly one follow-up, it is sent once,
 * and every fact is told.
 */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { isTerminalRun } from '../../lib/model/run.ts';
import { runIdFor } from '../../lib/model/run-id.ts';
import { type PollContext, poll } from '../../lib/runs/poll.ts';
import { CRASH, dying, type Failpoint } from '../fixtures/dying.ts';
import { aFollowUp, dispatchAsked, withFollowUps } from '../fixtures/follow-ups.ts';
import { aRunWorld, type RunWorld } from '../fixtures/run-world.ts';
import { startRunsTable } from '../fixtures/runs-table.ts';

let table: Awaited<ReturnType<typeof startRunsTable>>;
beforeEach(async () => {
  table = await startRunsTable();
});
afterEach(async () => {
  await table.stop();
});

function dyingContext({ context }: RunWorld, point: Failpoint): PollContext {
  const provider = dying(context.providers.tencent, point, ['invoke', 'find', 'read']);
  return {
    ...context,
    store: dying(context.store, point),
    guards: dying(context.guards, point),
    runsQueue: dying(context.runsQueue, point),
    providers: { tencent: provider, alibaba: provider },
    publishing: { ...context.publishing, resolve: (ref) => dying(context.publishing.resolve(ref), point) },
  };
}

/** @returns how often the follow-up was asked for, and what was sent for it */
async function play(point: Failpoint, name: string) {
  const world = aRunWorld(table);
  const command = `cmd-${name}`;
  const request = withFollowUps(
    world.request({ command, guards: { maxInFlight: 1, lock: true } }),
    aFollowUp({}, `${command}-back`),
  );
  await world.dispatch(request);
  world.cloud.tasksAre('failed', 'ins-1');
  world.cloud.tasksAre('succeeded', 'ins-2');
  const nextId = runIdFor('roll-back', 'follow-up', request.runId);
  let asked = 0;
  for (let round = 0; round < 12; round += 1) {
    const before = point.calls;
    await poll(dyingContext(world, point)).catch((thrown: unknown) =>
      expect(String(thrown)).toContain(CRASH),
    );
    // The process is dead: the next one is whole.
    if (point.calls >= point.at && before < point.at) point.calls = Number.MIN_SAFE_INTEGER;
    asked += world.asked.length;
    await dispatchAsked(world);
    world.advance(15_000);
    const run = await world.run(request.runId);
    if (isTerminalRun(run) && run.outbox.length === 0) break;
  }
  const run = await world.run(request.runId);
  const next = await world.context.store.get(nextId);
  const sent = world.cloud.taken.filter(({ invocation }) => invocation.target.command === `${command}-back`);
  return { world, run, next, asked, sent: sent.length, told: world.told(request.runId) };
}

describe('a run that another follows, with a process that dies', () => {
  test('at any call of the poller, before or after its effect, has one follow-up', async () => {
    const whole: Failpoint = { at: Number.MAX_SAFE_INTEGER, when: 'after', calls: 0 };
    const first = await play(whole, 'whole');
    expect(first).toMatchObject({
      asked: 1,
      sent: 1,
      run: { status: 'partly_failed', next: { rule: 'roll-back' } },
    });
    expect(whole.calls).toBeGreaterThan(8);
    for (let at = 1; at <= whole.calls; at += 1) {
      for (const when of ['before', 'after'] as const) {
        const { run, next, sent, asked, told } = await play({ at, when, calls: 0 }, `${at}-${when}`);
        const where = `${when} call ${at}`;
        expect(next, where).toMatchObject({
          rule: 'roll-back',
          after: { runId: run.runId, status: 'partly_failed' },
        });
        expect(sent, where).toBe(1);
        expect(asked, where).toBeGreaterThanOrEqual(1);
        expect(run, where).toMatchObject({ outbox: [], next: { runId: next?.runId } });
        expect(run.followUps, where).toBeUndefined();
        expect(told, where).toEqual(expect.arrayContaining(['partly_failed']));
      }
    }
  }, 240_000);

  test('a destination that is down does not keep the follow-up back, nor have it asked for again and again', async () => {
    const world = aRunWorld(table);
    const request = withFollowUps(world.request(), aFollowUp());
    await world.dispatch(request);
    world.cloud.tasksAre('failed');
    world.destinationIsDown(true);
    for (let round = 0; round < 4; round += 1) {
      await world.poll();
      world.advance(30_000);
    }
    expect(world.asked.length).toBeGreaterThanOrEqual(1);
    expect(world.asked.length).toBeLessThanOrEqual(2);
    world.destinationIsDown(false);
    await world.poll();
    expect(world.told(request.runId)).toContain('failed');
    expect(await world.run(request.runId)).toMatchObject({ outbox: [] });
  });

  test('a run that ends by two processes at once has one follow-up', async () => {
    const world = aRunWorld(table);
    const request = withFollowUps(world.request({ command: 'cmd-twice' }), aFollowUp({}, 'cmd-twice-back'));
    await world.dispatch(request);
    world.cloud.tasksAre('failed');
    await Promise.all([
      poll(world.context),
      poll({
        ...world.context,
        owner: 'other',
        store: { ...world.context.store, acquireLease: async () => true },
      }),
    ]);
    await dispatchAsked(world);
    await world.poll();
    await dispatchAsked(world);
    const sent = world.cloud.taken.filter(({ invocation }) => invocation.target.command === 'cmd-twice-back');
    expect(sent).toHaveLength(1);
  });
});
