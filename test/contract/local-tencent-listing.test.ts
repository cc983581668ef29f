/** Lists of the local TAT: ids, filters, pages, regions, asked by the vendor's SDK. */
import { beforeAll, describe, expect, it } from 'vitest';
import { until } from './alibaba-local.ts';
import { known, type LocalTat, startTat } from './local-tencent-server.ts';

let tat: LocalTat;
let client: ReturnType<LocalTat['client']>;
/** In the order of creation: 25 of cmd-fail0001 on CVM, one on Lighthouse, one that runs. */
const ids: string[] = [];

beforeAll(async () => {
  tat = await startTat();
  client = tat.client();
  const targets = [...Array.from({ length: 25 }, () => 'ins-local001'), 'lhins-local001'];
  for (const target of targets) {
    const { InvocationId } = await client.InvokeCommand({ CommandId: 'cmd-fail0001', InstanceIds: [target] });
    ids.push(known(InvocationId));
  }
  const { InvocationId } = await client.InvokeCommand({
    CommandId: 'cmd-sleep001',
    InstanceIds: ['ins-local002', 'ins-local003'],
    Parameters: '{"seconds":"300"}',
  });
  ids.push(known(InvocationId));
  await until(
    () => client.DescribeInvocations({ Limit: 100 }),
    ({ InvocationSet = [] }) =>
      InvocationSet.every(({ InvocationStatus }) =>
        ['FAILED', 'RUNNING'].includes(known(InvocationStatus)),
      ) && InvocationSet.filter(({ InvocationStatus }) => InvocationStatus === 'RUNNING').length === 1,
  );
});

const invocations = async (asked: Parameters<typeof client.DescribeInvocations>[0]) => {
  const { TotalCount, InvocationSet } = await client.DescribeInvocations(asked);
  return { total: TotalCount, ids: known(InvocationSet).map(({ InvocationId }) => InvocationId) };
};

const tasks = async (asked: Parameters<typeof client.DescribeInvocationTasks>[0]) => {
  const { TotalCount, InvocationTaskSet } = await client.DescribeInvocationTasks(asked);
  return {
    total: TotalCount,
    of: known(InvocationTaskSet).map((task) => [task.InvocationId, task.InstanceId]),
  };
};

const filter = (Name: string, ...Values: string[]) => ({ Name, Values });

describe('DescribeInvocations', () => {
  it('shows the newest 20 first, and the rest by Offset', async () => {
    const newestFirst = [...ids].reverse();
    expect(await invocations({})).toEqual({ total: 27, ids: newestFirst.slice(0, 20) });
    expect(await invocations({ Offset: 20 })).toEqual({ total: 27, ids: newestFirst.slice(20) });
    expect(await invocations({ Offset: 5, Limit: 3 })).toEqual({ total: 27, ids: newestFirst.slice(5, 8) });
    expect(await invocations({ Offset: 100 })).toEqual({ total: 27, ids: [] });
  });

  it('shows 20 of 27 ids when no Limit is given, which is a trap', async () => {
    expect(await invocations({ InvocationIds: ids })).toMatchObject({ total: 27, ids: { length: 20 } });
    expect(await invocations({ InvocationIds: ids, Limit: 100 })).toMatchObject({ ids: { length: 27 } });
  });

  it('leaves out ids that there are not, and those of other regions', async () => {
    const first = known(ids[0]);
    expect(await invocations({ InvocationIds: ['inv-nothere1', first] })).toEqual({ total: 1, ids: [first] });
    const elsewhere = await tat
      .client({ region: 'ap-beijing' })
      .DescribeInvocations({ InvocationIds: [first] });
    expect(elsewhere).toMatchObject({ TotalCount: 0, InvocationSet: [] });
  });

  it.each([
    ['values are alternatives', [filter('command-id', 'cmd-sleep001', 'cmd-echo0001')], [26]],
    ['filters all hold', [filter('instance-kind', 'LIGHTHOUSE'), filter('command-id', 'cmd-fail0001')], [25]],
    [
      'filters exclude each other',
      [filter('instance-kind', 'LIGHTHOUSE'), filter('command-id', 'cmd-sleep001')],
      [],
    ],
    ['nobody’s public command', [filter('command-created-by', 'TAT')], []],
  ])('filters: %s', async (_name, Filters, places) => {
    expect(await invocations({ Filters })).toEqual({
      total: places.length,
      ids: places.map((place) => ids[place]),
    });
  });

  it.each([
    [{ Filters: [filter('instance-id', 'ins-local001')] }, 'InvalidParameterValue.InvalidFilter'],
    [{ Filters: [filter('instance-kind', 'ECS')] }, 'InvalidParameterValue.InvalidFilter'],
    [{ Filters: [filter('invocation-id', ...'123456')] }, 'LimitExceeded.FilterValueExceeded'],
    [{ Filters: [filter('command-id', 'x')] }, 'InvalidParameterValue.InvalidCommandId'],
    [{ InvocationIds: ['x'] }, 'InvalidParameterValue.InvalidInvocationId'],
    [
      { InvocationIds: Array.from({ length: 101 }, (_, n) => `inv-${1000 + n}`) },
      'InvalidParameterValue.LimitExceeded',
    ],
    [
      { InvocationIds: ['inv-1vll7hda'], Filters: [filter('command-id', 'cmd-echo0001')] },
      'InvalidParameter.ConflictParameter',
    ],
  ])('refuses %o with %s', async (asked, code) => {
    expect(await tat.codeOf('DescribeInvocations', asked)).toBe(code);
  });
});

describe('DescribeInvocationTasks', () => {
  it('shows a task for each instance, in the order of the request', async () => {
    const last = ids.at(-1);
    expect(await tasks({ Limit: 3 })).toEqual({
      total: 28,
      of: [
        [last, 'ins-local002'],
        [last, 'ins-local003'],
        [ids.at(-2), 'lhins-local001'],
      ],
    });
  });

  it('filters by invocation, instance, command and task', async () => {
    const last = known(ids.at(-1));
    const { InvocationSet } = await client.DescribeInvocations({ InvocationIds: [last] });
    const task = known(InvocationSet?.[0]?.InvocationTaskBasicInfoSet?.[1]);
    const both = [
      [last, 'ins-local002'],
      [last, 'ins-local003'],
    ];
    expect(
      await Promise.all([
        tasks({ Filters: [filter('invocation-id', last, 'inv-nothere1')] }),
        tasks({ Filters: [filter('command-id', 'cmd-sleep001')] }),
        tasks({ Filters: [filter('instance-id', 'ins-local003'), filter('invocation-id', last)] }),
        tasks({ Filters: [filter('invocation-task-id', known(task.InvocationTaskId))] }),
        tasks({ InvocationTaskIds: [known(task.InvocationTaskId), 'invt-nothere1'] }),
      ]),
    ).toEqual([
      { total: 2, of: both },
      { total: 2, of: both },
      { total: 1, of: both.slice(1) },
      { total: 1, of: both.slice(1) },
      { total: 1, of: both.slice(1) },
    ]);
  });

  it('gives a task that has not ended no end, and an exit code that says nothing', async () => {
    const { InvocationTaskSet } = await client.DescribeInvocationTasks({ Limit: 1 });
    expect(InvocationTaskSet?.[0]).toMatchObject({
      TaskStatus: 'RUNNING',
      EndTime: null,
      TaskResult: { ExitCode: 0, ExecEndTime: null, ExecStartTime: expect.any(String) },
    });
  });
});

describe('DescribeAutomationAgentStatus', () => {
  const agents = async (asked: Parameters<typeof client.DescribeAutomationAgentStatus>[0]) => {
    const { TotalCount, AutomationAgentSet } = await client.DescribeAutomationAgentStatus(asked);
    return {
      total: TotalCount,
      of: known(AutomationAgentSet).map((row) => [row.InstanceId, row.AgentStatus]),
    };
  };

  it('lists online instances, and none without an agent', async () => {
    const InstanceIds = ['ins-local001', 'ins-offline01', 'ins-stopped01', 'ins-noagent01', 'ins-nothere1'];
    expect(await agents({ InstanceIds })).toEqual({
      total: 3,
      of: [
        ['ins-local001', 'Online'],
        ['ins-stopped01', 'Offline'],
        ['ins-offline01', 'Offline'],
      ],
    });
  });

  it('filters', async () => {
    const Filters = [filter('environment', 'Windows'), filter('agent-status', 'Online')];
    expect(await agents({ Filters })).toEqual({ total: 1, of: [['ins-windows01', 'Online']] });
    expect((await agents({})).of.map(([id]) => id)).not.toContain('i-local001');
  });

  it('shows a change at once', async () => {
    tat.engine.change('rins-local001', { agent: 'offline' });
    expect((await agents({ InstanceIds: ['rins-local001'] })).of).toEqual([['rins-local001', 'Offline']]);
  });
});
