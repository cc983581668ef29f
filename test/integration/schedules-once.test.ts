/** The action `schedule` on the local clouds: a schedule is made, fires, and its run ends like any other. */
import { describe, expect, test } from 'vitest';
import type { ScheduleRequest } from '../../lib/model/live-schedule.ts';
import { carryOut } from '../../lib/runs/carry-out.ts';
import { schedule } from '../../lib/schedules/schedule.ts';
import { scheduleOnce } from '../../lib/schedules/schedule-once.ts';
import { tendSchedules } from '../../lib/schedules/tend.ts';
import { until } from '../contract/alibaba-local.ts';
import {
  ALIBABA_REGION,
  anAlibabaRequest,
  aRequest,
  type Stack,
  startStack,
  TENCENT_REGION,
} from './schedules-stack.ts';

const inMs = (ms: number, from = Date.now()) => new Date(from + ms).toISOString();

/** Tends and polls until the run has ended. */
async function untilEnded({ context, poll }: Stack, runId: string) {
  return await until(
    async () => {
      await tendSchedules(context);
      await poll();
      return await context.store.get(runId);
    },
    (run) => run?.endedAt !== undefined,
  );
}

test('what comes from the queue with an execution is fired by us, what an earlier version asked for by the provider', async () => {
  const { context, effects } = await startStack();
  const withLog = { ...context, events: { put: async () => {} } };
  const request = aRequest({ at: inMs(60_000) });
  const execution: ScheduleRequest['execution'] = { guards: {}, onUnavailable: 'fail', deadlineMs: 900_000 };
  const here = { ...aRequest({ at: inMs(60_000) }), execution };
  for (const one of [request, here])
    await carryOut(
      { body: JSON.stringify(one) },
      { ...withLog, audit: { add: async () => true }, schedule: (request) => schedule(request, withLog) },
    );
  expect(await context.schedules.tencent.list(TENCENT_REGION)).toMatchObject([{ name: request.runId }]);
  expect(effects()).toEqual({ CreateInvoker: 1 });
  expect(await context.store.get(here.runId)).toMatchObject({
    status: 'scheduled',
    schedule: { at: here.at, timer: { nextAt: here.at } },
  });
});

describe('once', () => {
  test('in two seconds really: the run waits as scheduled, starts, succeeds, and tells it', async () => {
    const stack = await startStack();
    const { context, told } = stack;
    // TAT takes whole seconds.
    const request = aRequest({ at: inMs(2000) });
    const result = await scheduleOnce(request, context);
    expect(result).toMatchObject({
      kind: 'done',
      run: {
        status: 'scheduled',
        schedule: { at: request.at, scheduleId: expect.stringMatching(/^ivk-/) },
        invocations: [],
      },
    });
    expect(told(request.runId)).toEqual([]);
    expect(await context.store.live('patch-tonight')).toEqual([request.runId]);

    const run = await untilEnded(stack, request.runId);
    expect(run).toMatchObject({
      status: 'succeeded',
      trigger: request.trigger,
      invocations: [{ state: 'sent', invocationId: expect.stringMatching(/^inv-/) }],
    });
    expect(told(request.runId)).toEqual([
      'fleet-reflex.run.started pending',
      'fleet-reflex.task.completed succeeded',
      'fleet-reflex.run.completed succeeded',
    ]);
    const task = stack.events.find(({ type }) => type === 'fleet-reflex.task.completed');
    expect(task?.data.tasks).toMatchObject([
      { instanceId: 'ins-local001', output: 'patched\n', exitCode: 0 },
    ]);
    // What is over goes.
    await tendSchedules(context);
    expect(await context.schedules.tencent.list(TENCENT_REGION)).toEqual([]);
    expect((await context.ledger.all()).schedules).toEqual([]);
  });

  test('at Alibaba too', async () => {
    const stack = await startStack();
    const { context, told, advance } = stack;
    await advance(0);
    const request = anAlibabaRequest({ at: inMs(60_000) });
    await scheduleOnce(request, context);
    await tendSchedules(context);
    await advance(61_000);
    const run = await untilEnded(stack, request.runId);
    expect(run).toMatchObject({ status: 'succeeded' });
    expect(told(request.runId)).toEqual([
      'fleet-reflex.run.started pending',
      'fleet-reflex.task.completed succeeded',
      'fleet-reflex.run.completed succeeded',
    ]);
    await tendSchedules(context);
    expect((await context.ledger.all()).schedules).toEqual([]);
    expect(await context.schedules.alibaba.list(ALIBABA_REGION)).toEqual([]);
  });

  test('the same request again makes no second schedule, also after it fired', async () => {
    const stack = await startStack();
    const { context, jump, effects } = stack;
    const request = aRequest({ at: inMs(60_000) });
    const first = await scheduleOnce(request, context);
    const second = await scheduleOnce(request, context);
    expect(second).toEqual({ ...first, run: expect.objectContaining({ status: 'scheduled' }) });
    expect(effects()).toEqual({ CreateInvoker: 1 });
    jump(61_000);
    await untilEnded(stack, request.runId);
    expect(await scheduleOnce(request, context)).toMatchObject({
      kind: 'done',
      run: { status: 'succeeded' },
    });
    await tendSchedules(context);
    expect(effects()).toEqual({ CreateInvoker: 1, DeleteInvoker: 1 });
  });

  test('a lost answer: tried again it is found, although it has fired meanwhile', async () => {
    const stack = await startStack();
    const { context, jump, tat, effects } = stack;
    tat.faults.add({ kind: 'dropAfter', action: 'CreateInvoker' });
    const request = aRequest({ at: inMs(60_000) });
    expect(await scheduleOnce(request, context)).toMatchObject({
      kind: 'retry',
      reason: expect.stringContaining('provider.'),
      run: { status: 'scheduled' },
    });
    jump(61_000);
    expect(await scheduleOnce(request, context)).toMatchObject({
      kind: 'done',
      run: { status: 'scheduled' },
    });
    expect(await untilEnded(stack, request.runId)).toMatchObject({ status: 'succeeded' });
    expect(effects()).toMatchObject({ CreateInvoker: 1 });
  });

  test('a maker that died is replaced when its lease has run out', async () => {
    const stack = await startStack();
    const { context, jump } = stack;
    stack.tat.faults.add({ kind: 'error', action: 'CreateInvoker', code: 'InternalError' });
    const request = aRequest({ at: inMs(300_000) });
    expect(await scheduleOnce(request, context)).toMatchObject({ kind: 'retry' });
    await tendSchedules(context);
    expect(await context.schedules.tencent.list(TENCENT_REGION)).toEqual([]);
    jump(context.leaseMs);
    await tendSchedules(context);
    expect(await context.schedules.tencent.list(TENCENT_REGION)).toMatchObject([{ name: request.runId }]);
    expect(await context.store.get(request.runId)).toMatchObject({
      schedule: { scheduleId: expect.stringMatching(/^ivk-/) },
    });
  });

  test.each([
    { name: 'a time that is past', more: {}, at: () => inMs(-1000), code: 'schedule.past' },
    {
      name: 'more instances than the provider takes',
      more: { instances: Array.from({ length: 101 }, (_, index) => `ins-${index}`) },
      at: () => inMs(60_000),
      code: 'schedule.tooManyInstances',
    },
    {
      name: 'instances of two kinds',
      more: { instances: ['ins-local001', 'lhins-local001'] },
      at: () => inMs(60_000),
      code: 'schedule.mixedInstances',
    },
    {
      name: 'a command that is not there',
      more: { command: 'cmd-none0001' },
      at: () => inMs(60_000),
      code: 'ResourceNotFound.CommandNotFound',
    },
  ])('$name is rejected, and told', async ({ more, at, code }) => {
    const { context, events } = await startStack();
    const request = aRequest({ at: at() }, more);
    const result = await scheduleOnce(request, context);
    expect(result).toMatchObject({ kind: 'done', run: { status: 'rejected', reason: { code } } });
    expect(events.map(({ type, data }) => [type, data.reason?.code])).toEqual([
      ['fleet-reflex.run.rejected', code],
    ]);
    expect((await context.ledger.all()).schedules).toEqual([]);
    await scheduleOnce(request, context);
    expect(events).toHaveLength(1);
  });

  test.each(['61 * * * *', 'often'])('the recurrence %s is rejected', async (recurrence) => {
    const { context, requests } = await startStack();
    expect(await scheduleOnce(aRequest({ recurrence }), context)).toMatchObject({
      run: { status: 'rejected', reason: { code: 'schedule.invalid' } },
    });
    expect(requests()).toEqual({});
  });

  test('a provider that takes no request until the time has come: expired', async () => {
    const { context, tat, jump, told } = await startStack();
    tat.faults.add({ kind: 'throttle', action: 'CreateInvoker', times: 100 });
    const request = aRequest({ at: inMs(60_000) });
    expect(await scheduleOnce(request, context)).toMatchObject({
      kind: 'retry',
      reason: expect.stringContaining('provider.throttled'),
    });
    jump(60_000);
    expect(await scheduleOnce(request, context)).toMatchObject({
      kind: 'done',
      run: { status: 'expired', reason: { code: 'schedule.expired' } },
    });
    expect(told(request.runId)).toEqual(['fleet-reflex.run.completed expired']);
    expect((await context.ledger.all()).schedules).toEqual([]);
  });

  test('a provider that did not answer and shows nothing at the time: the run is uncertain', async () => {
    const { context, tat, jump } = await startStack();
    tat.faults.add({ kind: 'error', action: 'CreateInvoker', code: 'InternalError', times: 100 });
    const request = aRequest({ at: inMs(60_000) });
    expect(await scheduleOnce(request, context)).toMatchObject({ kind: 'retry' });
    jump(60_000);
    expect(await scheduleOnce(request, context)).toMatchObject({
      kind: 'done',
      run: { status: 'unknown', reason: { code: 'schedule.uncertain' } },
    });
  });

  test('frozen while it is being made: held as soon as it is there', async () => {
    const { context, tat } = await startStack();
    tat.faults.add({ kind: 'error', action: 'CreateInvoker', code: 'InternalError' });
    const request = aRequest({ at: inMs(600_000) });
    expect(await scheduleOnce(request, context)).toMatchObject({ kind: 'retry' });
    await context.guards.setFreeze({ by: 'ann', reason: 'audit' });
    await tendSchedules(context);
    expect(await scheduleOnce(request, context)).toMatchObject({ run: { status: 'scheduled' } });
    await tendSchedules(context);
    expect(await context.schedules.tencent.list(TENCENT_REGION)).toMatchObject([{ isEnabled: false }]);
  });

  test('frozen, and the provider could not be told: what it fires is told as it went', async () => {
    const stack = await startStack();
    const { context, tat, jump } = stack;
    const request = aRequest({ at: inMs(600_000) });
    await scheduleOnce(request, context);
    await context.guards.setFreeze({ by: 'ann', reason: 'audit' });
    tat.faults.add({ kind: 'error', action: 'DisableInvoker', code: 'InternalError', times: 100 });
    await tendSchedules(context);
    jump(601_000);
    expect(await untilEnded(stack, request.runId)).toMatchObject({ status: 'succeeded' });
  });

  test('frozen: rejected like any run', async () => {
    const { context, requests } = await startStack();
    await context.guards.setFreeze({ by: 'ann', reason: 'audit' });
    expect(await scheduleOnce(aRequest({ at: inMs(60_000) }), context)).toMatchObject({
      run: { status: 'rejected', reason: { code: 'guard.freeze' } },
    });
    expect(requests()).toEqual({});
  });

  test('frozen while it waits: it does not fire, and its run says why', async () => {
    const stack = await startStack();
    const { context, jump, told } = stack;
    const request = aRequest({ at: inMs(600_000) });
    await scheduleOnce(request, context);
    await tendSchedules(context);
    await context.guards.setFreeze({ by: 'ann', reason: 'audit' });
    await tendSchedules(context);
    expect(await context.schedules.tencent.list(TENCENT_REGION)).toMatchObject([{ isEnabled: false }]);
    jump(601_000);
    expect(await untilEnded(stack, request.runId)).toMatchObject({
      status: 'rejected',
      reason: { code: 'guard.freeze' },
    });
    expect(told(request.runId)).toEqual(['fleet-reflex.run.rejected rejected']);
    expect(await context.schedules.tencent.list(TENCENT_REGION)).toEqual([]);
  });

  test('frozen and free again in time: it fires', async () => {
    const stack = await startStack();
    const { context, jump } = stack;
    const request = aRequest({ at: inMs(600_000) });
    await scheduleOnce(request, context);
    await context.guards.setFreeze({ by: 'ann', reason: 'audit' });
    await tendSchedules(context);
    await context.guards.setFreeze(undefined);
    await tendSchedules(context);
    expect(await context.schedules.tencent.list(TENCENT_REGION)).toMatchObject([{ isEnabled: true }]);
    jump(601_000);
    expect(await untilEnded(stack, request.runId)).toMatchObject({ status: 'succeeded' });
  });

  test('cancelled while it waits: taken back at the provider, and stopped', async () => {
    const stack = await startStack();
    const { context, told, cancel, poll } = stack;
    const request = aRequest({ at: inMs(60_000) });
    await scheduleOnce(request, context);
    expect(await cancel(request.runId)).toMatchObject({ kind: 'requested' });
    // Whoever polls before the schedules are tended leaves it alone.
    await poll();
    await tendSchedules(context);
    expect(await context.store.get(request.runId)).toMatchObject({
      status: 'stopped',
      reason: { code: 'run.cancelled', message: 'Its schedule was taken back: ann cancelled it.' },
    });
    expect(await context.schedules.tencent.list(TENCENT_REGION)).toEqual([]);
    expect(told(request.runId)).toEqual(['fleet-reflex.run.completed stopped']);
  });

  test('cancelled a moment too late: what fired is cancelled', async () => {
    const stack = await startStack();
    const { context, jump } = stack;
    const request = aRequest(
      { at: inMs(60_000) },
      { command: 'cmd-sleep001', parameters: { seconds: '30' } },
    );
    const { run } = await scheduleOnce(request, context);
    jump(61_000);
    await until(
      () => context.schedules.tencent.firings(TENCENT_REGION, [run.schedule?.scheduleId ?? ''], new Date(0)),
      (firings) => firings.length > 0,
    );
    await stack.cancel(request.runId);
    expect(await untilEnded(stack, request.runId)).toMatchObject({ status: 'stopped' });
  });

  test('an offline instance: the firing that started nothing fails, and says what the provider said', async () => {
    const stack = await startStack();
    const { context, jump, engine } = stack;
    const request = aRequest({ at: inMs(60_000) });
    await scheduleOnce(request, context);
    engine.change('ins-local001', { agent: 'offline' });
    jump(61_000);
    expect(await untilEnded(stack, request.runId)).toMatchObject({ status: 'failed' });
  });

  test('a firing that started nothing fails on each instance, and says what the provider said', async () => {
    const stack = await startStack();
    const { context, jump, told, events } = stack;
    const request = aRequest({ at: inMs(60_000) });
    const { run } = await scheduleOnce(request, context);
    const scheduleId = run.schedule?.scheduleId ?? '';
    const { tencent } = context.schedules;
    const firings = async () => [{ scheduleId, at: inMs(60_000), reason: 'AgentStatusNotOnline' }];
    const schedules = { ...context.schedules, tencent: { ...tencent, firings } };
    jump(61_000);
    const ended = await untilEnded({ ...stack, context: { ...context, schedules } }, request.runId);
    expect(ended).toMatchObject({
      status: 'failed',
      reason: { code: 'schedule.notStarted', message: expect.stringContaining('AgentStatusNotOnline') },
    });
    expect(told(request.runId)).toEqual([
      'fleet-reflex.task.completed failed',
      'fleet-reflex.run.completed failed',
    ]);
    expect(events.at(-1)?.data).toMatchObject({ counts: { rejected: 1 }, tasks: [{ started: 'no' }] });
  });

  test('a provider that shows no firing: the run is uncertain', async () => {
    const stack = await startStack();
    const { context, jump } = stack;
    const request = aRequest({ at: inMs(60_000) });
    const { run } = await scheduleOnce(request, context);
    await context.schedules.tencent.disable({
      region: TENCENT_REGION,
      scheduleId: run.schedule?.scheduleId ?? '',
    });
    jump(60_000 + 16 * 60_000);
    expect(await untilEnded(stack, request.runId)).toMatchObject({
      status: 'unknown',
      reason: { code: 'schedule.silent' },
    });
  });
});

describe('again and again', () => {
  test('each time is a run of its own; the run that asked for it lives until it is cancelled', async () => {
    const stack = await startStack();
    const { context, jump, told } = stack;
    const request = aRequest({ recurrence: '* * * * *' });
    await scheduleOnce(request, context);
    const fired = async (count: number) =>
      await until(
        async () => {
          await tendSchedules(context);
          await stack.poll();
          const { runs } = await context.store.list({ limit: 10 });
          const firings = runs.filter(({ runId }) => runId !== request.runId);
          return await context.store.getMany(firings.map(({ runId }) => runId));
        },
        (runs) => runs.length === count && runs.every(({ status }) => status === 'succeeded'),
      );
    jump(60_000);
    await fired(1);
    jump(60_000);
    const runs = await fired(2);
    expect(new Set(runs.map(({ runId }) => runId)).size).toBe(2);
    expect(runs[0]).toMatchObject({
      rule: 'patch-tonight',
      trigger: { source: 'schedule', type: 'schedule.fired', subject: request.runId },
      notify: request.notify,
    });
    expect(told(runs[0]?.runId ?? '')).toHaveLength(3);
    expect(await context.store.get(request.runId)).toMatchObject({ status: 'scheduled' });
    await stack.cancel(request.runId);
    await tendSchedules(context);
    expect(await context.store.get(request.runId)).toMatchObject({ status: 'stopped' });
    expect(await context.schedules.tencent.list(TENCENT_REGION)).toEqual([]);
  });
});
