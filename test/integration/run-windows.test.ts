/** Freezes and maintenance windows, asked at the moment of every single send of a run. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ASK_ANEW } from '../../lib/guards/ask-anew.ts';
import type { OnFreeze, Window } from '../../lib/model/window.ts';
import type { Provider } from '../../lib/providers/provider.ts';
import { dispatchRun } from '../../lib/runs/dispatch.ts';
import { describeRun } from '../../lib/runs/run-view.ts';
import { aRunWorld, type RunWorld } from '../fixtures/run-world.ts';
import { startRunsTable } from '../fixtures/runs-table.ts';
import { aTimedRequest, schedule } from '../fixtures/timed-requests.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

let table: Awaited<ReturnType<typeof startRunsTable>>;
let world: RunWorld;
beforeEach(async () => {
  table = await startRunsTable();
  world = aRunWorld(table);
});
afterEach(() => table.stop());

/** Opens so long from now, at a whole minute. */
function opening(inMs: number, forMs: number, name = 'month-end'): Window {
  const at = new Date(world.now() + inMs);
  return { name, cron: `${at.getUTCMinutes()} ${at.getUTCHours()} * * *`, zone: 'UTC', forMs };
}

/** Guards with a freeze that is open now, and was for a minute. */
function frozen(freeze?: OnFreeze) {
  return { windows: { freezes: [opening(-MINUTE, HOUR)] }, ...(freeze && { freeze }) };
}

const inMs = (ms: number) => new Date(world.now() + ms).toISOString();
const FROZEN = {
  code: 'guard.freeze',
  message: expect.stringMatching(/^The window `month-end` freezes it until 20/),
};

describe('a run that comes in a window', () => {
  it('is rejected, with the name and the end, and holds nothing', async () => {
    const dedupe = { key: 'k', windowMs: HOUR };
    const request = world.request({ guards: { ...frozen(), dedupe } });
    await world.dispatch(request);
    expect(await world.run(request.runId)).toMatchObject({
      status: 'rejected',
      reason: { ...FROZEN, advice: expect.stringContaining(ASK_ANEW) },
    });
    expect(world.cloud.calls()).toBe(0);
    const { rule } = request;
    expect(await world.context.guards.claimant('dedupe', rule, 'k', new Date(world.now()))).toBeUndefined();
  });

  it('waits where its rule says so, keeps its claims, and is sent when the window closes', async () => {
    const guards = { ...frozen('wait'), dedupe: { key: 'k', windowMs: 2 * HOUR } };
    const request = world.request({ guards, deadline: inMs(2 * HOUR) });
    expect(await world.dispatch(request)).toMatchObject({ kind: 'retry', retryAfterMs: 10_000 });
    // It opened at the whole minute before, and stays open for an hour.
    const until = new Date(Math.floor((world.now() - MINUTE) / MINUTE) * MINUTE + HOUR).toISOString();
    expect(describeRun(await world.run(request.runId))).toMatchObject({
      status: 'dispatching',
      waitingFor: { ...FROZEN, until },
    });
    const second = world.request({ rule: request.rule, guards, deadline: inMs(2 * HOUR) });
    await world.dispatch(second);
    expect(await world.run(second.runId)).toMatchObject({
      status: 'rejected',
      reason: { code: 'guard.dedupe' },
    });
    world.advance(HOUR);
    await world.dispatch(request);
    expect(await world.run(request.runId)).toMatchObject({ status: 'pending' });
    expect(world.cloud.calls()).toBe(1);
  });

  it('and waits is not sent after a cancel of its rule', async () => {
    const request = world.request({ guards: frozen('wait'), deadline: inMs(2 * HOUR) });
    await world.dispatch(request);
    const by = 'ada';
    const { rule, trigger, requestedAt } = request;
    const until = new Date(world.now() + 2 * HOUR);
    await world.context.guards.leaveTombstone({ rule, key: undefined }, { trigger, requestedAt, by }, until);
    world.advance(20_000);
    await world.dispatch(request);
    expect(await world.run(request.runId)).toMatchObject({ reason: { code: 'guard.cancelled' } });
    expect(world.cloud.calls()).toBe(0);
  });

  it('and waits ends as expired at its deadline', async () => {
    const request = world.request({ guards: frozen('wait'), deadline: inMs(MINUTE) });
    await world.dispatch(request);
    world.advance(MINUTE);
    await world.dispatch(request);
    expect(await world.run(request.runId)).toMatchObject({
      status: 'expired',
      reason: { code: 'guard.freeze', message: expect.stringContaining('`month-end`'), advice: ASK_ANEW },
    });
  });

  it('whatever the time of the event, and is sent outside', async () => {
    const windows = { freezes: [opening(-2 * HOUR, HOUR)] };
    const request = world.request({
      guards: { windows },
      requestedAt: inMs(-90 * MINUTE),
      deadline: inMs(HOUR),
    });
    await world.dispatch(request);
    expect(await world.run(request.runId)).toMatchObject({ status: 'pending' });
  });
});

describe('a run that was let in before the window', () => {
  const throttled = { refuse: { code: 'RequestLimitExceeded', isRetryable: true, retryAfterMs: 1_000 } };
  const soon = (freeze?: OnFreeze) => ({
    windows: { freezes: [opening(MINUTE, HOUR)] },
    ...(freeze && { freeze }),
  });

  it('waits when it is tried again in it', async () => {
    world.cloud.next(throttled);
    const request = world.request({ guards: soon(), deadline: inMs(2 * HOUR) });
    await world.dispatch(request);
    world.advance(2 * MINUTE);
    await world.dispatch(request);
    expect(await world.run(request.runId)).toMatchObject({
      status: 'dispatching',
      waitingFor: { ...FROZEN, until: expect.stringMatching(/Z$/) },
    });
    world.advance(HOUR);
    await world.dispatch(request);
    expect(await world.run(request.runId)).toMatchObject({ status: 'pending' });
  });

  it('waits when the poller rescues it in it', async () => {
    world.cloud.next(throttled);
    const request = world.request({ guards: soon(), deadline: inMs(2 * HOUR) });
    await world.dispatch(request);
    world.advance(2 * MINUTE);
    expect(await world.poll()).toMatchObject({ rescued: 1 });
    expect(await world.run(request.runId)).toMatchObject({ status: 'dispatching', waitingFor: FROZEN });
    expect(world.cloud.calls()).toBe(1);
  });

  it('is rejected where its rule says so', async () => {
    world.cloud.next(throttled);
    const request = world.request({ guards: soon('reject'), deadline: inMs(2 * HOUR) });
    await world.dispatch(request);
    world.advance(2 * MINUTE);
    expect(await world.dispatch(request)).toMatchObject({ kind: 'done' });
    expect(await world.run(request.runId)).toMatchObject({
      status: 'rejected',
      reason: { ...FROZEN, advice: ASK_ANEW },
    });
  });

  it.each([
    ['waits', undefined, 'dispatching', ['sent', 'planned']],
    ['ends as never sent where its rule says so', 'reject', 'running', ['sent', 'notSent']],
  ] as const)('and is between its calls: the rest %s', async (_, freeze, status, states) => {
    world = aRunWorld(table, { perInvocation: 2 });
    const { tencent } = world.context.providers;
    const provider: Provider = {
      ...tencent,
      async invoke(invocation) {
        const outcome = await tencent.invoke(invocation);
        world.advance(2 * MINUTE);
        return outcome;
      },
    };
    const instances = ['ins-1', 'ins-2', 'ins-3'];
    const request = world.request({ instances, guards: soon(freeze), deadline: inMs(2 * HOUR) });
    await dispatchRun(request, { ...world.context, providers: { tencent: provider, alibaba: provider } });
    const run = await world.run(request.runId);
    expect([run.status, run.invocations.map(({ state }) => state)]).toEqual([status, states]);
    expect(world.cloud.calls()).toBe(1);
  });
});

describe('what is scheduled', () => {
  it('for a time in a window is refused at once', async () => {
    const at = inMs(HOUR);
    const guards = { windows: { freezes: [opening(HOUR - MINUTE, HOUR)] } };
    const request = aTimedRequest(world, { rule: 'patch', at, execution: { guards } });
    await schedule(request, world.context);
    expect(await world.run(request.runId)).toMatchObject({
      status: 'rejected',
      reason: { ...FROZEN, advice: 'Ask for another time.' },
    });
  });

  it('in a window for a time outside of it is run at its time', async () => {
    const request = aTimedRequest(world, {
      rule: 'patch',
      at: inMs(2 * HOUR),
      execution: { guards: frozen() },
    });
    await schedule(request, world.context);
    expect(await world.run(request.runId)).toMatchObject({ status: 'scheduled' });
    world.advance(2 * HOUR);
    await world.poll();
    expect(await world.run(request.runId)).toMatchObject({ status: 'pending' });
  });

  it('for a time in a window, where its rule waits, is sent when the window closes', async () => {
    const guards = { windows: { freezes: [opening(HOUR - MINUTE, 5 * MINUTE)] }, freeze: 'wait' as const };
    const request = aTimedRequest(world, { rule: 'patch', at: inMs(HOUR), execution: { guards } });
    await schedule(request, world.context);
    world.advance(HOUR);
    await world.poll();
    expect(await world.run(request.runId)).toMatchObject({ status: 'dispatching', waitingFor: FROZEN });
    world.advance(5 * MINUTE);
    await world.poll();
    expect(await world.run(request.runId)).toMatchObject({ status: 'pending' });
  });
});
