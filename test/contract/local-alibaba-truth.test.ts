/** What a rehearsal must not hide: regions, older status words, filters; asked by the vendor's own SDK. */
import { beforeAll, describe, expect, test } from 'vitest';
import { createCloudAssistantClient } from '../../lib/providers/alibaba/client.ts';
import { createManualClock } from '../unit/providers/manual-clock.ts';
import { atEndOfFile, type Local, startLocal, until } from './alibaba-local.ts';
import { type EcsClient, models, REGION, vendorSdk } from './alibaba-sdk.ts';

let local: Local;
let client: EcsClient;
beforeAll(async () => {
  local = await startLocal({ deliveryTimeoutMs: 300 });
  client = vendorSdk(local.server.port);
});

type Invoke = ConstructorParameters<typeof models.InvokeCommandRequest>[0];
type Describe = ConstructorParameters<typeof models.DescribeInvocationsRequest>[0];

async function invoke(request: Invoke, on = client): Promise<string> {
  const answer = await on.invokeCommand(
    new models.InvokeCommandRequest({ regionId: REGION, instanceId: ['i-local001'], ...request }),
  );
  return answer.body?.invokeId ?? '';
}

async function list(request: Describe, on = client) {
  const answer = await on.describeInvocations(
    new models.DescribeInvocationsRequest({ regionId: REGION, maxResults: 50, ...request }),
  );
  return answer.body?.invocations?.invocation ?? [];
}

async function codeOf(asking: Promise<unknown>): Promise<unknown> {
  return asking.then(
    () => 'no error',
    (error: unknown) => (error instanceof Error && 'code' in error ? error.code : error),
  );
}

const sleep = { commandId: 'c-sleep001', parameters: { seconds: '60' } };

describe('a region', () => {
  test.each(['cn-hangzou', 'cn-hangzhou-1', 'ap-guangzhou', 'CN-HANGZHOU', 'cn'])(
    '%s does not exist, whatever is asked of it',
    async (regionId) => {
      const asked = [
        client.invokeCommand(
          new models.InvokeCommandRequest({ ...sleep, regionId, instanceId: ['i-local001'] }),
        ),
        client.describeInvocations(new models.DescribeInvocationsRequest({ regionId })),
        client.describeInvocationResults(new models.DescribeInvocationResultsRequest({ regionId })),
        client.describeCommands(new models.DescribeCommandsRequest({ regionId })),
        client.describeCloudAssistantStatus(new models.DescribeCloudAssistantStatusRequest({ regionId })),
        client.stopInvocation(new models.StopInvocationRequest({ regionId, invokeId: 't-any' })),
      ];
      expect(await Promise.all(asked.map(codeOf))).toEqual(asked.map(() => 'InvalidRegionId.NotFound'));
    },
  );

  test.each(['cn-hangzhou', 'cn-wulanchabu', 'ap-southeast-1', 'us-east-1', 'cn-shanghai-finance-1'])(
    '%s does',
    async (regionId) => {
      expect(await codeOf(list({ regionId }))).toBe('no error');
    },
  );

  test('has its own instances only', async () => {
    const inBeijing = { ...sleep, regionId: 'cn-beijing', instanceId: ['i-beijing01'], repeatMode: 'DryRun' };
    expect(await codeOf(invoke(inBeijing))).toBe('no error');
    expect(await codeOf(invoke({ ...inBeijing, regionId: REGION }))).toBe('InvalidInstance.NotFound');
  });

  test('stops and changes its own invocations only', async () => {
    const running = await invoke(sleep);
    const recurring = await invoke({ commandId: 'c-fail0001', frequency: 'rate(1h)' });
    const elsewhere = { regionId: 'cn-beijing' };
    const stopThere = client.stopInvocation(
      new models.StopInvocationRequest({ ...elsewhere, invokeId: running }),
    );
    const changeThere = client.modifyInvocationAttribute(
      new models.ModifyInvocationAttributeRequest({
        ...elsewhere,
        invokeId: recurring,
        frequency: 'rate(2h)',
      }),
    );
    expect(await Promise.all([stopThere, changeThere].map(codeOf))).toEqual([
      'InvalidInvokeId.NotFound',
      'InvalidInvokeId.NotFound',
    ]);
    const [record] = await until(
      () => list({ invokeId: running }),
      ([one]) => one?.invocationStatus !== 'Pending',
    );
    const [schedule] = await list({ invokeId: recurring, timed: true });
    expect([record?.invocationStatus, schedule?.frequency]).toEqual(['Running', 'rate(1h)']);
    for (const invokeId of [running, recurring]) {
      await client.stopInvocation(new models.StopInvocationRequest({ regionId: REGION, invokeId }));
    }
  });

  test('keeps its own stored commands; those of the fleet file are in every one', async () => {
    const made = await client.createCommand(
      new models.CreateCommandRequest({
        regionId: REGION,
        name: 'only-here',
        type: 'RunShellScript',
        commandContent: Buffer.from('true').toString('base64'),
      }),
    );
    const commandId = made.body?.commandId ?? '';
    const names = async (regionId: string) => {
      const answer = await client.describeCommands(new models.DescribeCommandsRequest({ regionId }));
      return answer.body?.commands?.command?.map(({ name }) => name).sort();
    };
    expect([await names(REGION), await names('cn-beijing')]).toEqual([
      ['echo', 'fail', 'only-here', 'sleep'],
      ['echo', 'fail', 'sleep'],
    ]);
    const there = { regionId: 'cn-beijing', commandId };
    const refused = [
      client.invokeCommand(new models.InvokeCommandRequest({ ...there, instanceId: ['i-local001'] })),
      client.modifyCommand(new models.ModifyCommandRequest({ ...there, name: 'other' })),
      client.deleteCommand(new models.DeleteCommandRequest(there)),
    ];
    expect(await Promise.all(refused.map(codeOf))).toEqual(refused.map(() => 'InvalidCmdId.NotFound'));
    await client.deleteCommand(new models.DeleteCommandRequest({ regionId: REGION, commandId }));
  });
});

describe('InvokeStatus', () => {
  test('Running finds what runs, Pending what is still to be delivered', async () => {
    const tag = [{ key: 'test', value: 'pending' }];
    local.server.faults.add({ kind: 'task', instanceId: 'i-local002', status: 'Pending' });
    const pending = await invoke({ ...sleep, instanceId: ['i-local002'], tag });
    const running = await invoke({ ...sleep, tag });
    const both = await invoke({ ...sleep, instanceId: ['i-local001', 'i-offline01'], tag });
    await until(
      () => list({ tag }),
      (all) => all.flatMap((one) => one.invokeInstances?.invokeInstance ?? []).filter(isRunning).length === 2,
    );
    const idsOf = async (invokeStatus: string) =>
      (await list({ tag, invokeStatus })).map(({ invokeId }) => invokeId).sort();
    // `both` runs on one instance and waits for the agent of the other: the document finds it by either word.
    expect([await idsOf('Running'), await idsOf('Pending')]).toEqual([
      [running, both].sort(),
      [pending, both].sort(),
    ]);
    for (const invokeId of [pending, running, both]) {
      await client.stopInvocation(new models.StopInvocationRequest({ regionId: REGION, invokeId }));
    }
  });

  test.each([
    { name: 'that failed', content: 'exit 1', overall: 'Failed', word: 'Running', found: ['Running'] },
    { name: 'that succeeded', content: 'true', overall: 'Success', word: 'Success', found: ['Success'] },
  ])('of a timed command $name is never Finished and never Failed', async (expected) => {
    const clock = createManualClock(Date.now());
    const frozen = await startLocal({ clock });
    const on = vendorSdk(frozen.server.port);
    const at = new Date(clock.epochMs() + 60_000).toISOString().slice(0, 19).replace('T', ' ');
    const answer = await on.runCommand(
      new models.RunCommandRequest({
        regionId: REGION,
        type: 'RunShellScript',
        commandContent: expected.content,
        instanceId: ['i-local001'],
        frequency: `at(${at} UTC)`,
      }),
    );
    const invokeId = answer.body?.invokeId ?? '';
    const words = async () => {
      const [one] = await list({ invokeId, timed: true }, on);
      return [one?.invocationStatus, one?.invokeStatus];
    };
    expect(await words()).toEqual(['Scheduled', 'Running']);
    await clock.advance(61_000);
    await until(words, ([overall]) => overall === expected.overall);
    expect(await words()).toEqual([expected.overall, expected.word]);
    const finding = ['Running', 'Finished', 'Success', 'Failed', 'PartialFailed', 'Stopped'];
    const found = await Promise.all(
      finding.map(async (invokeStatus) =>
        (await list({ invokeId, invokeStatus, timed: true }, on)).length > 0 ? [invokeStatus] : [],
      ),
    );
    expect(found.flat()).toEqual(expected.found);
    const results = await on.describeInvocationResults(
      new models.DescribeInvocationResultsRequest({ regionId: REGION, invokeId }),
    );
    expect(
      results.body?.invocation?.invocationResults?.invocationResult?.map(
        ({ invocationStatus, invokeRecordStatus }) => [invocationStatus, invokeRecordStatus],
      ),
    ).toEqual([[expected.overall, expected.word]]);
  });

  test('of a command that recurs is Running until it is stopped by hand', async () => {
    const invokeId = await invoke({ commandId: 'c-fail0001', frequency: 'rate(1h)' });
    const word = async () => (await list({ invokeId, timed: true }))[0]?.invokeStatus;
    expect(await word()).toBe('Running');
    await client.stopInvocation(new models.StopInvocationRequest({ regionId: REGION, invokeId }));
    expect(await word()).toBe('Stopped');
  });
});

describe('a tag filter', () => {
  test('with a key alone finds every value of it, by each action that has one', async () => {
    const invokeId = await invoke({ commandId: 'c-fail0001', tag: [{ key: 'team', value: 'web' }] });
    await invoke({ commandId: 'c-fail0001', tag: [{ key: 'other', value: 'web' }] });
    await client.createCommand(
      new models.CreateCommandRequest({
        regionId: REGION,
        name: 'tagged',
        type: 'RunShellScript',
        commandContent: Buffer.from('true').toString('base64'),
        tag: [{ key: 'team', value: 'web' }],
      }),
    );
    const tag = [{ key: 'team' }];
    const results = await client.describeInvocationResults(
      new models.DescribeInvocationResultsRequest({ regionId: REGION, tag }),
    );
    const commands = await client.describeCommands(
      new models.DescribeCommandsRequest({ regionId: REGION, tag }),
    );
    expect({
      invocations: (await list({ tag })).map((one) => one.invokeId),
      results: results.body?.invocation?.invocationResults?.invocationResult?.map((row) => row.invokeId),
      commands: commands.body?.commands?.command?.map(({ name }) => name),
      emptyValue: await list({ tag: [{ key: 'team', value: '' }] }),
    }).toEqual({ invocations: [invokeId], results: [invokeId], commands: ['tagged'], emptyValue: [] });
  });

  test('with a key alone is sent by our own client too', async () => {
    const own = createCloudAssistantClient({
      credentials: { accessKeyId: 'local', accessKeySecret: 'local-secret' },
      endpoint: local.server.url,
    });
    atEndOfFile(() => own.close());
    const invokeId = await invoke({ commandId: 'c-fail0001', tag: [{ key: 'mine', value: 'yes' }] });
    const found = await own.describeInvocations({ RegionId: REGION, Tag: [{ Key: 'mine' }] });
    expect(found).toMatchObject({
      kind: 'answered',
      answer: { Invocations: { Invocation: [{ InvokeId: invokeId }] } },
    });
  });

  test('of instances with a key alone chooses every instance that has it', async () => {
    const invokeId = await invoke({
      commandId: 'c-fail0001',
      instanceId: [],
      repeatMode: 'EveryReboot',
      resourceTag: [{ key: 'Name' }],
    }).catch((error: unknown) => String(error));
    // Among all instances is a Windows one, which refuses the whole call: every one of them was chosen.
    expect(invokeId).toContain('InvalidInstance.NotMatch');
  });
});

test('a Windows instance cannot be added to a shell command that recurs', async () => {
  const invokeId = await invoke({ commandId: 'c-fail0001', frequency: 'rate(1h)' });
  const adding = client.modifyInvocationAttribute(
    new models.ModifyInvocationAttributeRequest({
      regionId: REGION,
      invokeId,
      instanceId: ['i-windows01'],
    }),
  );
  expect(await codeOf(adding)).toBe('InvalidInstance.NotMatch');
});

test('DryRun beside a Frequency is no rehearsal: it is a command that recurs, as documented', async () => {
  const invokeId = await invoke({ commandId: 'c-fail0001', repeatMode: 'DryRun', frequency: 'rate(1h)' });
  expect(await list({ invokeId, timed: true })).toMatchObject([
    { repeatMode: 'Period', invocationStatus: 'Scheduled' },
  ]);
});

function isRunning({ invocationStatus }: { invocationStatus?: string }): boolean {
  return invocationStatus === 'Running';
}
