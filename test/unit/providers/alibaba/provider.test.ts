import { expect, test } from 'vitest';
import { FleetReflexError } from '../../../../lib/errors.ts';
import { type AlibabaProviderOptions, alibabaProvider } from '../../../../lib/providers/alibaba/provider.ts';
import type { Invocation } from '../../../../lib/providers/provider.ts';
import { type Flat, withGiven } from '../../../fixtures/flat.ts';
import { anError, ORIGIN, type StubVendor, stubVendor } from './stub.ts';

const REGION = 'cn-hangzhou';

function aProvider(vendor: StubVendor, more: Partial<AlibabaProviderOptions> = {}) {
  return alibabaProvider({
    credentials: { accessKeyId: 'local', accessKeySecret: 'local-secret' },
    endpoint: ORIGIN,
    dispatcher: vendor.agent,
    requestsPerSecond: Number.POSITIVE_INFINITY,
    ...more,
  });
}

function anInvocation(more: Flat<Invocation> = {}): Invocation {
  return withGiven(
    {
      token: 'run-abc/0',
      target: {
        provider: 'alibaba',
        region: REGION,
        command: 'c-echo0001',
        instances: ['i-a'],
        parameters: {},
      },
      labels: {},
    },
    more,
  );
}

/** An answer of DescribeInvocations with one record. */
function aPage(instances: object[], more: { next?: string; invokeId?: string; record?: object } = {}) {
  const { next, invokeId = 't-1', record } = more;
  return {
    body: {
      RequestId: 'r',
      ...(next && { NextToken: next }),
      Invocations: {
        Invocation: [{ InvokeId: invokeId, InvokeInstances: { InvokeInstance: instances }, ...record }],
      },
    },
  };
}
const NOTHING = { body: { RequestId: 'r', Invocations: { Invocation: [] } } };

test('split cuts at 100 instances and names none twice', () => {
  const instances = Array.from({ length: 250 }, (_, index) => `i-${index}`);
  const parts = aProvider(stubVendor()).split([...instances, 'i-0']);
  expect(parts.map(({ length }) => length)).toEqual([100, 100, 50]);
  expect(parts.flat()).toEqual(instances);
});

test.each([
  ['i-bp1i7gg30r52z2em', true],
  ['mi-hz00000001', true],
  ['ins-local001', false],
  ['lhins-local001', false],
  ['i-', false],
  ['i-UPPER', false],
  ['i-a;rm', false],
])('isInstanceId(%s) is %s', (id, expected) => {
  expect(aProvider(stubVendor()).isInstanceId(id)).toBe(expected);
});

test('invoke sends the token as ClientToken and as a tag, and labels as tags', async () => {
  const vendor = stubVendor();
  vendor.answer({ body: { RequestId: 'r-9', InvokeId: 't-9' } });
  const outcome = await aProvider(vendor, { terminationMode: 'ProcessTree' }).invoke(
    anInvocation({
      instances: ['i-a', 'i-b'],
      parameters: { text: 'hi' },
      timeoutSeconds: 30,
      username: 'ops',
      workingDirectory: '/srv',
      labels: {
        'fleet-reflex-run': 'not-the-token',
        'fleet-reflex-rule': 'restart-web-on-5xx',
        'aliyun-not-allowed': 'x',
        link: 'see https://example.com',
        long: 'x'.repeat(200),
      },
    }),
  );
  expect(outcome).toEqual({ kind: 'sent', invocationId: 't-9', requestId: 'r-9' });
  expect(vendor.calls.map(({ action, query }) => ({ action, query }))).toEqual([
    {
      action: 'InvokeCommand',
      query: {
        RegionId: REGION,
        CommandId: 'c-echo0001',
        'InstanceId.1': 'i-a',
        'InstanceId.2': 'i-b',
        ClientToken: 'run-abc/0',
        Parameters: '{"text":"hi"}',
        Timeout: '30',
        Username: 'ops',
        WorkingDir: '/srv',
        TerminationMode: 'ProcessTree',
        'Tag.1.Key': 'fleet-reflex-run',
        'Tag.1.Value': 'run-abc/0',
        'Tag.2.Key': 'fleet-reflex-rule',
        'Tag.2.Value': 'restart-web-on-5xx',
        'Tag.3.Key': 'link',
        'Tag.3.Value': 'see example.com',
        'Tag.4.Key': 'long',
        'Tag.4.Value': 'x'.repeat(128),
      },
    },
  ]);
});

test('invoke carries what the rule says beyond where and what, before what the settings say', async () => {
  const vendor = stubVendor();
  vendor.answer({ body: { RequestId: 'r-9', InvokeId: 't-9' } });
  await aProvider(vendor, { terminationMode: 'ProcessTree' }).invoke(
    anInvocation({
      labels: {},
      options: {
        terminationMode: 'Process',
        output: { bucket: 'ops-logs', prefix: 'web' },
        tags: { team: 'web', 'fleet-reflex-run': 'another' },
      },
    }),
  );
  expect(vendor.calls[0]?.query).toMatchObject({
    TerminationMode: 'Process',
    OssOutputDelivery: 'oss://ops-logs/web',
    'Tag.1.Key': 'fleet-reflex-run',
    'Tag.1.Value': 'run-abc/0',
    'Tag.2.Key': 'team',
    'Tag.2.Value': 'web',
  });
  expect(vendor.calls[0]?.query).not.toHaveProperty(['Tag.3.Key']);
});

test.each([
  { code: 'IdempotentProcessing', status: 403, kind: 'unknown', isRetryable: true },
  { code: 'IdempotentParameterMismatch', status: 403, kind: 'notSent', isRetryable: false },
  { code: 'InternalError.Dispatch', status: 500, kind: 'unknown', isRetryable: true },
  { code: 'Throttling.User', status: 400, kind: 'notSent', isRetryable: true },
  { code: 'InvalidCmdId.NotFound', status: 404, kind: 'notSent', isRetryable: false },
])('invoke answered with $code is $kind', async ({ code, status, kind, isRetryable }) => {
  const vendor = stubVendor();
  vendor.answer(anError(code, status));
  expect(await aProvider(vendor).invoke(anInvocation())).toMatchObject({
    kind,
    failure: { code, isRetryable, advice: expect.stringMatching(/./) },
  });
});

test('an attempt that is repeated has the same token, and another nonce', async () => {
  const vendor = stubVendor();
  vendor.answer(anError('ServiceUnavailable', 503), { body: { RequestId: 'r', InvokeId: 't-1' } });
  const provider = aProvider(vendor);
  const outcomes = [await provider.invoke(anInvocation()), await provider.invoke(anInvocation())];
  expect(outcomes.map(({ kind }) => kind)).toEqual(['unknown', 'sent']);
  const [first, second] = vendor.calls;
  expect(first?.query).toEqual(second?.query);
  expect(first?.headers['x-acs-signature-nonce']).not.toBe(second?.headers['x-acs-signature-nonce']);
});

function tagged(token: string) {
  return { Tags: { Tag: [{ TagKey: 'fleet-reflex-run', TagValue: token }] } };
}

test('find asks by tag over all pages and believes only what carries the tag', async () => {
  const vendor = stubVendor();
  vendor.answer(
    aPage([], { next: 'p2', invokeId: 't-1', record: tagged('run-abc/0') }),
    aPage([], { next: 'p3', invokeId: 't-2', record: tagged('run-other/0') }),
    aPage([], { invokeId: 't-3' }),
  );
  expect(await aProvider(vendor).find(anInvocation(), new Date())).toEqual(['t-1']);
  expect(vendor.calls.map(({ query }) => query)).toEqual(
    [undefined, 'p2', 'p3'].map((NextToken) => ({
      RegionId: REGION,
      'Tag.1.Key': 'fleet-reflex-run',
      'Tag.1.Value': 'run-abc/0',
      MaxResults: '50',
      ...(NextToken && { NextToken }),
    })),
  );
});

test.each([
  { code: 'InternalError.Dispatch', status: 500, name: 'provider.maybeDone', disposition: 'retry' },
  { code: 'Throttling.User', status: 400, name: 'provider.throttled', disposition: 'retry' },
  { code: 'Forbidden.RAM', status: 403, name: 'provider.denied', disposition: 'drop' },
  { code: 'Never.Seen', status: 502, name: 'provider.maybeDone', disposition: 'retry' },
])(
  'find that is answered with $code throws, disposition $disposition',
  async ({ code, status, name, disposition }) => {
    const vendor = stubVendor();
    vendor.answer(anError(code, status));
    const thrown = await aProvider(vendor)
      .find(anInvocation(), new Date())
      .catch((error: unknown) => error);
    expect(thrown).toBeInstanceOf(FleetReflexError);
    expect(thrown).toMatchObject({ code: name, disposition, details: { provider: 'alibaba', code } });
  },
);

const ref = { region: REGION, invocationId: 't-1' };

test('read asks for states alone while nothing has ended', async () => {
  const vendor = stubVendor();
  vendor.answer(
    aPage([{ InstanceId: 'i-a', InvocationStatus: 'Running', StartTime: '2026-11-20T12:00:00Z' }]),
  );
  expect(await aProvider(vendor).read([ref])).toEqual([
    {
      invocationId: 't-1',
      kind: 'read',
      tasks: [
        {
          invocationId: 't-1',
          taskId: 't-1/i-a',
          instanceId: 'i-a',
          status: 'running',
          providerStatus: 'Running',
          started: 'maybe',
          startedAt: '2026-11-20T12:00:00.000Z',
        },
      ],
    },
  ]);
  expect(vendor.calls.map(({ query }) => query)).toEqual([
    { RegionId: REGION, InvokeId: 't-1', MaxResults: '50' },
  ]);
});

const ended = {
  InstanceId: 'i-b',
  InvocationStatus: 'Failed',
  ExitCode: 3,
  ErrorCode: 'ExitCodeNonzero',
  ErrorInfo: 'not zero',
  Dropped: 7,
  Repeats: 1,
  StartTime: '2026-11-20T12:00:00Z',
  FinishTime: '2026-11-20T12:00:01Z',
};

test('read fetches the output of the one task that has ended, by its instance', async () => {
  const vendor = stubVendor();
  const running = { InstanceId: 'i-a', InvocationStatus: 'Running' };
  vendor.answer(
    aPage([running, ended]),
    aPage([{ ...ended, Output: Buffer.from('bad é').toString('base64') }]),
  );
  const [reading] = await aProvider(vendor).read([ref]);
  expect(reading).toMatchObject({
    kind: 'read',
    tasks: [
      { taskId: 't-1/i-a', status: 'running' },
      {
        taskId: 't-1/i-b',
        status: 'failed',
        started: 'yes',
        exitCode: 3,
        output: Buffer.from('bad é'),
        outputDroppedBytes: 7,
        error: {
          code: 'ExitCodeNonzero',
          message: 'not zero',
          advice: 'The command ran and reported failure: read its output.',
        },
        endedAt: '2026-11-20T12:00:01.000Z',
      },
    ],
  });
  expect(vendor.calls[1]?.query).toEqual({
    RegionId: REGION,
    InvokeId: 't-1',
    InstanceId: 'i-b',
    IncludeOutput: 'true',
    ContentEncoding: 'Base64',
    MaxResults: '50',
  });
});

test('output of tasks that the caller has settled is not fetched again', async () => {
  const vendor = stubVendor();
  vendor.answer(aPage([ended]));
  const [reading] = await aProvider(vendor).read([ref], { wantsOutput: () => false });
  expect(reading).toMatchObject({ kind: 'read', tasks: [{ status: 'failed' }] });
  expect(reading).not.toHaveProperty('tasks.0.output');
  expect(vendor.calls).toHaveLength(1);
});

test('an invocation that is still to run again is found with Timed', async () => {
  const vendor = stubVendor();
  vendor.answer(NOTHING, aPage([{ InstanceId: 'i-a', InvocationStatus: 'Scheduled', Repeats: 2 }]));
  const [reading] = await aProvider(vendor).read([ref]);
  expect(reading).toMatchObject({ tasks: [{ status: 'scheduled', started: 'yes' }] });
  expect(vendor.calls.map(({ query }) => query['Timed'])).toEqual([undefined, 'true']);
});

test('right after the start there may be nothing to read', async () => {
  const vendor = stubVendor();
  vendor.answer(NOTHING);
  expect(await aProvider(vendor).read([ref])).toEqual([{ invocationId: 't-1', kind: 'missing' }]);
});

test('an invocation over more than one page is read whole, each instance once', async () => {
  const vendor = stubVendor();
  const row = (index: number) => ({ InstanceId: `i-${index}`, InvocationStatus: 'Pending' });
  const rows = Array.from({ length: 100 }, (_, index) => row(index));
  vendor.answer(aPage(rows.slice(0, 51), { next: 'p2' }), aPage(rows.slice(50)));
  const [reading] = await aProvider(vendor).read([ref]);
  if (reading?.kind !== 'read') throw new Error('not read');
  expect(reading.tasks.map(({ instanceId }) => instanceId)).toEqual(rows.map(({ InstanceId }) => InstanceId));
});

test('a NextToken that leads in a circle does not go on for ever', async () => {
  const vendor = stubVendor();
  vendor.answer(aPage([{ InstanceId: 'i-a', InvocationStatus: 'Pending' }], { next: 'same' }));
  const [reading] = await aProvider(vendor).read([ref]);
  expect(reading).toMatchObject({ kind: 'read', tasks: [{ instanceId: 'i-a' }] });
  expect(vendor.calls).toHaveLength(2);
});

/** Answers like the vendor: a listing of what runs, and each invocation by its id. */
function manyRunning(vendor: StubVendor, running: readonly string[], more: { next?: string } = {}) {
  const record = (invokeId: string, status: string) => ({
    InvokeId: invokeId,
    InvokeInstances: { InvokeInstance: [{ InstanceId: 'i-a', InvocationStatus: status }] },
  });
  vendor.answer((query) => ({
    body: {
      RequestId: 'r',
      ...(query['InvokeStatus'] && more.next && { NextToken: more.next }),
      Invocations: {
        Invocation:
          query['InvokeId'] === undefined
            ? running.map((invokeId) => record(invokeId, 'Running'))
            : [record(query['InvokeId'], running.includes(query['InvokeId']) ? 'Running' : 'Success')],
      },
    },
  }));
}

const refsOf = (ids: readonly string[]) => ids.map((invocationId) => ({ region: REGION, invocationId }));
const IDS = ['t-1', 't-2', 't-3', 't-4', 't-5'];

test('of many at once, those that run cost one request together', async () => {
  const vendor = stubVendor();
  manyRunning(vendor, ['t-5', 't-9', 't-3', 't-1']);
  const readings = await aProvider(vendor).read(refsOf(IDS), { wantsOutput: () => false });
  expect(
    readings.map((reading) => [reading.invocationId, reading.kind === 'read' && reading.tasks[0]?.status]),
  ).toEqual([
    ['t-1', 'running'],
    ['t-2', 'succeeded'],
    ['t-3', 'running'],
    ['t-4', 'succeeded'],
    ['t-5', 'running'],
  ]);
  expect(vendor.calls.map(({ query }) => query['InvokeId'] ?? query['InvokeStatus']).sort()).toEqual([
    'Running',
    't-2',
    't-4',
  ]);
});

test('few are read one by one, and a listing never costs more than it can save', async () => {
  const few = stubVendor();
  manyRunning(few, IDS);
  await aProvider(few).read(refsOf(IDS.slice(0, 3)));
  const endless = stubVendor();
  manyRunning(endless, ['t-9'], { next: 'more' });
  await aProvider(endless).read(refsOf(IDS), { wantsOutput: () => false });
  expect([few.calls.length, endless.calls.length]).toEqual([3, 6]);
});

/** Answers like the vendor: what runs in the region, what an instance ran, and each invocation by its id. */
function manyEnded(vendor: StubVendor, ids: readonly string[], instanceOf: (id: string) => string): void {
  const record = (invokeId: string) => ({
    InvokeId: invokeId,
    InvokeInstances: {
      InvokeInstance: [
        {
          ...ended,
          InstanceId: instanceOf(invokeId),
          Output: Buffer.from(`of ${invokeId}`).toString('base64'),
        },
      ],
    },
  });
  vendor.answer(({ InvokeStatus, InvokeId, InstanceId, MaxResults }) => {
    const listed = InvokeId === undefined ? ids.filter((id) => instanceOf(id) === InstanceId) : [InvokeId];
    const shown = InvokeStatus === undefined ? listed.slice(0, Number(MaxResults)) : [];
    return { body: { RequestId: 'r', Invocations: { Invocation: shown.map(record) } } };
  });
}

test('what ended on one instance is read together, with its outputs', async () => {
  const vendor = stubVendor();
  const ids = Array.from({ length: 20 }, (_, index) => `t-${index}`);
  const instanceOf = (id: string) => (id === 't-7' ? 'i-alone' : `i-${Number(id.slice(2)) % 2}`);
  manyEnded(vendor, ids, instanceOf);
  const refs = ids.map((id) => ({ region: REGION, invocationId: id, instances: [instanceOf(id)] }));
  const readings = await aProvider(vendor).read(refs);
  expect(
    readings.map((reading) => [
      reading.invocationId,
      reading.kind === 'read' && reading.tasks.map(({ output }) => Buffer.from(output ?? []).toString()),
    ]),
  ).toEqual(ids.map((id) => [id, [`of ${id}`]]));
  const asked = vendor.calls.map(
    ({ query }) => query['InvokeStatus'] ?? query['InstanceId'] ?? query['InvokeId'],
  );
  // Alone: its states, and then the output of the one instance.
  expect(asked.toSorted()).toEqual(['Running', 'i-0', 'i-1', 'i-alone', 't-7']);
});

test('what the listing of an instance does not show is asked for by its own id', async () => {
  const vendor = stubVendor();
  manyEnded(vendor, ['t-1', 't-2'], () => 'i-a');
  const readings = await aProvider(vendor).read(
    IDS.map((invocationId) => ({ region: REGION, invocationId, instances: ['i-a'] })),
  );
  expect(readings.map((reading) => reading.kind === 'read' && reading.tasks[0]?.status)).toEqual(
    IDS.map(() => 'failed'),
  );
  // What runs, the instance, and for each of three its states and its output.
  expect(vendor.calls).toHaveLength(2 + 3 * 2);
});

test('what ended on several instances is read by its own id', async () => {
  const vendor = stubVendor();
  manyEnded(vendor, IDS, () => 'i-a');
  const refs = IDS.map((invocationId) => ({ region: REGION, invocationId, instances: ['i-a', 'i-b'] }));
  await aProvider(vendor).read(refs);
  expect(vendor.calls.filter(({ query }) => query['InvokeId'] === undefined)).toHaveLength(1);
});

test('a listing that fails costs nothing but itself', async () => {
  const vendor = stubVendor();
  vendor.answer((query) =>
    query['InvokeStatus'] === 'Running'
      ? anError('InternalError.Dispatch', 500)
      : aPage([{ InstanceId: 'i-a', InvocationStatus: 'Pending' }], { invokeId: query['InvokeId'] ?? '' }),
  );
  const readings = await aProvider(vendor).read(refsOf(IDS));
  expect(readings.map(({ kind }) => kind)).toEqual(IDS.map(() => 'read'));
});

test('one invocation that cannot be read does not spoil the others', async () => {
  const vendor = stubVendor();
  vendor.answer(
    anError('InternalError.Dispatch', 500),
    aPage([{ InstanceId: 'i-a', InvocationStatus: 'Pending' }], { invokeId: 't-2' }),
  );
  const readings = await aProvider(vendor, { readConcurrency: 1 }).read([
    ref,
    { region: REGION, invocationId: 't-2' },
  ]);
  expect(readings).toMatchObject([
    { invocationId: 't-1', kind: 'failed', failure: { code: 'InternalError.Dispatch' } },
    { invocationId: 't-2', kind: 'read', tasks: [{ status: 'queued' }] },
  ]);
});

test('states whose output could not be fetched are not reported: rather later and whole', async () => {
  const vendor = stubVendor();
  vendor.answer(aPage([ended]), anError('ServiceUnavailable', 503));
  expect(await aProvider(vendor).read([ref])).toMatchObject([
    { kind: 'failed', failure: { code: 'ServiceUnavailable', isRetryable: true } },
  ]);
});

test.each([
  {
    name: 'never ran: no exit code although the vendor fills in 0',
    row: {
      InvocationStatus: 'Aborted',
      ExitCode: 0,
      ErrorCode: 'ClientNotRunning',
      ErrorInfo: 'x',
      StartTime: '',
    },
    expected: { status: 'undelivered', started: 'no' },
  },
  {
    name: 'succeeded: an error code beside it is filler',
    row: { InvocationStatus: 'Success', ExitCode: 0, ErrorCode: 'InstanceNotExists', ErrorInfo: 'x' },
    expected: { status: 'succeeded', started: 'yes', exitCode: 0 },
  },
  {
    name: 'cancelled: it ended when it was stopped',
    row: { InvocationStatus: 'Cancelled', FinishTime: '', StopTime: '2026-11-20T12:00:00Z' },
    expected: { status: 'cancelled', started: 'no', endedAt: '2026-11-20T12:00:00.000Z' },
  },
  {
    name: 'not reached without an error code: it says so all the same',
    row: { InvocationStatus: 'Aborted', StartTime: '', FinishTime: '1970-01-01T00:00:00Z' },
    expected: {
      status: 'undelivered',
      started: 'no',
      error: {
        code: 'Aborted',
        message: 'The command could not be sent to the instance within a minute.',
        advice: 'Check that the instance runs and its agent is online; it is safe to run again.',
      },
    },
  },
  {
    name: 'a code that nobody knows yet is passed on without advice',
    row: { InvocationStatus: 'Error', ErrorCode: 'Brand.New', ErrorInfo: 'x', ExitCode: 0 },
    expected: { status: 'lost', started: 'maybe', error: { code: 'Brand.New', message: 'x' } },
  },
  {
    name: 'a state that nobody knows yet is not an end',
    row: { InvocationStatus: 'Hibernating' },
    expected: { status: 'unknown', started: 'maybe' },
  },
])('a task that $name', async ({ row, expected }) => {
  const vendor = stubVendor();
  vendor.answer(aPage([{ InstanceId: 'i-a', ...row }]));
  const [reading] = await aProvider(vendor).read([ref], { wantsOutput: () => false });
  if (reading?.kind !== 'read') throw new Error('not read');
  const {
    invocationId: _i,
    taskId: _t,
    instanceId: _n,
    providerStatus,
    ...task
  } = reading.tasks[0] ?? {
    providerStatus: '',
  };
  const withError =
    'error' in expected
      ? expected
      : {
          ...expected,
          ...('ErrorCode' in row && expected.status !== 'succeeded' && { error: expect.anything() }),
        };
  expect({ providerStatus, task }).toEqual({ providerStatus: row.InvocationStatus, task: withError });
});

test('cancel stops all of it in one call, or 50 instances a call', async () => {
  const vendor = stubVendor();
  vendor.answer({ body: { RequestId: 'r' } });
  const provider = aProvider(vendor);
  const instances = Array.from({ length: 101 }, (_, index) => `i-${index}`);
  expect(await provider.cancel(ref)).toEqual({ kind: 'requested' });
  expect(await provider.cancel(ref, instances)).toEqual({ kind: 'requested' });
  const counts = vendor.calls.map(
    ({ query }) => Object.keys(query).filter((key) => key.startsWith('InstanceId.')).length,
  );
  expect(counts).toEqual([0, 50, 50, 1]);
});

test('cancel that is refused says why', async () => {
  const vendor = stubVendor();
  vendor.answer(anError('InvalidInvokeId.NotFound', 404));
  expect(await aProvider(vendor).cancel(ref)).toMatchObject({
    kind: 'failed',
    failure: { code: 'InvalidInvokeId.NotFound', isRetryable: false },
  });
});

test('availability reads the text "true", and misses what the vendor leaves out', async () => {
  const vendor = stubVendor();
  vendor.answer({
    body: {
      RequestId: 'r',
      InstanceCloudAssistantStatusSet: {
        InstanceCloudAssistantStatus: [
          { InstanceId: 'i-a', CloudAssistantStatus: 'true' },
          { InstanceId: 'i-b', CloudAssistantStatus: 'false', LastHeartbeatTime: '2026-11-20T11:00:00Z' },
          { InstanceId: 'i-c', CloudAssistantStatus: 'false' },
        ],
      },
    },
  });
  expect(await aProvider(vendor).availability(REGION, ['i-c', 'i-a', 'i-b', 'i-d'])).toEqual([
    { instanceId: 'i-c', isAvailable: false, reason: 'agent offline or not installed' },
    { instanceId: 'i-a', isAvailable: true },
    { instanceId: 'i-b', isAvailable: false, reason: 'agent offline, last seen 2026-11-20T11:00:00Z' },
    { instanceId: 'i-d', isAvailable: false, reason: 'unknown to Cloud Assistant in this region' },
  ]);
});

test('requests are counted by action', async () => {
  const vendor = stubVendor();
  vendor.answer({ body: { RequestId: 'r' } });
  const provider = aProvider(vendor);
  await provider.read([ref, { region: REGION, invocationId: 't-2' }]);
  await provider.cancel(ref);
  expect(provider.requestCounts).toEqual({ DescribeInvocations: 4, StopInvocation: 1 });
});
