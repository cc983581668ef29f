/** What is asked before every single call to a cloud, and what a refusal does: the freeze, twins, unavailable instances. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ASK_ANEW } from '../../lib/guards/ask-anew.ts';
import type { Run } from '../../lib/model/run.ts';
import type { Provider } from '../../lib/providers/provider.ts';
import { dispatchRun } from '../../lib/runs/dispatch.ts';
import type { DispatchContext } from '../../lib/runs/dispatch-context.ts';
import { aRunWorld, FAILURE, type RunWorld } from '../fixtures/run-world.ts';
import { startRunsTable } from '../fixtures/runs-table.ts';

let table: Awaited<ReturnType<typeof startRunsTable>>;
let world: RunWorld;
beforeEach(async () => {
  table = await startRunsTable();
  world = aRunWorld(table);
});
afterEach(() => table.stop());

const freeze = () => world.context.guards.setFreeze({ by: 'ada', reason: 'incident' });
const lift = () => world.context.guards.setFreeze(undefined);
const FROZEN = { code: 'guard.freeze', message: 'ada has frozen all runs until it is lifted: incident.' };
const throttled = { refuse: { code: 'RequestLimitExceeded', isRetryable: true, retryAfterMs: 1_000 } };

/** The world's context with a cloud that does something of the test's before each call. */
function beforeEachCall(act: (call: number) => Promise<void>): DispatchContext {
  const { tencent } = world.context.providers;
  let calls = 0;
  const provider: Provider = {
    ...tencent,
    async invoke(invocation) {
      calls += 1;
      await act(calls);
      return await tencent.invoke(invocation);
    },
  };
  return { ...world.context, providers: { tencent: provider, alibaba: provider } };
}

const statesOf = (run: Run) => run.invocations.map(({ state }) => state);

describe('a freeze holds for a run that was let in before it', () => {
  const guards = { dedupe: { key: 'k', windowMs: 3_600_000 } };

  it.each([
    ['throttled', throttled],
    ['lost before it arrived', 'loseRequest'],
  ] as const)(
    'and whose call was %s: it waits, keeps its claims, and goes when the freeze is lifted',
    async (_, step) => {
      world.cloud.next(step);
      const request = world.request({ guards });
      await world.dispatch(request);
      await freeze();
      world.advance(20_000);
      expect(await world.dispatch(request)).toMatchObject({ kind: 'retry', retryAfterMs: 10_000 });
      expect(await world.run(request.runId)).toMatchObject({ status: 'dispatching', waitingFor: FROZEN });
      const second = world.request({ rule: request.rule, guards });
      await lift();
      await world.dispatch(second);
      expect(await world.run(second.runId)).toMatchObject({ reason: { code: 'guard.dedupe' } });
      expect(world.cloud.taken).toHaveLength(0);
      world.advance(11_000);
      await world.dispatch(request);
      expect(world.cloud.taken).toHaveLength(1);
    },
  );

  it('and that waits for its instances', async () => {
    world.cloud.lacks('ins-2');
    const request = world.request({ onUnavailable: 'retry' });
    await world.dispatch(request);
    world.cloud.lacks();
    await freeze();
    world.advance(16_000);
    await world.dispatch(request);
    expect(await world.run(request.runId)).toMatchObject({ status: 'dispatching', waitingFor: FROZEN });
    expect(world.cloud.calls()).toBe(0);
  });

  it('and that the poller rescues', async () => {
    world.cloud.next(throttled);
    const request = world.request();
    await world.dispatch(request);
    await freeze();
    world.advance(75_000);
    expect(await world.poll()).toMatchObject({ rescued: 1 });
    expect(await world.run(request.runId)).toMatchObject({ status: 'dispatching', waitingFor: FROZEN });
    expect(world.cloud.calls()).toBe(1);
  });

  it('and that is between its guards and its first call: it is refused like one that comes after', async () => {
    const request = world.request({ guards: { dedupe: { key: 'k', windowMs: 600_000 } } });
    const lastLook: typeof world.context.lastLook = async (run, now) => {
      await freeze();
      return await world.context.lastLook(run, now);
    };
    await dispatchRun(request, { ...world.context, lastLook });
    const run = await world.run(request.runId);
    expect(run).toMatchObject({ status: 'rejected', reason: { code: 'guard.freeze' } });
    expect(statesOf(run)).toEqual(['planned']);
    expect(world.cloud.calls()).toBe(0);
    // It holds nothing that would stop another.
    const { rule } = request;
    expect(await world.context.guards.claimant('dedupe', rule, 'k', new Date(world.now()))).toBeUndefined();
  });

  it('and that is retried between its look and its call', async () => {
    world.cloud.next(throttled);
    const request = world.request();
    await world.dispatch(request);
    world.advance(5_000);
    const lastLook: typeof world.context.lastLook = async (run, now) => {
      await freeze();
      return await world.context.lastLook(run, now);
    };
    expect(await dispatchRun(request, { ...world.context, lastLook })).toMatchObject({ kind: 'retry' });
    const run = await world.run(request.runId);
    expect(run).toMatchObject({ status: 'dispatching', waitingFor: FROZEN });
    expect(statesOf(run)).toEqual(['planned']);
    expect(world.cloud.calls()).toBe(1);
  });

  it('and between its batches: the rest ends as never started at the deadline, for the freeze', async () => {
    world = aRunWorld(table, { perInvocation: 2 });
    const instances = ['ins-1', 'ins-2', 'ins-3', 'ins-4', 'ins-5'];
    const request = world.request({ instances, deadline: new Date(world.now() + 60_000).toISOString() });
    const context = beforeEachCall(async (call) => {
      if (call === 1) await freeze();
    });
    expect(await dispatchRun(request, context)).toMatchObject({ kind: 'retry' });
    expect(statesOf(await world.run(request.runId))).toEqual(['sent', 'planned', 'planned']);
    world.cloud.tasksAre('succeeded');
    world.advance(2_000);
    await world.poll();
    // What is out is told while the rest waits.
    expect(world.told(request.runId)).toEqual(['started', 'inv-1/ins-1/succeeded', 'inv-1/ins-2/succeeded']);
    expect(await world.run(request.runId)).toMatchObject({ status: 'dispatching', waitingFor: FROZEN });
    world.advance(61_000);
    await world.dispatch(request);
    expect(world.cloud.taken).toHaveLength(1);
    expect(await world.run(request.runId)).toMatchObject({
      status: 'partly_failed',
      reason: {
        code: 'guard.freeze',
        message: expect.stringMatching(/\b2 of 5\b/),
        advice: ASK_ANEW,
      },
    });
  });

  it('and ends it as expired at its deadline, with what it claimed given back', async () => {
    world.cloud.next(throttled);
    const request = world.request({ guards, deadline: new Date(world.now() + 60_000).toISOString() });
    await world.dispatch(request);
    await freeze();
    world.advance(2_000);
    await world.dispatch(request);
    world.advance(60_000);
    await world.dispatch(request);
    expect(await world.run(request.runId)).toMatchObject({
      status: 'expired',
      reason: { code: 'guard.freeze', message: expect.stringContaining(FROZEN.message), advice: ASK_ANEW },
    });
    await lift();
    // As its advice says: the same event again is the same run, frozen or not.
    await world.dispatch(request);
    expect(await world.run(request.runId)).toMatchObject({ status: 'expired' });
    const second = world.request({ rule: request.rule, guards });
    await world.dispatch(second);
    expect(await world.run(second.runId)).toMatchObject({ status: 'pending' });
    expect(world.cloud.taken).toHaveLength(1);
  });

  it('while what was sent already is looked for and adopted', async () => {
    world.cloud.next('loseAnswer');
    const request = world.request();
    await world.dispatch(request);
    await freeze();
    world.advance(3_000);
    await world.dispatch(request);
    expect(await world.run(request.runId)).toMatchObject({
      status: 'pending',
      invocations: [{ state: 'sent', invocationId: 'inv-1' }],
    });
  });

  it('at a cloud with client tokens too', async () => {
    world = aRunWorld(table, { hasTokens: true });
    world.cloud.next('loseRequest');
    const request = world.request();
    await world.dispatch(request);
    await freeze();
    world.advance(20_000);
    await world.dispatch(request);
    expect(await world.run(request.runId)).toMatchObject({ waitingFor: FROZEN });
    expect(world.cloud.calls()).toBe(1);
  });
});

describe('a deadline', () => {
  it('that has passed before the first attempt: nothing is sent', async () => {
    const request = world.request({ deadline: new Date(world.now() - 1).toISOString() });
    await world.dispatch(request);
    expect(await world.run(request.runId)).toMatchObject({ status: 'expired', reason: { code: 'run.late' } });
    expect(world.cloud.calls()).toBe(0);
  });

  it('that has passed while it waited: nothing is tried again', async () => {
    world.cloud.next(throttled);
    const request = world.request({ deadline: new Date(world.now() + 60_000).toISOString() });
    await world.dispatch(request);
    world.advance(61_000);
    await world.dispatch(request);
    expect(await world.run(request.runId)).toMatchObject({
      status: 'expired',
      reason: { code: 'RequestLimitExceeded' },
    });
    expect(world.cloud.calls()).toBe(1);
  });

  it('that passed before it was known that nothing arrived: it is not sent again', async () => {
    world.cloud.next('loseRequest');
    const request = world.request({ deadline: new Date(world.now() + 5_000).toISOString() });
    await world.dispatch(request);
    world.advance(20_000);
    await world.dispatch(request);
    expect(await world.run(request.runId)).toMatchObject({ status: 'expired', reason: { code: 'Timeout' } });
    expect(world.cloud.taken).toHaveLength(0);
  });
});

describe('runs that look the same to a cloud without client tokens', () => {
  it('are sent one after the other when one process has them both', async () => {
    const requests = Array.from({ length: 8 }, (_, index) =>
      world.request({ parameters: { n: String(index) } }),
    );
    const results = await Promise.all(requests.map((request) => world.dispatch(request)));
    expect(results.map(({ kind }) => kind)).toEqual(requests.map(() => 'done'));
    expect(world.cloud.taken).toHaveLength(8);
  });

  it('wait while the other is in its attempt, and say for which', async () => {
    world.cloud.next('loseRequest');
    const first = world.request();
    const second = world.request({ instances: ['ins-2', 'ins-1'] });
    await world.dispatch(first);
    expect(await world.dispatch(second)).toMatchObject({ kind: 'retry', retryAfterMs: 2_000 });
    expect(await world.run(second.runId)).toMatchObject({
      status: 'dispatching',
      waitingFor: { code: 'run.twin', message: expect.stringContaining(first.runId) },
    });
    world.advance(15_000);
    await world.dispatch(first);
    await world.dispatch(second);
    expect(world.cloud.taken.map(({ invocation }) => invocation.token)).toEqual([
      `${first.runId}-0`,
      `${second.runId}-0`,
    ]);
  });

  it('end as expired when the other is never known', async () => {
    world.cloud.next('loseRequest');
    const first = world.request();
    await world.dispatch(first);
    const second = world.request({ deadline: new Date(world.now() + 5_000).toISOString() });
    await world.dispatch(second);
    world.advance(6_000);
    await world.dispatch(second);
    expect(await world.run(second.runId)).toMatchObject({ status: 'expired', reason: { code: 'run.twin' } });
    expect(world.cloud.taken).toHaveLength(0);
  });

  it('are not kept apart on other instances, in another region, or where the cloud knows a token', async () => {
    world.cloud.next('loseRequest');
    await world.dispatch(world.request());
    for (const other of [{ instances: ['ins-1'] }, { region: 'ap-shanghai' }, { command: 'cmd-2' }]) {
      expect(await world.dispatch(world.request(other))).toMatchObject({ kind: 'done' });
    }
    world = aRunWorld(table, { hasTokens: true });
    world.cloud.next('loseRequest');
    await world.dispatch(world.request());
    expect(await world.dispatch(world.request())).toMatchObject({ kind: 'done' });
  });

  it('do not take over what one left behind that ended in the dark', async () => {
    world.cloud.next('loseAnswer');
    const first = world.request();
    await world.dispatch(first);
    const [left] = world.cloud.taken;
    if (left !== undefined) await world.cloud.provider.invoke(left.invocation);
    world.advance(3_000);
    await world.dispatch(first);
    expect(await world.run(first.runId)).toMatchObject({ status: 'unknown' });
    world.cloud.next('loseRequest');
    const second = world.request();
    await world.dispatch(second);
    world.advance(3_000);
    expect(await world.dispatch(second)).toMatchObject({ kind: 'retry' });
    world.advance(15_000);
    await world.dispatch(second);
    expect(await world.run(second.runId)).toMatchObject({ invocations: [{ invocationId: 'inv-3' }] });
  });

  it('that was attempted before there were leases is looked for without one', async () => {
    world.cloud.next('loseAnswer');
    const request = world.request();
    await world.dispatch(request);
    const { store } = world.context;
    const run = await world.run(request.runId);
    // As the previous version stored it, beside a newer run that took the lease meanwhile.
    await store.save({ ...run, invocations: run.invocations.map(({ twin: _, ...rest }) => rest) });
    world.advance(3_000);
    await world.dispatch(request);
    expect(await world.run(request.runId)).toMatchObject({ invocations: [{ invocationId: 'inv-1' }] });
    expect(world.cloud.calls()).toBe(1);
  });

  it('cost one write of a lease for each call that is sent, and none to give it back', async () => {
    let takings = 0;
    const { store } = world.context;
    const context = {
      ...world.context,
      store: {
        ...store,
        async takeTwin(...args: Parameters<typeof store.takeTwin>) {
          takings += 1;
          return await store.takeTwin(...args);
        },
      },
    };
    for (let run = 1; run <= 3; run += 1) {
      await dispatchRun(world.request(), context);
      expect(takings).toBe(run);
    }
  });
});

describe('a cloud that never says what became of a call', () => {
  it('ends the run as unknown, long after its deadline', async () => {
    world.cloud.next('loseAnswer');
    const request = world.request();
    await world.dispatch(request);
    world.cloud.cannotFind(true);
    world.advance(20_000);
    await world.dispatch(request);
    expect(await world.run(request.runId)).toMatchObject({
      status: 'dispatching',
      waitingFor: { code: 'provider.denied' },
    });
    world.advance(900_000 + 600_000);
    await world.dispatch(request);
    expect(await world.run(request.runId)).toMatchObject({
      status: 'unknown',
      reason: { code: 'run.uncertain' },
    });
  });
});

describe('the advice of a run that could not be sent', () => {
  it('has what the cloud advised, and that the same event again is the same run', async () => {
    const advice = 'Fewer scripts should share this account.';
    world.cloud.next({ refuse: { ...throttled.refuse, advice } });
    const request = world.request({ deadline: new Date(world.now() + 60_000).toISOString() });
    await world.dispatch(request);
    world.advance(61_000);
    await world.dispatch(request);
    expect(await world.run(request.runId)).toMatchObject({
      status: 'expired',
      reason: { code: 'RequestLimitExceeded', advice: `${advice} ${ASK_ANEW}` },
    });
  });
});

describe('a cloud that refuses a call because of instances', () => {
  it('retry: the run waits for them up to its deadline', async () => {
    world.cloud.isStopped(['ins-2']);
    const request = world.request({ onUnavailable: 'retry' });
    expect(await world.dispatch(request)).toMatchObject({ kind: 'retry', retryAfterMs: 15_000 });
    expect(await world.run(request.runId)).toMatchObject({
      status: 'dispatching',
      waitingFor: { code: 'instances.unavailable', message: expect.stringContaining('because of ins-2') },
    });
    world.cloud.isStopped([]);
    world.advance(16_000);
    await world.dispatch(request);
    expect(world.cloud.taken.map(({ invocation }) => invocation.target.instances)).toEqual([
      ['ins-1', 'ins-2'],
    ]);
  });

  it('retry: it ends as expired when they do not come', async () => {
    world.cloud.isStopped(['ins-2']);
    const deadline = new Date(world.now() + 60_000).toISOString();
    const request = world.request({ onUnavailable: 'retry', deadline });
    await world.dispatch(request);
    world.advance(61_000);
    await world.dispatch(request);
    expect(await world.run(request.runId)).toMatchObject({
      status: 'expired',
      reason: { code: 'instances.unavailable' },
    });
  });

  const six = ['ins-1', 'ins-2', 'ins-3', 'ins-4', 'ins-5', 'ins-6'];

  it.each([
    ['names them', () => world.cloud.isStopped(['ins-2', 'ins-5'])],
    [
      'does not name them',
      () => world.cloud.isStopped(['ins-2', 'ins-5'], () => 'An instance is not running.'),
    ],
    [
      'does not name them, and its look shows them',
      () => {
        world.cloud.isStopped(['ins-2', 'ins-5'], () => {
          // They stop between the look and the call.
          world.cloud.lacks('ins-2', 'ins-5');
          return 'An instance is not running.';
        });
      },
    ],
  ])('skip: the healthy ones are sent once each where it %s', async (_, prepare) => {
    prepare();
    const request = world.request({ onUnavailable: 'skip', instances: six });
    expect(await world.dispatch(request)).toMatchObject({ kind: 'done', run: { status: 'pending' } });
    const sent = world.cloud.taken.flatMap(({ invocation }) => invocation.target.instances);
    expect(sent.toSorted()).toEqual(['ins-1', 'ins-3', 'ins-4', 'ins-6']);
    const tokens = world.cloud.taken.map(({ invocation }) => invocation.token);
    expect(new Set(tokens).size).toBe(tokens.length);
    expect(tokens).not.toContain(`${request.runId}-0`);
    world.cloud.tasksAre('succeeded');
    world.advance(2_000);
    await world.poll();
    const run = await world.run(request.runId);
    expect({ status: run.status, skipped: run.skipped?.toSorted() }).toEqual({
      status: 'succeeded',
      skipped: ['ins-2', 'ins-5'],
    });
    const undelivered = (await world.run(request.runId)).tasks.filter(
      ({ status }) => status === 'undelivered',
    );
    expect(undelivered.map(({ instanceId, error }) => [instanceId, error?.code])).toEqual([
      ['ins-2', 'instances.unavailable'],
      ['ins-5', 'instances.unavailable'],
    ]);
  });

  it('skip: the run is rejected when none is left, and gives back what it claimed', async () => {
    world.cloud.isStopped(['ins-1', 'ins-2']);
    const guards = { cooldownMs: 3_600_000 };
    const request = world.request({ onUnavailable: 'skip', guards });
    await world.dispatch(request);
    expect(await world.run(request.runId)).toMatchObject({
      status: 'rejected',
      reason: { code: 'instances.unavailable' },
    });
    world.cloud.isStopped([]);
    const second = world.request({ rule: request.rule, guards });
    await world.dispatch(second);
    expect(await world.run(second.runId)).toMatchObject({ status: 'pending' });
  });

  it('fail: the run ends at once', async () => {
    world.cloud.isStopped(['ins-2']);
    const request = world.request();
    await world.dispatch(request);
    expect(await world.run(request.runId)).toMatchObject({ status: 'failed' });
  });
});

describe('the reason of a refused batch', () => {
  it.each([
    [
      'The agent on ins-2 is offline.',
      'The cloud refused the whole invocation of 2 instances because of ins-2',
    ],
    ['No such command.', 'The cloud refused the whole invocation of 2 instances'],
    ['Neither ins-1 nor ins-2 is known.', 'The cloud refused ins-1, ins-2'],
    // No id of ours: the beginning of another.
    ['The agent on ins-22 is offline.', 'The cloud refused the whole invocation of 2 instances'],
  ])('for %j blames whom the cloud names', async (message, blamed) => {
    world.cloud.next({ refuse: { message } });
    const request = world.request();
    await world.dispatch(request);
    const whole = `${blamed} (${FAILURE.code}): ${message}`;
    expect((await world.run(request.runId)).reason).toEqual({
      code: FAILURE.code,
      message: whole,
      advice: FAILURE.advice,
    });
    const { tasks } = await world.run(request.runId);
    expect(tasks.map(({ error }) => error?.message)).toEqual([whole, whole]);
  });

  it('of one instance is in the words of the cloud', async () => {
    world.cloud.next({ refuse: { message: 'The agent is offline.' } });
    const request = world.request({ instances: ['ins-1'] });
    await world.dispatch(request);
    expect((await world.run(request.runId)).reason?.message).toBe(
      `ins-1 (${FAILURE.code}): The agent is offline.`,
    );
  });

  it('counts what went wrong beside it', async () => {
    world = aRunWorld(table, { perInvocation: 2 });
    world.cloud.next('take', { refuse: { message: 'No.' } });
    const request = world.request({ instances: ['ins-1', 'ins-2', 'ins-3', 'ins-4'] });
    await world.dispatch(request);
    world.cloud.tasksAre('failed', 'ins-1');
    world.cloud.tasksAre('succeeded', 'ins-2');
    world.advance(2_000);
    await world.poll();
    expect((await world.run(request.runId)).reason?.message).toBe('ins-1 exited with 3 and 2 more of 4.');
  });
});
