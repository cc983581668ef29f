/** Every documented limit of a request, at it and just over it. */
import { describe, expect, it } from 'vitest';
import type * as z from 'zod';
import { DescribeAutomationAgentStatusRequest } from '../../../../lib/providers/tencent/actions/agents.ts';
import {
  DescribeCommandsRequest,
  PreviewReplacedCommandContentRequest,
} from '../../../../lib/providers/tencent/actions/commands.ts';
import {
  CancelInvocationRequest,
  DescribeInvocationsRequest,
  DescribeInvocationTasksRequest,
  InvokeCommandRequest,
} from '../../../../lib/providers/tencent/actions/invocations.ts';
import {
  CreateInvokerRequest,
  DescribeInvokerRecordsRequest,
  DescribeInvokersRequest,
} from '../../../../lib/providers/tencent/actions/invokers.ts';

const many = (count: number, prefix: string): string[] =>
  Array.from({ length: count }, (_, index) => `${prefix}-${String(index).padStart(8, '0')}`);
const parameters = (count: number, name = 'p'): string =>
  JSON.stringify(Object.fromEntries(Array.from({ length: count }, (_, index) => [`${name}${index}`, 'v'])));
const filter = (Name: string, values = 1): object => ({ Name, Values: many(values, 'inv') });

const invoke = { CommandId: 'cmd-ffxdx79i', InstanceIds: ['ins-zcewfho0'] };
const once = { Policy: 'ONCE', InvokeTime: '2021-09-01T00:00:00+08:00' };
const invoker = { ...invoke, Name: 'test-invoker', Type: 'SCHEDULE', ScheduleSettings: once };

type Case = readonly [what: string, schema: z.ZodType, request: object];

const taken: Case[] = [
  ["the document's InvokeCommand", InvokeCommandRequest, { ...invoke, InstanceIds: ['lhins-ar5wyn40'] }],
  ['200 instances', InvokeCommandRequest, { ...invoke, InstanceIds: many(200, 'ins') }],
  ['managed instances', InvokeCommandRequest, { ...invoke, InstanceIds: many(2, 'rins') }],
  ['20 parameters', InvokeCommandRequest, { ...invoke, Parameters: parameters(20) }],
  [
    'a parameter name of 64',
    InvokeCommandRequest,
    { ...invoke, Parameters: JSON.stringify({ ['k'.repeat(64)]: '' }) },
  ],
  ['a parameter name with - and _', InvokeCommandRequest, { ...invoke, Parameters: '{"a-B_9":"x"}' }],
  ['the shortest timeout', InvokeCommandRequest, { ...invoke, Timeout: 1 }],
  ['the longest timeout', InvokeCommandRequest, { ...invoke, Timeout: 86_400 }],
  ['a user name of 256', InvokeCommandRequest, { ...invoke, Username: 'u'.repeat(256) }],
  [
    'a COS bucket',
    InvokeCommandRequest,
    { ...invoke, OutputCOSBucketUrl: 'https://b-1.cos.ap-beijing.myqcloud.com' },
  ],
  ['a COS prefix of 60', InvokeCommandRequest, { ...invoke, OutputCOSKeyPrefix: 'p'.repeat(60) }],
  ['a COS prefix with folders', InvokeCommandRequest, { ...invoke, OutputCOSKeyPrefix: 'logs/日志/..a' }],
  ['a whole invocation', CancelInvocationRequest, { InvocationId: 'inv-ib2lld37' }],
  ['100 instances', CancelInvocationRequest, { InvocationId: 'inv-ib2lld37', InstanceIds: many(100, 'ins') }],
  ['100 ids, 100 rows', DescribeInvocationsRequest, { InvocationIds: many(100, 'inv'), Limit: 100 }],
  [
    '10 filters of 5',
    DescribeInvocationsRequest,
    { Filters: Array.from({ length: 10 }, () => filter('command-id', 5)), Offset: 0 },
  ],
  ['task ids', DescribeInvocationTasksRequest, { InvocationTaskIds: many(100, 'invt'), HideOutput: false }],
  ["the document's run-once invoker", CreateInvokerRequest, invoker],
  [
    "the document's recurring invoker",
    CreateInvokerRequest,
    { ...invoker, ScheduleSettings: { Policy: 'RECURRENCE', Recurrence: '0 0 1 * *' } },
  ],
  ['a name of 120', CreateInvokerRequest, { ...invoker, Name: 'n'.repeat(120) }],
  ['100 instances', CreateInvokerRequest, { ...invoker, InstanceIds: many(100, 'ins') }],
  [
    'invokers by type',
    DescribeInvokersRequest,
    { Filters: [{ Name: 'invoker-type', Values: ['SCHEDULE'] }] },
  ],
  ['records', DescribeInvokerRecordsRequest, { InvokerIds: many(100, 'ivk'), Limit: 100, Offset: 200 }],
  ['commands by tag', DescribeCommandsRequest, { Filters: [{ Name: 'tag:team', Values: ['web'] }] }],
  ['a preview', PreviewReplacedCommandContentRequest, { CommandId: 'cmd-ffxdx79i', Parameters: '{"a":"b"}' }],
  [
    'agents of every kind',
    DescribeAutomationAgentStatusRequest,
    { InstanceIds: ['ins-1', 'lhins-1', 'rins-1'] },
  ],
];

const refused: Case[] = [
  ['no instance', InvokeCommandRequest, { ...invoke, InstanceIds: [] }],
  ['201 instances', InvokeCommandRequest, { ...invoke, InstanceIds: many(201, 'ins') }],
  ['two kinds of instances', InvokeCommandRequest, { ...invoke, InstanceIds: ['ins-1', 'lhins-1'] }],
  ['the same instance twice', InvokeCommandRequest, { ...invoke, InstanceIds: ['ins-1', 'ins-1'] }],
  ['an instance of another cloud', InvokeCommandRequest, { ...invoke, InstanceIds: ['i-bp1'] }],
  ['a command of another cloud', InvokeCommandRequest, { ...invoke, CommandId: 'c-hz0' }],
  ['no command', InvokeCommandRequest, { InstanceIds: ['ins-1'] }],
  ['an unknown parameter', InvokeCommandRequest, { ...invoke, ClientToken: 'x' }],
  ['21 parameters', InvokeCommandRequest, { ...invoke, Parameters: parameters(21) }],
  [
    'a parameter name of 65',
    InvokeCommandRequest,
    { ...invoke, Parameters: JSON.stringify({ ['k'.repeat(65)]: '' }) },
  ],
  ['a parameter name with a dot', InvokeCommandRequest, { ...invoke, Parameters: '{"a.b":"x"}' }],
  ['an empty parameter name', InvokeCommandRequest, { ...invoke, Parameters: '{"":"x"}' }],
  ['a parameter value that is no text', InvokeCommandRequest, { ...invoke, Parameters: '{"a":1}' }],
  ['parameters that are a list', InvokeCommandRequest, { ...invoke, Parameters: '["a"]' }],
  ['parameters that are no JSON', InvokeCommandRequest, { ...invoke, Parameters: 'a=b' }],
  ['no timeout at all', InvokeCommandRequest, { ...invoke, Timeout: 0 }],
  ['a timeout over a day', InvokeCommandRequest, { ...invoke, Timeout: 86_401 }],
  ['half a second', InvokeCommandRequest, { ...invoke, Timeout: 1.5 }],
  ['a user name of 257', InvokeCommandRequest, { ...invoke, Username: 'u'.repeat(257) }],
  [
    'a COS bucket over http',
    InvokeCommandRequest,
    { ...invoke, OutputCOSBucketUrl: 'http://b.cos.myqcloud.com' },
  ],
  ['a COS prefix of 61', InvokeCommandRequest, { ...invoke, OutputCOSKeyPrefix: 'p'.repeat(61) }],
  ['a COS prefix that starts with /', InvokeCommandRequest, { ...invoke, OutputCOSKeyPrefix: '/logs' }],
  ['a COS prefix with //', InvokeCommandRequest, { ...invoke, OutputCOSKeyPrefix: 'a//b' }],
  ['a COS prefix that goes up', InvokeCommandRequest, { ...invoke, OutputCOSKeyPrefix: 'a/../b' }],
  ['a COS prefix with a blank', InvokeCommandRequest, { ...invoke, OutputCOSKeyPrefix: 'a b' }],
  ['101 instances', CancelInvocationRequest, { InvocationId: 'inv-1', InstanceIds: many(101, 'ins') }],
  [
    'ids and filters',
    DescribeInvocationsRequest,
    { InvocationIds: ['inv-1'], Filters: [filter('command-id')] },
  ],
  ['101 ids', DescribeInvocationsRequest, { InvocationIds: many(101, 'inv') }],
  ['101 rows', DescribeInvocationsRequest, { Limit: 101 }],
  ['6 values of a filter', DescribeInvocationsRequest, { Filters: [filter('command-id', 6)] }],
  [
    '11 filters',
    DescribeInvocationsRequest,
    { Filters: Array.from({ length: 11 }, () => filter('command-id')) },
  ],
  ['a filter that is not documented', DescribeInvocationsRequest, { Filters: [filter('instance-id')] }],
  [
    'task ids and filters',
    DescribeInvocationTasksRequest,
    { InvocationTaskIds: ['invt-1'], Filters: [filter('invocation-id')] },
  ],
  ['a name of 121', CreateInvokerRequest, { ...invoker, Name: 'n'.repeat(121) }],
  ['101 instances', CreateInvokerRequest, { ...invoker, InstanceIds: many(101, 'ins') }],
  [
    'a time without zone',
    CreateInvokerRequest,
    { ...invoker, ScheduleSettings: { ...once, InvokeTime: '2021-09-01T00:00:00' } },
  ],
  [
    'a recurrence without crontab',
    CreateInvokerRequest,
    { ...invoker, ScheduleSettings: { Policy: 'RECURRENCE' } },
  ],
  [
    'invoker ids and filters',
    DescribeInvokersRequest,
    { InvokerIds: ['ivk-1'], Filters: [filter('invoker-id')] },
  ],
  ['neither command nor content', PreviewReplacedCommandContentRequest, {}],
  ['command and content', PreviewReplacedCommandContentRequest, { CommandId: 'cmd-1', Content: 'AAAA' }],
];

describe('a TAT request', () => {
  it.each(taken)('with %s is taken', (_, schema, request) => {
    expect(schema.safeParse(request).error).toBeUndefined();
  });

  it.each(refused)('with %s is refused', (_, schema, request) => {
    expect(schema.safeParse(request).success).toBe(false);
  });
});
