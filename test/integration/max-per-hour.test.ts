/** How many runs of a rule begin within an hour, however many ask, however often, and at whatever minute. */
import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import type { RenderedGuards } from '../../lib/model/run-request.ts';
import { cancelRun } from '../../lib/runs/cancel.ts';
import { resume } from '../../lib/runs/dispatch.ts';
import type { Flat } from '../fixtures/flat.ts';
import { aRunWorld, type RunOnlyRequest, type RunWorld } from '../fixtures/run-world.ts';
import { startRunsTable } from '../fixtures/runs-table.ts';

let table: Awaited<ReturnType<typeof startRunsTable>>;
let world: RunWorld;
let rules = 0;
beforeAll(async () => {
  table = await startRunsTable();
});
afterAll(() => table.stop());
beforeEach(() => {
  world = aRunWorld(table);
  rules += 1;
});

const MINUTE = 60_000;

function ask(maxPerHour: RenderedGuards['maxPerHour'], given: Flat<RunOnlyRequest> = {}): RunOnlyRequest {
  const guards: RenderedGuards = maxPerHour === undefined ? {} : { maxPerHour };
  return world.request({ rule: `hourly-${rules}`, instances: ['ins-1'], guards, ...given });
}

async function outcomeOf(request: RunOnlyRequest): Promise<string> {
  const { run } = await world.dispatch(request);
  return run.reason?.code ?? run.status;
}

async function outcomes(count: number, limits: RenderedGuards['maxPerHour'], given = {}): Promise<string[]> {
  const ended: string[] = [];
  for (let index = 0; index < count; index += 1) ended.push(await outcomeOf(ask(limits, given)));
  return ended;
}

describe('maxPerHour', () => {
  it('lets in exactly so many of 500 that come at once', async () => {
    const { guards } = world.context;
    const asked = await Promise.all(
      Array.from({ length: 500 }, () => {
        const { rule, runId } = ask({ runs: 100 });
        return guards.countRun({ rule, runId, instances: 1 }, { runs: 100 }, new Date(world.now()));
      }),
    );
    expect(asked.filter(({ isWithin }) => isWithin).length).toBe(100);
  }, 60_000);

  it('lets in exactly so many of a rule’s first that come at once', async () => {
    const { guards } = world.context;
    const asked = await Promise.all(
      Array.from({ length: 20 }, () => {
        const { rule, runId } = ask({ runs: 7 });
        return guards.countRun({ rule, runId, instances: 1 }, { runs: 7 }, new Date(world.now()));
      }),
    );
    expect(asked.filter(({ isWithin }) => isWithin).length).toBe(7);
  });

  it('counts what comes at once in one process in one write', async () => {
    const { guards } = world.context;
    const writes: string[] = [];
    table.client.middlewareStack.add(
      (next, { commandName }) =>
        async (args) => {
          writes.push(String(commandName));
          return await next(args);
        },
      { name: 'writes', step: 'initialize' },
    );
    onTestFinished(() => void table.client.middlewareStack.remove('writes'));
    const limits = { runs: 20, instances: 30 };
    const requests = Array.from({ length: 10 }, () => ask(limits, { instances: ['ins-1', 'ins-2'] }));
    const count = () =>
      Promise.all(
        requests.map(({ rule, runId }) =>
          guards.countRun({ rule, runId, instances: 2 }, limits, new Date(world.now())),
        ),
      );
    expect((await count()).every(({ isWithin }) => isWithin)).toBe(true);
    expect(writes).toEqual(['UpdateItemCommand']);
    // Each is in it once, however often it is counted.
    expect((await count()).every(({ isWithin }) => isWithin)).toBe(true);
    const others = Array.from({ length: 10 }, () => ask(limits));
    const counted = await Promise.all(
      others.map(({ rule, runId }) =>
        guards.countRun({ rule, runId, instances: 2 }, limits, new Date(world.now())),
      ),
    );
    expect(counted.map(({ isWithin }) => isWithin)).toEqual([
      ...Array(5).fill(true),
      ...Array(5).fill(false),
    ]);
  });

  it('starts exactly so many of those that come at once when an hour’s runs are over', async () => {
    await outcomes(10, { runs: 10 });
    world.advance(60 * MINUTE + 1);
    const ended = await Promise.all(Array.from({ length: 60 }, () => ask({ runs: 10 })).map(outcomeOf));
    expect(ended.filter((it) => it === 'pending').length).toBe(10);
  }, 60_000);

  it('slides: at no minute do more fit into the hour before', async () => {
    const started: number[] = [];
    for (let minute = 0; minute < 180; minute += 5) {
      for (let index = 0; index < 2; index += 1) {
        if ((await outcomeOf(ask({ runs: 6 }))) === 'pending') started.push(minute);
      }
      world.advance(5 * MINUTE);
    }
    const inHourBefore = started.map((at) => started.filter((it) => it > at - 60 && it <= at).length);
    expect(Math.max(...inHourBefore)).toBe(6);
    expect(started.length).toBe(18);
  });

  it('says when there is room again, and is right', async () => {
    await outcomes(1, { runs: 2 });
    world.advance(10 * MINUTE);
    await outcomes(1, { runs: 2 });
    world.advance(10 * MINUTE);
    const { run } = await world.dispatch(ask({ runs: 2 }));
    expect(run).toMatchObject({
      status: 'rejected',
      reason: { code: 'guard.max-per-hour' },
    });
    const until = new Date(world.now() + 40 * MINUTE).toISOString();
    expect(run.reason?.message).toContain(until);
    world.advance(40 * MINUTE - 1);
    expect(await outcomeOf(ask({ runs: 2 }))).toBe('guard.max-per-hour');
    world.advance(1);
    expect(await outcomeOf(ask({ runs: 2 }))).toBe('pending');
  });

  it('counts a run once, however often it is asked for', async () => {
    const guards = { maxPerHour: { runs: 2 }, maxInFlight: 1 };
    const [first, second] = [ask(undefined, { guards }), ask(undefined, { guards })];
    await world.dispatch(first);
    await world.dispatch(first);
    for (let tries = 0; tries < 4; tries += 1) {
      expect(await world.dispatch(second)).toMatchObject({ kind: 'retry' });
      world.advance(6_000);
    }
    const third = ask(undefined, { guards });
    expect((await world.dispatch(third)).run.reason?.code).toBe('guard.max-per-hour');
    world.cloud.tasksAre('succeeded');
    world.advance(6_000);
    await world.poll();
    world.advance(6_000);
    expect((await resume(await world.run(second.runId), world.context)).run.status).toBe('pending');
  });

  it('is given back by a run that another guard refuses, that is cancelled or that expires before it is sent', async () => {
    const limits = { runs: 2 };
    const waits = { maxPerHour: limits, maxInFlight: 1 };
    await world.dispatch(ask(undefined, { guards: waits }));
    for (const end of ['cancel', 'expire'] as const) {
      const request = ask(undefined, { guards: waits });
      expect(await world.dispatch(request)).toMatchObject({ kind: 'retry' });
      expect(await outcomeOf(ask(limits))).toBe('guard.max-per-hour');
      if (end === 'cancel') await cancelRun(request.runId, 'ada', world.context);
      world.advance(end === 'expire' ? 16 * MINUTE : 10_000);
      await resume(await world.run(request.runId), world.context);
      expect((await world.run(request.runId)).status).toBe(end === 'cancel' ? 'stopped' : 'expired');
    }
    const frozen = ask(undefined, { guards: waits });
    expect(await world.dispatch(frozen)).toMatchObject({ kind: 'retry' });
    await world.context.guards.setFreeze({ by: 'ada', reason: 'incident' });
    world.advance(10_000);
    await resume(await world.run(frozen.runId), world.context);
    await world.context.guards.setFreeze(undefined);
    if ((await world.run(frozen.runId)).status === 'rejected') {
      expect(await outcomeOf(ask(limits))).toBe('pending');
    }
  });

  it('counts each rule by itself', async () => {
    expect(await outcomes(3, { runs: 2 })).toEqual(['pending', 'pending', 'guard.max-per-hour']);
    rules += 1;
    expect(await outcomes(1, { runs: 2 })).toEqual(['pending']);
  });

  it('counts instances where they are limited', async () => {
    const three = { instances: ['ins-1', 'ins-2', 'ins-3'] };
    const limits = { runs: 100, instances: 7 };
    expect(await outcomes(3, limits, three)).toEqual(['pending', 'pending', 'guard.max-per-hour']);
    expect(await outcomes(2, limits)).toEqual(['pending', 'guard.max-per-hour']);
    expect(await outcomes(1, { runs: 100 }, three)).toEqual(['pending']);
    rules += 1;
    const { run } = await world.dispatch(ask({ runs: 100, instances: 2 }, three));
    expect(run.reason).toMatchObject({
      code: 'guard.max-per-hour',
      // It names no time at which there would be room.
      message: expect.not.stringContaining('2026-'),
    });
  });

  it('takes a request of the previous version, which has no such guard', async () => {
    expect(await outcomes(3, undefined)).toEqual(['pending', 'pending', 'pending']);
  });

  it('costs one write for a run, and no read', async () => {
    const commands: string[] = [];
    const { send } = table.client;
    table.client.send = ((command: { constructor: { name: string }; input: { Key?: { sk?: string } } }) => {
      if (command.input.Key?.sk === 'HOURLY') commands.push(command.constructor.name);
      return Reflect.apply(send, table.client, [command]);
    }) satisfies (command: never) => unknown;
    await outcomeOf(ask({ runs: 100 }));
    table.client.send = send;
    expect(commands).toEqual(['UpdateCommand']);
  });
});
