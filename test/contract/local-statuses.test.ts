/** Every ErrorCode and every state that the documents name can be made to happen on the local clouds. */
import { readFileSync } from 'node:fs';
import { beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { isTerminalTask } from '../../lib/model/status.ts';
import { INSTANCE_ERROR_ADVICE } from '../../lib/providers/alibaba/instance-errors.ts';
import { alibabaProvider } from '../../lib/providers/alibaba/provider.ts';
import { TASK_STATUSES } from '../../lib/providers/tencent/task-status.ts';
import { ERROR_CODES } from '../../local/alibaba/instance-errors.ts';
import type { Fault } from '../../local/tencent/faults.ts';
import { atEndOfFile, type Local, startLocal, until } from './alibaba-local.ts';
import { models, REGION, vendorSdk } from './alibaba-sdk.ts';
import { known, type LocalTat, startTat, theTask } from './local-tencent-server.ts';

const DOCUMENT = readFileSync(
  new URL('../fixtures/api-docs/alibaba-ecs-DescribeInvocations.txt', import.meta.url),
  'utf8',
);

/** `• InstanceNotExists: The specified instance …`, below `ErrorCode`. */
function documentedErrorCodes(): string[] {
  const from = DOCUMENT.indexOf(
    'The error code indicating why the command failed to be delivered or executed.',
  );
  const part = DOCUMENT.slice(from, DOCUMENT.indexOf('StopTime', from));
  return [...part.matchAll(/^\s*•\s+([A-Za-z]+):/gm)]
    .map(([, code = '']) => code)
    .filter((code) => code !== 'empty');
}

describe('every ErrorCode of an instance at Cloud Assistant', () => {
  let local: Local;
  let client: ReturnType<typeof vendorSdk>;
  let provider: ReturnType<typeof alibabaProvider>;
  beforeAll(async () => {
    local = await startLocal();
    client = vendorSdk(local.server.port);
    provider = alibabaProvider({
      credentials: { accessKeyId: 'local', accessKeySecret: 'local-secret' },
      endpoint: local.server.url,
      requestsPerSecond: Number.POSITIVE_INFINITY,
    });
    atEndOfFile(() => provider.close());
  });
  beforeEach(() => local.server.faults.clear());

  test('of the document is known here', () => {
    expect(ERROR_CODES).toEqual(documentedErrorCodes());
  });

  test.each(documentedErrorCodes())('%s happens on demand, and is told with advice', async (errorCode) => {
    const posted = await fetch(`${local.server.url}/_faults`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ kind: 'task', instanceId: 'i-local001', errorCode }),
    });
    expect(posted.status).toBe(200);
    const answer = await client.runCommand(
      new models.RunCommandRequest({
        regionId: REGION,
        type: 'RunShellScript',
        commandContent: 'echo so far; sleep 60',
        instanceId: ['i-local001'],
      }),
    );
    const invocationId = answer.body?.invokeId ?? '';
    const [task] = await until(
      async () => {
        const [reading] = await provider.read([{ region: REGION, invocationId }]);
        return reading?.kind === 'read' ? reading.tasks : [];
      },
      ([one]) => one !== undefined && isTerminalTask(one.status),
    );
    expect(task?.error).toEqual({
      code: errorCode,
      message: expect.stringMatching(/./),
      advice: INSTANCE_ERROR_ADVICE[errorCode],
    });
    // What ran, or may have, is never told as safe to run again.
    const isBefore = ['undelivered', 'rejected'].includes(task?.status ?? '');
    expect(task?.started).toBe(
      isBefore ? 'no' : ['failed', 'timed_out'].includes(task?.status ?? '') ? 'yes' : 'maybe',
    );
  });
});

describe('every state of a task at TAT', () => {
  let tat: LocalTat;
  let client: ReturnType<LocalTat['client']>;
  beforeAll(async () => {
    tat = await startTat();
    client = tat.client();
  });
  beforeEach(() => tat.server.faults.clear());

  type TaskFault = Omit<Extract<Fault, { kind: 'task' }>, 'kind'>;
  const cases: { status: string; script?: string; fault?: TaskFault; more?: object; cancel?: boolean }[] = [
    { status: 'PENDING', fault: { status: 'PENDING' } },
    { status: 'DELIVERING', fault: { status: 'DELIVERING' } },
    { status: 'DELIVER_DELAYED', fault: { status: 'DELIVER_DELAYED' } },
    { status: 'RUNNING', script: 'sleep 60' },
    // The agent reads the output a second longer while a child of the command has it open.
    { status: 'CANCELLING', script: 'setsid sleep 60 & sleep 60', cancel: true },
    { status: 'SUCCESS', script: 'true' },
    { status: 'FAILED', script: 'exit 3' },
    { status: 'TIMEOUT', script: 'sleep 60', more: { Timeout: 1 } },
    { status: 'TERMINATED', script: 'sleep 60', cancel: true },
    { status: 'DELIVER_FAILED', fault: { status: 'DELIVER_FAILED' } },
    {
      status: 'START_FAILED',
      fault: { status: 'START_FAILED', errorInfo: 'InvalidUser: user `x` not exists' },
    },
    { status: 'CANCELLED', fault: { status: 'PENDING' }, cancel: true },
    { status: 'TASK_TIMEOUT', script: 'sleep 60', fault: { status: 'TASK_TIMEOUT' } },
  ];

  test('is in the table', () => {
    expect(cases.map(({ status }) => status).sort()).toEqual([...TASK_STATUSES].sort());
  });

  test.each(cases)('$status', async ({ status, script = 'true', fault, more, cancel = false }) => {
    if (fault !== undefined) tat.server.faults.add({ kind: 'task', ...fault });
    const { InvocationId } = await client.RunCommand({
      Content: Buffer.from(script).toString('base64'),
      InstanceIds: ['ins-local001'],
      ...more,
    });
    const id = known(InvocationId);
    if (cancel) {
      const begun = fault === undefined ? 'RUNNING' : fault.status;
      await until(
        () => theTask(client, id),
        (task) => task.TaskStatus === begun,
      );
      await client.CancelInvocation({ InvocationId: id });
    }
    const task = await until(
      () => theTask(client, id),
      (seen) => seen.TaskStatus === status,
    );
    if (fault?.errorInfo !== undefined) expect(task.ErrorInfo).toBe(fault.errorInfo);
    await client.CancelInvocation({ InvocationId: id });
  });
});
