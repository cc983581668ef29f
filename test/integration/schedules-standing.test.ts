/** The `schedules` of the rules on the local clouds: kept in step, ours only, and each firing a run. */
import { describe, expect, test } from 'vitest';
import { FleetReflexError } from '../../lib/errors.ts';
import { createInvoker } from '../../lib/providers/tencent/actions/invokers.ts';
import type { StandingSchedule } from '../../lib/rules/rule.ts';
import { scheduleOnce } from '../../lib/schedules/schedule-once.ts';
import { bringInStep, underLease } from '../../lib/schedules/sync.ts';
import { tendSchedules } from '../../lib/schedules/tend.ts';
import { until } from '../contract/alibaba-local.ts';
import {
  ALIBABA_REGION,
  anAlibabaStanding,
  aRequest,
  aStanding,
  type Stack,
  startStack,
  TENCENT_REGION,
} from './schedules-stack.ts';

const EACH_MINUTE = { recurrence: '* * * * *' };

/** What tending does when something is to be brought in step. */
async function syncSchedules(wanted: readonly StandingSchedule[], context: Stack['context']) {
  return await underLease(context, async () => {
    const { schedules } = await context.ledger.all();
    return { kind: 'synced' as const, ...(await bringInStep(wanted, schedules, false, context)) };
  });
}

/** Tends and polls until so many runs have ended. */
async function untilRuns({ context, poll }: Stack, count: number) {
  return await until(
    async () => {
      await tendSchedules(context);
      await poll();
      return (await context.store.list({ limit: 50 })).runs;
    },
    (runs) => runs.length >= count && runs.every(({ endedAt }) => endedAt !== undefined),
  );
}

describe('the windows of the file', () => {
  /** Of each schedule: whether the provider would fire it. */
  const firing = async ({ context }: Stack) =>
    Object.fromEntries([
      ...(await context.schedules.tencent.list(TENCENT_REGION)).map((it) => [it.name, it.isEnabled]),
      ...(await context.schedules.alibaba.list(ALIBABA_REGION)).map((it) => [it.name, it.isEnabled]),
    ]);

  test('hold what fires next in one, and let it go when it does not; no other', async () => {
    const stack = await startStack();
    const { context, setRules, jump } = stack;
    const inMs = (ms: number) => new Date(context.now().getTime() + ms);
    // In two minutes, for five; the schedules fire each minute, and at the crontab's own time.
    const opens = inMs(120_000);
    const cron = `${opens.getUTCMinutes()} ${opens.getUTCHours()} * * *`;
    const windows = { freezes: [{ name: 'w', cron, zone: 'UTC', forMs: 5 * 60_000 }] };
    setRules([
      aStanding({ name: 'held', timing: EACH_MINUTE, windows }),
      aStanding({ name: 'excepted', timing: EACH_MINUTE }),
      anAlibabaStanding({ name: 'a', timing: { recurrence: '0 * * * * * UTC' }, windows }),
    ]);
    await tendSchedules(context);
    expect(await firing(stack)).toEqual({ held: true, excepted: true, a: true });
    // Its next time is the first of the window. The poller comes by itself after the firing before it.
    const { sync } = await context.ledger.all();
    expect(Date.parse(sync?.nextAt ?? '')).toBeLessThan(opens.getTime());
    jump(Date.parse(sync?.nextAt ?? '') - context.now().getTime());
    await tendSchedules(context);
    expect(await firing(stack)).toEqual({ held: false, excepted: true });
    const then = (await context.ledger.all()).sync;
    expect(Date.parse(then?.nextAt ?? '')).toBeGreaterThan(opens.getTime() + 3 * 60_000);
    jump(Date.parse(then?.nextAt ?? '') - context.now().getTime());
    await tendSchedules(context);
    expect(await firing(stack)).toEqual({ held: true, excepted: true, a: true });
  });
});

describe('in step', () => {
  test('created, changed, disabled, enabled and removed on both clouds', async () => {
    const { context, setRules } = await startStack();
    const both = async () => [
      ...(await context.schedules.tencent.list(TENCENT_REGION)),
      ...(await context.schedules.alibaba.list(ALIBABA_REGION)),
    ];
    setRules([aStanding(), anAlibabaStanding({ name: 'a' })]);
    await tendSchedules(context);
    expect(await both()).toMatchObject([
      { name: 'logrotate', timing: { recurrence: '0 3 * * *' }, isEnabled: true },
      { name: 'a', timing: { recurrence: 'rate(2m)' } },
    ]);
    setRules([
      aStanding({ parameters: { text: 'again' }, timing: { recurrence: '30 3 * * *' } }),
      anAlibabaStanding({ name: 'a', parameters: { text: 'again' } }),
    ]);
    await tendSchedules(context);
    expect(await both()).toMatchObject([
      { name: 'logrotate', parameters: { text: 'again' }, timing: { recurrence: '30 3 * * *' } },
      { name: 'a', parameters: { text: 'again' } },
    ]);
    setRules([aStanding({ isEnabled: false }), anAlibabaStanding({ name: 'a', isEnabled: false })]);
    await tendSchedules(context);
    expect(await both()).toMatchObject([{ name: 'logrotate', isEnabled: false }]);
    setRules([aStanding(), anAlibabaStanding({ name: 'a' })]);
    await tendSchedules(context);
    expect(await both()).toMatchObject([{ name: 'logrotate', isEnabled: true }, { name: 'a' }]);
    setRules([]);
    await tendSchedules(context);
    expect(await both()).toEqual([]);
    expect((await context.ledger.all()).schedules).toEqual([]);
  });

  test('a second time there is nothing to do: no effect, then no request at all', async () => {
    const { context, setRules, effects, requests, loads } = await startStack();
    setRules([aStanding()]);
    await syncSchedules([aStanding()], context);
    expect(effects()).toEqual({ CreateInvoker: 1 });
    expect(await syncSchedules([aStanding()], context)).toEqual({ kind: 'synced', done: [], failed: [] });
    expect(effects()).toEqual({ CreateInvoker: 1 });
    await tendSchedules(context);
    const before = requests();
    const loadsBefore = loads();
    await tendSchedules(context);
    expect(requests()).toEqual(before);
    expect(loads()).toBe(loadsBefore);
  });

  test('no schedules: no request, and the rules are read once', async () => {
    const { context, requests, loads } = await startStack();
    await tendSchedules(context);
    await tendSchedules(context);
    await tendSchedules(context);
    expect(requests()).toEqual({});
    expect(loads()).toBe(1);
  });

  test('what was changed or removed by hand is put right, when it is time to compare again', async () => {
    const { context, setRules, jump } = await startStack();
    setRules([aStanding()]);
    await tendSchedules(context);
    const [made] = await context.schedules.tencent.list(TENCENT_REGION);
    const ref = { region: TENCENT_REGION, scheduleId: made?.scheduleId ?? '' };
    await context.schedules.tencent.remove(ref);
    await tendSchedules(context);
    expect(await context.schedules.tencent.list(TENCENT_REGION)).toEqual([]);
    jump(16 * 60_000);
    await tendSchedules(context);
    expect(await context.schedules.tencent.list(TENCENT_REGION)).toMatchObject([{ name: 'logrotate' }]);
    expect((await context.ledger.all()).schedules).toMatchObject([
      { scheduleId: expect.not.stringMatching(ref.scheduleId) },
    ]);
  });

  test('invokers of others are not touched, whatever they are called', async () => {
    const { context, setRules, tencent, tat } = await startStack();
    const call = await tencent.client.call(createInvoker, TENCENT_REGION, {
      Name: 'logrotate',
      Type: 'SCHEDULE',
      CommandId: 'cmd-sleep001',
      InstanceIds: ['ins-local001'],
      Parameters: '{"seconds":"1"}',
      ScheduleSettings: { Policy: 'RECURRENCE', Recurrence: '0 0 1 * *' },
    });
    expect(call.kind).toBe('answered');
    setRules([aStanding()]);
    await tendSchedules(context);
    setRules([]);
    await tendSchedules(context);
    expect(tat.requestCounts).toMatchObject({ CreateInvoker: 2, DeleteInvoker: 1 });
    const { total } = await countInvokers(tencent);
    expect(total).toBe(1);
  });

  test('two at once: one does it, the other leaves it', async () => {
    const { context, setRules, effects } = await startStack();
    setRules([aStanding()]);
    const results = await Promise.all([
      syncSchedules([aStanding()], context),
      syncSchedules([aStanding()], context),
    ]);
    expect(results.map(({ kind }) => kind).toSorted()).toEqual(['busy', 'synced']);
    expect(effects()).toEqual({ CreateInvoker: 1 });
    expect(await underLease(context, async () => 'free')).toBe('free');
  });

  test('one that the provider refuses stops no other, and is not asked for again at once', async () => {
    const { context, setRules, effects, logged } = await startStack();
    setRules([aStanding({ name: 'a', command: 'cmd-none0001' }), aStanding({ name: 'b' })]);
    await tendSchedules(context);
    expect(await context.schedules.tencent.list(TENCENT_REGION)).toMatchObject([{ name: 'b' }]);
    expect(logged.filter(({ event }) => event === 'schedules.failed')).toMatchObject([
      { facts: { what: 'create a (tencent, ap-guangzhou)', code: 'provider.notFound' } },
    ]);
    expect(effects()).toEqual({ CreateInvoker: 2 });
    await tendSchedules(context);
    expect(effects()).toEqual({ CreateInvoker: 2 });
  });

  test('a cloud that does not answer is asked again the next time, and keeps what is known of it', async () => {
    const { context, setRules, tat } = await startStack();
    setRules([aStanding(), anAlibabaStanding({ name: 'a' })]);
    await tendSchedules(context);
    setRules([]);
    tat.faults.add({ kind: 'error', action: 'DescribeInvokers', code: 'InternalError', times: 3 });
    await tendSchedules(context);
    expect(await context.schedules.alibaba.list(ALIBABA_REGION)).toEqual([]);
    expect((await context.ledger.all()).schedules).toMatchObject([{ name: 'logrotate' }]);
    await tendSchedules(context);
    expect(await context.schedules.tencent.list(TENCENT_REGION)).toEqual([]);
    expect((await context.ledger.all()).schedules).toEqual([]);
  });

  test('a rules file that cannot be read changes nothing', async () => {
    const { context, setRules, logged } = await startStack();
    setRules([aStanding()]);
    await tendSchedules(context);
    const load = () => Promise.reject(new FleetReflexError('rules.invalid', 'rules.yml:1:1: wrong'));
    await tendSchedules({ ...context, wanted: { digest: 'broken', load } });
    expect(await context.schedules.tencent.list(TENCENT_REGION)).toMatchObject([{ name: 'logrotate' }]);
    expect(logged.at(-1)).toMatchObject({ event: 'schedules.unreadable', facts: { code: 'rules.invalid' } });
  });

  test('frozen: nothing of it fires; free again it is as it was', async () => {
    const { context, setRules } = await startStack();
    setRules([aStanding(), anAlibabaStanding({ name: 'a' })]);
    await tendSchedules(context);
    await context.guards.setFreeze({ by: 'ann', reason: 'audit' });
    await tendSchedules(context);
    expect(await context.schedules.tencent.list(TENCENT_REGION)).toMatchObject([{ isEnabled: false }]);
    expect(await context.schedules.alibaba.list(ALIBABA_REGION)).toEqual([]);
    await context.guards.setFreeze(undefined);
    await tendSchedules(context);
    expect(await context.schedules.tencent.list(TENCENT_REGION)).toMatchObject([{ isEnabled: true }]);
    expect(await context.schedules.alibaba.list(ALIBABA_REGION)).toMatchObject([{ name: 'a' }]);
  });

  test('what runs made is left alone, and made again when somebody removed it', async () => {
    const { context, setRules, jump } = await startStack();
    const { run } = await scheduleOnce(aRequest({ recurrence: '0 0 1 1 *' }), context);
    setRules([aStanding()]);
    await tendSchedules(context);
    const names = async () =>
      (await context.schedules.tencent.list(TENCENT_REGION)).map(({ name }) => name).toSorted();
    expect(await names()).toEqual(['logrotate', run.runId]);
    await context.schedules.tencent.remove({
      region: TENCENT_REGION,
      scheduleId: run.schedule?.scheduleId ?? '',
    });
    jump(16 * 60_000);
    await tendSchedules(context);
    expect(await names()).toEqual(['logrotate', run.runId]);
  });
});

describe('its firings', () => {
  test('are runs that tell the schedule’s destinations, each once', async () => {
    const stack = await startStack();
    const { context, setRules, jump, told, events } = stack;
    // Not just before a full minute, which would be a second firing: tests run at any second.
    jump(80_000 - (context.now().getTime() % 60_000));
    setRules([aStanding({ timing: EACH_MINUTE })]);
    await tendSchedules(context);
    jump(60_000);
    const [line] = await untilRuns(stack, 1);
    const run = await context.store.get(line?.runId ?? '');
    expect(run).toMatchObject({
      rule: 'logrotate',
      status: 'succeeded',
      trigger: { source: 'schedule', type: 'schedule.fired', subject: 'logrotate' },
      target: { instances: ['ins-local001'] },
    });
    expect(told(run?.runId ?? '')).toEqual([
      'fleet-reflex.run.started pending',
      'fleet-reflex.task.completed succeeded',
      'fleet-reflex.run.completed succeeded',
    ]);
    expect(events[0]?.source).toBe('/fleet-reflex/test/rules/logrotate');
    // Whoever forgot how far it looked finds the same runs.
    const { schedules } = await context.ledger.all();
    for (const schedule of schedules) {
      await context.ledger.save({ ...schedule, lookedFrom: schedule.madeAt, recent: [] });
    }
    await tendSchedules(context);
    expect((await context.store.list({ limit: 10 })).runs).toHaveLength(1);
    expect(events).toHaveLength(3);
  });

  test('are asked for only when one should have come', async () => {
    const { context, setRules, jump, requests } = await startStack();
    setRules([aStanding({ timing: { recurrence: '0 0 1 1 *' } })]);
    await tendSchedules(context);
    jump(5 * 60_000);
    await tendSchedules(context);
    expect(requests()).not.toHaveProperty('DescribeInvokerRecords');
    jump(60 * 60_000);
    await tendSchedules(context);
    expect(requests()).toMatchObject({ DescribeInvokerRecords: 1 });
  });

  test('wake the poller when one is about to come', async () => {
    const { context, setRules, jump, wakes } = await startStack();
    jump(80_000 - (context.now().getTime() % 60_000));
    setRules([aStanding({ timing: EACH_MINUTE })]);
    await tendSchedules(context);
    const [wake] = wakes;
    const minute = Math.ceil(context.now().getTime() / 60_000) * 60_000;
    expect((wake?.getTime() ?? 0) - minute).toBeGreaterThanOrEqual(2000);
  });

  test('at Alibaba are told apart, and a schedule that its failure ended is made again', async () => {
    const stack = await startStack();
    const { context, setRules, advance } = stack;
    await advance(0);
    setRules([
      anAlibabaStanding({ name: 'fine' }),
      anAlibabaStanding({
        name: 'fails',
        command: 'c-fail0001',
        parameters: {},
        instances: ['i-local002'],
      }),
    ]);
    await tendSchedules(context);
    const before = await context.schedules.alibaba.list(ALIBABA_REGION);
    await advance(121_000);
    const first = await untilRuns(stack, 2);
    expect(first.map(({ rule, status }) => [rule, status]).toSorted()).toEqual([
      ['fails', 'failed'],
      ['fine', 'succeeded'],
    ]);
    await tendSchedules(context);
    const after = await context.schedules.alibaba.list(ALIBABA_REGION);
    expect(after.map(({ name }) => name).toSorted()).toEqual(['fails', 'fine']);
    const idOf = (list: typeof after, name: string) => list.find((one) => one.name === name)?.scheduleId;
    expect(idOf(after, 'fine')).toBe(idOf(before, 'fine'));
    expect(idOf(after, 'fails')).not.toBe(idOf(before, 'fails'));
    await advance(121_000);
    expect((await untilRuns(stack, 4)).map(({ rule }) => rule).toSorted()).toEqual([
      'fails',
      'fails',
      'fine',
      'fine',
    ]);
  });

  test('of one that fires once: it goes when its run has ended, and does not come again', async () => {
    const stack = await startStack();
    const { context, setRules, jump, effects } = stack;
    const at = new Date(Date.now() + 60_000).toISOString();
    setRules([aStanding({ timing: { at } })]);
    await tendSchedules(context);
    jump(61_000);
    expect(await untilRuns(stack, 1)).toMatchObject([{ status: 'succeeded', rule: 'logrotate' }]);
    await tendSchedules(context);
    jump(16 * 60_000);
    await tendSchedules(context);
    expect(await context.schedules.tencent.list(TENCENT_REGION)).toEqual([]);
    expect(effects()).toMatchObject({ CreateInvoker: 1, DeleteInvoker: 1 });
  });
});

async function countInvokers(tencent: Stack['tencent']) {
  const { describeInvokers } = await import('../../lib/providers/tencent/actions/invokers.ts');
  const answer = await tencent.client.call(describeInvokers, TENCENT_REGION, { Limit: 100 });
  return { total: answer.kind === 'answered' ? answer.answer.TotalCount : -1 };
}
