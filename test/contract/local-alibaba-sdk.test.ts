/** The document of DescribeInvocations, parameter by parameter, asked by the vendor's own SDK. */
import { beforeAll, describe, expect, test } from 'vitest';
import { type Local, startLocal, until } from './alibaba-local.ts';
import { type EcsClient, models, REGION, vendorSdk } from './alibaba-sdk.ts';

let local: Local;
let client: EcsClient;
/** Invocations that have ended, by what they are. */
const ended: Record<string, string> = {};
let waiting = '';

type Invoke = ConstructorParameters<typeof models.InvokeCommandRequest>[0];
type Describe = ConstructorParameters<typeof models.DescribeInvocationsRequest>[0];

async function invoke(request: Invoke): Promise<string> {
  const answer = await client.invokeCommand(
    new models.InvokeCommandRequest({ regionId: REGION, instanceId: ['i-local001'], ...request }),
  );
  return answer.body?.invokeId ?? '';
}

async function describeAll(request: Describe = {}) {
  const answer = await client.describeInvocations(
    new models.DescribeInvocationsRequest({ regionId: REGION, maxResults: 50, ...request }),
  );
  return answer.body?.invocations?.invocation ?? [];
}

async function idsOf(request: Describe): Promise<string[]> {
  return (await describeAll(request)).map(({ invokeId }) => nameOf(invokeId ?? '')).sort();
}

function nameOf(invokeId: string): string {
  if (invokeId === waiting) return 'waiting';
  return Object.entries(ended).find(([, id]) => id === invokeId)?.[0] ?? invokeId;
}

beforeAll(async () => {
  local = await startLocal();
  client = vendorSdk(local.server.port);
  ended['echo'] = await invoke({
    commandId: 'c-echo0001',
    parameters: { text: 'hello' },
    tag: [
      { key: 'owner', value: 'zhangsan' },
      { key: 'empty', value: '' },
    ],
    resourceGroupId: 'rg-1',
  });
  ended['fail'] = await invoke({ commandId: 'c-fail0001', tag: [{ key: 'owner', value: 'zhangsan' }] });
  ended['both'] = await invoke({ commandId: 'c-echo0001', instanceId: ['i-local001', 'i-local002'] });
  const mixed = await client.runCommand(
    new models.RunCommandRequest({
      regionId: REGION,
      type: 'RunShellScript',
      commandContent: 'test "$FLEET_INSTANCE_ID" = i-local003',
      instanceId: ['i-local002', 'i-local003'],
      name: 'mixed',
    }),
  );
  ended['mixed'] = mixed.body?.invokeId ?? '';
  waiting = await invoke({ commandId: 'c-echo0001', repeatMode: 'Period', frequency: 'rate(1h)' });
  await until(
    () => describeAll(),
    (all) =>
      all.length === 4 &&
      all.every(({ invocationStatus }) => invocationStatus !== 'Pending' && invocationStatus !== 'Running'),
  );
});

describe('the request parameters of DescribeInvocations', () => {
  test.each<{ name: string; request: Describe; found: string[] }>([
    { name: 'nothing but RegionId', request: {}, found: ['both', 'echo', 'fail', 'mixed'] },
    { name: 'another RegionId', request: { regionId: 'cn-beijing' }, found: [] },
    { name: 'ResourceGroupId', request: { resourceGroupId: 'rg-1' }, found: ['echo'] },
    { name: 'CommandId', request: { commandId: 'c-fail0001' }, found: ['fail'] },
    { name: 'CommandName', request: { commandName: 'mixed' }, found: ['mixed'] },
    {
      name: 'CommandName, without effect beside InstanceId',
      request: { commandName: 'mixed', instanceId: 'i-local001' },
      found: ['both', 'echo', 'fail'],
    },
    { name: 'CommandType', request: { commandType: 'RunBatScript' }, found: [] },
    { name: 'Timed', request: { timed: true }, found: ['waiting'] },
    { name: 'Timed false', request: { timed: false }, found: ['both', 'echo', 'fail', 'mixed'] },
    { name: 'InvokeStatus Success', request: { invokeStatus: 'Success' }, found: ['both', 'echo'] },
    { name: 'InvokeStatus Failed', request: { invokeStatus: 'Failed' }, found: ['fail'] },
    { name: 'InvokeStatus PartialFailed', request: { invokeStatus: 'PartialFailed' }, found: ['mixed'] },
    {
      name: 'InvokeStatus PartialFailed, without effect beside InstanceId',
      request: { invokeStatus: 'PartialFailed', instanceId: 'i-local001' },
      found: ['both', 'echo', 'fail'],
    },
    {
      name: 'InvokeStatus Finished',
      request: { invokeStatus: 'Finished' },
      found: ['both', 'echo', 'fail', 'mixed'],
    },
    { name: 'InvokeStatus Stopped', request: { invokeStatus: 'Stopped' }, found: [] },
    { name: 'InvokeStatus Stopping', request: { invokeStatus: 'Stopping' }, found: [] },
    { name: 'InvokeStatus Pending', request: { invokeStatus: 'Pending' }, found: [] },
    {
      name: 'InvokeStatus Scheduled',
      request: { invokeStatus: 'Scheduled', timed: true },
      found: ['waiting'],
    },
    { name: 'InvokeStatus Running', request: { invokeStatus: 'Running', timed: true }, found: ['waiting'] },
    { name: 'InstanceId', request: { instanceId: 'i-local003' }, found: ['mixed'] },
    { name: 'RepeatMode Once', request: { repeatMode: 'Once' }, found: ['both', 'echo', 'fail', 'mixed'] },
    { name: 'RepeatMode Period', request: { repeatMode: 'Period', timed: true }, found: ['waiting'] },
    {
      name: 'RepeatMode, without effect beside InstanceId',
      request: { repeatMode: 'Period', instanceId: 'i-local003' },
      found: ['mixed'],
    },
    { name: 'Tag', request: { tag: [{ key: 'owner', value: 'zhangsan' }] }, found: ['echo', 'fail'] },
    { name: 'Tag with an empty value', request: { tag: [{ key: 'empty', value: '' }] }, found: ['echo'] },
    {
      name: 'two Tags',
      request: {
        tag: [
          { key: 'owner', value: 'zhangsan' },
          { key: 'empty', value: '' },
        ],
      },
      found: ['echo'],
    },
  ])('$name', async ({ request, found }) => {
    expect(await idsOf(request)).toEqual(found);
  });

  test('InvokeId', async () => {
    expect(await idsOf({ invokeId: ended['fail'] ?? '' })).toEqual(['fail']);
    expect(await idsOf({ invokeId: 't-nobody' })).toEqual([]);
  });

  test('InvokeId of what is still to run needs Timed', async () => {
    expect(await idsOf({ invokeId: waiting })).toEqual([]);
    expect(await idsOf({ invokeId: waiting, timed: true })).toEqual(['waiting']);
  });

  test.each([
    {
      contentEncoding: undefined,
      content: Buffer.from('echo {{text}}').toString('base64'),
      output: 'aGVsbG8K',
    },
    {
      contentEncoding: 'Base64',
      content: Buffer.from('echo {{text}}').toString('base64'),
      output: 'aGVsbG8K',
    },
    { contentEncoding: 'PlainText', content: 'echo {{text}}', output: 'hello\n' },
  ])('ContentEncoding $contentEncoding', async ({ contentEncoding, content, output }) => {
    const [only] = await describeAll({
      invokeId: ended['echo'] ?? '',
      includeOutput: true,
      ...(contentEncoding && { contentEncoding }),
    });
    expect({
      content: only?.commandContent,
      output: only?.invokeInstances?.invokeInstance?.[0]?.output,
    }).toEqual({ content, output });
  });

  test('IncludeOutput is false by default', async () => {
    const [only] = await describeAll({ invokeId: ended['echo'] ?? '' });
    expect(only?.invokeInstances?.invokeInstance?.[0]).not.toHaveProperty('output');
  });

  test('IncludeOutput with InstanceId in the place of InvokeId', async () => {
    const all = await describeAll({
      instanceId: 'i-local001',
      includeOutput: true,
      contentEncoding: 'PlainText',
    });
    expect(
      all.map(({ invokeInstances }) => invokeInstances?.invokeInstance?.map(({ output }) => output)),
    ).toEqual([['\n'], ['this command always fails\n'], ['hello\n']]);
  });
});

describe('the response elements of DescribeInvocations', () => {
  test('one invocation, whole', async () => {
    const answer = await client.describeInvocations(
      new models.DescribeInvocationsRequest({
        regionId: REGION,
        invokeId: ended['fail'] ?? '',
        includeOutput: true,
        contentEncoding: 'PlainText',
      }),
    );
    const time = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
    expect(JSON.parse(JSON.stringify(answer.body))).toEqual({
      requestId: expect.stringMatching(/^[0-9A-F-]{36}$/),
      pageNumber: 1,
      pageSize: 10,
      totalCount: 1,
      nextToken: '',
      invocations: {
        invocation: [
          {
            invokeId: ended['fail'],
            invocationStatus: 'Failed',
            invokeStatus: 'Finished',
            commandId: 'c-fail0001',
            commandName: 'fail',
            commandType: 'RunShellScript',
            commandDescription: 'fails',
            commandContent: 'echo this command always fails >&2; exit 3',
            parameters: '{}',
            timeout: 60,
            timed: false,
            repeatMode: 'Once',
            frequency: '',
            username: '',
            workingDir: '',
            containerId: '',
            containerName: '',
            launcher: '',
            terminationMode: 'Process',
            ossOutputDelivery: '',
            creationTime: time,
            tags: { tag: [{ tagKey: 'owner', tagValue: 'zhangsan' }] },
            invokeInstances: {
              invokeInstance: [
                {
                  instanceId: 'i-local001',
                  invocationStatus: 'Failed',
                  instanceInvokeStatus: 'Finished',
                  exitCode: 3,
                  errorCode: 'ExitCodeNonzero',
                  errorInfo: 'The command execution exit code is not zero',
                  output: 'this command always fails\n',
                  dropped: 0,
                  repeats: 1,
                  timed: false,
                  startTime: time,
                  finishTime: time,
                  stopTime: '',
                  creationTime: time,
                  updateTime: time,
                },
              ],
            },
          },
        ],
      },
    });
  });

  test('what waits to run again is Timed and Scheduled', async () => {
    const [only] = await describeAll({ invokeId: waiting, timed: true });
    expect(only).toMatchObject({
      invocationStatus: 'Scheduled',
      invokeStatus: 'Running',
      timed: true,
      repeatMode: 'Period',
      frequency: 'rate(1h)',
      invokeInstances: { invokeInstance: [{ invocationStatus: 'Scheduled', repeats: 0, timed: true }] },
    });
  });
});

describe('paging', () => {
  const page = async (request: Describe) => {
    const answer = await client.describeInvocations(
      new models.DescribeInvocationsRequest({ regionId: REGION, ...request }),
    );
    return {
      ids: (answer.body?.invocations?.invocation ?? []).map(({ invokeId }) => nameOf(invokeId ?? '')),
      next: answer.body?.nextToken ?? '',
      total: answer.body?.totalCount,
    };
  };

  test('NextToken goes through the newest first, and what is added meanwhile moves nothing', async () => {
    const first = await page({ maxResults: 3 });
    const added = await invoke({ commandId: 'c-echo0001', resourceGroupId: 'added' });
    const second = await page({ maxResults: 3, nextToken: first.next });
    const third = await page({ maxResults: 3 });
    expect({ first: first.ids, second }).toEqual({
      first: ['mixed', 'both', 'fail'],
      second: { ids: ['echo'], next: '', total: 5 },
    });
    expect(third.ids[0]).toBe(added);
  });

  test('PageNumber and PageSize count when they are alone', async () => {
    const second = await page({
      pageNumber: 2,
      pageSize: 2,
      resourceGroupId: undefined,
      instanceId: 'i-local002',
    });
    expect(second).toEqual({ ids: [], next: '', total: 2 });
    expect((await page({ pageNumber: 2, pageSize: 1, instanceId: 'i-local002' })).ids).toEqual(['both']);
  });
});

describe('errors', () => {
  const failing = async (request: Describe) =>
    client
      .describeInvocations(new models.DescribeInvocationsRequest({ regionId: REGION, ...request }))
      .then(() => 'no error')
      .catch((error: unknown) => error);

  const tags = (count: number) =>
    Array.from({ length: count }, (_, index) => ({ key: `k${index}`, value: '' }));

  test.each<{ code: string; status: number; request: Describe }>([
    { code: 'InvalidRegionId.NotFound', status: 404, request: { regionId: 'nowhere' } },
    { code: 'NumberExceed.Tags', status: 400, request: { tag: tags(21) } },
    { code: 'Duplicate.TagKey', status: 400, request: { tag: [...tags(1), ...tags(1)] } },
    { code: 'InvalidTagKey.Malformed', status: 400, request: { tag: [{ key: 'acs:x', value: '' }] } },
    { code: 'InvalidTagKey.Malformed', status: 400, request: { tag: [{ key: 'x'.repeat(65), value: '' }] } },
    { code: 'InvalidTagValue.Malformed', status: 400, request: { tag: [{ key: 'x', value: 'http://x' }] } },
    { code: 'MissingParameter.TagKey', status: 400, request: { tag: [{ value: 'x' }] } },
    { code: 'InvalidParam.PageNumber', status: 400, request: { pageNumber: 0 } },
    { code: 'InvalidParam.PageSize', status: 400, request: { pageSize: 51 } },
    { code: 'InvalidParameter.NextToken', status: 400, request: { nextToken: 'no-token' } },
    { code: 'InvalidParameter.MaxResults', status: 400, request: { maxResults: 51 } },
    { code: 'InvalidParameter.MaxResults', status: 400, request: { maxResults: 0 } },
    { code: 'MissingParameter.InvokeId', status: 400, request: { includeOutput: true } },
    { code: 'InvalidParameter.InvokeStatus', status: 400, request: { invokeStatus: 'Sleeping' } },
  ])('$code', async ({ code, status, request }) => {
    expect(await failing(request)).toMatchObject({ code, statusCode: status });
  });

  test('RegionId is required', async () => {
    const error = await client
      .describeInvocations(new models.DescribeInvocationsRequest({}))
      .catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: 'MissingParameter.RegionId', statusCode: 400 });
  });

  test('an action that is not there', async () => {
    const error = await client
      .describeDisks(new models.DescribeDisksRequest({ regionId: REGION }))
      .catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: 'InvalidAction.NotFound', statusCode: 404 });
  });
});
