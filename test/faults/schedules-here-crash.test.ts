/**
 * A process that dies at any of its awaits, before or after the effect, while a run that waits for its time is
 * scheduled, fired or cancelled: whoever comes next sends it once at its time, or never where it was cancelled.
 */
import { describe, expect, test } from 'vitest';
import type { ScheduleRequest } from '../../lib/model/live-schedule.ts';
import { isTerminalRun, type Run } from '../../lib/model/run.ts';
import { type CancelRequest, cancelRuns } from '../../lib/runs/cancel.ts';
import { poll } from '../../lib/runs/poll.ts';
import { CRASH, dying, type Failpoint } from '../fixtures/dying.ts';
import { aRunWorld, type RunWorld, type TwoCloudsContext } from '../fixtures/run-world.ts';
import { startRunsTable } from '../fixtures/runs-table.ts';
import { aTimedRequest, schedule } from '../fixtures/timed-requests.ts';

const CALLS = ['invoke', 'find', 'read', 'cancel', 'availability'];
const HOUR = 3_600_000;
const EXECUTION = { guards: { dedupe: { key: 'k', windowMs: 1_000 }, cooldownMs: 1_000, maxInFlight: 1 } };

function dyingContext(context: TwoCloudsContext, point: Failpoint): TwoCloudsContext {
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

/** Tries the death at every await there is, each in a world of its own, until one is not reached any more. */
async function atEveryAwait(
  when: Failpoint['when'],
  live: (world: RunWorld, dies: TwoCloudsContext) => Promise<unknown>,
  then: (world: RunWorld, at: number) => Promise<void>,
): Promise<number> {
  for (let at = 1; at < 200; at += 1) {
    const table = await startRunsTable();
    const world = aRunWorld(table);
    const point: Failpoint = { at, when, calls: 0 };
    await live(world, dyingContext(world.context, point)).catch((thrown: unknown) => {
      expect(String(thrown)).toContain(CRASH);
    });
    const isReached = point.calls >= at;
    await then(world, at);
    await table.stop();
    if (!isReached) return at - 1;
  }
  throw new Error('there is no end of awaits');
}

/** The poller's minutes, until the run has ended and everything is told. */
async function carryOn(
  world: RunWorld,
  runId: string,
  each: () => Promise<unknown> = async () => {},
): Promise<Run> {
  for (let round = 0; round < 30; round += 1) {
    world.advance(75_000);
    await each();
    await world.poll();
    const run = await world.context.store.get(runId);
    if (run !== undefined && isTerminalRun(run) && run.outbox.length === 0) return run;
    world.cloud.tasksAre('succeeded');
  }
  throw new Error('the run never ends');
}

async function expectOne(
  world: RunWorld,
  { runId, rule }: Pick<Run, 'runId' | 'rule'>,
  at: number,
): Promise<void> {
  expect({ at, invocations: world.cloud.taken.length }).toEqual({ at, invocations: 1 });
  expect({ at, told: world.told(runId) }).toEqual({
    at,
    told: ['started', 'inv-1/ins-1/succeeded', 'inv-1/ins-2/succeeded', 'succeeded'],
  });
  const { guards } = world.context;
  expect({ at, agenda: (await guards.agenda(rule)).appointments }).toEqual({ at, agenda: [] });
  expect({ at, free: await guards.enterFlight(rule, runId, 1) }).toEqual({ at, free: true });
}

function only(request: ScheduleRequest | undefined): ScheduleRequest {
  if (request === undefined) throw new Error('nothing was asked for');
  return request;
}

describe.each(['before', 'after'] as const)('dying %s the effect', { timeout: 120_000 }, (when) => {
  test.each([true, false])('of an await of scheduling, the message coming again: %s', async (isDelivered) => {
    let request: ScheduleRequest | undefined;
    const awaits = await atEveryAwait(
      when,
      async (world, dies) => {
        request = aTimedRequest(world, { inMs: 200_000, execution: EXECUTION });
        await schedule(request, dies);
      },
      async (world, at) => {
        const asked = only(request);
        // Before the first write there is nothing to find: the queue still has the message.
        if (!isDelivered && (await world.context.store.get(asked.runId)) === undefined) return;
        const run = await carryOn(world, asked.runId, async () => {
          if (isDelivered) await schedule(asked, world.context);
        });
        expect({ at, status: run.status }).toEqual({ at, status: 'succeeded' });
        expect(world.cloud.taken[0]?.at).toBeGreaterThanOrEqual(Date.parse(asked.at ?? ''));
        await expectOne(world, asked, at);
      },
    );
    expect(awaits).toBeGreaterThan(6);
  });

  test('of an await of the poller that fires it', async () => {
    let request: ScheduleRequest | undefined;
    const awaits = await atEveryAwait(
      when,
      async (world, dies) => {
        request = aTimedRequest(world, { execution: EXECUTION });
        await schedule(request, world.context);
        world.advance(65_000);
        await poll(dies);
      },
      async (world, at) => {
        expect(await carryOn(world, only(request).runId)).toMatchObject({ status: 'succeeded' });
        await expectOne(world, only(request), at);
      },
    );
    expect(awaits).toBeGreaterThan(15);
  });

  test('of an await of the poller that fires it, the answer lost', async () => {
    let request: ScheduleRequest | undefined;
    await atEveryAwait(
      when,
      async (world, dies) => {
        request = aTimedRequest(world, { execution: EXECUTION });
        await schedule(request, world.context);
        world.cloud.next('loseAnswer');
        world.advance(65_000);
        await poll(dies);
      },
      async (world, at) => {
        expect(await carryOn(world, only(request).runId)).toMatchObject({ status: 'succeeded' });
        await expectOne(world, only(request), at);
      },
    );
  });

  test('of an await of the poller that fires a recurrence: each time once, and it goes on', async () => {
    let request: ScheduleRequest | undefined;
    const awaits = await atEveryAwait(
      when,
      async (world, dies) => {
        request = aTimedRequest(world, {
          recurrence: '0 * * * *',
          execution: { guards: { maxInFlight: 1 } },
        });
        await schedule(request, world.context);
        world.advance(HOUR - (world.now() % HOUR));
        for (let round = 0; round < 3; round += 1) await poll(dies);
      },
      async (world, at) => {
        const { rule, runId } = only(request);
        const { store } = world.context;
        for (let round = 0; round < 8; round += 1) {
          world.advance(75_000);
          await world.poll();
          world.cloud.tasksAre('succeeded');
        }
        const runs = (await store.list({ limit: 10, rule })).runs;
        expect({ at, states: runs.map(({ status }) => status).toSorted() }).toEqual({
          at,
          states: ['scheduled', 'succeeded'],
        });
        expect({ at, invocations: world.cloud.taken.length }).toEqual({ at, invocations: 1 });
        const parent = await world.run(runId);
        expect(Date.parse(parent.schedule?.timer?.nextAt ?? '')).toBeGreaterThan(world.now());
      },
    );
    expect(awaits).toBeGreaterThan(15);
  });

  test('of an await of a cancel by its rule: asked for again, it is never sent', async () => {
    let request: ScheduleRequest | undefined;
    let cancel: CancelRequest | undefined;
    await atEveryAwait(
      when,
      async (world, dies) => {
        request = aTimedRequest(world, { execution: EXECUTION });
        await schedule(request, world.context);
        const { runId, trigger, requestedAt } = world.request();
        const { rule: targetRule } = request;
        cancel = {
          version: 1,
          action: 'cancel',
          runId,
          rule: 'stop-it',
          trigger,
          notify: [],
          requestedAt,
          targetRule,
        };
        await cancelRuns(cancel, dies);
        await poll(dies);
      },
      async (world, at) => {
        if (cancel === undefined) throw new Error('nothing was cancelled');
        await cancelRuns(cancel, world.context);
        expect({ at, ...(await carryOn(world, only(request).runId)) }).toMatchObject({
          at,
          status: 'stopped',
        });
        expect(world.cloud.calls()).toBe(0);
        expect((await world.context.guards.agenda(only(request).rule)).appointments).toEqual([]);
      },
    );
  });
});

describe('several at once', () => {
  test('pollers fire it once', async () => {
    const table = await startRunsTable();
    const world = aRunWorld(table);
    const request = aTimedRequest(world);
    await schedule(request, world.context);
    world.advance(65_000);
    // A lease that ran out lets two loops run for a moment.
    const leaseless = { ...world.context.store, acquireLease: async () => true };
    await Promise.all([1, 2, 3].map(() => poll({ ...world.context, store: leaseless })));
    expect(await carryOn(world, request.runId)).toMatchObject({ status: 'succeeded' });
    await expectOne(world, request, 0);
    await table.stop();
  });
});
