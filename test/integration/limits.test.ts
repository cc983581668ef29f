/** Limits of a rule that remember its earlier runs, however many ask, however often, and at whatever moment. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { leave } from '../../lib/guards/guards.ts';
import { cancelRun } from '../../lib/runs/cancel.ts';
import { newRun } from '../../lib/runs/new-run.ts';
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

function ask(guards: RunOnlyRequest['guards'], given: Flat<RunOnlyRequest> = {}): RunOnlyRequest {
  return world.request({ rule: `limits-${rules}`, instances: ['ins-1'], guards, ...given });
}

async function outcomeOf(request: RunOnlyRequest): Promise<string> {
  const { run } = await world.dispatch(request);
  return run.reason?.code ?? run.status;
}

async function inTurn(count: number, guards: RunOnlyRequest['guards']): Promise<string[]> {
  const outcomes: string[] = [];
  for (let index = 0; index < count; index += 1) outcomes.push(await outcomeOf(ask(guards)));
  return outcomes;
}

describe('times', () => {
  const times = { key: 'k', count: 3, withinMs: 10 * MINUTE };

  it('runs at the third of three, and counts anew then', async () => {
    const third = ['guard.times', 'guard.times', 'pending'];
    expect(await inTurn(6, { times })).toEqual([...third, ...third]);
    const { run } = await world.dispatch(ask({ times }));
    expect(run).toMatchObject({
      status: 'rejected',
      reason: { message: expect.stringContaining('number 1 of the 3') },
    });
  });

  it('counts no event that is older than the time, and each key by itself', async () => {
    await inTurn(2, { times });
    expect(await outcomeOf(ask({ times: { ...times, key: 'other' } }))).toBe('guard.times');
    world.advance(10 * MINUTE);
    expect(await inTurn(3, { times })).toEqual(['guard.times', 'guard.times', 'pending']);
  });

  it('counts a delivery that comes again once', async () => {
    const request = ask({ times });
    const again: string[] = [];
    for (let index = 0; index < 5; index += 1) again.push(await outcomeOf(request));
    expect(again).toEqual(Array(5).fill('guard.times'));
    expect(await inTurn(2, { times })).toEqual(['guard.times', 'pending']);
  });

  it('starts exactly one of those that come at once, where so many are counted', async () => {
    const many = { times: { ...times, count: 60 } };
    const outcomes = await Promise.all(Array.from({ length: 60 }, () => outcomeOf(ask(many))));
    expect(outcomes.toSorted()).toEqual([...Array(59).fill('guard.times'), 'pending']);
  }, 30_000);

  it('starts each third of those that come at once, also where they have one dedupe key', async () => {
    const dedupe = { key: 'k', windowMs: 10 * MINUTE };
    const outcomes = await Promise.all(Array.from({ length: 3 }, () => outcomeOf(ask({ times, dedupe }))));
    expect(outcomes.toSorted()).toEqual(['guard.times', 'guard.times', 'pending']);
    expect(await outcomeOf(ask({ times, dedupe }))).toBe('guard.dedupe');
  });

  it('gives the count back when the run is refused after it: the next event runs', async () => {
    const both = { times, cooldownMs: 5 * MINUTE };
    expect(await inTurn(6, both)).toEqual([
      ...['guard.times', 'guard.times', 'pending'],
      ...['guard.times', 'guard.times', 'guard.cooldown'],
    ]);
    world.advance(5 * MINUTE);
    expect(await outcomeOf(ask(both))).toBe('pending');
  });

  it('answers a run that waits as it did first', async () => {
    const guards = { times: { ...times, count: 2 }, maxInFlight: 1 };
    expect(await inTurn(2, guards)).toEqual(['guard.times', 'pending']);
    await inTurn(1, guards);
    const waiting = ask(guards);
    expect((await world.dispatch(waiting)).run.waitingFor?.code).toBe('guard.in-flight');
    const { runId } = waiting;
    world.advance(6_000);
    expect((await world.dispatch(waiting)).run).toMatchObject({
      runId,
      waitingFor: { code: 'guard.in-flight' },
    });
    await cancelRun(runId, 'ann', world.context);
    world.advance(6_000);
    expect((await world.dispatch(waiting)).run.status).toBe('stopped');
  });
});

describe('a breaker', () => {
  const guards = { breaker: { failures: 3, resetMs: 60 * MINUTE } };
  type Ends = 'succeeded' | 'failed' | 'timed_out';

  /** A run that is sent, and ends so. */
  async function runs(ends: Ends): Promise<RunOnlyRequest> {
    const request = ask(guards);
    expect(await outcomeOf(request)).toBe('pending');
    await ended(request, ends);
    return request;
  }

  async function ended({ runId }: RunOnlyRequest, ends: Ends): Promise<void> {
    world.cloud.tasksAre(ends);
    world.advance(5_000);
    await world.poll();
    expect(await world.run(runId)).toMatchObject({ status: ends, outbox: [] });
  }

  it('opens after so many runs in a row that did not succeed, and says which and until when', async () => {
    await runs('failed');
    await runs('failed');
    await runs('succeeded');
    const row = [await runs('failed'), await runs('timed_out'), await runs('failed')];
    const { endedAt = '' } = await world.run(row[2]?.runId ?? '');
    const again = new Date(Date.parse(endedAt) + 60 * MINUTE).toISOString();
    const { run } = await world.dispatch(ask(guards));
    expect(run).toMatchObject({ status: 'rejected', reason: { code: 'guard.breaker' } });
    for (const { runId } of row) expect(run.reason?.message).toContain(runId);
    expect(run.reason?.message).toContain(`open since ${endedAt}`);
    expect(run.reason?.message).toContain(`tried again at ${again}`);
  });

  it('lets exactly one of many through when its time has come, whose success closes it', async () => {
    for (let index = 0; index < 3; index += 1) await runs('failed');
    world.advance(60 * MINUTE);
    const requests = Array.from({ length: 30 }, () => ask(guards));
    const outcomes = await Promise.all(requests.map(outcomeOf));
    const [tries, ...more] = requests.filter((_, index) => outcomes[index] === 'pending');
    expect(more).toEqual([]);
    if (tries === undefined) throw new Error('none was let through');
    expect(await outcomeOf(tries)).toBe('pending');
    await ended(tries, 'succeeded');
    expect(await inTurn(2, guards)).toEqual(['pending', 'pending']);
  }, 30_000);

  it('is open for as long again when the run that tried did not succeed', async () => {
    for (let index = 0; index < 3; index += 1) await runs('failed');
    world.advance(60 * MINUTE);
    await runs('failed');
    expect(await inTurn(1, guards)).toEqual(['guard.breaker']);
    world.advance(60 * MINUTE);
    await runs('succeeded');
    await runs('failed');
    expect(await inTurn(1, guards)).toEqual(['pending']);
  });

  it('is tried by another when the one that was to try was never sent', async () => {
    for (let index = 0; index < 3; index += 1) await runs('failed');
    world.advance(60 * MINUTE);
    const stopped = ask(guards);
    world.cloud.next({ refuse: { isRetryable: true } });
    await world.dispatch(stopped);
    expect(await outcomeOf(ask(guards))).toBe('guard.breaker');
    await cancelRun(stopped.runId, 'ann', world.context);
    world.advance(90_000);
    await world.dispatch(stopped);
    expect(await world.run(stopped.runId)).toMatchObject({ status: 'stopped' });
    expect(await outcomeOf(ask(guards))).toBe('pending');
  });

  it('notes an end once, and a late one as of its time', async () => {
    const { guards: store } = world.context;
    const limit = { ...guards, breaker: { failures: 2, resetMs: MINUTE } };
    const end = async (request: RunOnlyRequest, status: Ends, second: number) => {
      const endedAt = new Date(world.now() + second * 1000).toISOString();
      await leave({ ...newRun(request, world.cloud.provider, new Date()), status, endedAt }, store);
    };
    const [first, second, third] = [ask(limit), ask(limit), ask(limit)];
    await end(first, 'failed', 1);
    await end(first, 'failed', 1);
    await end(second, 'succeeded', 3);
    await end(third, 'failed', 2);
    await end(first, 'failed', 1);
    expect(await outcomeOf(ask(limit))).toBe('pending');
    await end(third, 'failed', 4);
    await end(first, 'failed', 5);
    expect(await outcomeOf(ask(limit))).toBe('guard.breaker');
  });
});

describe('maxInFlight', () => {
  const full = (whenFull: 'skip' | 'replace', maxInFlight = 1) => ({ maxInFlight, whenFull });

  it('that skips rejects what comes while it is full, and no more', async () => {
    expect(await inTurn(2, full('skip'))).toEqual(['pending', 'guard.in-flight']);
    world.cloud.tasksAre('succeeded');
    world.advance(5_000);
    await world.poll();
    expect(await inTurn(1, full('skip'))).toEqual(['pending']);
  });

  it('that replaces cancels the oldest, and sends the newer one when that has ended', async () => {
    const [first, second, third] = [0, 1, 2].map((_) => {
      world.advance(1_000);
      return ask(full('replace', 2));
    });
    if (first === undefined || second === undefined || third === undefined) return;
    expect([await outcomeOf(first), await outcomeOf(second)]).toEqual(['pending', 'pending']);
    expect((await world.dispatch(third)).run.waitingFor).toMatchObject({
      code: 'guard.in-flight',
      message: expect.stringContaining(first.runId),
    });
    expect(world.cloud.cancelled).toEqual(['inv-1']);
    world.advance(5_000);
    await world.poll();
    expect(await world.run(first.runId)).toMatchObject({
      status: 'stopped',
      cancelledBy: expect.stringContaining(third.runId),
    });
    expect(await outcomeOf(third)).toBe('pending');
    expect(world.cloud.cancelled).toEqual(['inv-1']);
  });

  it('that replaces sends nothing that is older than what waits or is in flight', async () => {
    const late = ask(full('replace'));
    world.advance(1_000);
    const first = ask(full('replace'));
    world.advance(1_000);
    const second = ask(full('replace'));
    world.advance(1_000);
    const third = ask(full('replace'));
    expect(await outcomeOf(first)).toBe('pending');
    await world.dispatch(second);
    await world.dispatch(third);
    world.advance(6_000);
    expect([await outcomeOf(second), await outcomeOf(late)]).toEqual(['guard.in-flight', 'guard.in-flight']);
    await world.poll();
    expect(await outcomeOf(third)).toBe('pending');
    expect(world.cloud.taken.length).toBe(2);
  });

  it('that replaces stops nothing while the breaker of the rule is open', async () => {
    const guards = { ...full('replace'), breaker: { failures: 1, resetMs: 60 * MINUTE } };
    const { guards: store } = world.context;
    const flying = ask(guards);
    expect(await outcomeOf(flying)).toBe('pending');
    const failed = newRun(ask({ breaker: guards.breaker }), world.cloud.provider, new Date());
    await leave({ ...failed, status: 'failed', endedAt: new Date(world.now()).toISOString() }, store);
    world.advance(1_000);
    expect(await outcomeOf(ask(guards))).toBe('guard.breaker');
    expect(world.cloud.cancelled).toEqual([]);
  });

  it('starts exactly one of many that come at once, whatever becomes of the others', async () => {
    for (const whenFull of ['skip', 'replace'] as const) {
      const given = { rule: `limits-${rules}-${whenFull}` };
      const outcomes = await Promise.all(
        Array.from({ length: 20 }, () => outcomeOf(ask(full(whenFull), given))),
      );
      expect(outcomes.filter((it) => it === 'pending').length).toBe(1);
      expect((await world.context.guards.flight(given.rule)).length).toBe(1);
    }
  }, 30_000);
});

describe('a cooldown that keeps the last', () => {
  const guards = { cooldownMs: 10 * MINUTE, cooldownKeep: 'last' as const };
  const later = () => {
    world.advance(1_000);
    return ask(guards);
  };

  it('sends the latest event of its time when that is over, and cools down again', async () => {
    const [first, second, third] = [later(), later(), later()];
    expect(await outcomeOf(first)).toBe('pending');
    const end = new Date(world.now() + 10 * MINUTE).toISOString();
    expect((await world.dispatch(second)).run).toMatchObject({
      status: 'scheduled',
      waitingFor: { code: 'guard.cooldown' },
      schedule: { timer: { nextAt: end } },
    });
    expect((await world.dispatch(third)).run.status).toBe('scheduled');
    expect(await world.run(second.runId)).toMatchObject({
      status: 'rejected',
      reason: { code: 'guard.cooldown', message: expect.stringContaining(third.runId) },
      outbox: [],
    });
    world.advance(10 * MINUTE);
    await world.poll();
    expect(await world.run(third.runId)).toMatchObject({ status: 'pending' });
    expect(world.cloud.taken.length).toBe(2);
    expect((await world.dispatch(later())).run.status).toBe('scheduled');
  });

  it('lets nothing that is older take the place of what waits, in whatever order they come', async () => {
    const [first, second, third] = [later(), later(), later()];
    expect(await outcomeOf(first)).toBe('pending');
    await world.dispatch(third);
    expect(await outcomeOf(second)).toBe('guard.cooldown');
    expect((await world.dispatch(third)).run.status).toBe('scheduled');
  });

  it('has one that waits, however many come at once', async () => {
    expect(await outcomeOf(later())).toBe('pending');
    const requests = Array.from({ length: 20 }, later);
    await Promise.all(requests.map((request) => world.dispatch(request)));
    world.advance(10 * MINUTE);
    await world.poll();
    await world.poll();
    const statuses = await Promise.all(requests.map(async ({ runId }) => (await world.run(runId)).status));
    expect(statuses).toEqual([...Array(19).fill('rejected'), 'pending']);
  }, 30_000);

  it('sends the one before when a newer one came and was not sent', async () => {
    const hourly = { ...guards, maxPerHour: { runs: 100, instances: 3 } };
    expect(await outcomeOf(ask(hourly))).toBe('pending');
    world.advance(1_000);
    const waits = ask(hourly);
    expect((await world.dispatch(waits)).run.status).toBe('scheduled');
    world.advance(10 * MINUTE);
    const refused = ask(hourly, { instances: ['ins-1', 'ins-2', 'ins-3'] });
    expect(await outcomeOf(refused)).toBe('guard.max-per-hour');
    await world.poll();
    expect(await world.run(waits.runId)).toMatchObject({ status: 'pending' });
  });

  it('is cancelled like what waits for its time', async () => {
    expect(await outcomeOf(later())).toBe('pending');
    const { runId } = (await world.dispatch(later())).run;
    await cancelRun(runId, 'ann', world.context);
    await world.poll();
    expect(await world.run(runId)).toMatchObject({ status: 'stopped', cancelledBy: 'ann' });
    expect((await world.dispatch(later())).run.status).toBe('scheduled');
  });
});

describe('maxShare', () => {
  const share = () => ({ maxShare: { fleet: `fleet-${rules}`, percent: 30, size: 10 } });
  const on = (count: number, given: Flat<RunOnlyRequest> = {}) =>
    ask(share(), { instances: Array.from({ length: count }, (_, index) => `ins-${index}`), ...given });
  const other = { rule: 'another-rule' };

  it('lets runs of all rules be on so much of the fleet, and the next wait until one has ended', async () => {
    expect(await outcomeOf(on(2))).toBe('pending');
    const waits = on(2, other);
    const { run } = await world.dispatch(waits);
    expect(run).toMatchObject({ status: 'dispatching', waitingFor: { code: 'guard.max-share' } });
    expect(await outcomeOf(on(1, other))).toBe('pending');
    expect(
      await outcomeOf(on(1, { ...other, guards: { maxShare: { ...share().maxShare, fleet: 'b' } } })),
    ).toBe('pending');
    world.cloud.tasksAre('succeeded');
    world.advance(6_000);
    await world.poll();
    expect(await outcomeOf(waits)).toBe('pending');
  });

  it('refuses a run that alone is more, and lets one be on a fleet however small', async () => {
    expect(await outcomeOf(on(4))).toBe('guard.max-share');
    const small = { maxShare: { fleet: `small-${rules}`, percent: 30, size: 2 } };
    expect(await outcomeOf(ask(small))).toBe('pending');
  });

  it('is held by none that waits for something else, was cancelled, or is over', async () => {
    const guards = { ...share(), maxInFlight: 1 };
    expect(await outcomeOf(on(1, { guards }))).toBe('pending');
    const queued = on(2, { guards });
    expect((await world.dispatch(queued)).run.waitingFor?.code).toBe('guard.in-flight');
    const refused = on(2, other);
    world.cloud.next({ refuse: { isRetryable: true } });
    await world.dispatch(refused);
    await cancelRun(refused.runId, 'ann', world.context);
    world.advance(90_000);
    await world.poll();
    expect(await world.run(refused.runId)).toMatchObject({ status: 'stopped' });
    expect(await outcomeOf(on(2, other))).toBe('pending');
  });

  it('is kept to by many that come at once', async () => {
    const outcomes = await Promise.all(Array.from({ length: 30 }, () => outcomeOf(on(1))));
    expect(outcomes.filter((it) => it === 'pending').length).toBe(3);
  }, 30_000);

  it('of a run that comes again counts once', async () => {
    const request = on(2);
    await world.dispatch(request);
    await world.dispatch(request);
    expect(await outcomeOf(on(1, other))).toBe('pending');
  });
});
