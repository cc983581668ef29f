/** A run in waves: what starts when, what stops it, and what is left of it then. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { cancelRun } from '../../../lib/runs/cancel.ts';
import { describeRun } from '../../../lib/runs/run-view.ts';
import { seeTo } from '../../../lib/runs/see-to.ts';
import { dynamoGuardStore } from '../../../lib/store/dynamodb-guard-store.ts';
import { aRunWorld, type RunOnlyRequest, type RunWorld } from '../../fixtures/run-world.ts';
import { startRunsTable } from '../../fixtures/runs-table.ts';

const SIX = ['ins-1', 'ins-2', 'ins-3', 'ins-4', 'ins-5', 'ins-6'];
const MINUTE_MS = 60_000;

let table: Awaited<ReturnType<typeof startRunsTable>>;
beforeEach(async () => {
  table = await startRunsTable();
});
afterEach(async () => {
  await table.stop();
});

/** One instance, then two, then the rest; two minutes between. */
function rollout(world: RunWorld, waves: Partial<RunOnlyRequest['waves']> = {}, given = {}): RunOnlyRequest {
  return {
    ...world.request({ instances: SIX, ...given }),
    waves: {
      sizes: [{ instances: 1 }, { instances: 2 }, { instances: 3 }],
      pauseMs: 2 * MINUTE_MS,
      stopAfterFailures: 1,
      onStop: 'finish',
      ...waves,
    },
  };
}

async function begun(waves: Partial<RunOnlyRequest['waves']> = {}, given = {}, options = {}) {
  const world = aRunWorld(table, options);
  const request = rollout(world, waves, given);
  await world.dispatch(request);
  const show = async () => {
    const { status, reason, waves, waitingFor } = describeRun(await world.run(request.runId));
    return {
      status,
      reason: reason?.code,
      waves: waves?.map(({ state }) => state),
      waitsFor: waitingFor?.code,
    };
  };
  /** The tasks are so now, and the poller looks. */
  const become = async (status: Parameters<RunWorld['cloud']['tasksAre']>[0], ...instances: string[]) => {
    world.cloud.tasksAre(status, ...instances);
    world.advance(2_000);
    await world.poll();
  };
  const later = async (ms: number) => {
    world.advance(ms);
    await world.poll();
  };
  const sentTo = () => world.cloud.taken.map(({ invocation }) => invocation.target.instances);
  return { world, request, show, become, later, sentTo };
}

describe('a run in waves', () => {
  test('sends to one wave after the other, with the pause between them, and ends as one run', async () => {
    const { world, request, show, become, later, sentTo } = await begun();
    expect(sentTo()).toEqual([['ins-1']]);
    expect(await show()).toMatchObject({ status: 'pending', waves: ['running', 'planned', 'planned'] });

    await become('succeeded');
    expect(sentTo()).toEqual([['ins-1']]);
    expect(await show()).toEqual({
      status: 'running',
      reason: undefined,
      waves: ['succeeded', 'planned', 'planned'],
      waitsFor: 'wave.pause',
    });
    const until = new Date(world.now() + 2 * MINUTE_MS).toISOString();
    expect((await world.run(request.runId)).waitingFor?.until?.slice(0, 16)).toBe(until.slice(0, 16));

    await later(MINUTE_MS);
    expect(sentTo()).toEqual([['ins-1']]);
    await later(MINUTE_MS);
    expect(sentTo()).toEqual([['ins-1'], ['ins-2', 'ins-3']]);
    expect(await show()).toMatchObject({ waves: ['succeeded', 'running', 'planned'], waitsFor: undefined });

    await become('succeeded');
    await later(2 * MINUTE_MS);
    expect(sentTo()).toEqual([['ins-1'], ['ins-2', 'ins-3'], ['ins-4', 'ins-5', 'ins-6']]);
    await become('succeeded');
    expect(await show()).toEqual({
      status: 'succeeded',
      reason: undefined,
      waves: ['succeeded', 'succeeded', 'succeeded'],
      waitsFor: undefined,
    });
    expect(world.told(request.runId).filter((fact) => !fact.includes('/'))).toEqual(['started', 'succeeded']);
    expect(world.tellings(request.runId)).toBe(8);
  });

  test('ends at a canary that fails: nothing else is ever sent, and each that was not has a task that says so', async () => {
    const { world, request, show, become, later, sentTo } = await begun();
    await become('failed');
    await later(30 * MINUTE_MS);
    expect(sentTo()).toEqual([['ins-1']]);
    expect(await show()).toEqual({
      status: 'partly_failed',
      reason: 'wave.stopped',
      waves: ['failed', 'stopped', 'stopped'],
      waitsFor: undefined,
    });
    const run = await world.run(request.runId);
    expect(run.reason?.message).toBe(
      'Wave 1 of 3 stopped it (1 failed: ins-1 exited with 3); 5 of 6 instances were never started.',
    );
    const states = run.tasks.map(({ instanceId, status, started }) => [instanceId, status, started]);
    expect(states).toEqual([
      ['ins-1', 'failed', 'yes'],
      ['ins-2', 'cancelled', 'no'],
      ['ins-3', 'cancelled', 'no'],
      ['ins-4', 'cancelled', 'no'],
      ['ins-5', 'cancelled', 'no'],
      ['ins-6', 'cancelled', 'no'],
    ]);
    expect(world.told(request.runId).filter((fact) => fact.includes('cancelled'))).toHaveLength(5);
  });

  test.each(['timed_out', 'undelivered', 'rejected', 'lost', 'terminated'] as const)(
    'stops where a task is %s',
    async (status) => {
      const { show, become } = await begun();
      await become(status);
      expect(await show()).toMatchObject({
        reason: 'wave.stopped',
        waves: [expect.any(String), 'stopped', 'stopped'],
      });
    },
  );

  test('stops where the cloud refuses a wave: its instances were never started', async () => {
    const world = aRunWorld(table);
    const request = rollout(world);
    world.cloud.next({ refuse: {} });
    await world.dispatch(request);
    const run = await world.run(request.runId);
    expect([run.status, run.reason?.code]).toEqual(['partly_failed', 'wave.stopped']);
    expect(run.tasks.map(({ status }) => status).toSorted()).toEqual([
      ...Array.from({ length: 5 }, () => 'cancelled'),
      'rejected',
    ]);
  });

  test('lets fail as many as it may, in all waves together', async () => {
    const { show, become, later, sentTo } = await begun({ stopAfterFailures: 2, pauseMs: 0 });
    await become('failed', 'ins-1');
    await later(1_000);
    expect(sentTo()).toHaveLength(2);
    await become('succeeded', 'ins-2');
    await become('failed', 'ins-3');
    await later(1_000);
    expect(sentTo()).toHaveLength(2);
    expect(await show()).toMatchObject({
      status: 'partly_failed',
      reason: 'wave.stopped',
      waves: ['failed', 'partly_failed', 'stopped'],
    });
  });

  test.each([
    ['cancel', ['inv-2'], 'terminated'],
    ['finish', [], 'succeeded'],
  ] as const)('onStop %s: what of the wave still runs', async (onStop, cancelled, ends) => {
    const { world, request, become, later } = await begun({ onStop, pauseMs: 0 });
    await become('succeeded');
    await later(1_000);
    await become('running', 'ins-2', 'ins-3');
    await become('failed', 'ins-2');
    await later(2_000);
    expect([...new Set(world.cloud.cancelled)]).toEqual(cancelled);
    if (onStop === 'finish') {
      expect((await world.run(request.runId)).status).toBe('running');
      await become('succeeded', 'ins-3');
    }
    const run = await world.run(request.runId);
    expect([run.status, run.reason?.code]).toEqual(['partly_failed', 'wave.stopped']);
    expect(run.tasks.find(({ instanceId }) => instanceId === 'ins-3')?.status).toBe(ends);
    expect(world.cloud.taken).toHaveLength(2);
  });

  test('a failure of its last wave, with nothing left to stop, is the reason as in any run', async () => {
    const { show, become, later } = await begun({ sizes: [{ instances: 3 }], pauseMs: 0 });
    await become('succeeded');
    await later(1_000);
    await become('failed', 'ins-4', 'ins-5', 'ins-6');
    expect(await show()).toMatchObject({ status: 'partly_failed', reason: 'task.failed' });
  });

  test('a cancel between two waves ends it at once', async () => {
    const { world, request, show, become, later, sentTo } = await begun();
    await become('succeeded');
    await cancelRun(request.runId, 'ann', world.context);
    await later(1_000);
    expect(await show()).toEqual({
      status: 'partly_stopped',
      reason: 'run.cancelled',
      waves: ['succeeded', 'stopped', 'stopped'],
      waitsFor: undefined,
    });
    await later(30 * MINUTE_MS);
    expect(sentTo()).toHaveLength(1);
  });

  test('a cancel within a wave stops what runs, and no wave follows', async () => {
    const { world, request, show, later } = await begun();
    await cancelRun(request.runId, 'ann', world.context);
    await later(2_000);
    expect(world.cloud.cancelled).toEqual(['inv-1']);
    expect(await show()).toMatchObject({ status: 'stopped', waves: ['stopped', 'stopped', 'stopped'] });
    expect((await world.run(request.runId)).tasks).toHaveLength(6);
  });

  test('instances that are cancelled by name are left out of the waves to come', async () => {
    const { world, request, become, later, sentTo, show } = await begun({ pauseMs: MINUTE_MS });
    await become('succeeded');
    await cancelRun(request.runId, 'ann', world.context, ['ins-2', 'ins-4', 'ins-5', 'ins-6']);
    await later(1_000);
    expect(sentTo()).toHaveLength(1);
    await later(MINUTE_MS);
    expect(sentTo()).toEqual([['ins-1'], ['ins-3']]);
    await become('succeeded');
    await later(MINUTE_MS);
    expect(sentTo()).toHaveLength(2);
    expect(await show()).toMatchObject({ status: 'partly_stopped', reason: 'run.cancelled' });
    expect((await world.run(request.runId)).tasks).toHaveLength(6);
  });

  test('no wave begins while all is frozen; it begins when the freeze is over', async () => {
    const { world, become, later, sentTo, show } = await begun();
    const guards = dynamoGuardStore(table);
    await become('succeeded');
    await guards.setFreeze({ by: 'ann', reason: 'a test' });
    try {
      for (let minute = 0; minute < 5; minute += 1) await later(MINUTE_MS);
      expect(sentTo()).toEqual([['ins-1']]);
      expect(await show()).toMatchObject({ status: 'dispatching', waitsFor: 'guard.freeze' });
      expect(world.cloud.reads()).toBeLessThan(10);
    } finally {
      await guards.setFreeze(undefined);
    }
    await later(MINUTE_MS);
    expect(sentTo()).toEqual([['ins-1'], ['ins-2', 'ins-3']]);
  });

  test('its part of a fleet is its largest wave, not all that it will run on', async () => {
    const share = { fleet: 'web', percent: 50, size: 6 };
    const { sentTo } = await begun({}, { guards: { maxShare: share } });
    expect(sentTo()).toEqual([['ins-1']]);
    const { world, request } = await begun({ sizes: [{ instances: 4 }] }, { guards: { maxShare: share } });
    expect((await world.run(request.runId)).reason?.code).toBe('guard.max-share');
  });

  test('a cancel under a freeze ends it at once: it waits for nothing any more', async () => {
    const { world, request, become, later, sentTo, show } = await begun();
    const guards = dynamoGuardStore(table);
    await become('succeeded');
    await guards.setFreeze({ by: 'ann', reason: 'a test' });
    try {
      await later(2 * MINUTE_MS);
      expect(await show()).toMatchObject({ status: 'dispatching', waitsFor: 'guard.freeze' });
      await cancelRun(request.runId, 'ann', world.context);
      await later(MINUTE_MS);
    } finally {
      await guards.setFreeze(undefined);
    }
    expect(sentTo()).toHaveLength(1);
    expect(await show()).toEqual({
      status: 'partly_stopped',
      reason: 'run.cancelled',
      waves: ['succeeded', 'stopped', 'stopped'],
      waitsFor: undefined,
    });
  });

  test('a wave that may not be sent before its own deadline stops the run', async () => {
    const { world, request, become, later, sentTo, show } = await begun({ stopAfterFailures: 5 });
    const guards = dynamoGuardStore(table);
    await become('succeeded');
    await guards.setFreeze({ by: 'ann', reason: 'a test' });
    try {
      await later(2 * MINUTE_MS);
      await later(16 * MINUTE_MS);
    } finally {
      await guards.setFreeze(undefined);
    }
    await later(MINUTE_MS);
    expect(sentTo()).toEqual([['ins-1']]);
    expect(await show()).toMatchObject({ status: 'partly_failed', reason: 'wave.stopped' });
    const run = await world.run(request.runId);
    expect(run.tasks.map(({ started }) => started)).toEqual(['yes', 'no', 'no', 'no', 'no', 'no']);
  });

  test('its deadline is that of the first send: later waves have as long, each from its own time', async () => {
    const { become, later, sentTo } = await begun({ pauseMs: 14 * MINUTE_MS });
    await become('running');
    await later(60 * MINUTE_MS);
    await become('succeeded');
    await later(15 * MINUTE_MS);
    expect(sentTo()).toHaveLength(2);
  });

  test('a wave that is larger than one invocation may be is cut; no part is sent after a failure of another', async () => {
    const { world, request, become, later, sentTo } = await begun(
      { sizes: [{ instances: 2 }, { instances: 4 }], pauseMs: 0 },
      {},
      { perInvocation: 2 },
    );
    await become('succeeded');
    // The second part of the second wave has to wait.
    world.cloud.next('take', { refuse: { isRetryable: true, retryAfterMs: 10_000 } });
    await later(1_000);
    expect(sentTo()).toEqual([
      ['ins-1', 'ins-2'],
      ['ins-3', 'ins-4'],
    ]);
    await become('failed', 'ins-3');
    await later(MINUTE_MS);
    await become('succeeded', 'ins-4');
    expect(sentTo()).toHaveLength(2);
    const run = await world.run(request.runId);
    expect([run.status, run.reason?.code]).toEqual(['partly_failed', 'wave.stopped']);
    expect(run.tasks.map(({ status }) => status)).toEqual([
      'succeeded',
      'succeeded',
      'failed',
      'succeeded',
      'cancelled',
      'cancelled',
    ]);
  });

  test('instances that are skipped are no failures, and the waves keep their sizes', async () => {
    const { world, become, later, sentTo } = await begun({ pauseMs: 0 }, { onUnavailable: 'skip' });
    await become('succeeded');
    world.cloud.lacks('ins-2');
    await later(1_000);
    expect(sentTo()).toEqual([['ins-1'], ['ins-3']]);
    await become('succeeded');
    await later(1_000);
    expect(sentTo()).toEqual([['ins-1'], ['ins-3'], ['ins-4', 'ins-5', 'ins-6']]);
  });

  test('a rollout whose canary is skipped runs nowhere', async () => {
    const world = aRunWorld(table);
    const request = rollout(world, {}, { onUnavailable: 'skip' });
    world.cloud.lacks('ins-1');
    await world.dispatch(request);
    expect(world.cloud.taken).toEqual([]);
    expect((await world.run(request.runId)).status).toBe('rejected');
  });

  test('costs two writes a wave beside those of its ends, and asks the cloud nothing during its pauses', async () => {
    const { world, request, become, later } = await begun();
    await become('succeeded');
    const { revision } = await world.run(request.runId);
    const reads = world.cloud.reads();
    await later(MINUTE_MS);
    expect((await world.run(request.runId)).revision).toBe(revision);
    expect(world.cloud.reads()).toBe(reads);
    const due = await world.run(request.runId);
    await seeTo(due, world.context);
    expect((await world.run(request.runId)).revision).toBe(revision);
    world.advance(MINUTE_MS);
    await seeTo(due, world.context);
    expect((await world.run(request.runId)).revision - revision).toBe(2);
  });
});
