/** The loop of a scope: what it costs and how late it is, on simulated time. */
import { describe, expect, it } from 'vitest';
import { aSimulation } from './simulated-scope.ts';

describe('runs at the provider', () => {
  it('20 of 40 s at once are looked at together about once a second, and told with the next look', async () => {
    const world = aSimulation();
    for (let index = 0; index < 20; index += 1) world.sent(40_000 + 50 * index);
    await world.tend();
    const { index, ...counts } = world.counts;
    expect(counts).toEqual({ requests: 34, fetches: 1, acts: 0, writes: 20 });
    expect(index).toBeLessThanOrEqual(37);
    expect(world.lags().at(-1)).toBeLessThanOrEqual(1_350);
  });

  it('that have not changed cost no write, and no read but of the index', async () => {
    const world = aSimulation({ budgetMs: 30_000 });
    world.sent(Infinity);
    await world.tend();
    expect(world.counts).toMatchObject({ fetches: 1, writes: 0, acts: 0 });
  });

  it('that come later are looked at with the others from the next second on', async () => {
    const world = aSimulation();
    world.sent(30_000);
    void world.at(10_300, () => world.sent(30_000));
    await world.tend();
    const [first, second] = [...world.runs.values()];
    expect(second?.looks[0]).toBeLessThanOrEqual(11_500);
    expect(second?.looks.slice(1)).toEqual(first?.looks.slice(-(second?.looks.length ?? 0) + 1));
  });

  it('more of them than the rate covers are looked at as often as it allows, each in its turn', async () => {
    const world = aSimulation({ budgetMs: 120_000 });
    for (let index = 0; index < 3_000; index += 1) world.sent(Infinity);
    await world.tend();
    // 30 requests cover all, 6 go in a second.
    const gaps = [...world.runs.values()].flatMap(({ looks }) =>
      looks.slice(1).map((time, index) => time - (looks[index] ?? 0)),
    );
    expect(Math.max(...gaps)).toBeLessThan(7_000);
    expect(Math.min(...gaps)).toBeGreaterThan(3_500);
  });

  it('whose time-out has passed are looked at before the others', async () => {
    const world = aSimulation({ budgetMs: 120_000 });
    for (let index = 0; index < 3_000; index += 1) world.sent(Infinity);
    const late = world.sent(60_000, { timeoutSeconds: 60 });
    await world.tend();
    const { toldMs = Infinity } = world.runs.get(late) ?? {};
    expect(toldMs - 60_000).toBeLessThan(1_500);
  });

  it('of a provider that does not answer are asked for less and less often', async () => {
    const world = aSimulation({ budgetMs: 300_000 });
    const runId = world.sent(200_000);
    world.providerIsDown(true);
    void world.at(150_000, () => world.providerIsDown(false));
    await world.tend();
    const looks = world.runs.get(runId)?.looks ?? [];
    expect(looks.filter((time) => time < 150_000).length).toBeLessThan(10);
    expect(world.lags()).toEqual([expect.closeTo(500, -3)]);
  });

  it('that somebody else has changed are read again, once', async () => {
    const world = aSimulation();
    const runId = world.sent(20_000);
    void world.at(5_500, () => world.change(runId, { cancelRequestedAt: '2026-11-21T12:00:05.500Z' }));
    await world.tend();
    expect(world.counts.fetches).toBe(2);
  });
});

describe('runs that wait', () => {
  it('for what is due in an hour nothing is read, and nobody stays', async () => {
    const world = aSimulation();
    world.waits(3_600_000, { status: 'scheduled' });
    expect(await world.tend()).toBe(3_600_000);
    expect(world.counts).toMatchObject({ fetches: 0, acts: 0, requests: 0 });
    expect(world.nowMs()).toBeLessThan(5_000);
  });

  it('are seen to at their time, once', async () => {
    const world = aSimulation();
    world.sent(30_000);
    const runId = world.waits(12_345, { status: 'scheduled' });
    await world.tend();
    expect(world.acted).toEqual([{ runId, atMs: expect.closeTo(12_345, -2) }]);
  });

  it('a dispatch that died is seen to when its lease ends, and not before', async () => {
    const world = aSimulation();
    world.sent(100_000);
    const runId = world.waits(70_000);
    await world.tend();
    expect(world.acted).toEqual([{ runId, atMs: expect.closeTo(70_000, -2) }]);
    expect(world.counts.fetches).toBe(2);
  });

  it('what a dispatch is at work on is fetched when it is sent, once', async () => {
    const world = aSimulation();
    world.sent(20_000);
    void world.at(5_100, () => {
      const runId = world.waits(75_000);
      void world.at(6_800, () => world.change(runId, { status: 'pending', ...world.asSent() }));
    });
    await world.tend();
    expect(world.counts).toMatchObject({ fetches: 2, acts: 0 });
  });

  it('one that takes long delays no look', async () => {
    const world = aSimulation();
    world.actsTake(15_000);
    world.waits(1_000);
    world.sent(5_000);
    await world.tend();
    expect(world.lags()[0]).toBeLessThan(1_100);
  });
});

describe('a loop', () => {
  it('stays for a few seconds after the last run, and sees those that come meanwhile', async () => {
    const world = aSimulation();
    world.sent(1_000);
    void world.at(3_500, () => world.sent(5_000));
    expect(await world.tend()).toBeUndefined();
    expect(world.lags().at(-1)).toBeLessThan(1_100);
    expect(world.nowMs()).toBeLessThan(10_000);
  });

  it('ends when its time is over, and says that somebody has to go on', async () => {
    const world = aSimulation({ budgetMs: 10_000 });
    world.sent(Infinity);
    expect(await world.tend()).toBeLessThanOrEqual(11_500);
    expect(world.nowMs()).toBeLessThan(11_500);
  });

  it('ends at once when another has taken the scope over', async () => {
    const world = aSimulation();
    world.sent(Infinity);
    void world.at(5_000, world.takeOver);
    expect(await world.tend()).toBeUndefined();
    expect(world.nowMs()).toBeLessThan(6_100);
  });
});
