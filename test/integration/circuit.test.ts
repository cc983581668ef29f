/** A cloud that is away in a region: runs wait for it, nothing else does, and everybody hears of it once. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Metrics } from '../../lib/metrics.ts';
import { ProviderEvent } from '../../lib/model/provider-event.ts';
import { circuitsOf } from '../../lib/runs/circuits.ts';
import { dispatchRun } from '../../lib/runs/dispatch.ts';
import { capturedLog } from '../fixtures/captured-log.ts';
import { dying } from '../fixtures/dying.ts';
import { aRunWorld, type RunOnlyRequest, type RunWorld, type Step } from '../fixtures/run-world.ts';
import { startRunsTable } from '../fixtures/runs-table.ts';

let runs: Awaited<ReturnType<typeof startRunsTable>>;
let world: RunWorld;
let regions = 0;
let region = '';
let machines = 0;

beforeAll(async () => {
  runs = await startRunsTable();
});
afterAll(() => runs.stop());
beforeEach(() => {
  // The circuit of each test is its own.
  regions += 1;
  region = `ap-test${regions}`;
  world = aRunWorld(runs);
});

const OUTAGE: Step = {
  refuse: { code: 'HttpStatus', message: 'expected HTTP 200, got 503', isRetryable: true, isOutage: true },
};
const THROTTLED: Step = { refuse: { code: 'RequestLimitExceeded', isRetryable: true } };
const MOST = 3;

/** A process with a memory of its own. */
function aProcess(given: { cells?: RunWorld['context']['guards']; isDeaf?: boolean } = {}) {
  const log = capturedLog();
  const events: ProviderEvent[] = [];
  const points: [string, number, string][] = [];
  const metrics: Metrics = { add: (name, value, place) => points.push([name, value, place?.region ?? '']) };
  const circuits = circuitsOf({
    cells: given.cells ?? world.context.guards,
    failures: MOST,
    stage: 'test',
    tell: async (event) => {
      if (given.isDeaf === true) throw new Error('the queue is not there');
      events.push(ProviderEvent.parse(event));
    },
    metrics,
    log,
    now: world.context.now,
  });
  const context = { ...world.context, circuits, log };
  // On instances of its own: runs that look the same wait for each other.
  const request = (more: { provider?: string; region?: string } = {}) => {
    machines += 1;
    return world.request({ region, instances: [`ins-${machines}`], ...more });
  };
  return {
    circuits,
    events,
    points,
    log,
    request,
    dispatch: async (one = request()) => ({ one, result: await dispatchRun(one, context) }),
    again: async (one: RunOnlyRequest) => await dispatchRun(one, context),
  };
}
type Process = ReturnType<typeof aProcess>;

/** @returns the runs that it has failed */
async function open(process: Process): Promise<[RunOnlyRequest, RunOnlyRequest, ...RunOnlyRequest[]]> {
  world.cloud.next(...Array.from({ length: MOST }, () => OUTAGE));
  const next = async () => (await process.dispatch()).one;
  return [await next(), await next(), await next()];
}

describe('an open circuit', () => {
  it('is opened by failures in a row, and sends nothing', async () => {
    const one = aProcess();
    await open(one);
    expect(world.cloud.calls()).toBe(MOST);
    const { one: waiting, result } = await one.dispatch();
    expect(world.cloud.calls()).toBe(MOST);
    expect(result).toMatchObject({ kind: 'retry' });
    const run = await world.run(waiting.runId);
    expect(run.status).toBe('dispatching');
    expect(run.invocations.map(({ state }) => state)).toEqual(['planned']);
    expect(run.waitingFor?.code).toBe('provider.circuit-open');
    expect(run.waitingFor?.message).toMatch(
      new RegExp(
        `^tencent does not answer in ${region}: 3 calls in a row failed at 20\\S+Z, the last with HttpStatus \\(expected HTTP 200, got 503\\)\\. One run tries it at 20\\S+Z\\.$`,
      ),
    );
  });

  it('delays no other region, and no other cloud', async () => {
    const one = aProcess();
    await open(one);
    const { one: other, result } = await one.dispatch(one.request({ region: `${region}-b` }));
    expect(result.kind).toBe('done');
    const { result: elsewhere } = await one.dispatch(one.request({ provider: 'alibaba' }));
    expect(elsewhere.kind).toBe('done');
    expect((await world.run(other.runId)).status).toBe('pending');
  });

  it.each<[string, Step[]]>([
    ['throttling', [THROTTLED, THROTTLED, THROTTLED, THROTTLED]],
    ['what the cloud refuses for good', Array.from({ length: 4 }, (): Step => ({ refuse: {} }))],
    [
      'failures with a refusal between them',
      [OUTAGE, OUTAGE, { refuse: { requestId: 'r' } }, OUTAGE, OUTAGE],
    ],
    ['failures with an answer between them', [OUTAGE, OUTAGE, 'take', OUTAGE, OUTAGE]],
  ])('is not opened by %s', async (_, steps) => {
    const one = aProcess();
    world.cloud.next(...steps);
    for (const _step of steps) await one.dispatch();
    expect([one.circuits.away({ provider: 'tencent', region }), one.events]).toEqual([undefined, []]);
  });

  it('lets one run try when it is time, and closes when the cloud answers', async () => {
    const one = aProcess();
    const [first, second] = await open(one);
    world.advance(11_000);
    expect(await one.again(first)).toMatchObject({ kind: 'done' });
    expect(await one.again(second)).toMatchObject({ kind: 'done' });
    expect(one.events.map(({ type, subject }) => [type, subject])).toEqual([
      ['fleet-reflex.provider.unavailable', `tencent/${region}`],
      ['fleet-reflex.provider.available', `tencent/${region}`],
    ]);
    expect(one.points).toEqual([
      ...Array.from({ length: MOST }, () => ['ProviderErrors', 1, region]).flatMap((point, index) =>
        index === MOST - 1 ? [point, ['CircuitOpen', 1, region]] : [point],
      ),
      ['CircuitOpen', 0, region],
    ]);
    expect(
      one.log.lines.filter(({ event }) => event.startsWith('circuit.')).map(({ event }) => event),
    ).toEqual(['circuit.opened', 'circuit.closed']);
  });

  it('stays open longer and longer while tries fail', async () => {
    const one = aProcess();
    const [first] = await open(one);
    const waits: number[] = [];
    for (let tries = 0; tries < 4; tries += 1) {
      world.advance((one.circuits.away({ provider: 'tencent', region })?.retryAfterMs ?? 0) + 1000);
      world.cloud.next(OUTAGE);
      await one.again(first);
      waits.push(one.circuits.away({ provider: 'tencent', region })?.retryAfterMs ?? 0);
    }
    expect(waits).toEqual([20_000, 40_000, 60_000, 60_000]);
    expect(one.events).toHaveLength(1);
  });

  it('is left by no run: one whose deadline passes ends as expired, and says why', async () => {
    const one = aProcess();
    const [first] = await open(one);
    world.advance(16 * 60_000);
    await one.again(first);
    const run = await world.run(first.runId);
    expect(run.status).toBe('expired');
  });

  it('makes no second command of a call whose answer was lost', async () => {
    const one = aProcess();
    world.cloud.next('loseAnswer');
    const { one: lost } = await one.dispatch();
    await open(one);
    world.advance(3_000);
    // It would be searched for: that is a call too, and waits.
    expect(await one.again(lost)).toMatchObject({
      kind: 'retry',
      reason: expect.stringContaining('provider.circuit-open'),
    });
    world.advance(20_000);
    expect(await one.again(lost)).toMatchObject({ kind: 'done' });
    expect(world.cloud.taken).toHaveLength(1);
  });
});

it('an open circuit is closed by no call that never left', async () => {
  const one = aProcess();
  const [first] = await open(one);
  world.advance(11_000);
  world.cloud.next({ refuse: { code: 'RateLimited', isRetryable: true } });
  await one.again(first);
  expect(one.events.map(({ data }) => data.status)).toEqual(['unavailable']);
});

describe('the processes of a deployment', () => {
  it('learn of an open circuit with their first failure', async () => {
    const [one, two] = [aProcess(), aProcess()];
    await open(one);
    world.cloud.next(OUTAGE);
    await two.dispatch();
    await two.dispatch();
    expect(world.cloud.calls()).toBe(MOST + 1);
    expect(two.circuits.away({ provider: 'tencent', region })).toBeDefined();
    expect([one.events.length, two.events.length]).toEqual([1, 0]);
  });

  it('let one run of all of them try', async () => {
    const [one, two] = [aProcess(), aProcess()];
    const failed = await open(one);
    world.cloud.next(OUTAGE);
    failed.push((await two.dispatch()).one);
    world.advance(11_000);
    world.cloud.next(OUTAGE, OUTAGE, OUTAGE, OUTAGE);
    const before = world.cloud.calls();
    await Promise.all(failed.map((run, index) => (index % 2 === 0 ? one : two).again(run)));
    expect(world.cloud.calls() - before).toBe(1);
  });

  it('hear from each other that it is closed', async () => {
    const [one, two] = [aProcess(), aProcess()];
    const [first] = await open(one);
    world.cloud.next(OUTAGE);
    const { one: ofTwo } = await two.dispatch();
    world.advance(11_000);
    await one.again(first);
    expect(await two.again(ofTwo)).toMatchObject({ kind: 'done' });
    expect(two.events).toEqual([]);
  });

  it('pay nothing for a region that answers', async () => {
    let asked = 0;
    const guards = world.context.guards;
    const cells: typeof guards = {
      ...guards,
      revise: (cell, edit) => {
        asked += 1;
        return guards.revise(cell, edit);
      },
    };
    const one = aProcess({ cells });
    for (let count = 0; count < 5; count += 1) await one.dispatch();
    expect(asked).toBe(0);
  });
});

describe('a process that dies', () => {
  it('before it can tell of the opening: the next try tells it, under the same id', async () => {
    const dead = aProcess({ isDeaf: true });
    const [first] = await open(dead);
    expect(dead.log.lines.map(({ event }) => event)).toContain('circuit.untold');
    const next = aProcess();
    world.cloud.next(OUTAGE);
    await next.dispatch();
    world.advance(11_000);
    await next.again(first);
    expect(next.events.map(({ data }) => data.status)).toEqual(['unavailable', 'available']);
    const [unavailable, available] = next.events;
    expect(available?.data.since).toBe(unavailable?.data.since);
  });

  it('at any write of its state loses no run, and none is made twice', async () => {
    const points = [1, 2, 3, 4, 5].flatMap((at) =>
      (['before', 'after'] as const).map((when) => ({ at, when })),
    );
    for (const { at, when } of points) {
      region = `ap-dies-${when}${at}x${regions}`;
      const taken = world.cloud.taken.length;
      const cells = dying(world.context.guards, { at, when, calls: 0 }, ['revise']);
      const one = aProcess({ cells });
      const failed = await open(one);
      const two = aProcess();
      const [request] = failed;
      world.advance(200_000);
      for (let tries = 0; tries < 5; tries += 1) {
        const result = await two.again(request);
        if (result.kind === 'done') break;
        world.advance(61_000);
      }
      expect((await world.run(request.runId)).status).toBe('pending');
      expect(world.cloud.taken.length - taken).toBe(1);
    }
  });

  it('while it tries: after half a minute another may', async () => {
    const one = aProcess();
    const [first, second] = await open(one);
    world.advance(11_000);
    // It got leave, and was killed before its call.
    await one.circuits.enter({ provider: 'tencent', region }, first.runId);
    const two = aProcess();
    world.cloud.next(OUTAGE);
    await two.dispatch();
    expect(await two.again(second)).toMatchObject({ kind: 'retry' });
    world.advance(31_000);
    expect(await two.again(second)).toMatchObject({ kind: 'done' });
  });
});
