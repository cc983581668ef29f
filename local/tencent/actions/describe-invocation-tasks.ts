/** DescribeInvocationTasks: tasks with their results (document tencent-tat-DescribeInvocationTasks). */
import * as z from 'zod';
import { defineAction } from '../action.ts';
import { isEnded } from '../aggregate.ts';
import { base64 } from '../commands.ts';
import { visibleInvocations } from '../invocations.ts';
import { type FilterRules, filterValues, idsField, list, listingFields, PLAIN_CODES } from '../listing.ts';
import type { Invocation, Task } from '../records.ts';
import { timeText } from '../world.ts';

interface Row {
  invocation: Invocation;
  task: Task;
}

const filters: FilterRules<Row> = {
  'invocation-task-id': {
    valuesOf: ({ task }) => [task.id],
    id: { kind: 'invocationTask', code: 'InvalidParameterValue.InvalidInvocationTaskId' },
  },
  'invocation-id': {
    valuesOf: ({ invocation }) => [invocation.id],
    id: { kind: 'invocation', code: 'InvalidParameterValue.InvalidInvocationId' },
  },
  'instance-id': {
    valuesOf: ({ task }) => [task.instanceId],
    id: { kind: 'instance', code: 'InvalidParameterValue.InvalidInstanceId' },
  },
  'command-id': {
    valuesOf: ({ invocation }) => [invocation.command.id],
    id: { kind: 'command', code: 'InvalidParameterValue.InvalidCommandId' },
  },
};

export const describeInvocationTasks = defineAction({
  name: 'DescribeInvocationTasks',
  input: z.strictObject({
    InvocationTaskIds: idsField('invocationTask', 'InvalidParameterValue.InvalidInvocationTaskId'),
    ...listingFields(PLAIN_CODES),
    HideOutput: z.boolean().default(true),
  }),
  run(world, input, { region }) {
    const taskIds = input.InvocationTaskIds ?? filterValues(input, 'invocation-task-id');
    const known =
      taskIds?.flatMap((id) => world.records.invocationOfTask.get(id) ?? []) ??
      filterValues(input, 'invocation-id');
    const rows = visibleInvocations(world, region, known).flatMap((invocation) =>
      invocation.tasks.map((task) => ({ invocation, task })),
    );
    const { total, page } = list(
      rows,
      input,
      { parameter: 'InvocationTaskIds', ids: input.InvocationTaskIds, of: ({ task }) => task.id },
      filters,
    );
    return { TotalCount: total, InvocationTaskSet: page.map((row) => taskRow(row, input.HideOutput)) };
  },
});

function taskRow({ invocation, task }: Row, hidesOutput: boolean) {
  return {
    CommandId: invocation.command.id,
    CommandName: invocation.command.name,
    CommandDocument: {
      Content: base64(invocation.command.content),
      CommandType: invocation.command.type,
      Timeout: invocation.timeoutSeconds,
      Username: invocation.username,
      WorkingDirectory: invocation.workingDirectory,
      OutputCOSBucketUrl: invocation.outputCosBucketUrl,
      OutputCOSKeyPrefix: invocation.outputCosKeyPrefix,
    },
    InvocationId: invocation.id,
    InvocationTaskId: task.id,
    TaskStatus: task.status,
    InstanceId: task.instanceId,
    TaskResult: taskResult(task, hidesOutput),
    ErrorInfo: task.errorInfo,
    // The document's model says USER and INVOKER, its sample `user`.
    InvocationSource: invocation.source.toLowerCase(),
    StartTime: textOrNull(task.startedAt),
    EndTime: textOrNull(task.endedAt),
    CreatedTime: timeText(invocation.createdAt),
    UpdatedTime: timeText(task.updatedAt),
  };
}

function taskResult(task: Task, hidesOutput: boolean) {
  // An agent that went silent has reported nothing of the end, though the command may have one.
  const end = task.status === 'TASK_TIMEOUT' ? undefined : task.end;
  const output = task.handle?.output();
  const startedAt = end === undefined && task.handle !== undefined ? task.startedAt : end?.startedAt;
  const upload = end === undefined ? undefined : task.upload;
  return {
    // Until the end it is the zero of the vendor's language, and no success.
    ExitCode: isEnded(task.status) ? (end?.exitCode ?? -1) : 0,
    Output: hidesOutput || output === undefined ? '' : output.bytes.toString('base64'),
    Dropped: output?.dropped ?? 0,
    OutputUrl: upload !== undefined && 'url' in upload ? upload.url : '',
    OutputUploadCOSErrorInfo: upload !== undefined && 'error' in upload ? upload.error : '',
    ExecStartTime: textOrNull(startedAt),
    ExecEndTime: textOrNull(end?.startedAt === undefined ? undefined : end.endedAt),
  };
}

function textOrNull(time: Date | undefined): string | null {
  return time === undefined ? null : timeText(time);
}
