/** The examples of the four documents, sent with the vendor's SDK. */
import { afterEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import * as z from 'zod';
import { ended, known, startTat } from './local-tencent-server.ts';

const FLEET = `
version: 1
instances: [{ id: lhins-ar5wyn40 }, { id: ins-zcewfho0 }, { id: ins-zj0f57ex }, { id: ins-yx05ky8j }]
commands:
  - { id: cmd-ffxdx79i, name: first, content: 'true' }
  - { id: cmd-13axrtuq, name: second, content: 'whoami', timeoutSeconds: 1 }
  - { id: cmd-m7uma92n, name: third, content: 'sleep 300', timeoutSeconds: 600 }
`;

/** As in the documents of 2026-03-05. */
const EXAMPLES = {
  InvokeCommand: {
    input: { CommandId: 'cmd-ffxdx79i', InstanceIds: ['lhins-ar5wyn40'] },
    output: { RequestId: '41417f50-51b5-4c8d-85b7-f6c508cb228f', InvocationId: 'inv-8xgjrytm' },
  },
  CancelInvocation: {
    input: { InvocationId: 'inv-ib2lld37', InstanceIds: ['ins-zcewfho0'] },
    output: { RequestId: 'b27421da-0ad4-4e11-b694-cda143606701' },
  },
  DescribeInvocationTasks: {
    input: {
      Offset: 0,
      Limit: 10,
      HideOutput: false,
      Filters: [{ Name: 'invocation-id', Values: ['inv-1vll7hda'] }],
    },
    output: {
      RequestId: 'a1df9725-51c6-466d-a038-4c86461a8e26',
      TotalCount: 1,
      InvocationTaskSet: [
        {
          CommandId: 'cmd-13axrtuq',
          CommandDocument: {
            Content: 'd2hvYW1p',
            CommandType: 'SHELL',
            Timeout: 1,
            Username: 'root',
            WorkingDirectory: '/root/',
            OutputCOSBucketUrl: 'https://example-123456789.cos.ap-beijing.myqcloud.com',
            OutputCOSKeyPrefix: 'datalog',
          },
          InvocationId: 'inv-1vll7hda',
          InvocationTaskId: 'invt-08oe5fe2',
          TaskStatus: 'SUCCESS',
          InstanceId: 'ins-zj0f57ex',
          TaskResult: {
            ExitCode: 0,
            Output: 'cm9vdAo=',
            Dropped: 0,
            OutputUploadCOSErrorInfo: '',
            OutputUrl: '',
            ExecStartTime: '2020-11-05T07:49:58+00:00',
            ExecEndTime: '2020-11-05T07:50:04+00:00',
          },
          ErrorInfo: '',
          InvocationSource: 'user',
          StartTime: '2020-11-05T07:49:58+00:00',
          EndTime: '2020-11-05T07:50:04+00:00',
          CreatedTime: '2020-11-05T07:49:56+00:00',
          UpdatedTime: '2020-11-05T07:50:06+00:00',
        },
      ],
    },
  },
  CreateInvoker: [
    {
      input: {
        Name: 'test-invoker',
        CommandId: 'cmd-m7uma92n',
        InstanceIds: ['ins-yx05ky8j'],
        Type: 'SCHEDULE',
        ScheduleSettings: { Policy: 'ONCE', InvokeTime: '2021-09-01T00:00:00+08:00' },
      },
      output: { RequestId: '97268137-e0f7-477d-833b-766273d0ea47', InvokerId: 'ivk-le1g3x2h' },
    },
    {
      input: {
        Name: 'cron-invoker',
        CommandId: 'cmd-m7uma92n',
        InstanceIds: ['ins-yx05ky8j'],
        Type: 'SCHEDULE',
        ScheduleSettings: { Policy: 'RECURRENCE', Recurrence: '0 0 1 * *' },
      },
      output: { RequestId: 'd1d7ce29-b6ac-436d-93e0-b454f096cc50', InvokerId: 'ivk-n0t6rxtv' },
    },
  ],
} as const;

/** The names of the fields at every depth. */
function shapeOf(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(shapeOf);
  if (typeof value !== 'object' || value === null) return '';
  return Object.fromEntries(Object.entries(value).map(([name, entry]) => [name, shapeOf(entry)]));
}

const start = async () => {
  const tat = await startTat({ fleet: FLEET }, onTestFinished);
  return { tat, client: tat.client() };
};

afterEach(() => {
  vi.useRealTimers();
});

describe('the documented example of', () => {
  it('InvokeCommand runs a command on a Lighthouse instance', async () => {
    const { tat, client } = await start();
    const example = EXAMPLES.InvokeCommand;
    const answer = await tat.codeOf('InvokeCommand', example.input);
    expect(shapeOf(answer)).toEqual(shapeOf(example.output));
    const { InvocationId } = z.looseObject({ InvocationId: z.string() }).parse(answer);
    expect(await ended(client, InvocationId)).toMatchObject({
      TaskStatus: 'SUCCESS',
      InstanceId: 'lhins-ar5wyn40',
    });
  });

  it('CancelInvocation cancels it on an instance', async () => {
    const { tat, client } = await start();
    const example = EXAMPLES.CancelInvocation;
    const { InvocationId } = await client.InvokeCommand({
      CommandId: 'cmd-m7uma92n',
      InstanceIds: ['ins-zcewfho0'],
    });
    const answer = await tat.codeOf('CancelInvocation', { ...example.input, InvocationId });
    expect(shapeOf(answer)).toEqual(shapeOf(example.output));
    expect((await ended(client, known(InvocationId))).TaskStatus).toMatch(/^(CANCELLED|TERMINATED)$/);
  });

  it('DescribeInvocationTasks shows the task of an invocation', async () => {
    const { tat, client } = await start();
    const example = EXAMPLES.DescribeInvocationTasks;
    const { InvocationId } = await client.InvokeCommand({
      CommandId: 'cmd-13axrtuq',
      InstanceIds: ['ins-zj0f57ex'],
    });
    await ended(client, known(InvocationId));
    const Filters = [{ Name: 'invocation-id', Values: [known(InvocationId)] }];
    const answer = await tat.codeOf('DescribeInvocationTasks', { ...example.input, Filters });
    // The SDK's model, which is newer than the document, has CommandName too.
    const rows = example.output.InvocationTaskSet.map((row) => ({ ...row, CommandName: '' }));
    expect(shapeOf(answer)).toEqual(shapeOf({ ...example.output, InvocationTaskSet: rows }));
    expect(answer).toMatchObject({
      TotalCount: 1,
      InvocationTaskSet: [
        {
          CommandId: 'cmd-13axrtuq',
          CommandDocument: { Content: 'd2hvYW1p', CommandType: 'SHELL', Timeout: 1, Username: 'root' },
          InvocationId,
          TaskStatus: 'SUCCESS',
          InstanceId: 'ins-zj0f57ex',
          TaskResult: { ExitCode: 0, Dropped: 0, OutputUploadCOSErrorInfo: '', OutputUrl: '' },
          ErrorInfo: '',
          InvocationSource: 'user',
        },
      ],
    });
  });

  it.each([0, 1])('CreateInvoker, number %i, fires at midnight in Beijing', async (number) => {
    vi.useFakeTimers({ toFake: ['Date'], now: new Date('2021-08-31T15:59:59Z') });
    const { tat, client } = await start();
    const example = known(EXAMPLES.CreateInvoker[number]);
    const answer = await tat.codeOf('CreateInvoker', example.input);
    expect(shapeOf(answer)).toEqual(shapeOf(example.output));
    vi.setSystemTime('2021-08-31T16:00:00Z');
    await vi.waitFor(async () => {
      expect(await client.DescribeInvokerRecords({})).toMatchObject({
        TotalCount: 1,
        InvokerRecordSet: [{ InvokeTime: '2021-08-31T16:00:00+00:00', Result: 'RUNNING' }],
      });
    });
  });
});
