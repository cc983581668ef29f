/** A run on a tagged fleet: the cloud is asked once, before anything is sent, and what it said is the run's for good. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FleetReflexError } from '../../lib/errors.ts';
import { cancelRun } from '../../lib/runs/cancel.ts';
import { checkRequest } from '../../lib/runs/check-request.ts';
import type { Flat } from '../fixtures/flat.ts';
import { aRunWorld, type RunOnlyRequest, type RunWorld } from '../fixtures/run-world.ts';
import { startRunsTable } from '../fixtures/runs-table.ts';
import { aTimedRequest, schedule } from '../fixtures/timed-requests.ts';

let table: Awaited<ReturnType<typeof startRunsTable>>;
let world: RunWorld;
beforeEach(async () => {
  table = await startRunsTable();
  world = aRunWorld(table);
  world.cloud.fleetIs('ins-1', 'ins-2', 'ins-3');
});

afterEach(() => table.stop());

const MINUTE = 60_000;
const WEB = { name: 'web', tags: { role: 'web' } };

function ask(given: Flat<RunOnlyRequest> = {}): RunOnlyRequest {
  return { ...world.request({ instances: [], ...given }), taggedFleet: WEB };
}

const sentTo = () => world.cloud.taken.map(({ invocation }) => invocation.target.instances);
const unread = () =>
  new FleetReflexError('provider.throttled', 'listing: too many', { disposition: 'retry' });

describe('a run on a tagged fleet', () => {
  it('runs on what the fleet has, and has it on record', async () => {
    const { run } = await world.dispatch(ask());
    expect(run).toMatchObject({
      status: 'pending',
      target: { instances: ['ins-1', 'ins-2', 'ins-3'] },
      taggedFleet: { ...WEB, readAt: new Date(world.now()).toISOString() },
    });
    expect(sentTo()).toEqual([['ins-1', 'ins-2', 'ins-3']]);
  });

  it('costs one call for all runs of some minutes, and a fleet that grew is seen after them', async () => {
    for (let index = 0; index < 5; index += 1) await world.dispatch(ask());
    expect(world.cloud.listings()).toBe(1);
    world.cloud.fleetIs('ins-1', 'ins-2', 'ins-3', 'ins-4');
    world.advance(2 * MINUTE);
    const { run } = await world.dispatch(ask());
    expect(run.target?.instances).toEqual(['ins-1', 'ins-2', 'ins-3', 'ins-4']);
    expect(world.cloud.listings()).toBe(2);
  });

  it('costs a run of a listed fleet nothing', async () => {
    await world.dispatch(world.request());
    expect(world.cloud.listings()).toBe(0);
  });

  it('runs on those that the event named, if the fleet has them', async () => {
    const { run } = await world.dispatch(ask({ instances: ['ins-2'] }));
    expect(run.status).toBe('pending');
    expect(sentTo()).toEqual([['ins-2']]);
    const outside = await world.dispatch(ask({ instances: ['ins-2', 'ins-9'] }));
    expect(outside.run).toMatchObject({ status: 'rejected', reason: { code: 'instances.not-in-fleet' } });
    expect(outside.run.reason?.message).toContain(
      '`ins-9` is not in the fleet web (role=web in ap-guangzhou)',
    );
  });

  it('an empty fleet rejects it, and says tags and region', async () => {
    world.cloud.fleetIs();
    const { run } = await world.dispatch(ask());
    expect(run).toMatchObject({ status: 'rejected', reason: { code: 'fleet.empty' } });
    expect(run.reason?.message).toContain('role=web in ap-guangzhou');
    expect(world.events.map(({ type }) => type)).toEqual(['fleet-reflex.run.rejected']);
    expect(world.cloud.calls()).toBe(0);
  });

  it('an id of another form is not run on', async () => {
    world.cloud.fleetIs('ins-1', 'web-1; reboot');
    const { run } = await world.dispatch(ask());
    expect(run).toMatchObject({ status: 'rejected', reason: { code: 'instances.invalid' } });
    expect(world.cloud.calls()).toBe(0);
  });

  it('more than a run may have rejects it', async () => {
    world.cloud.fleetIs(...Array.from({ length: 2001 }, (_, index) => `ins-${index}`));
    const { run } = await world.dispatch(ask());
    expect(run).toMatchObject({ status: 'rejected', reason: { code: 'instances.invalid' } });
  });

  it('2,000 instances run, in calls of 200', async () => {
    world.cloud.fleetIs(...Array.from({ length: 2000 }, (_, index) => `ins-${index}`));
    const { run } = await world.dispatch(ask());
    expect(run.status).toBe('pending');
    expect(world.cloud.calls()).toBe(10);
  });
});

describe('a fleet that cannot be read', () => {
  it('is waited for, visibly, and the run goes on when it can', async () => {
    world.cloud.cannotList(unread());
    const request = ask();
    const first = await world.dispatch(request);
    expect(first).toMatchObject({
      kind: 'retry',
      run: { status: 'dispatching', waitingFor: { code: 'fleet.unread' } },
    });
    expect(world.cloud.calls()).toBe(0);
    world.cloud.cannotList();
    world.advance(MINUTE);
    const { run } = await world.dispatch(request);
    expect(run.status).toBe('pending');
    expect(run.waitingFor).toBeUndefined();
    expect(sentTo()).toEqual([['ins-1', 'ins-2', 'ins-3']]);
  });

  it('ends the run at its deadline, with what the cloud said', async () => {
    world.cloud.cannotList(unread());
    const request = ask();
    await world.dispatch(request);
    world.advance(16 * MINUTE);
    const { run } = await world.dispatch(request);
    expect(run).toMatchObject({ status: 'expired', reason: { code: 'fleet.unread' } });
    expect(run.reason?.message).toContain('listing: too many');
  });

  it('the poller goes on with a run whose message is lost', async () => {
    world.cloud.cannotList(unread());
    const request = ask();
    await world.dispatch(request);
    world.cloud.cannotList();
    world.advance(3 * MINUTE);
    await world.poll();
    expect(sentTo()).toEqual([['ins-1', 'ins-2', 'ins-3']]);
  });

  it('a cancel ends a run that waits for it', async () => {
    world.cloud.cannotList(unread());
    const request = ask();
    await world.dispatch(request);
    await cancelRun(request.runId, 'somebody', world.context);
    world.cloud.cannotList();
    world.advance(3 * MINUTE);
    const { run } = await world.dispatch(request);
    expect(run).toMatchObject({ status: 'stopped', reason: { code: 'run.cancelled' } });
    expect(world.cloud.calls()).toBe(0);
  });
});

describe('what was read is the run’s for good', () => {
  it('a delivery that comes again, and a retry, are for the same instances', async () => {
    const request = ask();
    world.cloud.next({ refuse: { isRetryable: true, retryAfterMs: 1_000 } });
    const first = await world.dispatch(request);
    expect(first.kind).toBe('retry');
    world.cloud.fleetIs('ins-8', 'ins-9');
    world.advance(5 * MINUTE);
    const { run } = await world.dispatch(request);
    expect(run.target?.instances).toEqual(['ins-1', 'ins-2', 'ins-3']);
    expect(sentTo()).toEqual([['ins-1', 'ins-2', 'ins-3']]);
    expect(world.cloud.listings()).toBe(1);
  });

  it('a process that dies between reading and storing has sent nothing; the message runs on the fleet as it is then', async () => {
    const request = ask();
    const { create } = world.context.store;
    world.context.store.create = async () => {
      throw new Error('killed');
    };
    await expect(world.dispatch(request)).rejects.toThrow('killed');
    world.context.store.create = create;
    world.cloud.fleetIs('ins-7');
    world.advance(5 * MINUTE);
    await world.dispatch(request);
    expect(sentTo()).toEqual([['ins-7']]);
  });

  it('waves are cut of what was read, and later ones do not look again', async () => {
    const waves = { sizes: [{ instances: 1 }], pauseMs: 0, stopAfterFailures: 1, onStop: 'cancel' as const };
    const request = { ...ask(), waves };
    await world.dispatch(request);
    world.cloud.fleetIs('ins-9');
    for (let wave = 0; wave < 3; wave += 1) {
      world.cloud.tasksAre('succeeded');
      world.advance(5 * MINUTE);
      await world.poll();
      await world.poll();
    }
    expect(sentTo()).toEqual([['ins-1'], ['ins-2'], ['ins-3']]);
    expect(await world.run(request.runId)).toMatchObject({ status: 'succeeded' });
  });
});

describe('guards', () => {
  it('maxShare is of the fleet as it was read', async () => {
    world.cloud.fleetIs(...Array.from({ length: 10 }, (_, index) => `ins-${index}`));
    const guards = { maxShare: { fleet: 'web', percent: 20 } };
    const all = await world.dispatch(ask({ guards }));
    expect(all.run.reason?.message).toContain('20% of the fleet web are 2 of its 10 instances');
    const two = await world.dispatch(ask({ guards, instances: ['ins-1', 'ins-2'] }));
    expect(two.run.status).toBe('pending');
    const third = await world.dispatch(ask({ guards, instances: ['ins-3'] }));
    expect(third).toMatchObject({ kind: 'retry', run: { waitingFor: { code: 'guard.max-share' } } });
  });

  it('maxInstances holds for what was read', async () => {
    const { run } = await world.dispatch(ask({ guards: { maxInstances: 2 } }));
    expect(run.reason?.code).toBe('guard.max-instances');
  });
});

describe('a run for later', () => {
  const later = async (at: number) => {
    const request = aTimedRequest(world, { instances: [], at: new Date(at).toISOString() });
    const run = await schedule({ ...request, taggedFleet: WEB }, world.context);
    return run.runId;
  };

  it('is on the fleet as it is when its time has come', async () => {
    const runId = await later(world.now() + 60 * MINUTE);
    expect(world.cloud.listings()).toBe(0);
    world.cloud.fleetIs('ins-5');
    world.advance(60 * MINUTE);
    await world.poll();
    expect(sentTo()).toEqual([['ins-5']]);
    expect((await world.run(runId))?.target?.instances).toEqual(['ins-5']);
  });

  it('waits where the fleet cannot be read then, and expires with that reason', async () => {
    const runId = await later(world.now() + 60 * MINUTE);
    world.cloud.cannotList(unread());
    world.advance(60 * MINUTE);
    await world.poll();
    expect(await world.run(runId)).toMatchObject({
      status: 'scheduled',
      waitingFor: { code: 'fleet.unread' },
    });
    world.advance(60 * MINUTE);
    await world.poll();
    expect(await world.run(runId)).toMatchObject({ status: 'expired', reason: { code: 'fleet.unread' } });
  });

  it('is rejected where the fleet is empty then', async () => {
    const runId = await later(world.now() + 60 * MINUTE);
    world.cloud.fleetIs();
    world.advance(60 * MINUTE);
    await world.poll();
    expect(await world.run(runId)).toMatchObject({ status: 'rejected', reason: { code: 'fleet.empty' } });
  });
});

describe('a message that no rule makes', () => {
  const codeOf = (request: RunOnlyRequest): unknown => {
    try {
      checkRequest(request, new Date(world.now()));
      return 'taken';
    } catch (thrown) {
      return thrown instanceof FleetReflexError ? thrown.code : thrown;
    }
  };
  const COMMAND = { command: 'cmd-ffxdx79i' };

  it.each([
    ['no instances without a fleet', () => world.request({ ...COMMAND, instances: [] }), 'instances.invalid'],
    ['no tags', () => ({ ...ask(COMMAND), taggedFleet: { name: 'web', tags: {} } }), 'request.invalid'],
    [
      'a tag without a value',
      () => ({ ...ask(COMMAND), taggedFleet: { name: 'web', tags: { a: '' } } }),
      'request.invalid',
    ],
    ['tags', () => ask(COMMAND), 'taken'],
  ])('%s', (_, request, code) => {
    expect(codeOf(request())).toBe(code);
  });
});
