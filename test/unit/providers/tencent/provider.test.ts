/** TAT behind the provider port: the outcomes that dispatch and polling rely on, and what they cost in requests. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Invocation } from '../../../../lib/providers/provider.ts';
import { tencentProvider } from '../../../../lib/providers/tencent/provider.ts';
import { withGiven } from '../../../fixtures/flat.ts';
import { createManualClock } from '../manual-clock.ts';
import { anInvocation, type FakeInvocation, fakeTat, someTasks } from './fake-tat.ts';
import { createTencentStub, STUB_CREDENTIALS, type StubAnswer, type StubRequest } from './stub.ts';

const region = 'ap-guangzhou';

function providerOn(answer: (request: StubRequest, index: number) => StubAnswer) {
  const stub = createTencentStub(answer);
  const provider = tencentProvider({
    credentials: STUB_CREDENTIALS,
    dispatcher: stub.dispatcher,
    clock: createManualClock(),
    requestsPerSecond: Infinity,
    attempts: 1,
  });
  return { provider, stub };
}

const wanted: Invocation = {
  token: 'run-1',
  target: {
    provider: 'tencent',
    region,
    command: 'cmd-echo0001',
    instances: ['ins-00000000', 'ins-00000001'],
    parameters: { text: 'hi' },
  },
  labels: {},
};

describe('split', () => {
  const { provider } = providerOn(() => ({ response: {} }));
  const anId = fc
    .tuple(fc.constantFrom('ins', 'lhins', 'rins'), fc.nat(999))
    .map(([kind, number]) => `${kind}-${number}`);

  it('keeps every instance once, kinds apart, at most 200 together, in order', () => {
    fc.assert(
      fc.property(fc.array(anId, { maxLength: 900 }), (instances) => {
        const parts = provider.split(instances);
        expect(parts.flat().sort()).toEqual([...new Set(instances)].sort());
        for (const part of parts) {
          expect(part.length).toBeGreaterThan(0);
          expect(part.length).toBeLessThanOrEqual(200);
          expect(new Set(part.map((id) => id.split('-')[0])).size).toBe(1);
        }
        const kinds = new Set(instances.map((id) => id.split('-')[0]));
        const fewest = [...kinds].map(
          (kind) => new Set(instances.filter((id) => id.startsWith(`${kind}-`))).size,
        );
        expect(parts).toHaveLength(fewest.reduce((sum, count) => sum + Math.ceil(count / 200), 0));
      }),
    );
  });

  it.each([
    ['ins-local001', true],
    ['lhins-local001', true],
    ['rins-12345678', true],
    ['i-local001', false],
    ['ins-', false],
    ['xins-12345678', false],
    ['ins-1 ; rm', false],
  ])('knows whether %j is an instance', (id, expected) => {
    expect(provider.isInstanceId(id)).toBe(expected);
  });
});

describe('invoke', () => {
  it('sends what was asked for, once, and names the invocation', async () => {
    const { provider, stub } = providerOn(() => ({ response: { InvocationId: 'inv-8xgjrytm' } }));
    const full = withGiven(wanted, { timeoutSeconds: 60, username: 'deploy', workingDirectory: '/srv' });
    expect(await provider.invoke(full)).toEqual({
      kind: 'sent',
      invocationId: 'inv-8xgjrytm',
      requestId: 'request-1',
    });
    expect(stub.requests.map(({ action, region: asked, body }) => ({ action, asked, body }))).toEqual([
      {
        action: 'InvokeCommand',
        asked: region,
        body: {
          CommandId: 'cmd-echo0001',
          InstanceIds: wanted.target.instances,
          Parameters: '{"text":"hi"}',
          Timeout: 60,
          Username: 'deploy',
          WorkingDirectory: '/srv',
        },
      },
    ]);
    expect(provider.requestCounts).toEqual({ InvokeCommand: 1 });
  });

  it('names the bucket of the output where the rule has one', async () => {
    const { provider, stub } = providerOn(() => ({ response: { InvocationId: 'inv-8xgjrytm' } }));
    const bucket = 'https://logs-123454321.cos.ap-beijing.myqcloud.com';
    await provider.invoke(withGiven(wanted, { options: { output: { bucket, prefix: 'ops/logs' } } }));
    expect(stub.requests[0]?.body).toMatchObject({
      OutputCOSBucketUrl: bucket,
      OutputCOSKeyPrefix: 'ops/logs',
    });
  });

  it('sends no parameters where there are none', async () => {
    const { provider, stub } = providerOn(() => ({ response: { InvocationId: 'inv-8xgjrytm' } }));
    await provider.invoke(withGiven(wanted, { parameters: {} }));
    expect(stub.requests[0]?.body).toEqual({
      CommandId: 'cmd-echo0001',
      InstanceIds: wanted.target.instances,
    });
  });

  it.each<[string, StubAnswer, string, object]>([
    ['throttled', { error: 'RequestLimitExceeded' }, 'notSent', { isRetryable: true, retryAfterMs: 1000 }],
    ['refused', { error: 'ResourceNotFound.CommandNotFound' }, 'notSent', { isRetryable: false }],
    [
      'an instance is offline',
      { error: 'ResourceUnavailable.AgentStatusNotOnline' },
      'notSent',
      { isRetryable: false, isUnavailable: true },
    ],
    ['no connection', { refuses: true }, 'notSent', { code: 'Network', isRetryable: true }],
    ['an error inside', { error: 'InternalError' }, 'unknown', { code: 'InternalError' }],
    ['CVM was not reached', { error: 'FailedOperation.CVMError' }, 'unknown', {}],
    ['the connection broke', { breaks: true }, 'unknown', { code: 'Network' }],
    ['a gateway answered', { status: 504, text: '' }, 'unknown', { code: 'HttpStatus' }],
    ['the answer is no answer', { status: 200, text: '{}' }, 'unknown', { code: 'InvalidAnswer' }],
  ])('is honest when %s', async (_, answer, kind, failure) => {
    const { provider, stub } = providerOn(() => answer);
    expect(await provider.invoke(wanted)).toMatchObject({ kind, failure });
    expect(stub.requests).toHaveLength(1);
  });

  it('is unknown when no answer comes in time', async () => {
    const stub = createTencentStub(() => ({ response: {} }));
    const clock = createManualClock();
    stub.dispatcher.dispatch = (_options, handler) => {
      const idle = { aborted: false, paused: false, reason: null, abort() {}, pause() {}, resume() {} };
      handler.onRequestStart?.(idle, null);
      return true;
    };
    const provider = tencentProvider({ credentials: STUB_CREDENTIALS, dispatcher: stub.dispatcher, clock });
    const outcome = provider.invoke(wanted);
    await clock.advance(20_000);
    expect(await outcome).toMatchObject({ kind: 'unknown', failure: { code: 'Timeout' } });
  });

  it('refuses what is outside the limits without asking', async () => {
    const { provider, stub } = providerOn(() => ({ response: {} }));
    const outcome = await provider.invoke(withGiven(wanted, { instances: ['ins-1', 'lhins-1'] }));
    expect(outcome).toMatchObject({
      kind: 'notSent',
      failure: { code: 'InvalidRequest', isRetryable: false },
    });
    expect(stub.requests).toEqual([]);
  });
});

describe('find', () => {
  const since = new Date('2026-11-20T10:00:00Z');
  const ours = (changes: Partial<FakeInvocation> & { InvocationId: string }): FakeInvocation =>
    anInvocation({
      Parameters: '{"text":"hi"}',
      tasks: someTasks(changes.InvocationId, 2),
      InvocationStatus: 'RUNNING',
      ...changes,
    });
  const secondsAfter = (seconds: number): string => new Date(since.getTime() + seconds * 1000).toISOString();

  it.each<[string, FakeInvocation, boolean]>([
    ['the same', ours({ InvocationId: 'inv-1' }), true],
    [
      'created a little before, by their clock',
      ours({ InvocationId: 'inv-1', CreatedTime: secondsAfter(-5) }),
      true,
    ],
    ['created long before', ours({ InvocationId: 'inv-1', CreatedTime: secondsAfter(-6) }), false],
    ['with other parameters', ours({ InvocationId: 'inv-1', Parameters: '{"text":"ho"}' }), false],
    ['without parameters', ours({ InvocationId: 'inv-1', Parameters: null }), false],
    ['with a hidden value', ours({ InvocationId: 'inv-1', Parameters: '{"text":"******"}' }), true],
    ['with one parameter more', ours({ InvocationId: 'inv-1', Parameters: '{"text":"hi","n":"1"}' }), false],
    [
      'with one more that is the default',
      ours({ InvocationId: 'inv-1', Parameters: '{"n":"1", "text":"hi"}', DefaultParameters: '{"n":"1"}' }),
      true,
    ],
    ['with parameters that cannot be read', ours({ InvocationId: 'inv-1', Parameters: '{' }), false],
    ['on more instances', ours({ InvocationId: 'inv-1', tasks: someTasks('inv-1', 3) }), false],
    ['on fewer instances', ours({ InvocationId: 'inv-1', tasks: someTasks('inv-1', 1) }), false],
    ['with a list of tasks that is cut', ours({ InvocationId: 'inv-1', listed: 1 }), true],
    ['started by a schedule', ours({ InvocationId: 'inv-1', InvocationSource: 'invoker' }), false],
    ['in small letters by a user', ours({ InvocationId: 'inv-1', InvocationSource: 'user' }), true],
    ['with a time that cannot be read', ours({ InvocationId: 'inv-1', CreatedTime: 'now' }), true],
  ])('takes an invocation %s: %#', async (_, invocation, isFound) => {
    const { provider } = providerOn(fakeTat([invocation]));
    expect(await provider.find(wanted, since)).toEqual(isFound ? ['inv-1'] : []);
  });

  const offBy = (seconds: number, invocation: FakeInvocation) => {
    const answer = fakeTat([invocation]);
    const date = new Date(createManualClock().epochMs() + seconds * 1000).toUTCString();
    return providerOn((request) => ({ ...answer(request), date })).provider;
  };

  it.each([
    ['behind', -30, -32, true],
    ['behind, and it was before the attempt', -30, -40, false],
    ['ahead', 30, 28, true],
    ['ahead, and it was before the attempt', 30, 20, false],
  ])('compares by the clock of TAT, which is %s', async (_, offBySeconds, createdSeconds, isFound) => {
    const created = ours({ InvocationId: 'inv-1', CreatedTime: secondsAfter(createdSeconds) });
    expect(await offBy(offBySeconds, created).find(wanted, since)).toEqual(isFound ? ['inv-1'] : []);
  });

  it('says that it cannot tell when the clocks are far apart', async () => {
    const created = ours({ InvocationId: 'inv-1', CreatedTime: secondsAfter(1) });
    await expect(offBy(-90, created).find(wanted, since)).rejects.toMatchObject({
      code: 'provider.inconclusive',
      details: { clockOffsetMs: -90_000 },
    });
  });

  it('gives the same looks to what it could take for each other, and no other', () => {
    const { provider } = providerOn(fakeTat([]));
    const { identity } = provider;
    if (identity.by !== 'looks') throw new Error('TAT has no client token');
    const looks = identity.of(wanted);
    const reversed = wanted.target.instances.toReversed();
    for (const alike of [
      { parameters: {} },
      // A hidden one, or its default.
      { parameters: { text: 'another' } },
      { instances: [...reversed, ...reversed] },
      { token: 'run-other-0', username: 'web', timeoutSeconds: 5 },
    ]) {
      expect(identity.of(withGiven(wanted, alike))).toBe(looks);
    }
    for (const other of [
      { region: 'ap-shanghai' },
      { command: 'cmd-other001' },
      { instances: wanted.target.instances.slice(1) },
      { instances: [...wanted.target.instances, 'ins-more0001'] },
    ]) {
      expect(identity.of(withGiven(wanted, other))).not.toBe(looks);
    }
  });

  it('finds every candidate, and asks by command with the largest page', async () => {
    const { provider, stub } = providerOn(
      fakeTat([
        ours({ InvocationId: 'inv-2' }),
        ours({ InvocationId: 'inv-1' }),
        ours({ InvocationId: 'inv-3', CommandId: 'cmd-other001' }),
      ]),
    );
    expect(await provider.find(wanted, since)).toEqual(['inv-2', 'inv-1']);
    expect(stub.requests.map(({ body }) => body)).toEqual([
      { Filters: [{ Name: 'command-id', Values: ['cmd-echo0001'] }], Limit: 100, Offset: 0 },
    ]);
  });

  it('matches a run without parameters', async () => {
    const { provider } = providerOn(fakeTat([ours({ InvocationId: 'inv-1', Parameters: '' })]));
    expect(await provider.find(withGiven(wanted, { parameters: {} }), since)).toEqual(['inv-1']);
  });

  const crowd = (count: number, secondsOf: (index: number) => number): FakeInvocation[] =>
    Array.from({ length: count }, (_, index) =>
      ours({ InvocationId: `inv-c${index}`, CreatedTime: secondsAfter(secondsOf(index)), Parameters: '{}' }),
    );

  it('stops at the page where the older ones begin', async () => {
    const { provider, stub } = providerOn(fakeTat(crowd(1000, (index) => 150 - index)));
    expect(await provider.find(wanted, since)).toEqual([]);
    expect(stub.requests).toHaveLength(2);
  });

  it('looks through all pages when they are not newest first', async () => {
    const all = [...crowd(350, (index) => index - 340), ours({ InvocationId: 'inv-last' })];
    const { provider, stub } = providerOn(fakeTat(all));
    expect(await provider.find(wanted, since)).toEqual(['inv-last']);
    expect(stub.requests).toHaveLength(4);
  });

  it.each<[string, FakeInvocation[], string]>([
    ['there are too many newer ones', crowd(1001, () => 60), 'provider.inconclusive'],
    ['a candidate shows no tasks yet', [ours({ InvocationId: 'inv-1', tasks: [] })], 'provider.inconclusive'],
  ])('says that it cannot tell when %s', async (_, invocations, code) => {
    const { provider } = providerOn(fakeTat(invocations));
    await expect(provider.find(wanted, since)).rejects.toMatchObject({ code, disposition: 'retry' });
  });

  it('throws when the vendor cannot be asked', async () => {
    const { provider } = providerOn(() => ({ breaks: true }));
    await expect(provider.find(wanted, since)).rejects.toMatchObject({
      code: 'provider.maybeDone',
      disposition: 'retry',
      details: { provider: 'tencent', code: 'Network' },
    });
  });
});

describe('read', () => {
  const ref = (invocationId: string) => ({ region, invocationId });
  const outputOf = (bytes: Uint8Array | undefined): string => Buffer.from(bytes ?? []).toString();

  it('reads 100 finished invocations in two requests, with output', async () => {
    const invocations = Array.from({ length: 100 }, (_, index) =>
      anInvocation({ InvocationId: `inv-${index}`, tasks: someTasks(`inv-${index}`, 1) }),
    );
    const { provider, stub } = providerOn(fakeTat(invocations));
    const readings = await provider.read(invocations.map(({ InvocationId }) => ref(InvocationId)));
    expect(readings.map((reading) => reading.kind)).toEqual(Array.from({ length: 100 }, () => 'read'));
    const reports = readings.flatMap((reading) => (reading.kind === 'read' ? reading.tasks : []));
    expect(reports.map(({ status, exitCode, output }) => [status, exitCode, outputOf(output)])).toEqual(
      Array.from({ length: 100 }, () => ['succeeded', 0, 'output 0']),
    );
    expect(stub.actions()).toEqual(['DescribeInvocations', 'DescribeInvocationTasks']);
    expect(stub.requests[0]?.body['Limit']).toBe(100);
  });

  it('asks once for tasks that still run, and for no output of them', async () => {
    const tasks = [...someTasks('inv-1', 2, 'RUNNING'), ...someTasks('inv-2', 1, 'PENDING')];
    const { provider, stub } = providerOn(
      fakeTat([anInvocation({ InvocationId: 'inv-1', InvocationStatus: 'RUNNING', tasks })]),
    );
    const [reading] = await provider.read([ref('inv-1')]);
    expect(reading).toMatchObject({
      kind: 'read',
      tasks: [{ status: 'running' }, { status: 'running' }, { status: 'queued' }],
    });
    expect(stub.actions()).toEqual(['DescribeInvocations']);
  });

  it('asks for the output of ended tasks that are wanted only', async () => {
    const tasks = [...someTasks('inv-1', 3), ...someTasks('inv-9', 1, 'RUNNING')];
    const { provider, stub } = providerOn(
      fakeTat([anInvocation({ InvocationId: 'inv-1', InvocationStatus: 'RUNNING', tasks })]),
    );
    await provider.read([ref('inv-1')], { wantsOutput: (taskId) => taskId !== 'invt-1x1' });
    expect(stub.requests[1]?.body).toEqual({
      InvocationTaskIds: ['invt-1x0', 'invt-1x2'],
      Limit: 100,
      HideOutput: false,
    });
    expect(stub.requests).toHaveLength(2);
  });

  it('gives no tasks to an invocation that the vendor does not show yet', async () => {
    const { provider } = providerOn(fakeTat([]));
    expect(await provider.read([ref('inv-1')])).toEqual([{ invocationId: 'inv-1', kind: 'missing' }]);
  });

  it.each([
    ['lists none of its tasks', 3, 0],
    ['lists the first 20', 150, 20],
    ['lists the first 100', 200, 100],
  ])('reads all tasks of an invocation that %s', async (_, count, listed) => {
    const { provider } = providerOn(
      fakeTat([anInvocation({ InvocationId: 'inv-1', tasks: someTasks('inv-1', count), listed })]),
    );
    const [reading] = await provider.read([ref('inv-1')]);
    const tasks = reading?.kind === 'read' ? reading.tasks : [];
    expect(tasks.map(({ taskId }) => taskId)).toEqual(
      someTasks('inv-1', count).map(({ InvocationTaskId }) => InvocationTaskId),
    );
    expect(tasks.every(({ exitCode, output }) => exitCode === 0 && output !== undefined)).toBe(true);
  });

  it('looks for more tasks when the vendor says that something is still open', async () => {
    const tasks = [
      ...someTasks('inv-1', 2),
      { ...someTasks('inv-2', 1, 'RUNNING')[0], InstanceId: 'ins-late' },
    ].flatMap((task) =>
      task.InvocationTaskId === undefined
        ? []
        : [{ TaskStatus: 'RUNNING', ...task, InvocationTaskId: task.InvocationTaskId }],
    );
    const { provider } = providerOn(
      fakeTat([anInvocation({ InvocationId: 'inv-1', InvocationStatus: 'RUNNING', tasks, listed: 2 })]),
    );
    const [reading] = await provider.read([ref('inv-1')]);
    expect(reading?.kind === 'read' && reading.tasks.map(({ status }) => status)).toEqual([
      'succeeded',
      'succeeded',
      'running',
    ]);
  });

  it('asks for less at a time when the answer would be too long, down to one without output', async () => {
    const tasks = someTasks('inv-1', 7).map((task, index) => ({
      ...task,
      output: index === 4 ? 'x'.repeat(10_000) : 'y'.repeat(500),
    }));
    const { provider } = providerOn(fakeTat([anInvocation({ InvocationId: 'inv-1', tasks })], 3000));
    const [reading] = await provider.read([ref('inv-1')]);
    const sizes =
      reading?.kind === 'read' ? reading.tasks.map(({ exitCode, output }) => [exitCode, output?.length]) : [];
    expect(sizes).toEqual([0, 1, 2, 3, 4, 5, 6].map((index) => [0, index === 4 ? 0 : 500]));
  });

  it('fails only the invocations whose details could not be read', async () => {
    const invocations = [
      anInvocation({ InvocationId: 'inv-1', tasks: someTasks('inv-1', 1) }),
      anInvocation({
        InvocationId: 'inv-2',
        InvocationStatus: 'RUNNING',
        tasks: someTasks('inv-2', 1, 'RUNNING'),
      }),
    ];
    const tat = fakeTat(invocations);
    const { provider } = providerOn((request) =>
      request.action === 'DescribeInvocationTasks' ? { error: 'InternalError' } : tat(request),
    );
    expect(await provider.read([ref('inv-1'), ref('inv-2')])).toMatchObject([
      { invocationId: 'inv-1', kind: 'failed', failure: { code: 'InternalError', isRetryable: true } },
      { invocationId: 'inv-2', kind: 'read', tasks: [{ status: 'running' }] },
    ]);
  });

  it('never gives an ended task without the details that were wanted', async () => {
    const tat = fakeTat([anInvocation({ InvocationId: 'inv-1', tasks: someTasks('inv-1', 1) })]);
    const { provider } = providerOn((request) =>
      request.action === 'DescribeInvocationTasks'
        ? { response: { TotalCount: 0, InvocationTaskSet: [] } }
        : tat(request),
    );
    expect(await provider.read([ref('inv-1')])).toMatchObject([
      { kind: 'failed', failure: { code: 'InvalidAnswer', isRetryable: true } },
    ]);
  });

  it('asks each region for its own, in hundreds, each invocation once', async () => {
    const { provider, stub } = providerOn(fakeTat([]));
    const refs = Array.from({ length: 250 }, (_, index) => ({
      region: index < 150 ? 'ap-guangzhou' : 'ap-shanghai',
      invocationId: `inv-${index}`,
    }));
    const readings = await provider.read([...refs, ...refs]);
    expect(readings.map(({ invocationId }) => invocationId).sort()).toEqual(
      refs.map(({ invocationId }) => invocationId).sort(),
    );
    expect(
      stub.requests.map(({ region: asked, body }) => [asked, [body['InvocationIds']].flat().length]),
    ).toEqual([
      ['ap-guangzhou', 100],
      ['ap-guangzhou', 50],
      ['ap-shanghai', 100],
    ]);
  });
});

describe('cancel', () => {
  const target = { region, invocationId: 'inv-ib2lld37' };
  const some = (count: number): string[] => Array.from({ length: count }, (_, index) => `ins-${index}`);

  it('asks for the whole invocation without naming instances', async () => {
    const { provider, stub } = providerOn(() => ({ response: {} }));
    expect(await provider.cancel(target)).toEqual({ kind: 'requested' });
    expect(stub.requests.map(({ body }) => body)).toEqual([{ InvocationId: 'inv-ib2lld37' }]);
  });

  it('asks for more than 100 instances in several calls', async () => {
    const { provider, stub } = providerOn(() => ({ response: {} }));
    expect(await provider.cancel(target, some(201))).toEqual({ kind: 'requested' });
    expect(stub.requests.map(({ body }) => [body['InstanceIds']].flat().length)).toEqual([100, 100, 1]);
  });

  it('asks for the rest when a part was refused, and says so', async () => {
    const { provider, stub } = providerOn((_, index) =>
      index === 0 ? { error: 'InvalidParameterValue.InstanceIsNotRelatedToInvocation' } : { response: {} },
    );
    expect(await provider.cancel(target, some(150))).toMatchObject({
      kind: 'failed',
      failure: { code: 'InvalidParameterValue.InstanceIsNotRelatedToInvocation' },
    });
    expect(stub.requests).toHaveLength(2);
  });
});

describe('availability', () => {
  it('tells for each instance whether its agent is there and online', async () => {
    const AutomationAgentSet = [
      { InstanceId: 'ins-1', AgentStatus: 'Online' },
      { InstanceId: 'lhins-1', AgentStatus: 'Offline' },
    ];
    const { provider, stub } = providerOn(() => ({ response: { TotalCount: 2, AutomationAgentSet } }));
    expect(await provider.availability(region, ['ins-1', 'lhins-1', 'ins-2', 'i-1'])).toEqual([
      { instanceId: 'ins-1', isAvailable: true },
      { instanceId: 'lhins-1', isAvailable: false, reason: 'agent offline' },
      { instanceId: 'ins-2', isAvailable: false, reason: 'agent not installed' },
      { instanceId: 'i-1', isAvailable: false, reason: 'not an instance id of Tencent Cloud' },
    ]);
    expect(stub.requests.map(({ body }) => body)).toEqual([
      { InstanceIds: ['ins-1', 'lhins-1', 'ins-2'], Limit: 100 },
    ]);
  });

  it('asks for 100 at a time', async () => {
    const { provider, stub } = providerOn(() => ({ response: { TotalCount: 0, AutomationAgentSet: [] } }));
    await provider.availability(
      region,
      Array.from({ length: 250 }, (_, index) => `ins-${index}`),
    );
    expect(stub.requests).toHaveLength(3);
  });

  it('throws when the vendor cannot be asked', async () => {
    const { provider } = providerOn(() => ({ error: 'UnauthorizedOperation.CamAuthFailed' }));
    await expect(provider.availability(region, ['ins-1'])).rejects.toMatchObject({
      code: 'provider.denied',
      disposition: 'drop',
    });
  });
});
