/** Stored commands of the local TAT, asked by the vendor's SDK. */
import { beforeAll, describe, expect, it } from 'vitest';
import { ended, known, type LocalTat, outputOf, startTat } from './local-tencent-server.ts';

let tat: LocalTat;
let client: ReturnType<LocalTat['client']>;
let name = 0;
beforeAll(async () => {
  tat = await startTat({ commandQuota: 100, cosBuckets: [] });
  client = tat.client();
});

const INSTANT = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00$/);
const base64 = (text: string): string => Buffer.from(text).toString('base64');
const aCommand = (more: object = {}) => {
  name += 1;
  return { CommandName: `command-${name}`, Content: base64('echo {{word}}'), ...more };
};
const create = async (more: object = {}) => known((await client.CreateCommand(aCommand(more))).CommandId);
const described = async (CommandId: string) =>
  known((await client.DescribeCommands({ CommandIds: [CommandId] })).CommandSet?.[0]);

describe('CreateCommand', () => {
  it('stores a command with the documented defaults', async () => {
    const CommandId = await create({ CommandName: '打印-pwd_1.0' });
    expect(CommandId).toMatch(/^cmd-[a-z0-9]{8}$/);
    expect(await described(CommandId)).toEqual({
      CommandId,
      CommandName: '打印-pwd_1.0',
      Description: '',
      Content: base64('echo {{word}}'),
      CommandType: 'SHELL',
      WorkingDirectory: '/root',
      Timeout: 60,
      CreatedTime: INSTANT,
      UpdatedTime: INSTANT,
      EnableParameter: false,
      DefaultParameters: '',
      DefaultParameterConfs: [],
      Scenes: [],
      FormattedDescription: '',
      CreatedBy: 'USER',
      Tags: [],
      Username: 'root',
      OutputCOSBucketUrl: '',
      OutputCOSKeyPrefix: '',
    });
  });

  it('takes default parameters in either form', async () => {
    const DefaultParameters = '{"word":"hello"}';
    const first = await create({ EnableParameter: true, DefaultParameters });
    const conf = { ParameterName: 'word', ParameterValue: 'hello', ParameterDescription: 'which' };
    const second = await create({ EnableParameter: true, DefaultParameterConfs: [conf] });
    expect([await described(first), await described(second)]).toMatchObject([
      { DefaultParameters, DefaultParameterConfs: [{ ...conf, ParameterDescription: '' }] },
      { DefaultParameters, DefaultParameterConfs: [conf] },
    ]);
  });

  it('is seen in its own region only', async () => {
    const CommandId = await create();
    const elsewhere = tat.client({ region: 'ap-beijing' });
    expect(await elsewhere.DescribeCommands({ CommandIds: [CommandId] })).toMatchObject({ TotalCount: 0 });
    expect(await elsewhere.DescribeCommands({ CommandIds: ['cmd-echo0001'] })).toMatchObject({
      TotalCount: 1,
    });
  });

  const conf = { ParameterName: 'word', ParameterValue: 'x' };
  it.each([
    ['MissingParameter', { Content: undefined }],
    ['InvalidParameter', { EnableParameter: 'true' }],
    ['InvalidParameter', { DefaultParameters: '{}', DefaultParameterConfs: [] }],
    [
      'InvalidParameter.ParameterNameDuplicated',
      { EnableParameter: true, DefaultParameterConfs: [conf, conf] },
    ],
    ['InvalidParameterValue.CommandContentInvalid', { Content: '' }],
    ['InvalidParameterValue.CommandNameDuplicated', { CommandName: 'echo' }],
    ['InvalidParameterValue.InvalidCommandName', { CommandName: 'two words' }],
    ['InvalidParameterValue.InvalidContent', { Content: 'echo hello' }],
    ['InvalidParameterValue.InvalidOutputCOSBucketUrl', { OutputCOSBucketUrl: 'ftp://x' }],
    ['InvalidParameterValue.InvalidOutputCOSKeyPrefix', { OutputCOSKeyPrefix: '..' }],
    ['InvalidParameterValue.InvalidUsername', { Username: 'a b' }],
    ['InvalidParameterValue.InvalidWorkingDirectory', { WorkingDirectory: '~' }],
    [
      'InvalidParameterValue.ParameterValueNotString',
      { EnableParameter: true, DefaultParameters: '{"a":1}' },
    ],
    ['InvalidParameterValue.Range', { Timeout: 0 }],
    ['InvalidParameterValue.Range', { CommandType: 'PYTHON' }],
    ['InvalidParameterValue.SupportParametersOnlyIfEnableParameter', { DefaultParameters: '{"word":"x"}' }],
    ['InvalidParameterValue.TooLong', { CommandName: '打'.repeat(21) }],
    ['InvalidParameterValue.TooLong', { Content: 'A'.repeat(64 * 1024 + 4) }],
    ['InvalidParameterValue.TooLong', { Description: 'd'.repeat(121) }],
    [
      'ResourceNotFound.CosBucketNotFoundCode',
      { OutputCOSBucketUrl: 'https://b-1.cos.ap-beijing.myqcloud.com' },
    ],
    ['UnknownParameter', { Script: 'x' }],
  ])('answers %s to %o', async (code, more) => {
    expect(await tat.codeOf('CreateCommand', aCommand(more))).toBe(code);
  });
});

describe('ModifyCommand', () => {
  it('changes what is given, and the defaults as a whole', async () => {
    const CommandId = await create({ EnableParameter: true, DefaultParameters: '{"word":"a","more":"b"}' });
    const before = await described(CommandId);
    await client.ModifyCommand({ CommandId, Timeout: 5, DefaultParameters: '{"word":"c"}' });
    expect(await described(CommandId)).toEqual({
      ...before,
      Timeout: 5,
      DefaultParameters: '{"word":"c"}',
      DefaultParameterConfs: [{ ParameterName: 'word', ParameterValue: 'c', ParameterDescription: '' }],
      UpdatedTime: INSTANT,
    });
  });

  it('leaves what ran before as it was', async () => {
    const CommandId = await create({ Content: base64('echo old') });
    const { InvocationId } = await client.InvokeCommand({ CommandId, InstanceIds: ['ins-local001'] });
    await client.ModifyCommand({ CommandId, Content: base64('echo new') });
    const task = await ended(client, known(InvocationId));
    expect([outputOf(task), task.CommandDocument?.Content]).toEqual(['old\n', base64('echo old')]);
  });

  it('cannot take the name of another', async () => {
    const CommandId = await create();
    const code = await tat.codeOf('ModifyCommand', { CommandId, CommandName: 'echo' });
    expect(code).toBe('InvalidParameterValue.CommandNameDuplicated');
    await client.ModifyCommand({ CommandId, CommandName: (await described(CommandId)).CommandName ?? '' });
  });
});

describe('DeleteCommand', () => {
  it('forgets a command, or several', async () => {
    const [first, second, third] = [await create(), await create(), await create()];
    await client.DeleteCommand({ CommandId: first });
    await client.DeleteCommands({ CommandIds: [second, third] });
    expect(await client.DescribeCommands({ CommandIds: [first, second, third] })).toMatchObject({
      TotalCount: 0,
    });
    expect(await tat.codeOf('DeleteCommand', { CommandId: first })).toBe('ResourceNotFound.CommandNotFound');
  });

  it('refuses while it runs', async () => {
    const { InvocationId } = await client.InvokeCommand({
      CommandId: 'cmd-sleep001',
      InstanceIds: ['ins-local001'],
      Parameters: '{"seconds":"300"}',
    });
    const asked = { CommandIds: ['cmd-greet001', 'cmd-sleep001'] };
    expect(await tat.codeOf('DeleteCommands', asked)).toBe('ResourceUnavailable.CommandInExecuting');
    expect(await client.DescribeCommands(asked)).toMatchObject({ TotalCount: 2 });
    await client.CancelInvocation({ InvocationId: known(InvocationId) });
  });

  it('refuses while an invoker has it', async () => {
    const CommandId = await create();
    const { InvokerId } = await client.CreateInvoker({
      Name: 'n',
      Type: 'SCHEDULE',
      CommandId,
      InstanceIds: ['ins-local001'],
      ScheduleSettings: { Policy: 'RECURRENCE', Recurrence: '0 0 1 * *' },
    });
    expect(await tat.codeOf('DeleteCommand', { CommandId })).toBe('ResourceUnavailable.CommandInInvoker');
    await client.DeleteInvoker({ InvokerId: known(InvokerId) });
    await client.DeleteCommand({ CommandId });
  });
});

describe('DescribeCommands', () => {
  it('filters by name, type and tag', async () => {
    const CommandId = await create({ CommandName: 'tagged', Tags: [{ Key: 'team', Value: 'web' }] });
    const ids = async (...Filters: { Name: string; Values: string[] }[]) =>
      known((await client.DescribeCommands({ Filters })).CommandSet).map((row) => row.CommandId);
    expect(
      await Promise.all([
        ids({ Name: 'command-name', Values: ['tagged', 'none'] }),
        ids({ Name: 'tag-key', Values: ['team'] }),
        ids({ Name: 'tag-value', Values: ['web'] }),
        ids({ Name: 'tag:team', Values: ['web'] }),
        ids({ Name: 'tag:team', Values: ['db'] }),
        ids({ Name: 'command-type', Values: ['POWERSHELL'] }),
        ids({ Name: 'created-by', Values: ['TAT'] }),
      ]),
    ).toEqual([[CommandId], [CommandId], [CommandId], [CommandId], [], ['cmd-wins0001'], []]);
  });
});

describe('RunCommand', () => {
  it('runs a script that is kept only when asked', async () => {
    const Content = base64('echo {{word}}');
    const asked = {
      Content,
      InstanceIds: ['ins-local001'],
      EnableParameter: true,
      Parameters: '{"word":"w"}',
    };
    const kept = await client.RunCommand({ ...asked, SaveCommand: true, CommandName: 'kept' });
    const passing = await client.RunCommand(asked);
    expect(outputOf(await ended(client, known(passing.InvocationId)))).toBe('w\n');
    const CommandIds = [known(kept.CommandId), known(passing.CommandId)];
    const { CommandSet } = await client.DescribeCommands({ CommandIds });
    expect(CommandSet?.map((row) => row.CommandName)).toEqual(['kept']);
    const Filters = [{ Name: 'command-id', Values: [known(passing.CommandId)] }];
    expect(await client.DescribeInvocations({ Filters })).toMatchObject({ TotalCount: 1 });
  });

  it.each([
    ['InvalidParameterValue.SupportParametersOnlyIfEnableParameter', { Parameters: '{"word":"x"}' }],
    ['InvalidParameterValue.LackOfParameterInfo', { EnableParameter: true }],
    ['InvalidParameterValue.CommandNameDuplicated', { SaveCommand: true, CommandName: 'echo' }],
    ['ResourceUnavailable.InstanceStateNotRunning', { InstanceIds: ['ins-stopped01'] }],
  ])('answers %s to %o', async (code, more) => {
    const asked = { Content: base64('echo {{word}}'), InstanceIds: ['ins-local001'], ...more };
    expect(await tat.codeOf('RunCommand', asked)).toBe(code);
  });
});

describe('PreviewReplacedCommandContent', () => {
  it.each([
    [{ CommandId: 'cmd-greet001', Parameters: '{"b":"all"}' }, 'echo hi all'],
    [{ Content: base64('a {{x}} {{ y }} {{tat-hidden:x}}'), Parameters: '{"x":"1"}' }, 'a 1 {{ y }} 1'],
    [{ CommandId: 'cmd-fail0001' }, 'echo this command always fails >&2; exit 3'],
  ])('of %o', async (asked, content) => {
    const { ReplacedContent } = await client.PreviewReplacedCommandContent(asked);
    expect(Buffer.from(known(ReplacedContent), 'base64').toString()).toBe(content);
  });

  it.each([
    ['InvalidParameter.ConflictParameter', {}],
    ['InvalidParameter.ConflictParameter', { CommandId: 'cmd-echo0001', Content: base64('x') }],
    ['InvalidParameterValue.LackOfParameters', { CommandId: 'cmd-echo0001' }],
    ['InvalidParameterValue.ParameterDisabled', { CommandId: 'cmd-fail0001', Parameters: '{"a":"b"}' }],
  ])('answers %s to %o', async (code, asked) => {
    expect(await tat.codeOf('PreviewReplacedCommandContent', asked)).toBe(code);
  });
});

describe('the quota of commands', () => {
  it('is told, and kept', async () => {
    const ResourceNames = ['COMMAND', 'REGISTER_CODE'];
    const { GeneralResourceQuotaSet } = await client.DescribeQuotas({ ResourceNames });
    const used = known(GeneralResourceQuotaSet?.[0]?.ResourceQuotaUsed);
    expect(GeneralResourceQuotaSet).toEqual([
      { ResourceName: 'COMMAND', ResourceQuotaUsed: used, ResourceQuotaTotal: 100 },
      { ResourceName: 'REGISTER_CODE', ResourceQuotaUsed: 0, ResourceQuotaTotal: 0 },
    ]);
    for (let count = used; count < 100; count += 1) await create();
    expect(await tat.codeOf('CreateCommand', aCommand())).toBe('ResourceUnavailable.UserHasNoQuotaCode');
    const code = await tat.codeOf('DescribeQuotas', { ResourceNames: ['INVOKER'] });
    expect(code).toBe('ResourceUnavailable.InvalidResourceQuotaResourceCode');
  });
});
