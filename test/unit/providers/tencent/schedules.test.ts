/** Our schedules as TAT invokers: marked, and nobody else's touched. */
import { describe, expect, it } from 'vitest';
import type { ScheduleSpec } from '../../../../lib/providers/schedules.ts';
import { createTencentClient } from '../../../../lib/providers/tencent/client.ts';
import { tencentSchedules } from '../../../../lib/providers/tencent/schedules.ts';
import { createManualClock } from '../manual-clock.ts';
import { createTencentStub, STUB_CREDENTIALS, type StubAnswer, type StubRequest } from './stub.ts';

const region = 'ap-guangzhou';

function schedulesOn(answer: (request: StubRequest, index: number) => StubAnswer) {
  const stub = createTencentStub(answer);
  const client = createTencentClient({
    credentials: STUB_CREDENTIALS,
    dispatcher: stub.dispatcher,
    clock: createManualClock(),
    requestsPerSecond: Infinity,
    attempts: 1,
  });
  return { schedules: tencentSchedules({ client, stage: 'dev' }), stub };
}

const invoker = (changes: object = {}): Record<string, unknown> => ({
  InvokerId: 'ivk-le1g3x2h',
  Name: 'fleet-reflex/dev/monthly-logrotate',
  Type: 'SCHEDULE',
  CommandId: 'cmd-m7uma92n',
  Username: 'root',
  Parameters: '{"keep":"7"}',
  InstanceIds: ['ins-yx05ky8j'],
  Enable: true,
  ScheduleSettings: { Policy: 'RECURRENCE', Recurrence: '0 0 1 * *', InvokeTime: null },
  Tags: [{ Key: 'fleet-reflex', Value: 'dev' }],
  ...changes,
});
const listing = (...rows: object[]): StubAnswer => ({
  response: { TotalCount: rows.length, InvokerSet: rows },
});
const on =
  (answers: Record<string, StubAnswer>) =>
  (request: StubRequest): StubAnswer =>
    answers[request.action] ?? { response: {} };

const spec: ScheduleSpec = {
  name: 'monthly-logrotate',
  region,
  command: 'cmd-m7uma92n',
  instances: ['ins-yx05ky8j'],
  parameters: {},
  timing: { recurrence: '0 0 1 * *' },
};

describe('list', () => {
  it('gives ours in our words', async () => {
    const once = invoker({
      InvokerId: 'ivk-2',
      Name: 'fleet-reflex/dev/tonight',
      Username: null,
      Parameters: null,
      Enable: false,
      ScheduleSettings: { Policy: 'ONCE', Recurrence: null, InvokeTime: '2026-12-01T02:00:00+08:00' },
    });
    const { schedules, stub } = schedulesOn(() => listing(invoker(), once));
    expect(await schedules.list(region)).toEqual([
      {
        scheduleId: 'ivk-le1g3x2h',
        name: 'monthly-logrotate',
        region,
        command: 'cmd-m7uma92n',
        instances: ['ins-yx05ky8j'],
        parameters: { keep: '7' },
        username: 'root',
        timing: { recurrence: '0 0 1 * *' },
        settingsMark: '',
        isEnabled: true,
      },
      {
        scheduleId: 'ivk-2',
        name: 'tonight',
        region,
        command: 'cmd-m7uma92n',
        instances: ['ins-yx05ky8j'],
        parameters: {},
        timing: { at: '2026-11-30T18:00:00.000Z' },
        settingsMark: '',
        isEnabled: false,
      },
    ]);
    expect(stub.requests[0]?.body).toEqual({
      Filters: [{ Name: 'invoker-type', Values: ['SCHEDULE'] }],
      Limit: 100,
      Offset: 0,
    });
  });

  it.each([
    ['of another stage', { Name: 'fleet-reflex/prod/x', Tags: [{ Key: 'fleet-reflex', Value: 'prod' }] }, 0],
    ['of somebody else', { Name: 'backup', Tags: [] }, 0],
    ['with our tag only', { Name: 'backup' }, 0],
    ['with our name only', { Tags: [{ Key: 'team', Value: 'web' }] }, 0],
    ['with our name and tags that the answer does not show', { Tags: null }, 1],
  ])('shows an invoker %s so often: %#', async (_, changes, count) => {
    const { schedules } = schedulesOn(() => listing(invoker(changes)));
    expect(await schedules.list(region)).toHaveLength(count);
  });

  it('reads all pages', async () => {
    const all = Array.from({ length: 250 }, (_, index) => invoker({ InvokerId: `ivk-${index}` }));
    const { schedules, stub } = schedulesOn(({ body }) => {
      const offset = Number(body['Offset']);
      return { response: { TotalCount: 250, InvokerSet: all.slice(offset, offset + 100) } };
    });
    expect(await schedules.list(region)).toHaveLength(250);
    expect(stub.requests).toHaveLength(3);
  });
});

describe('create', () => {
  it('marks what it creates', async () => {
    const { schedules, stub } = schedulesOn(
      on({ DescribeInvokers: listing(), CreateInvoker: { response: { InvokerId: 'ivk-n0t6rxtv' } } }),
    );
    expect(await schedules.create(spec)).toEqual({ region, scheduleId: 'ivk-n0t6rxtv' });
    expect(stub.requests.at(-1)?.body).toEqual({
      Name: 'fleet-reflex/dev/monthly-logrotate',
      Type: 'SCHEDULE',
      CommandId: 'cmd-m7uma92n',
      InstanceIds: ['ins-yx05ky8j'],
      ScheduleSettings: { Policy: 'RECURRENCE', Recurrence: '0 0 1 * *' },
      Tags: [{ Key: 'fleet-reflex', Value: 'dev' }],
    });
  });

  it('sends an instant in the documented format, parameters and user', async () => {
    const { schedules, stub } = schedulesOn(
      on({ DescribeInvokers: listing(), CreateInvoker: { response: { InvokerId: 'ivk-n0t6rxtv' } } }),
    );
    await schedules.create({
      ...spec,
      parameters: { keep: '7' },
      username: 'deploy',
      timing: { at: '2026-12-01T02:00:00.5+08:00' },
    });
    expect(stub.requests.at(-1)?.body).toMatchObject({
      Parameters: '{"keep":"7"}',
      Username: 'deploy',
      ScheduleSettings: { Policy: 'ONCE', InvokeTime: '2026-11-30T18:00:00Z' },
    });
  });

  it('adopts and corrects one of that name: an earlier attempt whose answer was lost', async () => {
    const { schedules, stub } = schedulesOn(on({ DescribeInvokers: listing(invoker({ Parameters: null })) }));
    expect(await schedules.create(spec)).toEqual({ region, scheduleId: 'ivk-le1g3x2h' });
    expect(stub.actions()).toEqual(['DescribeInvokers', 'ModifyInvoker']);
    expect(stub.requests.at(-1)?.body).not.toHaveProperty('Parameters');
  });

  it('throws what may pass as such when the answer is lost', async () => {
    const { schedules } = schedulesOn(on({ DescribeInvokers: listing(), CreateInvoker: { breaks: true } }));
    await expect(schedules.create(spec)).rejects.toMatchObject({
      code: 'provider.maybeDone',
      disposition: 'retry',
    });
  });

  it.each<[string, Partial<ScheduleSpec>, RegExp]>([
    ['a name that is too long', { name: 'n'.repeat(104) }, /expected at most 103 characters, got 104/],
    ['a wrong crontab', { timing: { recurrence: '0 0 1 *' } }, /expected 5 fields/],
    ['a time without zone', { timing: { at: '2026-12-01T02:00:00' } }, /expected an instant/],
    ['a time that is none', { timing: { at: 'tomorrow' } }, /expected an instant/],
    [
      '101 instances',
      { instances: Array.from({ length: 101 }, (_, index) => `ins-${index}`) },
      /CreateInvoker/,
    ],
  ])('refuses %s', async (_, changes, message) => {
    const { schedules, stub } = schedulesOn(on({ DescribeInvokers: listing() }));
    const created = schedules.create({ ...spec, ...changes });
    await expect(created).rejects.toThrow(message);
    await expect(created).rejects.toMatchObject({ code: 'provider.invalid', disposition: 'drop' });
    expect(stub.actions()).not.toContain('CreateInvoker');
  });
});

describe('change, enable, disable, remove', () => {
  const ref = { region, scheduleId: 'ivk-le1g3x2h' };

  it('changes everything, and takes away parameters that were there', async () => {
    const { schedules, stub } = schedulesOn(on({ DescribeInvokers: listing(invoker()) }));
    await schedules.change('ivk-le1g3x2h', { ...spec, instances: ['ins-1', 'ins-2'] });
    expect(stub.requests.at(-1)).toMatchObject({
      action: 'ModifyInvoker',
      body: { InvokerId: 'ivk-le1g3x2h', InstanceIds: ['ins-1', 'ins-2'], Parameters: '{}' },
    });
  });

  it.each([
    ['enable', 'EnableInvoker'],
    ['disable', 'DisableInvoker'],
    ['remove', 'DeleteInvoker'],
  ] as const)('%s calls %s after a look at whose it is', async (method, action) => {
    const { schedules, stub } = schedulesOn(on({ DescribeInvokers: listing(invoker()) }));
    await schedules[method](ref);
    expect(stub.requests.map((request) => [request.action, request.body])).toEqual([
      ['DescribeInvokers', { InvokerIds: ['ivk-le1g3x2h'], Limit: 100 }],
      [action, { InvokerId: 'ivk-le1g3x2h' }],
    ]);
  });

  it.each(['enable', 'disable', 'remove'] as const)("%s leaves somebody else's alone", async (method) => {
    const { schedules, stub } = schedulesOn(on({ DescribeInvokers: listing(invoker({ Name: 'backup' })) }));
    await expect(schedules[method](ref)).rejects.toMatchObject({
      code: 'provider.notOurs',
      disposition: 'drop',
    });
    expect(stub.actions()).toEqual(['DescribeInvokers']);
  });

  it.each(['enable', 'disable'] as const)('%s says so when there is none', async (method) => {
    const { schedules } = schedulesOn(() => listing());
    await expect(schedules[method](ref)).rejects.toMatchObject({ code: 'provider.notFound' });
  });

  it.each<[string, Record<string, StubAnswer>]>([
    ['before', { DescribeInvokers: listing() }],
    ['meanwhile', { DescribeInvokers: listing(invoker()), DeleteInvoker: { error: 'ResourceNotFound' } }],
  ])('remove is content with one that went %s', async (_, answers) => {
    const { schedules } = schedulesOn(on(answers));
    await expect(schedules.remove(ref)).resolves.toBeUndefined();
  });
});

describe('firings', () => {
  const record = (
    minute: number,
    InvocationId: string | null = `inv-${minute}`,
  ): Record<string, unknown> => ({
    InvokerId: 'ivk-1',
    InvokeTime: new Date(Date.UTC(2026, 10, 20, 0, minute, 5)).toISOString(),
    Reason: 'start an invocation at scheduled time.',
    InvocationId,
    Result: 'SUCCESS',
  });
  const since = new Date('2026-11-20T00:10:00Z');

  it('gives what was started since, oldest first, and what was not started', async () => {
    const rows = [record(12), record(11, ''), record(10), record(9)];
    const { schedules } = schedulesOn(() => ({ response: { TotalCount: 4, InvokerRecordSet: rows } }));
    const reason = 'start an invocation at scheduled time.';
    expect(await schedules.firings(region, ['ivk-1'], since)).toEqual([
      { scheduleId: 'ivk-1', invocationId: 'inv-10', at: '2026-11-20T00:10:05.000Z', reason },
      { scheduleId: 'ivk-1', at: '2026-11-20T00:11:05.000Z', reason },
      { scheduleId: 'ivk-1', invocationId: 'inv-12', at: '2026-11-20T00:12:05.000Z', reason },
    ]);
  });

  it('reads no further than it must', async () => {
    const rows = Array.from({ length: 500 }, (_, index) => record(160 - index));
    const { schedules, stub } = schedulesOn(({ body }) => {
      const offset = Number(body['Offset']);
      return { response: { TotalCount: 500, InvokerRecordSet: rows.slice(offset, offset + 100) } };
    });
    expect(await schedules.firings(region, ['ivk-1'], since)).toHaveLength(151);
    expect(stub.requests).toHaveLength(2);
  });

  it('asks nothing about nothing', async () => {
    const { schedules, stub } = schedulesOn(() => ({ response: {} }));
    expect(await schedules.firings(region, [], since)).toEqual([]);
    expect(stub.requests).toEqual([]);
  });
});

describe('nextTimes', () => {
  it('reads the recurrence in Beijing time', () => {
    const { schedules } = schedulesOn(() => ({ response: {} }));
    expect(schedules.nextTimes('0 0 1 * *', 1, new Date('2026-11-20T00:00:00Z'))).toEqual([
      new Date('2026-11-30T16:00:00Z'),
    ]);
  });
});
