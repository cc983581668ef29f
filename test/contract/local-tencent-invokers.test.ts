/** Invokers of the local TAT really fire, in Beijing time; asked by the vendor's SDK on a clock that is set. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { until } from './alibaba-local.ts';
import { known, type LocalTat, startTat } from './local-tencent-server.ts';

let tat: LocalTat;
let client: ReturnType<LocalTat['client']>;
/** The evening before 1 September 2021 in Beijing. Only the date is set: time-outs and sockets are real. */
const EVENING = '2021-08-31T15:59:00Z';

beforeEach(async ({ onTestFinished }) => {
  vi.useFakeTimers({ toFake: ['Date'], now: new Date(EVENING) });
  tat = await startTat({}, onTestFinished);
  client = tat.client();
});
afterEach(() => {
  vi.useRealTimers();
});

const create = async (
  ScheduleSettings: { Policy: string; Recurrence?: string; InvokeTime?: string },
  more = {},
) => {
  const { InvokerId } = await client.CreateInvoker({
    Name: 'nightly',
    Type: 'SCHEDULE',
    CommandId: 'cmd-fail0001',
    InstanceIds: ['ins-local001'],
    ScheduleSettings,
    ...more,
  });
  return known(InvokerId);
};
const once = (InvokeTime: string) => ({ Policy: 'ONCE', InvokeTime });
const recurring = (Recurrence: string) => ({ Policy: 'RECURRENCE', Recurrence });
const described = async (InvokerId: string) =>
  known((await client.DescribeInvokers({ InvokerIds: [InvokerId] })).InvokerSet?.[0]);
const records = async (InvokerId: string) =>
  known((await client.DescribeInvokerRecords({ InvokerIds: [InvokerId] })).InvokerRecordSet);
const recordsOnce = (InvokerId: string, count: number) =>
  until(
    () => records(InvokerId),
    (rows) =>
      rows.length >= count && rows.every(({ Result }) => Result !== 'PENDING' && Result !== 'RUNNING'),
  );

/** A firing would come at the next look at the clock, which a second invoker's firing proves to be over. */
const nothingFires = async (InvokerId: string) => {
  const witness = await create(once(new Date(Date.now() + 1000).toISOString().replace('.000', '')));
  vi.setSystemTime(Date.now() + 1000);
  await recordsOnce(witness, 1);
  return expect(await records(InvokerId)).toEqual([]);
};

describe('an invoker', () => {
  it('that runs once fires at its time, in whatever zone that is told', async () => {
    const InvokerId = await create(once('2021-09-01T00:00:00+08:00'));
    expect(await records(InvokerId)).toEqual([]);
    vi.setSystemTime('2021-08-31T16:00:00Z');
    expect(await recordsOnce(InvokerId, 1)).toEqual([
      {
        InvokerId,
        InvokeTime: '2021-08-31T16:00:00+00:00',
        Reason: 'start an invocation at scheduled time.',
        InvocationId: expect.stringMatching(/^inv-/),
        Result: 'FAILED',
      },
    ]);
  });

  it('that recurs fires by Beijing time, again and again', async () => {
    const InvokerId = await create(recurring('0 0 1 * *'));
    expect((await described(InvokerId)).ScheduleSettings).toEqual({
      Policy: 'RECURRENCE',
      Recurrence: '0 0 1 * *',
      InvokeTime: '2021-08-31T16:00:00+00:00',
    });
    vi.setSystemTime('2021-08-31T16:00:00Z');
    await recordsOnce(InvokerId, 1);
    expect((await described(InvokerId)).ScheduleSettings?.InvokeTime).toBe('2021-09-30T16:00:00+00:00');
    vi.setSystemTime('2021-09-30T16:00:05Z');
    expect((await recordsOnce(InvokerId, 2)).map(({ InvokeTime }) => InvokeTime)).toEqual([
      '2021-09-30T16:00:05+00:00',
      '2021-08-31T16:00:00+00:00',
    ]);
  });

  it('runs its command with its parameters and user, and the invocation says whose it is', async () => {
    const InvokerId = await create(once('2021-09-01T00:00:00+08:00'), {
      CommandId: 'cmd-hide0001',
      Parameters: '{"text":"at night"}',
      Username: 'root',
    });
    vi.setSystemTime('2021-08-31T16:00:00Z');
    const [record] = await recordsOnce(InvokerId, 1);
    const { InvocationSet } = await client.DescribeInvocations({
      InvocationIds: [known(record?.InvocationId)],
    });
    expect(InvocationSet?.[0]).toMatchObject({
      CommandId: 'cmd-hide0001',
      InvocationStatus: 'SUCCESS',
      InvocationSource: 'INVOKER',
      Parameters: '{"text":"******"}',
      Username: 'root',
    });
  });

  it('is described as it was created', async () => {
    const InvokerId = await create(once('2021-09-01T00:00:00+08:00'), {
      Tags: [{ Key: 'team', Value: 'web' }],
    });
    expect(await described(InvokerId)).toEqual({
      InvokerId,
      Name: 'nightly',
      Type: 'SCHEDULE',
      CommandId: 'cmd-fail0001',
      Username: '',
      Parameters: '{}',
      InstanceIds: ['ins-local001'],
      Enable: true,
      ScheduleSettings: { Policy: 'ONCE', Recurrence: '', InvokeTime: '2021-09-01T00:00:00+08:00' },
      CreatedTime: '2021-08-31T15:59:00+00:00',
      UpdatedTime: '2021-08-31T15:59:00+00:00',
      Tags: [{ Key: 'team', Value: 'web' }],
    });
  });

  it('does not fire while it is disabled, and not for what it missed', async () => {
    const InvokerId = await create(recurring('0 0 * * *'));
    await client.DisableInvoker({ InvokerId });
    vi.setSystemTime('2021-08-31T16:00:00Z');
    await nothingFires(InvokerId);
    await client.EnableInvoker({ InvokerId });
    await nothingFires(InvokerId);
    vi.setSystemTime('2021-09-01T16:00:00Z');
    expect(await recordsOnce(InvokerId, 1)).toHaveLength(1);
  });

  it('fires by its new schedule when it is modified', async () => {
    const InvokerId = await create(recurring('0 0 1 * *'));
    await client.ModifyInvoker({ InvokerId, Name: 'later', ScheduleSettings: recurring('30 1 1 * *') });
    expect(await described(InvokerId)).toMatchObject({
      Name: 'later',
      InstanceIds: ['ins-local001'],
      ScheduleSettings: { InvokeTime: '2021-08-31T17:30:00+00:00' },
    });
    vi.setSystemTime('2021-08-31T16:00:00Z');
    await nothingFires(InvokerId);
  });

  it('is gone when it is deleted', async () => {
    const InvokerId = await create(once('2021-09-01T00:00:00+08:00'));
    await client.DeleteInvoker({ InvokerId });
    vi.setSystemTime('2021-08-31T16:00:00Z');
    await nothingFires(InvokerId);
    expect(await client.DescribeInvokers({})).toMatchObject({
      InvokerSet: [{ Name: 'nightly' }],
      TotalCount: 1,
    });
  });

  it('whose instance is offline by then records a failure', async () => {
    const InvokerId = await create(once('2021-09-01T00:00:00+08:00'));
    tat.engine.change('ins-local001', { agent: 'offline' });
    vi.setSystemTime('2021-08-31T16:00:00Z');
    const [record] = await recordsOnce(InvokerId, 1);
    const { InvocationTaskSet } = await client.DescribeInvocationTasks({
      Filters: [{ Name: 'invocation-id', Values: [known(record?.InvocationId)] }],
    });
    expect([record?.Result, InvocationTaskSet?.[0]?.TaskStatus]).toEqual(['FAILED', 'DELIVER_FAILED']);
  });

  it('that lacks a parameter by then records why', async () => {
    const InvokerId = await create(once('2021-09-01T00:00:00+08:00'), { CommandId: 'cmd-echo0001' });
    vi.setSystemTime('2021-08-31T16:00:00Z');
    expect(await recordsOnce(InvokerId, 1)).toMatchObject([
      { InvocationId: '', Result: 'FAILED', Reason: expect.stringContaining('needs a value for: text') },
    ]);
  });
});

describe('an invoker starts nothing that a request would be refused for', () => {
  it.each([
    { name: 'a BAT command', type: 'BAT', instance: 'ins-local001' },
    { name: 'a PowerShell command', type: 'POWERSHELL', instance: 'ins-local001' },
    { name: 'a shell command on Windows', type: 'SHELL', instance: 'ins-windows01' },
  ])('$name', async ({ type, instance }) => {
    const file = join(tat.engine.directoryOf('ins-local001'), 'ran');
    const { CommandId } = await client.CreateCommand({
      CommandName: 'wrong-system',
      CommandType: type,
      Content: Buffer.from(`touch ${file}`).toString('base64'),
    });
    const request = { CommandId: known(CommandId), InstanceIds: [instance] };
    const refusal = 'InvalidParameterValue.AgentUnsupportedCommandType';
    expect(await tat.codeOf('InvokeCommand', request)).toBe(refusal);
    const InvokerId = await create(once('2021-09-01T00:00:00+08:00'), request);
    vi.setSystemTime('2021-08-31T16:00:00Z');
    const fired = await recordsOnce(InvokerId, 1);
    expect(fired).toMatchObject([
      {
        InvocationId: '',
        Result: 'FAILED',
        Reason: expect.stringContaining('does not run commands of type'),
      },
    ]);
    expect(existsSync(file)).toBe(false);
  });

  it('a command that became one of Windows after the invoker was made', async () => {
    const { CommandId } = await client.CreateCommand({
      CommandName: 'turns-windows',
      Content: Buffer.from('true').toString('base64'),
    });
    const InvokerId = await create(once('2021-09-01T00:00:00+08:00'), { CommandId });
    await client.ModifyCommand({ CommandId: known(CommandId), CommandType: 'BAT' });
    vi.setSystemTime('2021-08-31T16:00:00Z');
    expect(await recordsOnce(InvokerId, 1)).toMatchObject([{ InvocationId: '', Result: 'FAILED' }]);
  });

  it('nor takes a user name that a request may not have', async () => {
    const request = {
      Name: 'nightly',
      Type: 'SCHEDULE',
      CommandId: 'cmd-fail0001',
      InstanceIds: ['ins-local001'],
      ScheduleSettings: recurring('0 0 1 * *'),
      Username: 'two words',
    };
    expect(await tat.codeOf('CreateInvoker', request)).toBe('InvalidParameter');
  });
});

describe('what is asked of invokers', () => {
  it.each([
    ['ModifyInvoker', { InvokerId: 'ivk-nothere1' }, 'InvalidParameterValue.InvalidInvokerId'],
    ['EnableInvoker', { InvokerId: 'ivk-nothere1' }, 'ResourceNotFound'],
    ['DisableInvoker', { InvokerId: 'inv-nothere1' }, 'InvalidParameterValue.InvalidInvokerId'],
    ['DeleteInvoker', { InvokerId: 'nightly' }, 'InvalidParameterValue.ID'],
    ['DescribeInvokers', { InvokerIds: ['ivk-abcd1234', '?'] }, 'InvalidParameterValue.InconsistentID'],
    ['DescribeInvokers', { Limit: 101 }, 'InvalidParameterValue.TooLarge'],
    ['DescribeInvokers', { Limit: 0 }, 'InvalidParameterValue.TooSmall'],
    [
      'DescribeInvokers',
      { Filters: [{ Name: 'type', Values: ['SCHEDULE'] }] },
      'InvalidParameterValue.InvalidFilter',
    ],
    ['DescribeInvokerRecords', { Filters: [] }, 'UnknownParameter'],
    ['DescribeInvokerRecords', { Offset: -1 }, 'InvalidParameterValue.TooSmall'],
  ])('%s %o is answered %s', async (action, body, code) => {
    expect(await tat.codeOf(action, body)).toBe(code);
  });

  it('refuses parameters for a command without them', async () => {
    const InvokerId = await create(recurring('0 0 1 * *'));
    const code = await tat.codeOf('ModifyInvoker', { InvokerId, Parameters: '{"text":"x"}' });
    expect(code).toBe('InvalidParameterValue.ParameterDisabled');
  });

  it('filters by command and type', async () => {
    const InvokerId = await create(recurring('0 0 1 * *'));
    await create(recurring('0 0 1 * *'), { CommandId: 'cmd-greet001' });
    const Filters = [
      { Name: 'command-id', Values: ['cmd-fail0001'] },
      { Name: 'invoker-type', Values: ['SCHEDULE'] },
    ];
    expect(await client.DescribeInvokers({ Filters })).toMatchObject({
      TotalCount: 1,
      InvokerSet: [{ InvokerId }],
    });
  });
});
