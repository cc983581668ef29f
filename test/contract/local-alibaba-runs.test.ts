/** What becomes of commands on the local server: they really run, end, time out, are stopped, recur. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { createManualClock } from '../unit/providers/manual-clock.ts';
import { type Local, startLocal, until } from './alibaba-local.ts';
import { type EcsClient, models, REGION, vendorSdk } from './alibaba-sdk.ts';

let local: Local;
let client: EcsClient;

beforeAll(async () => {
  local = await startLocal({ deliveryTimeoutMs: 300 });
  client = vendorSdk(local.server.port);
});

type Run = ConstructorParameters<typeof models.RunCommandRequest>[0];

async function run(content: string, more: Run = {}, on = client): Promise<string> {
  const answer = await on.runCommand(
    new models.RunCommandRequest({
      regionId: REGION,
      type: 'RunShellScript',
      commandContent: content,
      instanceId: ['i-local001'],
      ...more,
    }),
  );
  return answer.body?.invokeId ?? '';
}

async function look(invokeId: string, on = client, timed = false) {
  const answer = await on.describeInvocations(
    new models.DescribeInvocationsRequest({
      regionId: REGION,
      invokeId,
      timed,
      includeOutput: true,
      contentEncoding: 'PlainText',
    }),
  );
  const invocation = answer.body?.invocations?.invocation?.[0];
  return { invocation, rows: invocation?.invokeInstances?.invokeInstance ?? [] };
}

const OPEN = new Set(['Pending', 'Running', 'Stopping', 'Scheduled']);
async function ended(invokeId: string, on = client) {
  return until(
    () => look(invokeId, on),
    ({ rows }) => rows.length > 0 && rows.every(({ invocationStatus }) => !OPEN.has(invocationStatus ?? '')),
  );
}

async function stop(invokeId: string, instanceId?: string[], on = client) {
  await on.stopInvocation(
    new models.StopInvocationRequest({ regionId: REGION, invokeId, ...(instanceId && { instanceId }) }),
  );
}

async function refusal(asking: Promise<unknown>): Promise<unknown> {
  return asking.then(() => 'no error').catch((error: unknown) => error);
}

describe('how a command ends', () => {
  test.each<{ name: string; content: string; more?: Run; row: object }>([
    {
      name: 'exit 0 is Success',
      content: 'echo out; echo err >&2',
      row: { invocationStatus: 'Success', exitCode: 0, errorCode: '', output: 'out\nerr\n', repeats: 1 },
    },
    {
      name: 'another exit code is Failed',
      content: 'exit 7',
      row: { invocationStatus: 'Failed', exitCode: 7, errorCode: 'ExitCodeNonzero' },
    },
    {
      name: 'over its time is Timeout, exit code 1',
      content: 'echo before; sleep 30',
      more: { timeout: 1 },
      row: { invocationStatus: 'Timeout', exitCode: 1, errorCode: 'ExecutionTimeout', output: 'before\n' },
    },
    {
      name: 'a user that is not there is Invalid',
      content: 'true',
      more: { username: 'nobody-has-this-name' },
      row: { invocationStatus: 'Invalid', errorCode: 'AccountNotExists', repeats: 0, startTime: '' },
    },
    {
      name: 'a directory that is not there is Invalid',
      content: 'true',
      more: { workingDir: '/not/there' },
      row: { invocationStatus: 'Invalid', errorCode: 'DirectoryNotExists', repeats: 0 },
    },
    {
      name: 'an agent that does not answer is Aborted',
      content: 'true',
      more: { instanceId: ['i-offline01'] },
      row: { invocationStatus: 'Aborted', errorCode: 'DeliveryTimeout', repeats: 0 },
    },
    {
      name: 'no agent is Aborted',
      content: 'true',
      more: { instanceId: ['i-noagent01'] },
      row: { invocationStatus: 'Aborted', errorCode: 'ClientNotRunning', repeats: 0 },
    },
    {
      name: 'a shebang is honoured',
      content: '#!/usr/bin/env -S sed -n 2p\nsecond line',
      row: { invocationStatus: 'Success', output: 'second line' },
    },
    {
      name: 'a launcher runs the script',
      content: 'first line',
      more: { launcher: 'sed s/first/launched/ {{ACS::ScriptFileName|Ext(".txt")}}' },
      row: { invocationStatus: 'Success', output: 'launched line' },
    },
    {
      name: 'Base64 content',
      content: Buffer.from('echo "grüße"').toString('base64'),
      more: { contentEncoding: 'Base64' },
      row: { invocationStatus: 'Success', output: 'grüße\n' },
    },
  ])('$name', async ({ content, more, row }) => {
    const { rows } = await ended(await run(content, more));
    expect(rows).toMatchObject([row]);
  });

  test('of much output the start and the end are kept, 24 KB in all', async () => {
    const { rows } = await ended(await run('seq -f %06g 10000'));
    const [row] = rows;
    const whole = Array.from(
      { length: 10_000 },
      (_, index) => `${String(index + 1).padStart(6, '0')}\n`,
    ).join('');
    expect(row?.output).toHaveLength(24 * 1024);
    expect(row?.dropped).toBe(whole.length - 24 * 1024);
    expect(row?.output?.slice(0, 6000)).toBe(whole.slice(0, 6000));
    expect(row?.output?.slice(6000)).toBe(whole.slice(6000 - 24 * 1024));
  });

  test('an agent that comes back within the time takes the command', async () => {
    local.engine.change('i-offline01', { agent: 'offline' });
    const invokeId = await run('echo back', { instanceId: ['i-offline01'] });
    const before = await look(invokeId);
    local.engine.change('i-offline01', { agent: 'online' });
    const { rows } = await ended(invokeId);
    local.engine.change('i-offline01', { agent: 'offline' });
    expect([before.rows[0]?.invocationStatus, rows[0]?.output]).toEqual(['Pending', 'back\n']);
  });
});

describe('parameters', () => {
  test('are pasted as they are, names in any case, built-ins filled in', async () => {
    const invokeId = await run(
      'echo "{{ name }} {{NAME}} {{ACS::InstanceId}} {{ACS::InstanceName}} {{ACS::RegionId}} {{ACS::InvokeId}} {{missing}}."',
      { enableParameter: true, parameters: { Name: 'a$((1+1))' } },
    );
    const { rows } = await ended(invokeId);
    expect(rows[0]?.output).toBe(`a2 a2 i-local001 web-1 cn-hangzhou ${invokeId} .\n`);
  });

  test('without EnableParameter the braces stay', async () => {
    const { rows } = await ended(await run("echo '{{name}}'"));
    expect(rows[0]?.output).toBe('{{name}}\n');
  });

  const content = 'echo {{name}}';
  const many = Object.fromEntries(Array.from({ length: 11 }, (_, index) => [`p${index}`, '']));
  test.each<{ code: string; more: Run; content?: string }>([
    { code: 'Parameter.Disabled', more: { parameters: { name: 'x' } } },
    { code: 'Parameter.NotMatched', more: { enableParameter: true, parameters: { other: 'x' } } },
    { code: 'ParameterType.NotSupported', more: { enableParameter: true, parameters: { name: 7 } } },
    { code: 'ParameterKey.Duplicate', more: { enableParameter: true, parameters: { name: '', NAME: '' } } },
    {
      code: 'ParameterKey.ExceedLimit',
      more: { enableParameter: true, parameters: { ['x'.repeat(65)]: '' } },
    },
    { code: 'ParameterCount.ExceedLimit', more: { enableParameter: true, parameters: many } },
    {
      code: 'CmdContent.ExceedLimit',
      more: { enableParameter: true, parameters: { name: 'x'.repeat(18_432) } },
    },
    { code: 'CmdContent.ExceedLimit', more: {}, content: 'x'.repeat(18_433) },
    { code: 'CmdContent.DecodeError', more: { contentEncoding: 'Base64' }, content: 'not base 64!' },
    { code: 'CmdParam.InvalidParamName', more: { enableParameter: true }, content: 'echo {{a b}}' },
    { code: 'CmdParam.EmptyKey', more: { enableParameter: true }, content: 'echo {{ }}' },
    {
      code: 'CmdParamCount.ExceedLimit',
      more: { enableParameter: true },
      content: Array.from({ length: 21 }, (_, index) => `{{p${index}}}`).join(),
    },
    { code: 'InvalidCmdType.NotFound', more: { type: 'RunPerlScript' } },
    { code: 'InvalidInstance.NotMatch', more: { type: 'RunBatScript' } },
    { code: 'InvalidInstance.NotMatch', more: { instanceId: ['i-windows01'] } },
    { code: 'InvalidInstance.NotMatch', more: { instanceId: ['i-local001', 'i-stopped01'] } },
    { code: 'InvalidInstance.NotFound', more: { instanceId: ['i-nobody'] } },
    { code: 'InvalidInstance.NotFound', more: { instanceId: ['i-beijing01'] } },
    { code: 'InvalidInstance.NotFound', more: { instanceId: ['ins-local001'] } },
    { code: 'MissingParam.InstanceId', more: { instanceId: [] } },
    {
      code: 'InstanceIds.ExceedLimit',
      more: { instanceId: Array.from({ length: 101 }, (_, index) => `i-${index}`) },
    },
    { code: 'InvalidRepeatMode.NotFound', more: { repeatMode: 'Sometimes' } },
    { code: 'MissingParam.Frequency', more: { repeatMode: 'Period' } },
    { code: 'InvalidParam.Frequency', more: { frequency: 'rate(10s)' } },
    { code: 'InvalidParam.Frequency', more: { frequency: 'rate(60s)', timeout: 60 } },
    { code: 'InvalidParam.Frequency', more: { frequency: '*/5 * * * * *' } },
    { code: 'InvalidParam.Frequency', more: { frequency: 'at(2020-01-01 00:00:00)' } },
    { code: 'InvalidTerminationMode.NotFound', more: { terminationMode: 'Softly' } },
    { code: 'Username.ExceedLimit', more: { username: 'x'.repeat(256) } },
    { code: 'InvalidParameter.WorkingDir', more: { workingDir: 'x'.repeat(201) } },
    { code: 'InvalidLauncher.LengthLimitExceeded', more: { launcher: 'x'.repeat(1025) } },
    { code: 'InvalidContainerId.Malformed', more: { containerId: 'xyz' } },
    { code: 'Operation.Forbidden', more: { containerName: 'web' } },
    { code: 'CmdName.ExceedLimit', more: { name: 'x'.repeat(129) } },
    { code: 'CmdDesc.ExceedLimit', more: { description: 'x'.repeat(513) } },
    {
      code: 'InvalidResourceTag.InstanceNotFound',
      more: { instanceId: [], resourceTag: [{ key: 'Name', value: 'db' }] },
    },
    {
      code: 'InvalidResourceTag.ConflictWithInstanceIds',
      more: { resourceTag: [{ key: 'Name', value: 'web-1' }] },
    },
    { code: 'MissingParameter.ResourceTagKey', more: { instanceId: [], resourceTag: [{ value: 'x' }] } },
    { code: 'InvalidClientToken.Malformed', more: { clientToken: 'x'.repeat(65) } },
  ])('$code: $more', async ({ code, more, content: other }) => {
    expect(await refusal(run(other ?? content, more))).toMatchObject({ code });
  });

  test('a refused request leaves no record and no command', async () => {
    const before = await client.describeInvocations(
      new models.DescribeInvocationsRequest({ regionId: REGION }),
    );
    await refusal(
      run('true', { instanceId: ['i-local001', 'i-stopped01'], keepCommand: true, name: 'left-over' }),
    );
    const after = await client.describeInvocations(
      new models.DescribeInvocationsRequest({ regionId: REGION }),
    );
    const commands = await client.describeCommands(
      new models.DescribeCommandsRequest({ regionId: REGION, name: 'left-over' }),
    );
    expect([after.body?.totalCount, commands.body?.totalCount]).toEqual([before.body?.totalCount, 0]);
  });
});

describe('ClientToken', () => {
  test('the same token and request is the same invocation, and runs once', async () => {
    const file = join(local.engine.directoryOf('i-local001'), 'count');
    const token = { clientToken: 'token-1' };
    const ids = [
      await run(`echo x >> ${file}; wc -l < ${file}`, token),
      await run(`echo x >> ${file}; wc -l < ${file}`, token),
    ];
    const { rows } = await ended(ids[0] ?? '');
    expect(ids[1]).toBe(ids[0]);
    expect(rows[0]?.output).toBe('1\n');
  });

  test('the same token with another request is refused', async () => {
    await run('true', { clientToken: 'token-2' });
    expect(await refusal(run('false', { clientToken: 'token-2' }))).toMatchObject({
      code: 'IdempotentParameterMismatch',
      statusCode: 403,
    });
  });

  test('while the first is in work the second is told to come again', async () => {
    local.server.faults.add({ kind: 'beginLate', action: 'RunCommand', ms: 200 });
    const arrived = () => local.server.requestCounts['RunCommand'] ?? 0;
    const before = arrived();
    const first = run('true', { clientToken: 'token-3' });
    await until(
      async () => arrived(),
      (requests) => requests > before,
    );
    expect(await refusal(run('true', { clientToken: 'token-3' }))).toMatchObject({
      code: 'IdempotentProcessing',
      statusCode: 403,
    });
    const invokeId = await first;
    expect(await run('true', { clientToken: 'token-3' })).toBe(invokeId);
  });

  test('the token of a refused request is free again', async () => {
    await refusal(run('true', { clientToken: 'token-4', instanceId: ['i-nobody'] }));
    expect(await run('true', { clientToken: 'token-4' })).toMatch(/^t-/);
  });
});

describe('StopInvocation', () => {
  test('a running command is Terminated, and was stopped', async () => {
    const invokeId = await run('echo begun; sleep 60', { instanceId: ['i-local001', 'i-local002'] });
    await until(
      () => look(invokeId),
      ({ rows }) => rows.every(({ invocationStatus }) => invocationStatus === 'Running'),
    );
    await stop(invokeId, ['i-local002']);
    const half = await until(
      () => look(invokeId),
      ({ rows }) => rows[1]?.invocationStatus === 'Terminated',
    );
    expect(half.rows[0]?.invocationStatus).toBe('Running');
    await stop(invokeId);
    const { invocation, rows } = await ended(invokeId);
    expect({ overall: invocation?.invocationStatus, rows }).toMatchObject({
      overall: 'Stopped',
      rows: [
        {
          invocationStatus: 'Terminated',
          output: 'begun\n',
          stopTime: expect.stringMatching(/Z$/),
          exitCode: 1,
        },
        { invocationStatus: 'Terminated' },
      ],
    });
  });

  test('a command that has not started is Cancelled', async () => {
    const invokeId = await run('true', { instanceId: ['i-offline01'] });
    await stop(invokeId);
    const { rows } = await look(invokeId);
    expect(rows).toMatchObject([{ invocationStatus: 'Cancelled', repeats: 0, startTime: '' }]);
  });

  test('a command that has ended stays as it ended', async () => {
    const invokeId = await run('true');
    await ended(invokeId);
    await stop(invokeId);
    expect((await look(invokeId)).rows).toMatchObject([{ invocationStatus: 'Success', stopTime: '' }]);
  });

  test('the default ends the script and leaves its children, ProcessTree ends all', async () => {
    const directory = local.engine.directoryOf('i-local001');
    const survivors = await Promise.all(
      ['Process', 'ProcessTree'].map(async (terminationMode) => {
        const mark = join(directory, `mark-${terminationMode}`);
        const ready = join(directory, `ready-${terminationMode}`);
        // The child waits for a file of ours, so that nothing depends on how fast this machine is.
        const child = `(touch ${ready}; while [ ! -e ${mark}-go ]; do sleep 0.02; done; touch ${mark}) > /dev/null 2>&1 &`;
        const invokeId = await run(`${child}\nsleep 60`, { terminationMode });
        await until(async () => existsSync(ready), Boolean);
        await stop(invokeId);
        await ended(invokeId);
        await ended(await run(`touch ${mark}-go`));
        const isThere = async () => existsSync(mark);
        return until(isThere, Boolean, terminationMode === 'Process' ? 5000 : 300).catch(() => false);
      }),
    );
    expect(survivors).toEqual([true, false]);
  });

  test.each([
    { code: 'InvalidInvokeId.NotFound', call: () => stop('t-nobody') },
    { code: 'MissingParameter.InvokeId', call: () => stop('') },
    { code: 'InvalidInstanceId.NotFound', call: async () => stop(await run('true'), ['i-local003']) },
    {
      code: 'InstanceIds.ExceedLimit',
      call: () =>
        stop(
          't-x',
          Array.from({ length: 51 }, (_, index) => `i-${index}`),
        ),
    },
  ])('$code', async ({ code, call }) => {
    expect(await refusal(call())).toMatchObject({ code });
  });

  test('with the other reading of the vendor, what runs goes on', async () => {
    const other = await startLocal({ stopsRunning: 'leave' });
    const on = vendorSdk(other.server.port);
    const file = join(other.engine.directoryOf('i-local001'), 'go');
    const invokeId = await run(`while [ ! -e ${file} ]; do sleep 0.02; done; echo ended`, {}, on);
    await until(
      () => look(invokeId, on),
      ({ rows }) => rows[0]?.invocationStatus === 'Running',
    );
    await stop(invokeId, undefined, on);
    const stillRunning = await look(invokeId, on);
    await ended(await run(`touch ${file}`, {}, on), on);
    const { rows } = await ended(invokeId, on);
    expect([stillRunning.rows[0]?.invocationStatus, rows[0]]).toMatchObject([
      'Running',
      { invocationStatus: 'Success', output: 'ended\n', stopTime: expect.stringMatching(/Z$/) },
    ]);
  });
});

describe('RepeatMode', () => {
  test('DryRun checks and runs nothing', async () => {
    const file = join(local.engine.directoryOf('i-local001'), 'dry');
    const { invocation, rows } = await ended(await run(`touch ${file}`, { repeatMode: 'DryRun' }));
    expect({ mode: invocation?.repeatMode, rows, ran: existsSync(file) }).toMatchObject({
      mode: 'DryRun',
      rows: [{ invocationStatus: 'Success', repeats: 0, startTime: '' }],
      ran: false,
    });
    expect(await refusal(run('true', { repeatMode: 'DryRun', instanceId: ['i-stopped01'] }))).toMatchObject({
      code: 'InvalidInstance.NotMatch',
    });
  });

  test('NextRebootOnly and EveryReboot wait for the instance to come up', async () => {
    const once = await run('echo once', { repeatMode: 'NextRebootOnly' });
    const every = await run('echo every', { repeatMode: 'EveryReboot' });
    const before = [await look(once, client, true), await look(every, client, true)];
    expect(before.map(({ rows }) => rows[0]?.invocationStatus)).toEqual(['Scheduled', 'Scheduled']);
    for (const count of [1, 2]) {
      local.server.instanceStarted('i-local001');
      await until(
        () => look(every, client, true),
        ({ rows }) => rows[0]?.repeats === count && rows[0]?.invocationStatus === 'Scheduled',
      );
    }
    const { rows } = await ended(once);
    expect(rows).toMatchObject([{ invocationStatus: 'Success', repeats: 1, output: 'once\n' }]);
    await stop(every);
    expect((await look(every)).rows).toMatchObject([{ invocationStatus: 'Cancelled', repeats: 2 }]);
  });

  test('at() runs once, at its time', async () => {
    const at = new Date(Date.now() + 1500).toISOString().slice(0, 19).replace('T', ' ');
    const invokeId = await run('echo now', { frequency: `at(${at} UTC)` });
    expect((await look(invokeId, client, true)).rows).toMatchObject([{ invocationStatus: 'Scheduled' }]);
    const { invocation, rows } = await ended(invokeId);
    expect({ invocation, rows }).toMatchObject({
      invocation: { repeatMode: 'Period', timed: false, invocationStatus: 'Success' },
      rows: [{ repeats: 1, output: 'now\n' }],
    });
    expect(Date.parse(rows[0]?.startTime ?? '')).toBeGreaterThanOrEqual(
      Date.parse(`${at.replace(' ', 'T')}Z`),
    );
  });
});

describe('a rate, on a clock that the test moves', () => {
  async function startFrozen() {
    const clock = createManualClock(Date.now());
    const frozen = await startLocal({ clock });
    const on = vendorSdk(frozen.server.port);
    const runsOf = async (invokeId: string) => (await look(invokeId, on, true)).rows[0];
    /** Moves on by a minute, and waits until what is due has run. */
    const minute = async (invokeId: string, repeats: number, status: string) => {
      await clock.advance(60_000);
      return until(
        () => runsOf(invokeId),
        (row) => row?.repeats === repeats && row?.invocationStatus === status,
      );
    };
    return { clock, on, runsOf, minute, directory: frozen.engine.directoryOf('i-local001') };
  }

  test('it runs after each interval, keeps its history, and ends with a failure', async () => {
    const { on, runsOf, minute, directory } = await startFrozen();
    const file = join(directory, 'count');
    const content = `echo x >> ${file}; wc -l < ${file}; test $(wc -l < ${file}) -lt 3`;
    const invokeId = await run(content, { frequency: 'rate(1m)', timeout: 30 }, on);
    expect(await runsOf(invokeId)).toMatchObject({ invocationStatus: 'Scheduled', repeats: 0 });
    expect(await minute(invokeId, 1, 'Scheduled')).toMatchObject({ output: '1\n', exitCode: 0 });
    expect(await minute(invokeId, 2, 'Scheduled')).toMatchObject({ output: '2\n' });
    expect(await minute(invokeId, 3, 'Failed')).toMatchObject({ output: '3\n', exitCode: 1, timed: false });
    const history = await on.describeInvocationResults(
      new models.DescribeInvocationResultsRequest({
        regionId: REGION,
        invokeId,
        includeHistory: true,
        contentEncoding: 'PlainText',
      }),
    );
    expect(
      history.body?.invocation?.invocationResults?.invocationResult?.map(
        ({ repeats, output, invocationStatus }) => [repeats, output, invocationStatus],
      ),
    ).toEqual([
      [3, '3\n', 'Failed'],
      [2, '2\n', 'Success'],
      [1, '1\n', 'Success'],
    ]);
  });

  test('a time-out does not end it, a stop does', async () => {
    const { on, minute, clock, runsOf } = await startFrozen();
    const invokeId = await run('sleep 60', { frequency: 'rate(1m)', timeout: 1 }, on);
    expect(await minute(invokeId, 1, 'Scheduled')).toMatchObject({ errorCode: 'ExecutionTimeout' });
    await stop(invokeId, undefined, on);
    await clock.advance(120_000);
    expect(await runsOf(invokeId)).toMatchObject({ invocationStatus: 'Cancelled', repeats: 1 });
  });

  test('ModifyInvocationAttribute changes what will run', async () => {
    const { on, minute } = await startFrozen();
    const invokeId = await run(
      'echo {{word}}',
      { frequency: 'rate(1m)', timeout: 30, enableParameter: true, parameters: { word: 'old' } },
      on,
    );
    const modify = (more: object) =>
      on.modifyInvocationAttribute(
        new models.ModifyInvocationAttributeRequest({ regionId: REGION, invokeId, ...more }),
      );
    await modify({ parameters: { word: 'new' }, enableParameter: true, instanceId: ['i-local002'] });
    expect(await minute(invokeId, 1, 'Scheduled')).toMatchObject({ output: 'new\n' });
    const changed = await modify({ commandContent: 'echo other {{word}}', frequency: 'rate(2m)' });
    const { invocation } = await look(invokeId, on, true);
    expect(invocation).toMatchObject({
      commandId: changed.body?.commandId,
      commandContent: 'echo other {{word}}',
      frequency: 'rate(2m)',
      invokeInstances: {
        invokeInstance: [{ instanceId: 'i-local001' }, { instanceId: 'i-local002', repeats: 1 }],
      },
    });
    expect(await minute(invokeId, 2, 'Scheduled')).toMatchObject({ output: 'other new\n' });
    expect(await refusal(modify({ frequency: 'rate(1s)' }))).toMatchObject({
      code: 'InvalidParameter.Frequency',
    });
    await stop(invokeId, undefined, on);
    // The other instance may have been at work when it was stopped.
    await until(
      () => look(invokeId, on, true),
      ({ rows }) => rows.every(({ invocationStatus }) => !OPEN.has(invocationStatus ?? '')),
    );
    expect(await refusal(modify({ frequency: 'rate(5m)' }))).toMatchObject({
      code: 'InvalidOperation.InvokeAlreadyFinished',
    });
    const onceId = await run('true', {}, on);
    expect(
      await refusal(
        on.modifyInvocationAttribute(
          new models.ModifyInvocationAttributeRequest({
            regionId: REGION,
            invokeId: onceId,
            frequency: 'rate(5m)',
          }),
        ),
      ),
    ).toMatchObject({ code: 'InvalidOperation.RepeatModeUnsupported' });
  });
});

describe('stored commands', () => {
  test('are created, listed, changed, run and deleted', async () => {
    const created = await client.createCommand(
      new models.CreateCommandRequest({
        regionId: REGION,
        name: 'stored-one',
        type: 'RunShellScript',
        commandContent: Buffer.from('echo {{b}} {{a}} {{B}}').toString('base64'),
        enableParameter: true,
        description: 'a stored one',
        timeout: 30,
        tag: [{ key: 'k', value: 'v' }],
      }),
    );
    const commandId = created.body?.commandId ?? '';
    const list = async (more: object) => {
      const answer = await client.describeCommands(
        new models.DescribeCommandsRequest({ regionId: REGION, contentEncoding: 'PlainText', ...more }),
      );
      return answer.body?.commands?.command ?? [];
    };
    expect(await list({ name: 'stored*' })).toMatchObject([
      {
        commandId,
        name: 'stored-one',
        commandContent: 'echo {{b}} {{a}} {{B}}',
        enableParameter: true,
        parameterNames: { parameterName: ['b', 'a'] },
        timeout: 30,
        invokeTimes: 0,
        tags: { tag: [{ tagKey: 'k', tagValue: 'v' }] },
      },
    ]);
    for (const filter of [
      { name: '*one' },
      { description: '*stored*' },
      { tag: [{ key: 'k', value: 'v' }] },
      { commandId },
    ]) {
      expect((await list(filter)).map(({ name }) => name)).toEqual(['stored-one']);
    }
    expect(await list({ name: 'stored' })).toEqual([]);
    expect(await list({ provider: 'AlibabaCloud' })).toEqual([]);
    await client.modifyCommand(new models.ModifyCommandRequest({ regionId: REGION, commandId, timeout: 45 }));
    const answer = await client.invokeCommand(
      new models.InvokeCommandRequest({
        regionId: REGION,
        commandId,
        instanceId: ['i-local001'],
        parameters: { a: '1', b: '2' },
      }),
    );
    const { invocation, rows } = await ended(answer.body?.invokeId ?? '');
    expect([invocation?.timeout, rows[0]?.output]).toEqual([45, '2 1 2\n']);
    expect((await list({ commandId }))[0]?.invokeTimes).toBe(1);
    await client.deleteCommand(new models.DeleteCommandRequest({ regionId: REGION, commandId }));
    expect(await list({ commandId })).toEqual([]);
  });

  test('a timeout under 10 seconds is refused for a stored command', async () => {
    const error = await refusal(
      client.invokeCommand(
        new models.InvokeCommandRequest({
          regionId: REGION,
          commandId: 'c-echo0001',
          instanceId: ['i-local001'],
          timeout: 9,
        }),
      ),
    );
    expect(error).toMatchObject({ code: 'InvalidParameter.Timeout' });
  });
});

describe('DescribeInvocationResults', () => {
  test('one row for each instance, paged', async () => {
    const invokeId = await run('echo {{ACS::InstanceId}}', {
      enableParameter: true,
      instanceId: ['i-local001', 'i-local002', 'i-local003'],
    });
    await ended(invokeId);
    const page = async (nextToken?: string) => {
      const answer = await client.describeInvocationResults(
        new models.DescribeInvocationResultsRequest({
          regionId: REGION,
          invokeId,
          maxResults: 2,
          contentEncoding: 'PlainText',
          ...(nextToken && { nextToken }),
        }),
      );
      return answer.body?.invocation;
    };
    const first = await page();
    const second = await page(first?.nextToken);
    const rows = [first, second].map((part) =>
      part?.invocationResults?.invocationResult?.map(({ instanceId, output, invokeRecordStatus }) => [
        instanceId,
        output,
        invokeRecordStatus,
      ]),
    );
    expect({ rows, total: first?.totalCount, end: second?.nextToken }).toEqual({
      rows: [
        [
          ['i-local001', 'i-local001\n', 'Finished'],
          ['i-local002', 'i-local002\n', 'Finished'],
        ],
        [['i-local003', 'i-local003\n', 'Finished']],
      ],
      total: 3,
      end: '',
    });
  });

  test('IncludeHistory needs InvokeId', async () => {
    const error = await refusal(
      client.describeInvocationResults(
        new models.DescribeInvocationResultsRequest({ regionId: REGION, includeHistory: true }),
      ),
    );
    expect(error).toMatchObject({ code: 'MissingParameter.InvokeId' });
  });
});

describe('DescribeCloudAssistantStatus', () => {
  test('tells by text whether the agent answers', async () => {
    const answer = await client.describeCloudAssistantStatus(
      new models.DescribeCloudAssistantStatusRequest({
        regionId: REGION,
        instanceId: ['i-local001', 'i-offline01', 'i-stopped01', 'i-nobody'],
        maxResults: 1,
      }),
    );
    expect(
      answer.body?.instanceCloudAssistantStatusSet?.instanceCloudAssistantStatus?.map(
        ({ instanceId, cloudAssistantStatus }) => [instanceId, cloudAssistantStatus],
      ),
    ).toEqual([
      ['i-local001', 'true'],
      ['i-stopped01', 'false'],
      ['i-offline01', 'false'],
    ]);
  });

  test('pages over all instances of the region', async () => {
    const seen: string[] = [];
    let nextToken = '';
    do {
      const answer = await client.describeCloudAssistantStatus(
        new models.DescribeCloudAssistantStatusRequest({
          regionId: REGION,
          maxResults: 3,
          ...(nextToken !== '' && { nextToken }),
        }),
      );
      for (const row of answer.body?.instanceCloudAssistantStatusSet?.instanceCloudAssistantStatus ?? []) {
        seen.push(row.instanceId ?? '');
      }
      nextToken = answer.body?.nextToken ?? '';
    } while (nextToken !== '');
    expect(seen).toEqual([
      'i-local001',
      'i-local002',
      'i-local003',
      'i-stopped01',
      'i-offline01',
      'i-noagent01',
      'i-windows01',
    ]);
  });
});

test('over its rate an API is throttled until the next minute, other APIs are not', async () => {
  const clock = createManualClock(new Date('2026-11-20T12:00:30Z').getTime());
  const { server } = await startLocal({ requestsPerMinute: 2, clock });
  // The SDK signs with the real time, so this server's requests are signed by our own client.
  const { createCloudAssistantClient } = await import('../../lib/providers/alibaba/client.ts');
  const own = createCloudAssistantClient({
    credentials: { accessKeyId: 'local', accessKeySecret: 'local-secret' },
    endpoint: server.url,
    requestsPerSecond: Number.POSITIVE_INFINITY,
    clock: { ...clock, epochMs: clock.epochMs },
  });
  const ask = async () => {
    const result = await own.describeInvocations({ RegionId: REGION });
    return result.kind === 'answered' ? 'answered' : result.failure;
  };
  const outcomes = [await ask(), await ask(), await ask()];
  const other = await own.describeCommands({ RegionId: REGION });
  await clock.advance(30_000);
  expect([...outcomes, other.kind, await ask()]).toMatchObject([
    'answered',
    'answered',
    { code: 'Throttling.User', isRetryable: true, retryAfterMs: 30_000 },
    'answered',
    'answered',
  ]);
  await own.close();
});

test('records are kept for 30 days', async () => {
  const clock = createManualClock(Date.now());
  const { server } = await startLocal({ clock });
  const { createCloudAssistantClient } = await import('../../lib/providers/alibaba/client.ts');
  const own = createCloudAssistantClient({
    credentials: { accessKeyId: 'local', accessKeySecret: 'local-secret' },
    endpoint: server.url,
    clock,
  });
  const invoked = await own.invokeCommand({
    RegionId: REGION,
    CommandId: 'c-echo0001',
    InstanceId: ['i-local001'],
    RepeatMode: 'DryRun',
  });
  expect(invoked.kind).toBe('answered');
  const count = async () => {
    const result = await own.describeInvocations({ RegionId: REGION });
    return result.kind === 'answered' ? result.answer.TotalCount : result.failure;
  };
  const seen = [await count()];
  await clock.advance(30 * 86_400_000);
  seen.push(await count());
  await clock.advance(1000);
  seen.push(await count());
  expect(seen).toEqual([1, 1, 0]);
  await own.close();
});
