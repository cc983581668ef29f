import { beforeAll, describe, expect, test } from 'vitest';
import { isTerminalTask } from '../../lib/model/status.ts';
import { type AlibabaProvider, alibabaProvider } from '../../lib/providers/alibaba/provider.ts';
import type { Invocation } from '../../lib/providers/provider.ts';
import { type Flat, withGiven } from '../fixtures/flat.ts';
import { atEndOfFile, type Local, type LocalOptions, startLocal, until } from './alibaba-local.ts';
import { REGION } from './alibaba-sdk.ts';
import { providerContract } from './provider-contract.ts';

async function start(
  server: LocalOptions = {},
  more: { deadlineMs?: number } = {},
): Promise<Local & { provider: AlibabaProvider }> {
  const local = await startLocal(server);
  const provider = alibabaProvider({
    credentials: { accessKeyId: 'local', accessKeySecret: 'local-secret' },
    endpoint: local.server.url,
    requestsPerSecond: Number.POSITIVE_INFINITY,
    ...more,
  });
  atEndOfFile(() => provider.close());
  return { ...local, provider };
}

providerContract('alibaba', async () => {
  const { server, provider } = await start();
  const action = 'InvokeCommand';
  return {
    provider,
    region: REGION,
    instances: ['i-local001', 'i-local002'],
    offline: 'i-offline01',
    commands: { echo: 'c-echo0001', sleep: 'c-sleep001', fail: 'c-fail0001' },
    loseNextAnswer: () => server.faults.add({ kind: 'dropAfter', action }),
    loseNextRequest: () => server.faults.add({ kind: 'dropBefore', action }),
    throttleNext: () => server.faults.add({ kind: 'throttle', action, retryAfterMs: 1 }),
  };
});

let count = 0;
function anInvocation(more: Flat<Invocation> = {}): Invocation {
  count += 1;
  return withGiven(
    {
      token: `run-alibaba-${count}`,
      target: {
        provider: 'alibaba',
        region: REGION,
        command: 'c-echo0001',
        instances: ['i-local001'],
        parameters: { text: 'hello' },
      },
      labels: {},
    },
    more,
  );
}

describe('what is Cloud Assistant’s own', () => {
  let local: Awaited<ReturnType<typeof start>>;
  beforeAll(async () => {
    local = await start({ deliveryTimeoutMs: 200 }, { deadlineMs: 3000 });
  });

  const readEnd = (invocationId: string) =>
    until(
      async () => {
        const [reading] = await local.provider.read([{ region: REGION, invocationId }]);
        return reading?.kind === 'read' ? reading.tasks : [];
      },
      (tasks) => tasks.length > 0 && tasks.every(({ status }) => isTerminalTask(status)),
    );

  test('an attempt that is repeated after a lost answer is the same invocation', async () => {
    const invocation = anInvocation();
    local.server.faults.add({ kind: 'dropAfter', action: 'InvokeCommand' });
    const first = await local.provider.invoke(invocation);
    const second = await local.provider.invoke(invocation);
    const found = await local.provider.find(invocation, new Date());
    expect([first, second]).toMatchObject([
      { kind: 'unknown', failure: { code: 'Network' } },
      { kind: 'sent', invocationId: found[0] },
    ]);
    expect(found).toHaveLength(1);
  });

  test('an answer that comes too late leaves the outcome open, and the invocation is found', async () => {
    const slow = await start({}, { deadlineMs: 150 });
    slow.server.faults.add({ kind: 'answerLate', action: 'InvokeCommand', ms: 1000 });
    const invocation = anInvocation();
    const outcome = await slow.provider.invoke(invocation);
    expect(outcome).toMatchObject({ kind: 'unknown', failure: { code: 'Timeout', isRetryable: true } });
    expect(await slow.provider.find(invocation, new Date())).toHaveLength(1);
  });

  test('while the first attempt is in work, the second is unknown and may be repeated', async () => {
    const invocation = anInvocation();
    local.server.faults.add({ kind: 'beginLate', action: 'InvokeCommand', ms: 300 });
    const arrived = () => local.server.requestCounts['InvokeCommand'] ?? 0;
    const before = arrived();
    const first = local.provider.invoke(invocation);
    await until(
      async () => arrived(),
      (requests) => requests > before,
    );
    const second = await local.provider.invoke(invocation);
    expect(second).toMatchObject({
      kind: 'unknown',
      failure: { code: 'IdempotentProcessing', isRetryable: true },
    });
    expect(await first).toMatchObject({ kind: 'sent' });
  });

  test('the token with another request is refused for good', async () => {
    const invocation = anInvocation();
    await local.provider.invoke(invocation);
    expect(
      await local.provider.invoke(withGiven(invocation, { parameters: { text: 'other' } })),
    ).toMatchObject({
      kind: 'notSent',
      failure: { code: 'IdempotentParameterMismatch', isRetryable: false },
    });
  });

  test('long after the vendor has forgotten the token, the tag still finds the invocation', async () => {
    const forgetful = await start({ tokenLifetimeMs: 0 });
    const invocation = anInvocation();
    forgetful.server.faults.add({ kind: 'dropAfter', action: 'InvokeCommand' });
    await forgetful.provider.invoke(invocation);
    const found = await forgetful.provider.find(invocation, new Date());
    expect(found).toHaveLength(1);
  });

  test('an InternalError whose call took effect is found', async () => {
    const invocation = anInvocation();
    local.server.faults.add({
      kind: 'error',
      action: 'InvokeCommand',
      code: 'InternalError.Dispatch',
      isAfter: true,
    });
    expect(await local.provider.invoke(invocation)).toMatchObject({
      kind: 'unknown',
      failure: { code: 'InternalError.Dispatch', isRetryable: true },
    });
    expect(await local.provider.find(invocation, new Date())).toHaveLength(1);
  });

  test('what a lagging vendor does not list yet is not found, and later is', async () => {
    const invocation = anInvocation();
    local.server.faults.add({ kind: 'lateVisibility', action: 'InvokeCommand', ms: 300 });
    const outcome = await local.provider.invoke(invocation);
    const early = await local.provider.find(invocation, new Date());
    const later = await until(
      () => local.provider.find(invocation, new Date()),
      (found) => found.length > 0,
    );
    expect({ kind: outcome.kind, early, later }).toEqual({
      kind: 'sent',
      early: [],
      later: [outcome.kind === 'sent' && outcome.invocationId],
    });
  });

  test.each([
    {
      fault: { kind: 'task', status: 'Aborted' } as const,
      task: { status: 'undelivered', started: 'no', error: { code: 'DeliveryTimeout' } },
    },
    {
      fault: { kind: 'task', status: 'Error' } as const,
      task: { status: 'lost', started: 'maybe', error: { code: 'ClientNotResponse' } },
    },
    { fault: { kind: 'task', status: 'Pending', ms: 50 } as const, task: { status: 'succeeded' } },
  ])('a task on which $fault.status falls is $task.status', async ({ fault, task }) => {
    local.server.faults.add(fault);
    const outcome = await local.provider.invoke(anInvocation());
    expect(await readEnd(outcome.kind === 'sent' ? outcome.invocationId : '')).toMatchObject([task]);
  });

  test('an instance that is stopped refuses the call: it is unavailable, nothing ran', async () => {
    expect(
      await local.provider.invoke(anInvocation({ instances: ['i-local001', 'i-stopped01'] })),
    ).toMatchObject({
      kind: 'notSent',
      failure: { code: 'InvalidInstance.NotMatch', isUnavailable: true, isRetryable: false },
    });
  });

  test('an instance that is not reached is undelivered, and did not start', async () => {
    const outcome = await local.provider.invoke(anInvocation({ instances: ['i-offline01'] }));
    const tasks = await readEnd(outcome.kind === 'sent' ? outcome.invocationId : '');
    expect(tasks).toEqual([
      {
        invocationId: expect.any(String),
        taskId: expect.stringMatching(/^t-.*\/i-offline01$/),
        instanceId: 'i-offline01',
        status: 'undelivered',
        providerStatus: 'Aborted',
        started: 'no',
        output: Buffer.alloc(0),
        outputDroppedBytes: 0,
        error: {
          code: 'DeliveryTimeout',
          message: 'The command delivery has been timeout',
          advice:
            'The command did not reach the instance within a minute: check its network and agent, then run again.',
        },
      },
    ]);
  });

  test('a user that is not there is rejected, and did not start', async () => {
    const outcome = await local.provider.invoke(anInvocation({ username: 'nobody-has-this-name' }));
    const tasks = await readEnd(outcome.kind === 'sent' ? outcome.invocationId : '');
    expect(tasks).toMatchObject([
      { status: 'rejected', providerStatus: 'Invalid', started: 'no', error: { code: 'AccountNotExists' } },
    ]);
  });

  test('what is still to run again is read too', async () => {
    const result = await local.provider.client.invokeCommand({
      RegionId: REGION,
      CommandId: 'c-fail0001',
      InstanceId: ['i-local001'],
      RepeatMode: 'Period',
      Frequency: 'rate(1h)',
    });
    const invocationId = result.kind === 'answered' ? result.answer.InvokeId : '';
    const [reading] = await local.provider.read([{ region: REGION, invocationId }]);
    expect(reading).toMatchObject({ kind: 'read', tasks: [{ status: 'scheduled', started: 'no' }] });
  });

  test('a read costs one request while it runs, and one more for the output', async () => {
    const counts = () => local.provider.requestCounts['DescribeInvocations'] ?? 0;
    const outcome = await local.provider.invoke(
      anInvocation({
        command: 'c-sleep001',
        parameters: { seconds: '60' },
        instances: ['i-local001', 'i-local002'],
      }),
    );
    const ref = { region: REGION, invocationId: outcome.kind === 'sent' ? outcome.invocationId : '' };
    const before = counts();
    await local.provider.read([ref]);
    const whileRunning = counts() - before;
    await local.provider.cancel(ref);
    await readEnd(ref.invocationId);
    const ended = counts();
    await local.provider.read([ref]);
    expect([whileRunning, counts() - ended]).toEqual([1, 2]);
  });

  test('cancel of some instances leaves the others running', async () => {
    const outcome = await local.provider.invoke(
      anInvocation({
        command: 'c-sleep001',
        parameters: { seconds: '60' },
        instances: ['i-local001', 'i-local002'],
      }),
    );
    const ref = { region: REGION, invocationId: outcome.kind === 'sent' ? outcome.invocationId : '' };
    const read = async () => {
      const [reading] = await local.provider.read([ref]);
      return reading?.kind === 'read' ? reading.tasks.map(({ status }) => status) : [];
    };
    await until(read, (statuses) => statuses.every((status) => status === 'running'));
    await local.provider.cancel(ref, ['i-local002']);
    expect(await until(read, ([, second]) => second === 'terminated')).toEqual(['running', 'terminated']);
    await local.provider.cancel(ref);
  });

  test('an unknown invocation is read as empty, and cannot be stopped', async () => {
    const ref = { region: REGION, invocationId: 't-nobody' };
    expect(await local.provider.read([ref])).toEqual([{ invocationId: 't-nobody', kind: 'missing' }]);
    expect(await local.provider.cancel(ref)).toMatchObject({
      kind: 'failed',
      failure: { code: 'InvalidInvokeId.NotFound', isRetryable: false },
    });
  });
});
