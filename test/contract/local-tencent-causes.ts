/**
 * What a caller has to do to be answered with each documented error code, and which codes no caller can cause here.
 * The tests send every cause with the vendor's SDK, and compare both tables with the documents.
 */

export interface Cause {
  code: string;
  body: object;
  /** Default one who may do all. */
  by?: 'one who may do nothing';
  /** Default ap-guangzhou. */
  region?: string;
}

const ins = (count: number): string[] =>
  Array.from({ length: count }, (_, index) => `ins-load${String(index).padStart(4, '0')}`);

const invoke = (more: object): object => ({
  CommandId: 'cmd-fail0001',
  InstanceIds: ['ins-local001'],
  ...more,
});
const echo = (Parameters: string, CommandId = 'cmd-echo0001'): object => invoke({ CommandId, Parameters });
const many = JSON.stringify(Object.fromEntries(ins(21).map((key) => [key, 'x'])));
const inBucket = (OutputCOSBucketUrl: string): object => invoke({ OutputCOSBucketUrl });

const INVOKE_COMMAND: readonly Cause[] = [
  { code: 'MissingParameter', body: { InstanceIds: ['ins-local001'] } },
  { code: 'MissingParameter', body: { CommandId: 'cmd-fail0001' } },
  { code: 'UnknownParameter', body: invoke({ Instances: [] }) },
  { code: 'InvalidParameter', body: invoke({ InstanceIds: 'ins-local001' }) },
  { code: 'InvalidParameter', body: invoke({ Timeout: '60' }) },
  { code: 'InvalidParameter', body: invoke({ Timeout: 1.5 }) },
  { code: 'InvalidParameter', body: invoke({ Parameters: { text: 'x' } }) },
  { code: 'InvalidParameter.InvalidUsername', body: invoke({ Username: 'u'.repeat(257) }) },
  { code: 'InvalidParameter.InvalidUsername', body: invoke({ Username: 'two words' }) },
  { code: 'InvalidParameter.InvalidUsername', body: invoke({ Username: '' }) },
  { code: 'InvalidParameterValue', body: invoke({ Timeout: 0 }) },
  { code: 'InvalidParameterValue', body: invoke({ Timeout: 86_401 }) },
  { code: 'InvalidParameterValue', body: invoke({ InstanceIds: [] }) },
  { code: 'InvalidParameterValue', body: invoke({ InstanceIds: ['ins-local001', 'ins-local001'] }) },
  {
    code: 'InvalidParameterValue.AgentUnsupportedCommandType',
    body: invoke({ InstanceIds: ['ins-windows01'] }),
  },
  { code: 'InvalidParameterValue.AgentUnsupportedCommandType', body: invoke({ CommandId: 'cmd-wins0001' }) },
  {
    code: 'InvalidParameterValue.InconsistentInstance',
    body: invoke({ InstanceIds: ['ins-local001', 'lhins-local001'] }),
  },
  {
    code: 'InvalidParameterValue.InconsistentInstance',
    body: invoke({ InstanceIds: ['rins-local001', 'ins-local001'] }),
  },
  { code: 'InvalidParameterValue.InvalidCommandId', body: invoke({ CommandId: 'command-1' }) },
  { code: 'InvalidParameterValue.InvalidInstanceId', body: invoke({ InstanceIds: ['i-local001'] }) },
  { code: 'InvalidParameterValue.InvalidInstanceId', body: invoke({ InstanceIds: ['ins-LOCAL001'] }) },
  {
    code: 'InvalidParameterValue.InvalidOutputCOSBucketUrl',
    body: inBucket('http://logs-1.cos.ap-beijing.myqcloud.com'),
  },
  { code: 'InvalidParameterValue.InvalidOutputCOSBucketUrl', body: inBucket('https://example.com') },
  { code: 'InvalidParameterValue.InvalidOutputCOSKeyPrefix', body: invoke({ OutputCOSKeyPrefix: '/logs' }) },
  { code: 'InvalidParameterValue.InvalidOutputCOSKeyPrefix', body: invoke({ OutputCOSKeyPrefix: 'a//b' }) },
  { code: 'InvalidParameterValue.InvalidOutputCOSKeyPrefix', body: invoke({ OutputCOSKeyPrefix: 'a/../b' }) },
  {
    code: 'InvalidParameterValue.InvalidOutputCOSKeyPrefix',
    body: invoke({ OutputCOSKeyPrefix: 'k'.repeat(61) }),
  },
  { code: 'InvalidParameterValue.InvalidWorkingDirectory', body: invoke({ WorkingDirectory: 'logs' }) },
  { code: 'InvalidParameterValue.LackOfParameterInfo', body: invoke({ CommandId: 'cmd-echo0001' }) },
  { code: 'InvalidParameterValue.LackOfParameterInfo', body: echo('{"other":"x"}') },
  { code: 'InvalidParameterValue.LimitExceeded', body: invoke({ InstanceIds: ins(201) }) },
  { code: 'InvalidParameterValue.ParameterDisabled', body: echo('{"text":"x"}', 'cmd-fail0001') },
  { code: 'InvalidParameterValue.ParameterInvalidJsonFormat', body: echo('text=x') },
  { code: 'InvalidParameterValue.ParameterInvalidJsonFormat', body: echo('["x"]') },
  { code: 'InvalidParameterValue.ParameterKeyContainsInvalidChar', body: echo('{"te xt":"x"}') },
  { code: 'InvalidParameterValue.ParameterKeyContainsInvalidChar', body: echo('{"":"x"}') },
  { code: 'InvalidParameterValue.ParameterKeyDuplicated', body: echo('{"text":"x","text":"y"}') },
  { code: 'InvalidParameterValue.ParameterKeyLenExceeded', body: echo(`{"${'k'.repeat(65)}":"x"}`) },
  { code: 'InvalidParameterValue.ParameterNumberExceeded', body: echo(many) },
  { code: 'InvalidParameterValue.ParameterValueNotString', body: echo('{"text":1}') },
  { code: 'ResourceNotFound.CommandNotFound', body: invoke({ CommandId: 'cmd-nothere1' }) },
  {
    code: 'ResourceNotFound.CosBucketNotFoundCode',
    body: inBucket('https://none-1.cos.ap-beijing.myqcloud.com'),
  },
  { code: 'ResourceNotFound.InstanceNotFound', body: invoke({ InstanceIds: ['ins-nothere1'] }) },
  {
    code: 'ResourceNotFound.InstanceNotFound',
    body: invoke({ InstanceIds: ['ins-local001', 'ins-beijing01'] }),
  },
  { code: 'ResourceUnavailable.AgentNotInstalled', body: invoke({ InstanceIds: ['ins-noagent01'] }) },
  {
    code: 'ResourceUnavailable.AgentStatusNotOnline',
    body: invoke({ InstanceIds: ['ins-local001', 'ins-offline01'] }),
  },
  { code: 'ResourceUnavailable.InstanceStateNotRunning', body: invoke({ InstanceIds: ['ins-stopped01'] }) },
  {
    code: 'ResourceUnavailable.LighthouseUnsupportedRegion',
    body: invoke({ InstanceIds: ['lhins-local001'] }),
    region: 'ap-shanghai-fsi',
  },
  { code: 'UnauthorizedOperation.CamAuthFailed', body: invoke({}), by: 'one who may do nothing' },
];

/** The test puts the id of an invocation on ins-local001 where it says `INVOCATION`. */
const cancel = (more: object): object => ({ InvocationId: 'INVOCATION', ...more });

const CANCEL_INVOCATION: readonly Cause[] = [
  { code: 'InvalidParameter', body: cancel({ InstanceIds: 'ins-local001' }) },
  { code: 'InvalidParameterValue', body: cancel({ InstanceIds: [] }) },
  {
    code: 'InvalidParameterValue.InstanceIsNotRelatedToInvocation',
    body: cancel({ InstanceIds: ['ins-local001', 'ins-local002'] }),
  },
  { code: 'InvalidParameterValue.InvalidInstanceId', body: cancel({ InstanceIds: ['local'] }) },
  { code: 'InvalidParameterValue.InvalidInvocationId', body: { InvocationId: 'invt-08oe5fe2' } },
  { code: 'InvalidParameterValue.LimitExceeded', body: cancel({ InstanceIds: ins(101) }) },
  { code: 'InvalidParameterValue.TooLong', body: { InvocationId: `inv-${'x'.repeat(61)}` } },
  { code: 'MissingParameter', body: {} },
  { code: 'ResourceNotFound.InvocationNotFound', body: { InvocationId: 'inv-nothere1' } },
  { code: 'ResourceNotFound.InvocationNotFound', body: cancel({}), region: 'ap-beijing' },
  { code: 'UnauthorizedOperation.CamAuthFailed', body: cancel({}), by: 'one who may do nothing' },
  { code: 'UnknownParameter', body: cancel({ Force: true }) },
];

const filter = (Name: string, ...Values: string[]): object => ({ Filters: [{ Name, Values }] });

const DESCRIBE_INVOCATION_TASKS: readonly Cause[] = [
  { code: 'InvalidParameter', body: { HideOutput: 'false' } },
  { code: 'InvalidParameter', body: { Limit: '10' } },
  {
    code: 'InvalidParameter.ConflictParameter',
    body: { InvocationTaskIds: ['invt-08oe5fe2'], ...filter('invocation-id', 'inv-1vll7hda') },
  },
  { code: 'InvalidParameterValue', body: { Limit: 0 } },
  { code: 'InvalidParameterValue', body: { Limit: 101 } },
  { code: 'InvalidParameterValue', body: { Offset: -1 } },
  {
    code: 'InvalidParameterValue',
    body: { InvocationTaskIds: ins(101).map((id) => id.replace('ins', 'invt')) },
  },
  { code: 'InvalidParameterValue.InvalidCommandId', body: filter('command-id', 'ins-local001') },
  { code: 'InvalidParameterValue.InvalidFilter', body: filter('task-status', 'SUCCESS') },
  { code: 'InvalidParameterValue.InvalidFilter', body: filter('instance-id', ...ins(6)) },
  { code: 'InvalidParameterValue.InvalidFilter', body: filter('instance-id') },
  {
    code: 'InvalidParameterValue.InvalidFilter',
    body: { Filters: ins(11).map((id) => ({ Name: 'instance-id', Values: [id] })) },
  },
  { code: 'InvalidParameterValue.InvalidInstanceId', body: filter('instance-id', 'i-local001') },
  { code: 'InvalidParameterValue.InvalidInvocationId', body: filter('invocation-id', 'invt-08oe5fe2') },
  {
    code: 'InvalidParameterValue.InvalidInvocationTaskId',
    body: filter('invocation-task-id', 'inv-1vll7hda'),
  },
  { code: 'InvalidParameterValue.InvalidInvocationTaskId', body: { InvocationTaskIds: ['inv-1vll7hda'] } },
  { code: 'UnauthorizedOperation.CamAuthFailed', body: {}, by: 'one who may do nothing' },
  { code: 'MissingParameter', body: { Filters: [{ Name: 'invocation-id' }] } },
  {
    code: 'UnknownParameter',
    body: { Filters: [{ Name: 'invocation-id', Values: ['inv-1vll7hda'], Op: 'eq' }] },
  },
];

const later = { Policy: 'RECURRENCE', Recurrence: '0 0 1 * *' };
const invoker = (more: object): object => ({
  Name: 'nightly',
  Type: 'SCHEDULE',
  CommandId: 'cmd-fail0001',
  InstanceIds: ['ins-local001'],
  ScheduleSettings: later,
  ...more,
});
const recurring = (Recurrence: string): object =>
  invoker({ ScheduleSettings: { Policy: 'RECURRENCE', Recurrence } });
const once = (InvokeTime: string): object => invoker({ ScheduleSettings: { Policy: 'ONCE', InvokeTime } });
const tags = Array.from({ length: 11 }, (_, index) => ({ Key: `k${index}`, Value: 'v' }));

const CREATE_INVOKER: readonly Cause[] = [
  { code: 'AuthFailure.UnauthorizedOperation', body: invoker({}), by: 'one who may do nothing' },
  { code: 'InvalidParameter', body: invoker({ Name: 1 }) },
  { code: 'InvalidParameter', body: invoker({ InstanceIds: [] }) },
  { code: 'InvalidParameter', body: invoker({ Parameters: '{"text":"x"}' }) },
  { code: 'InvalidParameterValue.ID', body: invoker({ CommandId: 'nightly' }) },
  { code: 'InvalidParameterValue.ID', body: invoker({ InstanceIds: ['web'] }) },
  { code: 'InvalidParameterValue.InconsistentID', body: invoker({ InstanceIds: ['ins-local001', 'web'] }) },
  {
    code: 'InvalidParameterValue.InconsistentInstance',
    body: invoker({ InstanceIds: ['ins-local001', 'lhins-local001'] }),
  },
  { code: 'InvalidParameterValue.InvalidCommandId', body: invoker({ CommandId: 'ins-local001' }) },
  ...['0 0 1 *', '0 0 0 1 * *', '60 * * * *', '@daily', '0 0 L * *', '0 0 31 2 *', ''].map((line) => ({
    code: 'InvalidParameterValue.InvalidCronExpression',
    body: recurring(line),
  })),
  { code: 'InvalidParameterValue.InvalidInstanceId', body: invoker({ InstanceIds: ['cmd-fail0001'] }) },
  ...[
    'tomorrow',
    '2099-01-01',
    '2099-02-30T00:00:00Z',
    '2099-01-01T00:00:00',
    '2099-01-01 00:00:00+08:00',
  ].map((time) => ({ code: 'InvalidParameterValue.InvalidTimeFormat', body: once(time) })),
  { code: 'InvalidParameterValue.InvokeTimeExpired', body: once('2021-09-01T00:00:00+08:00') },
  {
    code: 'InvalidParameterValue.ParameterInvalidJsonFormat',
    body: invoker({ CommandId: 'cmd-echo0001', Parameters: 'text=x' }),
  },
  {
    code: 'InvalidParameterValue.ParameterInvalidJsonFormat',
    body: invoker({ CommandId: 'cmd-echo0001', Parameters: '{"text":1}' }),
  },
  { code: 'InvalidParameterValue.Range', body: invoker({ Type: 'EVENT' }) },
  { code: 'InvalidParameterValue.Range', body: invoker({ ScheduleSettings: { ...later, Policy: 'DAILY' } }) },
  { code: 'InvalidParameterValue.TooLong', body: invoker({ Name: 'n'.repeat(121) }) },
  { code: 'InvalidParameterValue.TooLong', body: invoker({ Username: 'u'.repeat(257) }) },
  { code: 'InvalidParameterValue.TooLong', body: invoker({ InstanceIds: ins(101) }) },
  { code: 'InvalidParameterValue.TooLong', body: invoker({ Tags: tags }) },
  { code: 'MissingParameter', body: invoker({ ScheduleSettings: undefined }) },
  { code: 'MissingParameter', body: invoker({ ScheduleSettings: { Policy: 'ONCE' } }) },
  { code: 'MissingParameter', body: invoker({ ScheduleSettings: { Policy: 'RECURRENCE' } }) },
  { code: 'ResourceNotFound.CommandNotFound', body: invoker({ CommandId: 'cmd-nothere1' }) },
  { code: 'ResourceNotFound.InstanceNotFound', body: invoker({ InstanceIds: ['ins-nothere1'] }) },
  { code: 'ResourceUnavailable.AgentNotInstalled', body: invoker({ InstanceIds: ['ins-noagent01'] }) },
  { code: 'ResourceUnavailable.AgentStatusNotOnline', body: invoker({ InstanceIds: ['ins-offline01'] }) },
  { code: 'ResourceUnavailable.AgentStatusNotOnline', body: invoker({ InstanceIds: ['ins-stopped01'] }) },
  { code: 'UnknownParameter', body: invoker({ Timeout: 60 }) },
];

export const CAUSES = {
  InvokeCommand: INVOKE_COMMAND,
  CancelInvocation: CANCEL_INVOCATION,
  DescribeInvocationTasks: DESCRIBE_INVOCATION_TASKS,
  CreateInvoker: CREATE_INVOKER,
} as const;

const INSIDE = 'the vendor failed inside';
const ACCOUNT = 'there is no multi-factor authentication on the local account';
const SESSION = 'about the session of a console login; a wrong X-TC-Token is AuthFailure.TokenFailure';

/** Only the switchboard of faults brings these; the reason is beside each. */
export const CANNOT_BE_CAUSED: Record<keyof typeof CAUSES, Readonly<Record<string, string>>> = {
  InvokeCommand: {
    'FailedOperation.CVMError': INSIDE,
    'FailedOperation.LighthouseError': INSIDE,
    InternalError: INSIDE,
    'InvalidParameterValue.SupportParametersOnlyIfEnableParameter':
      'its description is that of ParameterDisabled, which a stored command answers; RunCommand answers this one',
    OperationDenied: 'the document does not say what is denied',
    'ResourceNotFound.RoleNotFound': 'uploads to COS, and their role, are not done here',
    ResourceUnavailable: 'every cause that is documented has a code of its own',
    'UnauthorizedOperation.InvalidToken': SESSION,
    'UnauthorizedOperation.MFAExpired': ACCOUNT,
    'UnauthorizedOperation.MFANotFound': ACCOUNT,
  },
  CancelInvocation: {
    InternalError: INSIDE,
    LimitExceeded: 'no quota of cancellations is documented',
    'UnauthorizedOperation.InvalidToken': SESSION,
    'UnauthorizedOperation.MFAExpired': ACCOUNT,
    'UnauthorizedOperation.MFANotFound': ACCOUNT,
  },
  DescribeInvocationTasks: {
    InternalError: INSIDE,
    'UnauthorizedOperation.InvalidToken': SESSION,
    'UnauthorizedOperation.MFAExpired': ACCOUNT,
    'UnauthorizedOperation.MFANotFound': ACCOUNT,
    UnsupportedOperation: 'the document does not say which operation is not supported',
  },
  CreateInvoker: {
    AuthFailure: 'every cause that is known has a code of its own',
    InternalError: INSIDE,
  },
};
