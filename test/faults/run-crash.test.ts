/**
 * A process that dies at any of its awaits, before or after the effect, in dispatch, in the poller and in a cancel:
 * whoever comes next finds one invocation, tells every fact, and leaves no claim behind. Never two, never none.
 */
import { describe, expect, test } from 'vitest';
import * as z from 'zod';
import { isTerminalRun } from '../../lib/model/run.ts';
import { runIdFor } from '../../lib/model/run-id.ts';
import { type CancelRequest, cancelRuns } from '../../lib/runs/cancel.ts';
import { dispatchRun } from '../../lib/runs/dispatch.ts';
import { type PollContext, poll } from '../../lib/runs/poll.ts';
import { CRASH, dying, type Failpoint } from '../fixtures/dying.ts';
import {
  aRunWorld,
  type RunOnlyRequest,
  type RunWorld,
  type TwoCloudsContext,
} from '../fixtures/run-world.ts';
import { startRunsTable } from '../fixtures/runs-table.ts';

/** The calls of a provider that go over the network. */
const CALLS = ['invoke', 'find', 'read', 'cancel', 'availability'];
const GUARDED = {
  guards: {
    dedupe: { key: 'k', windowMs: 600_000 },
    maxInFlight: 1,
    lock: true,
    whenFull: 'replace',
    maxShare: { fleet: 'web', percent: 100, size: 2 },
    breaker: { failures: 1, resetMs: 1_000 },
  },
} as const;
/** The second of two, within the cooldown of another run. */
const COUNTED_AND_PUT_OFF = {
  guards: {
    times: { key: 'k', count: 2, withinMs: 600_000 },
    cooldownMs: 120_000,
    cooldownKeep: 'last',
    lock: true,
    maxShare: { fleet: 'web', percent: 100, size: 2 },
  },
} as const;

function dyingContext(context: TwoCloudsContext, point: Failpoint): PollContext {
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
  live: (world: RunWorld, context: PollContext) => Promise<unknown>,
  after: (world: RunWorld, at: number) => Promise<void>,
): Promise<number> {
  for (let at = 1; at < 200; at += 1) {
    const table = await startRunsTable();
    const world = aRunWorld(table);
    const point: Failpoint = { at, when, calls: 0 };
    await live(world, dyingContext(world.context, point)).catch((thrown: unknown) => {
      expect(String(thrown)).toContain(CRASH);
    });
    const isReached = point.calls >= at;
    await after(world, at);
    await table.stop();
    if (!isReached) return at - 1;
  }
  throw new Error('there is no end of awaits');
}

/** As the queue and the minute do: the message comes again, the poller looks, until the run has ended. */
async function carryOn(world: RunWorld, request: RunOnlyRequest, isDelivered = true) {
  for (let round = 0; round < 20; round += 1) {
    world.advance(75_000);
    if (isDelivered) await world.dispatch(request);
    await world.poll();
    const run = await world.context.store.get(request.runId);
    if (run !== undefined && isTerminalRun(run) && run.outbox.length === 0) return run;
    world.cloud.tasksAre('succeeded');
  }
  throw new Error('the run never ends');
}

const FACTS = ['started', 'inv-1/ins-1/succeeded', 'inv-1/ins-2/succeeded', 'succeeded'];

async function expectOne(world: RunWorld, request: RunOnlyRequest, at: number): Promise<void> {
  expect({ at, invocations: world.cloud.taken.length }).toEqual({ at, invocations: 1 });
  expect({ at, told: world.told(request.runId) }).toEqual({ at, told: FACTS });
  // Its place in flight is free again.
  const { guards } = world.context;
  expect({ at, free: await guards.enterFlight(request.rule, request.runId, 1) }).toEqual({ at, free: true });
  const left = (guard: string, of: string) =>
    guards.revise({ guard, of, schema: z.array(z.unknown()), empty: [] }, (state) => ({
      state,
      answer: state,
    }));
  expect({ at, left: [await left('share', 'web'), await left('newest', request.rule)] }).toEqual({
    at,
    left: [[], []],
  });
  // A run that comes later gets its instances, although nobody waited for the locks to run out.
  const later = world.request({ guards: { lock: true } });
  await world.dispatch(later);
  expect({ at, later: await world.run(later.runId) }).toMatchObject({ at, later: { status: 'pending' } });
}

describe.each(['before', 'after'] as const)('dying %s the effect', { timeout: 120_000 }, (when) => {
  test('of an await of dispatch, with the message coming again', async () => {
    let request: RunOnlyRequest | undefined;
    const awaits = await atEveryAwait(
      when,
      async (world, context) => {
        request = world.request(GUARDED);
        await dispatchRun(request, context);
      },
      async (world, at) => {
        if (request === undefined) throw new Error('nothing was asked for');
        expect(await carryOn(world, request)).toMatchObject({ status: 'succeeded' });
        await expectOne(world, request, at);
      },
    );
    expect(awaits).toBeGreaterThan(8);
  });

  test('of an await of dispatch, with the message lost: the poller finishes what was stored', async () => {
    let request: RunOnlyRequest | undefined;
    await atEveryAwait(
      when,
      async (world, context) => {
        request = world.request(GUARDED);
        await dispatchRun(request, context);
      },
      async (world, at) => {
        if (request === undefined) throw new Error('nothing was asked for');
        // Before the first write there is nothing to find: the queue still has the message.
        if ((await world.context.store.get(request.runId)) === undefined) return;
        expect(await carryOn(world, request, false)).toMatchObject({ status: 'succeeded' });
        await expectOne(world, request, at);
      },
    );
  });

  test('of an await of dispatch, of a run that is counted and put off', async () => {
    let request: RunOnlyRequest | undefined;
    const other = runIdFor('rule', 'test', 'other');
    const awaits = await atEveryAwait(
      when,
      async (world, context) => {
        request = world.request(COUNTED_AND_PUT_OFF);
        const { rule } = request;
        await world.dispatch(world.request({ ...COUNTED_AND_PUT_OFF, rule }));
        const now = world.now();
        await world.context.guards.claim(
          'cooldown',
          rule,
          undefined,
          other,
          new Date(now + 90_000),
          new Date(now),
        );
        await dispatchRun(request, context);
      },
      async (world, at) => {
        if (request === undefined) throw new Error('nothing was asked for');
        expect(await carryOn(world, request)).toMatchObject({ status: 'succeeded' });
        await expectOne(world, request, at);
      },
    );
    expect(awaits).toBeGreaterThan(4);
  });

  test('of an await of the poller', async () => {
    let request: RunOnlyRequest | undefined;
    const awaits = await atEveryAwait(
      when,
      async (world, context) => {
        request = world.request(GUARDED);
        await world.dispatch(request);
        world.cloud.tasksAre('succeeded');
        world.advance(2_000);
        await poll(context);
      },
      async (world, at) => {
        if (request === undefined) throw new Error('nothing was asked for');
        expect(await carryOn(world, request)).toMatchObject({ status: 'succeeded' });
        await expectOne(world, request, at);
      },
    );
    expect(awaits).toBeGreaterThan(8);
  });

  test('of an await of the poller that takes over a dispatch whose answer was lost', async () => {
    let request: RunOnlyRequest | undefined;
    await atEveryAwait(
      when,
      async (world, context) => {
        request = world.request(GUARDED);
        world.cloud.next('loseAnswer');
        await world.dispatch(request);
        world.advance(75_000);
        await poll(context);
      },
      async (world, at) => {
        if (request === undefined) throw new Error('nothing was asked for');
        expect(await carryOn(world, request)).toMatchObject({ status: 'succeeded' });
        await expectOne(world, request, at);
      },
    );
  });

  test.each([
    ['it is asked for again', true],
    ['its message is lost, and the poller finishes what was stored', false],
  ])('of an await of a cancel: %s; what it meant is stopped, and no newer run', async (_, isDelivered) => {
    let older: RunOnlyRequest | undefined;
    let cancel: CancelRequest | undefined;
    const awaits = await atEveryAwait(
      when,
      async (world, context) => {
        older = world.request(GUARDED);
        await world.dispatch(older);
        world.cloud.tasksAre('running');
        world.advance(1);
        const { runId, trigger, requestedAt } = world.request();
        cancel = {
          version: 1,
          action: 'cancel',
          runId,
          rule: 'stop-it',
          trigger,
          notify: [],
          requestedAt,
          targetRule: older.rule,
        };
        await cancelRuns(cancel, context);
      },
      async (world, at) => {
        if (older === undefined || cancel === undefined) throw new Error('nothing was asked for');
        // Before the first write there is nothing to find: the queue still has the message.
        if (!isDelivered && (await world.context.store.get(cancel.runId)) === undefined) return;
        world.advance(1);
        const newer = world.request({ rule: older.rule });
        await world.dispatch(newer);
        if (isDelivered) await cancelRuns(cancel, world.context);
        world.advance(world.context.leaseMs);
        for (let round = 0; round < 3; round += 1) {
          world.advance(2_000);
          await world.poll();
        }
        const runs = [
          await world.run(older.runId),
          await world.run(newer.runId),
          await world.run(cancel.runId),
        ];
        expect({ at, states: runs.map(({ status }) => status) }).toEqual({
          at,
          states: ['stopped', 'pending', 'succeeded'],
        });
        expect(new Set(world.cloud.cancelled)).toEqual(new Set(['inv-1']));
        expect(await world.context.store.live('stop-it')).toEqual([]);
      },
    );
    expect(awaits).toBeGreaterThan(6);
  });
});
