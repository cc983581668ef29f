/** What becomes of commands on the local TAT: output, ends, cancels, asked by the vendor's SDK. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { until } from './alibaba-local.ts';
import { ended, known, type LocalTat, outputOf, startTat, theTask } from './local-tencent-server.ts';

let tat: LocalTat;
let client: ReturnType<LocalTat['client']>;
beforeAll(async () => {
  tat = await startTat();
  client = tat.client();
});

const INSTANT = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00$/);
const base64 = (text: string): string => Buffer.from(text).toString('base64');

/** Starts and does not wait. */
const start = async (script: string): Promise<string> => {
  const { InvocationId } = await client.RunCommand({
    Content: base64(script),
    InstanceIds: ['ins-local001'],
  });
  return known(InvocationId);
};

const aggregate = async (InvocationId: string) => {
  const { InvocationSet } = await client.DescribeInvocations({ InvocationIds: [InvocationId] });
  return known(known(InvocationSet?.[0]).InvocationStatus);
};

describe('a command', () => {
  it('really runs, and its task tells how', async () => {
    const { InvocationId } = await client.InvokeCommand({
      CommandId: 'cmd-echo0001',
      InstanceIds: ['ins-local001'],
      Parameters: '{"text":"grüße"}',
    });
    expect(await ended(client, known(InvocationId))).toEqual({
      InvocationId,
      InvocationTaskId: expect.stringMatching(/^invt-[a-z0-9]{8}$/),
      InstanceId: 'ins-local001',
      CommandId: 'cmd-echo0001',
      CommandName: 'echo',
      CommandDocument: {
        Content: base64('echo {{text}}'),
        CommandType: 'SHELL',
        Timeout: 60,
        Username: 'root',
        WorkingDirectory: '/root',
        OutputCOSBucketUrl: '',
        OutputCOSKeyPrefix: '',
      },
      TaskStatus: 'SUCCESS',
      TaskResult: {
        ExitCode: 0,
        Output: base64('grüße\n'),
        Dropped: 0,
        OutputUrl: '',
        OutputUploadCOSErrorInfo: '',
        ExecStartTime: INSTANT,
        ExecEndTime: INSTANT,
      },
      ErrorInfo: '',
      InvocationSource: 'user',
      StartTime: INSTANT,
      EndTime: INSTANT,
      CreatedTime: INSTANT,
      UpdatedTime: INSTANT,
    });
    expect(await aggregate(known(InvocationId))).toBe('SUCCESS');
  });

  it.each([
    ['exit 0', 'SUCCESS', 0, ''],
    ['echo no >&2; exit 3', 'FAILED', 3, 'no\n'],
    ['echo before; kill -SEGV $$', 'FAILED', -1, 'before\n'],
  ])('that says `%s` ends as %s', async (script, status, exitCode, output) => {
    const task = await tat.run(script);
    expect([task.TaskStatus, task.TaskResult?.ExitCode, outputOf(task)]).toEqual([status, exitCode, output]);
  });

  it.each([
    [{ Username: 'no-such-user' }, 'InvalidUser: user `no-such-user` not exists'],
    [{ WorkingDirectory: '/no/such' }, 'InvalidWorkingDirectory: working_directory `/no/such` not exists'],
  ])('does not start with %o', async (more, info) => {
    const task = await tat.run('true', more);
    expect(task).toMatchObject({
      TaskStatus: 'START_FAILED',
      ErrorInfo: info,
      TaskResult: { ExitCode: -1, Output: '', ExecStartTime: null, ExecEndTime: null },
    });
  });

  it('keeps the first 24 KB of its output and counts what is cut', async () => {
    const task = await tat.run('head -c 30000 /dev/zero | tr "\\0" x; echo the end');
    expect([outputOf(task), task.TaskResult?.Dropped]).toEqual(['x'.repeat(24 * 1024), 30_008 - 24 * 1024]);
  });

  it('shows no output unless it is asked for', async () => {
    const { InvocationId, InvocationTaskId } = await tat.run('echo secret');
    const asked = { InvocationTaskIds: [known(InvocationTaskId)] };
    const answers = await Promise.all([
      client.DescribeInvocationTasks(asked),
      client.DescribeInvocationTasks({ ...asked, HideOutput: true }),
      client.DescribeInvocationTasks({ ...asked, HideOutput: false }),
    ]);
    expect(answers.map(({ InvocationTaskSet }) => InvocationTaskSet?.[0]?.TaskResult?.Output)).toEqual([
      '',
      '',
      base64('secret\n'),
    ]);
    expect(InvocationId).toMatch(/^inv-[a-z0-9]{8}$/);
  });

  it('has its settings from the request, else from the command', async () => {
    const { InvocationId } = await client.InvokeCommand({
      CommandId: 'cmd-fail0001',
      InstanceIds: ['ins-local001'],
      Timeout: 7,
      WorkingDirectory: '/',
      OutputCOSBucketUrl: 'https://logs-1250000000.cos.ap-beijing.myqcloud.com',
      OutputCOSKeyPrefix: 'a/b',
    });
    const task = await ended(client, known(InvocationId));
    expect(task.CommandDocument).toMatchObject({
      Timeout: 7,
      WorkingDirectory: '/',
      Username: 'root',
      OutputCOSKeyPrefix: 'a/b',
    });
  });

  it('runs on each instance in that one’s own directory', async () => {
    const InstanceIds = ['ins-local001', 'ins-local002', 'ins-local003'];
    const { InvocationId } = await client.RunCommand({
      Content: base64('echo $FLEET_INSTANCE_ID > mine; pwd'),
      InstanceIds,
    });
    await until(
      () => aggregate(known(InvocationId)),
      (status) => status === 'SUCCESS',
    );
    expect(InstanceIds.map((id) => readFileSync(join(tat.engine.directoryOf(id), 'mine'), 'utf8'))).toEqual(
      InstanceIds.map((id) => `${id}\n`),
    );
  });
});

describe('custom parameters', () => {
  it.each([
    ['cmd-greet001', undefined, 'hi you\n', '{}'],
    ['cmd-greet001', '{"b":"all"}', 'hi all\n', '{"b":"all"}'],
    ['cmd-greet001', '{"a":"","unused":"x"}', 'you\n', '{"a":"","unused":"x"}'],
    ['cmd-echo0001', '{"text":"x; echo as script"}', 'x\nas script\n', '{"text":"x; echo as script"}'],
    ['cmd-hide0001', '{"text":"secret"}', expect.stringMatching(/^\s*7\n$/), '{"text":"******"}'],
  ])('of %s: %s', async (CommandId, Parameters, output, recorded) => {
    const { InvocationId } = await client.InvokeCommand({
      CommandId,
      InstanceIds: ['ins-local001'],
      ...(Parameters !== undefined && { Parameters }),
    });
    expect(outputOf(await ended(client, known(InvocationId)))).toEqual(output);
    const { InvocationSet } = await client.DescribeInvocations({ InvocationIds: [known(InvocationId)] });
    expect(InvocationSet?.[0]?.Parameters).toBe(recorded);
  });
});

describe('a time-out', () => {
  it('kills the whole process group at once', async () => {
    const task = await tat.run('bash -c "echo \\$\\$ > grandchild; sleep 300; true" & wait', { Timeout: 1 });
    expect([task.TaskStatus, task.TaskResult?.ExitCode]).toEqual(['TIMEOUT', -1]);
    const file = join(tat.engine.directoryOf('ins-local001'), 'grandchild');
    const pid = Number(readFileSync(file, 'utf8'));
    await until(
      async () => isRunning(pid),
      (running) => !running,
    );
    expect(await aggregate(known(task.InvocationId))).toBe('TIMEOUT');
  });
});

it('runs nothing on a Windows instance, whose commands mean something else to this machine', async () => {
  const { InvocationId } = await client.InvokeCommand({
    CommandId: 'cmd-wins0001',
    InstanceIds: ['ins-windows01'],
  });
  const task = await ended(client, known(InvocationId));
  expect([task.TaskStatus, task.ErrorInfo, outputOf(task)]).toEqual([
    'START_FAILED',
    'TaskSpawnFailed: Windows instances of the local fleet run nothing',
    '',
  ]);
});

describe('CancelInvocation', () => {
  it('kills what runs: TERMINATED', async () => {
    const id = await start('echo begun; touch running; sleep 300');
    await until(
      async () => existsSync(join(tat.engine.directoryOf('ins-local001'), 'running')),
      (running) => running,
    );
    await client.CancelInvocation({ InvocationId: id });
    const task = await ended(client, id);
    expect([task.TaskStatus, task.TaskResult?.ExitCode, outputOf(task)]).toEqual([
      'TERMINATED',
      -1,
      'begun\n',
    ]);
    expect(await aggregate(id)).toBe('CANCELLED');
  });

  it.runIf(process.platform === 'linux')('is CANCELLING until the agent has read the output', async () => {
    // Who leaves the process group survives the kill, and holds the pipe for the agent's second.
    const id = await start('setsid sleep 300 & touch holding; sleep 300');
    await until(
      async () => existsSync(join(tat.engine.directoryOf('ins-local001'), 'holding')),
      (holding) => holding,
    );
    await client.CancelInvocation({ InvocationId: id });
    expect([(await theTask(client, id)).TaskStatus, await aggregate(id)]).toEqual([
      'CANCELLING',
      'CANCELLING',
    ]);
    expect((await ended(client, id)).TaskStatus).toBe('TERMINATED');
  });

  it('takes back what has not started: CANCELLED', async () => {
    tat.server.faults.add({ kind: 'task', status: 'DELIVER_DELAYED' });
    const id = await start('touch never');
    await until(
      () => theTask(client, id),
      ({ TaskStatus }) => TaskStatus === 'DELIVER_DELAYED',
    );
    expect(await aggregate(id)).toBe('PENDING');
    await client.CancelInvocation({ InvocationId: id, InstanceIds: ['ins-local001'] });
    expect(await theTask(client, id)).toMatchObject({
      TaskStatus: 'CANCELLED',
      TaskResult: { ExitCode: -1, Output: '', ExecStartTime: null },
    });
    expect(existsSync(join(tat.engine.directoryOf('ins-local001'), 'never'))).toBe(false);
  });

  it('takes only the instances that it names', async () => {
    const { InvocationId } = await client.InvokeCommand({
      CommandId: 'cmd-sleep001',
      InstanceIds: ['ins-local001', 'ins-local002'],
      Parameters: '{"seconds":"0.3"}',
    });
    await client.CancelInvocation({ InvocationId: known(InvocationId), InstanceIds: ['ins-local002'] });
    const status = await until(
      () => aggregate(known(InvocationId)),
      (now) => now.startsWith('PARTIAL'),
    );
    expect(status).toBe('PARTIAL_CANCELLED');
  });

  it('leaves what has ended as it is', async () => {
    const { InvocationId, ...task } = await tat.run('echo done');
    await client.CancelInvocation({ InvocationId: known(InvocationId) });
    expect(await theTask(client, known(InvocationId))).toEqual({ InvocationId, ...task });
  });
});

/** Linux shows a dead process that nobody has buried yet. */
function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return process.platform !== 'linux' || !/ [ZX] /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return false;
  }
}
