/** TAT's task states and rows in the words of the common model. */
import { describe, expect, it } from 'vitest';
import { TaskRow } from '../../../../lib/providers/tencent/actions/invocations.ts';
import { mapTaskStatus, reportOfTask, TASK_STATUSES } from '../../../../lib/providers/tencent/task-status.ts';

/** The answer's example in the document of DescribeInvocationTasks. */
const documented = {
  CommandId: 'cmd-13axrtuq',
  CommandDocument: { Content: 'd2hvYW1p', CommandType: 'SHELL', Timeout: 1, Username: 'root' },
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
};
const row = (changes: object) => TaskRow.parse({ ...documented, ...changes });

describe('TAT task states', () => {
  it('map to the common model as the status map says', () => {
    const table = TASK_STATUSES.map((name) => {
      const { status, started } = mapTaskStatus(name);
      return [name, status, started];
    });
    expect(table.sort()).toEqual(
      [
        ['CANCELLED', 'cancelled', 'no'],
        ['CANCELLING', 'stopping', 'maybe'],
        ['DELIVERING', 'delivering', 'maybe'],
        ['DELIVER_DELAYED', 'delivering', 'maybe'],
        ['DELIVER_FAILED', 'undelivered', 'no'],
        ['FAILED', 'failed', 'yes'],
        ['PENDING', 'queued', 'no'],
        ['RUNNING', 'running', 'maybe'],
        ['START_FAILED', 'rejected', 'no'],
        ['SUCCESS', 'succeeded', 'yes'],
        ['TASK_TIMEOUT', 'lost', 'maybe'],
        ['TERMINATED', 'terminated', 'yes'],
        ['TIMEOUT', 'timed_out', 'yes'],
      ].sort(),
    );
  });

  it.each(['success', 'SOMETHING_NEW', '', 'toString'])(
    'take the name %j for unknown, which never ends',
    (name) => {
      expect(mapTaskStatus(name)).toMatchObject({ status: 'unknown', started: 'maybe' });
    },
  );
});

describe('a task report', () => {
  it("carries everything of the document's example", () => {
    expect(reportOfTask(row({}))).toEqual({
      invocationId: 'inv-1vll7hda',
      taskId: 'invt-08oe5fe2',
      instanceId: 'ins-zj0f57ex',
      status: 'succeeded',
      providerStatus: 'SUCCESS',
      started: 'yes',
      exitCode: 0,
      output: Buffer.from('root\n'),
      outputDroppedBytes: 0,
      startedAt: '2020-11-05T07:49:58.000Z',
      endedAt: '2020-11-05T07:50:04.000Z',
    });
  });

  const bare = {
    ExitCode: -1,
    Output: '',
    Dropped: 0,
    ExecStartTime: null,
    ExecEndTime: null,
    OutputUrl: null,
    OutputUploadCOSErrorInfo: null,
  };
  it.each([
    ['START_FAILED', 'InvalidUser: user `deploy` not exists', 'InvalidUser', /Create the user/],
    [
      'START_FAILED',
      'InvalidWorkingDirectory: working_directory `/x` not exists',
      'InvalidWorkingDirectory',
      /directory/,
    ],
    ['START_FAILED', 'something else went wrong', 'START_FAILED', /nothing ran/],
    ['START_FAILED', '', 'START_FAILED', /nothing ran/],
    ['DELIVER_FAILED', '', 'DELIVER_FAILED', /agent is online/],
    ['TASK_TIMEOUT', '', 'TASK_TIMEOUT', /before anything is run again/],
  ])(
    'of %s with ErrorInfo %j has a code and advice, and no exit code',
    (TaskStatus, ErrorInfo, code, advice) => {
      const report = reportOfTask(
        row({ TaskStatus, ErrorInfo, TaskResult: bare, StartTime: null, EndTime: null }),
      );
      expect(report.error?.code).toBe(code);
      expect(report.error?.advice).toMatch(advice);
      expect(report.exitCode).toBeUndefined();
      expect([report.startedAt, report.endedAt]).toEqual([undefined, undefined]);
    },
  );

  it('of a killed command keeps the -1 that the agent gives it', () => {
    const report = reportOfTask(row({ TaskStatus: 'TIMEOUT', TaskResult: bare }));
    expect([report.exitCode, report.error?.code, report.startedAt]).toEqual([
      -1,
      'TIMEOUT',
      '2020-11-05T07:49:58.000Z',
    ]);
  });

  it('of a failed upload says so, though the command succeeded', () => {
    const TaskResult = {
      ...documented.TaskResult,
      OutputUploadCOSErrorInfo: 'NoSuchBucket',
      OutputUrl: 'https://b/x.log',
    };
    const report = reportOfTask(row({ TaskResult }));
    expect(report).toMatchObject({
      status: 'succeeded',
      exitCode: 0,
      outputUrl: 'https://b/x.log',
      outputDeliveryError: { code: 'OutputUploadFailed', message: 'NoSuchBucket' },
    });
    expect(report.error).toBeUndefined();
  });

  it('keeps the bytes of an output that is no UTF-8, and how many were cut', () => {
    const bytes = Buffer.from([0xff, 0x00, 0xfe]);
    const TaskResult = { ...documented.TaskResult, Output: bytes.toString('base64'), Dropped: 1234 };
    const report = reportOfTask(row({ TaskResult }));
    expect(report.output).toEqual(bytes);
    expect(report.outputDroppedBytes).toBe(1234);
  });

  it.each([
    ['2020-11-05T07:49:58Z', '2020-11-05T07:49:58.000Z'],
    ['2020-11-05T15:49:58+08:00', '2020-11-05T07:49:58.000Z'],
    ['0001-01-01T00:00:00Z', undefined],
    ['1970-01-01T00:00:00Z', undefined],
    ['soon', undefined],
    [null, undefined],
  ])('reads the time %j as %s', (ExecEndTime, expected) => {
    const TaskResult = { ...documented.TaskResult, ExecEndTime };
    expect(reportOfTask(row({ TaskResult, EndTime: null })).endedAt).toBe(expected);
  });

  it('of a task without a result is what is known of it', () => {
    const report = reportOfTask(
      row({ TaskStatus: 'RUNNING', TaskResult: null, StartTime: null, EndTime: null, ErrorInfo: null }),
    );
    expect(report).toEqual({
      invocationId: 'inv-1vll7hda',
      taskId: 'invt-08oe5fe2',
      instanceId: 'ins-zj0f57ex',
      status: 'running',
      providerStatus: 'RUNNING',
      started: 'maybe',
    });
  });
});
