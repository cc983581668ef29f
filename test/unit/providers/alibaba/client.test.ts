import { expect, test } from 'vitest';
import { createCloudAssistantClient } from '../../../../lib/providers/alibaba/client.ts';
import { anError, headersOf, ORIGIN, type StubVendor, stubVendor } from './stub.ts';

const REGION = 'cn-hangzhou';

function aClient(vendor: StubVendor, more: Partial<Parameters<typeof createCloudAssistantClient>[0]> = {}) {
  return createCloudAssistantClient({
    credentials: { accessKeyId: 'local', accessKeySecret: 'local-secret' },
    endpoint: ORIGIN,
    dispatcher: vendor.agent,
    requestsPerSecond: Number.POSITIVE_INFINITY,
    ...more,
  });
}

test('an action travels in the query of a signed POST, parameters as JSON text', async () => {
  const vendor = stubVendor();
  vendor.answer({ body: { RequestId: 'r-1', InvokeId: 't-1' } });
  const result = await aClient(vendor, { newNonce: () => 'a-nonce' }).invokeCommand({
    RegionId: REGION,
    CommandId: 'c-1',
    InstanceId: ['i-a', 'i-b'],
    Parameters: { name: 'Jack & Jill' },
    Tag: [{ Key: 'owner', Value: 'x' }],
    Timeout: 60,
  });
  expect(result).toEqual({
    kind: 'answered',
    answer: { RequestId: 'r-1', InvokeId: 't-1' },
    requestId: 'r-1',
    offsetMs: 0,
  });
  expect(vendor.calls).toEqual([
    {
      action: 'InvokeCommand',
      query: {
        RegionId: REGION,
        CommandId: 'c-1',
        'InstanceId.1': 'i-a',
        'InstanceId.2': 'i-b',
        Parameters: '{"name":"Jack & Jill"}',
        'Tag.1.Key': 'owner',
        'Tag.1.Value': 'x',
        Timeout: '60',
      },
      headers: expect.objectContaining({
        host: '127.0.0.1:4581',
        'x-acs-version': '2014-05-26',
        'x-acs-signature-nonce': 'a-nonce',
        authorization: expect.stringMatching(/^ACS3-HMAC-SHA256 Credential=local,SignedHeaders=host;/),
      }),
    },
  ]);
});

test('every parameter of DescribeInvocations reaches the wire', async () => {
  const vendor = stubVendor();
  vendor.answer({ body: { RequestId: 'r' } });
  await aClient(vendor).describeInvocations({
    RegionId: REGION,
    ResourceGroupId: 'rg-1',
    InvokeId: 't-1',
    CommandId: 'c-1',
    CommandName: 'name',
    CommandType: 'RunShellScript',
    Timed: true,
    InvokeStatus: 'PartialFailed',
    InstanceId: 'i-a',
    ContentEncoding: 'PlainText',
    IncludeOutput: true,
    PageNumber: 1,
    PageSize: 10,
    MaxResults: 50,
    NextToken: 'AAAAAdDWBF2',
    RepeatMode: 'EveryReboot',
    Tag: [
      { Key: 'a', Value: '' },
      { Key: 'b', Value: '2' },
    ],
  });
  expect(vendor.calls[0]?.query).toEqual({
    RegionId: REGION,
    ResourceGroupId: 'rg-1',
    InvokeId: 't-1',
    CommandId: 'c-1',
    CommandName: 'name',
    CommandType: 'RunShellScript',
    Timed: 'true',
    InvokeStatus: 'PartialFailed',
    InstanceId: 'i-a',
    ContentEncoding: 'PlainText',
    IncludeOutput: 'true',
    PageNumber: '1',
    PageSize: '10',
    MaxResults: '50',
    NextToken: 'AAAAAdDWBF2',
    RepeatMode: 'EveryReboot',
    'Tag.1.Key': 'a',
    'Tag.1.Value': '',
    'Tag.2.Key': 'b',
    'Tag.2.Value': '2',
  });
});

test('without an endpoint the host is that of the region', async () => {
  const vendor = stubVendor();
  let host = '';
  vendor.agent
    .get('https://ecs.eu-central-1.aliyuncs.com')
    .intercept({ path: () => true, method: 'POST' })
    .reply((request) => {
      host = headersOf(request.headers)['host'] ?? '';
      return { statusCode: 200, data: '{"RequestId":"r"}' };
    });
  const client = createCloudAssistantClient({
    credentials: async () => ({ accessKeyId: 'id', accessKeySecret: 's', securityToken: 'sts' }),
    dispatcher: vendor.agent,
  });
  const result = await client.describeInvocations({ RegionId: 'eu-central-1' });
  expect({ kind: result.kind, host }).toEqual({
    kind: 'answered',
    host: 'ecs.eu-central-1.aliyuncs.com',
  });
});

test.each(['evil.example/', 'cn-hangzhou.evil.example#', 'CN', ''])(
  'the region %j, which would be part of the host, is refused here',
  async (RegionId) => {
    const vendor = stubVendor();
    const result = await aClient(vendor).describeInvocations({ RegionId });
    expect(result).toMatchObject({
      kind: 'notSent',
      failure: { code: 'InvalidRequest', isRetryable: false },
    });
    expect(vendor.calls).toEqual([]);
  },
);

test.each(['127.0.0.1:4581', 'ftp://ecs', 'https://ecs.aliyuncs.com/path'])(
  'the endpoint %s is refused at once',
  (endpoint) => {
    expect(() => aClient(stubVendor(), { endpoint })).toThrow(
      expect.objectContaining({ code: 'provider.endpoint' }),
    );
  },
);

const manyInstances = Array.from({ length: 101 }, (_, index) => `i-${index}`);
const manyTags = Array.from({ length: 21 }, (_, index) => ({ Key: `k${index}`, Value: '' }));
const invoke = { RegionId: REGION, CommandId: 'c-1', InstanceId: ['i-a'] };

test.each([
  { name: '101 instances', request: { ...invoke, InstanceId: manyInstances } },
  { name: 'no instance', request: { ...invoke, InstanceId: [] } },
  { name: 'a timeout under 10 s', request: { ...invoke, Timeout: 9 } },
  { name: 'Period without Frequency', request: { ...invoke, RepeatMode: 'Period' as const } },
  { name: '21 tags', request: { ...invoke, Tag: manyTags } },
  {
    name: 'a tag key twice',
    request: { ...invoke, Tag: [manyTags[0], manyTags[0]].flatMap((tag) => tag ?? []) },
  },
  { name: 'an empty tag key', request: { ...invoke, Tag: [{ Key: '', Value: 'x' }] } },
  { name: 'a tag key acs:', request: { ...invoke, Tag: [{ Key: 'acs:x', Value: 'x' }] } },
  { name: 'a tag key aliyun', request: { ...invoke, Tag: [{ Key: 'aliyunx', Value: 'x' }] } },
  { name: 'a tag value with https://', request: { ...invoke, Tag: [{ Key: 'x', Value: 'see https://x' }] } },
  { name: 'a tag key of 65', request: { ...invoke, Tag: [{ Key: 'x'.repeat(65), Value: '' }] } },
  { name: 'a tag value of 129', request: { ...invoke, Tag: [{ Key: 'x', Value: 'x'.repeat(129) }] } },
  { name: 'a token of 65', request: { ...invoke, ClientToken: 'x'.repeat(65) } },
  { name: 'a token that is not ASCII', request: { ...invoke, ClientToken: 'tökén' } },
  { name: 'a user name of 256', request: { ...invoke, Username: 'x'.repeat(256) } },
  { name: 'a directory of 201', request: { ...invoke, WorkingDir: 'x'.repeat(201) } },
  { name: 'a launcher over 1 KB', request: { ...invoke, Launcher: 'x'.repeat(1025) } },
  {
    name: '11 parameters',
    request: {
      ...invoke,
      Parameters: Object.fromEntries(manyInstances.slice(0, 11).map((key) => [key, ''])),
    },
  },
  { name: 'an empty parameter name', request: { ...invoke, Parameters: { '': 'x' } } },
  { name: 'a parameter name of 65', request: { ...invoke, Parameters: { ['x'.repeat(65)]: 'x' } } },
  { name: '24 KB of parameters', request: { ...invoke, Parameters: { x: 'x'.repeat(18 * 1024) } } },
  { name: 'instances and instance tags', request: { ...invoke, ResourceTag: [{ Key: 'a', Value: '' }] } },
])('InvokeCommand with $name is refused here and costs no request', async ({ request }) => {
  const vendor = stubVendor();
  const client = aClient(vendor);
  const result = await client.invokeCommand(request);
  expect(result).toMatchObject({ kind: 'notSent', failure: { code: 'InvalidRequest', isRetryable: false } });
  expect({ calls: vendor.calls, counts: client.requestCounts }).toEqual({ calls: [], counts: {} });
});

test.each([
  { name: '51 instances to stop', call: { InstanceId: manyInstances.slice(0, 51), InvokeId: 't-1' } },
  { name: 'no invocation to stop', call: { InvokeId: '' } },
])('StopInvocation with $name is refused here', async ({ call }) => {
  const result = await aClient(stubVendor()).stopInvocation({ RegionId: REGION, ...call });
  expect(result).toMatchObject({ kind: 'notSent', failure: { code: 'InvalidRequest' } });
});

test.each([
  { name: 'MaxResults 51', call: { MaxResults: 51 } },
  { name: 'MaxResults 0', call: { MaxResults: 0 } },
  { name: 'IncludeOutput alone', call: { IncludeOutput: true } },
])('DescribeInvocations with $name is refused here', async ({ call }) => {
  const result = await aClient(stubVendor()).describeInvocations({ RegionId: REGION, ...call });
  expect(result).toMatchObject({ kind: 'notSent', failure: { code: 'InvalidRequest' } });
});

test('IncludeHistory needs InvokeId', async () => {
  const result = await aClient(stubVendor()).describeInvocationResults({
    RegionId: REGION,
    IncludeHistory: true,
  });
  expect(result).toMatchObject({ kind: 'notSent', failure: { code: 'InvalidRequest' } });
});

test.each([
  { code: 'InvalidInstance.NotFound', status: 404, kind: 'notSent', isRetryable: false },
  { code: 'InvalidInstance.NotMatch', status: 400, kind: 'notSent', isRetryable: false, isUnavailable: true },
  { code: 'IdempotentParameterMismatch', status: 403, kind: 'notSent', isRetryable: false },
  { code: 'IdempotentProcessing', status: 403, kind: 'unknown', isRetryable: true },
  { code: 'InternalError.Dispatch', status: 500, kind: 'unknown', isRetryable: true },
  { code: 'ServiceUnavailable', status: 503, kind: 'unknown', isRetryable: true },
])('$code is $kind', async ({ code, status, ...expected }) => {
  const vendor = stubVendor();
  vendor.answer(anError(code, status));
  const { kind, ...failure } = expected;
  const result = await aClient(vendor).invokeCommand(invoke);
  expect(result).toMatchObject({
    kind,
    failure: { code, message: 'as the vendor says', requestId: 'req-error', ...failure },
  });
});

test.each([
  { code: 'InternalError.Dispatch', status: 500, isOutage: true },
  { code: 'ServiceUnavailable', status: 503, isOutage: true },
  { code: 'IdempotentProcessing', status: 403, isOutage: undefined },
  { code: 'Throttling.User', status: 400, isOutage: undefined },
  { code: 'InvalidInstance.NotFound', status: 404, isOutage: undefined },
])('$code says that the cloud is away: $isOutage', async ({ code, status, isOutage }) => {
  const vendor = stubVendor();
  vendor.answer(anError(code, status));
  const result = await aClient(vendor).invokeCommand(invoke);
  expect(result.kind !== 'answered' && result.failure.isOutage).toBe(isOutage);
});

test.each([
  { name: 'HTML from a proxy', answer: { status: 502, body: '<html>' }, code: 'Http502' },
  { name: 'an empty object', answer: { status: 200, body: {} }, code: 'InvalidAnswer' },
  { name: 'no JSON', answer: { status: 200, body: 'ok' }, code: 'InvalidAnswer' },
  { name: 'no invocation id', answer: { status: 200, body: { RequestId: 'r' } }, code: 'InvalidAnswer' },
  { name: 'a redirect', answer: { status: 302, body: '' }, code: 'InvalidAnswer' },
])('$name in the place of an answer leaves the outcome open', async ({ answer, code }) => {
  const vendor = stubVendor();
  vendor.answer(answer);
  const result = await aClient(vendor).invokeCommand(invoke);
  expect(result).toMatchObject({ kind: 'unknown', failure: { code, isRetryable: true } });
});

test('an empty object is not believed to be an empty listing', async () => {
  const vendor = stubVendor();
  vendor.answer({ body: {} });
  const result = await aClient(vendor).describeInvocations({ RegionId: REGION });
  expect(result).toMatchObject({ kind: 'unknown', failure: { code: 'InvalidAnswer' } });
});

test('a lost connection leaves the outcome open', async () => {
  const vendor = stubVendor();
  const client = createCloudAssistantClient({
    credentials: { accessKeyId: 'local', accessKeySecret: 'local-secret' },
    endpoint: 'http://127.0.0.1:4999',
    dispatcher: vendor.agent,
  });
  vendor.agent
    .get('http://127.0.0.1:4999')
    .intercept({ path: () => true, method: 'POST' })
    .replyWithError(new Error('socket hang up'));
  const result = await client.invokeCommand(invoke);
  expect(result).toMatchObject({ failure: { code: 'Network', isRetryable: true } });
});

test('credentials that cannot be read are a failure before anything is sent', async () => {
  const vendor = stubVendor();
  const client = aClient(vendor, { credentials: () => Promise.reject(new Error('no secret there')) });
  const result = await client.invokeCommand(invoke);
  expect(result).toMatchObject({ kind: 'notSent', failure: { code: 'NoCredentials', isRetryable: true } });
  expect(vendor.calls).toEqual([]);
});

/** A clock that stands still at a given second of a minute. */
function frozenClock(iso: string) {
  return {
    epochMs: () => new Date(iso).getTime(),
    monotonicMs: () => 1000,
    schedule: () => () => undefined,
  };
}

test('throttled without a header, the API is left alone until the next minute', async () => {
  const vendor = stubVendor();
  vendor.answer(anError('Throttling.User'));
  const client = aClient(vendor, { clock: frozenClock('2026-11-20T12:00:18Z') });
  const first = await client.describeInvocations({ RegionId: REGION });
  const second = await client.describeInvocations({ RegionId: REGION });
  const otherApi = await client.describeCommands({ RegionId: REGION });
  const otherRegion = await client.describeInvocations({ RegionId: 'cn-beijing' });
  expect([first, second, otherApi, otherRegion]).toMatchObject([
    { kind: 'notSent', failure: { code: 'Throttling.User', isRetryable: true, retryAfterMs: 42_000 } },
    { kind: 'notSent', failure: { code: 'RateLimited', isRetryable: true, retryAfterMs: 42_000 } },
    { failure: { code: 'Throttling.User' } },
    { failure: { code: 'Throttling.User' } },
  ]);
  expect(client.requestCounts).toEqual({ DescribeInvocations: 2, DescribeCommands: 1 });
});

test('throttled with x-acs-retry-after, the header says how long, in milliseconds', async () => {
  const vendor = stubVendor();
  vendor.answer({ ...anError('Throttling', 503), headers: { 'x-acs-retry-after': '1500' } });
  const result = await aClient(vendor).describeInvocations({ RegionId: REGION });
  expect(result).toMatchObject({ kind: 'notSent', failure: { code: 'Throttling', retryAfterMs: 1500 } });
});
