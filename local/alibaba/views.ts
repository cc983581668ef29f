/** Records in the vendor's element names. A missing value is an empty text. */
import { aggregateInvocation } from './aggregate.ts';
import type { StoredCommand } from './commands.ts';
import { DELIVERY_ERRORS } from './delivery.ts';
import {
  type InstanceTask,
  type InvocationRecord,
  isOver,
  isRecurring,
  type TaskRun,
} from './invocations.ts';
import { invokeStatusOf, legacyInstanceStatus } from './legacy-status.ts';
import { definedParameters } from './placeholders.ts';
import type { Tag } from './rpc-parameters.ts';

export type ContentEncoding = 'PlainText' | 'Base64';

export interface ViewOptions {
  encoding: ContentEncoding;
  hasOutput: boolean;
}

/** One `Invocation` of DescribeInvocations. @param onlyInstance shows the row of that instance alone */
export function viewInvocation(
  record: InvocationRecord,
  options: ViewOptions & { onlyInstance?: string | undefined },
): object {
  const statuses = record.tasks.map(({ status }) => status);
  const shown = record.tasks.filter(
    ({ instanceId }) => options.onlyInstance === undefined || instanceId === options.onlyInstance,
  );
  return {
    InvokeId: record.invokeId,
    InvocationStatus: aggregateInvocation(statuses),
    InvokeStatus: invokeStatusOf(record),
    CommandId: record.command.commandId,
    CommandName: record.command.name,
    CommandType: record.command.type,
    CommandDescription: record.command.description,
    CommandContent: encode(Buffer.from(record.content), options.encoding),
    Parameters: JSON.stringify(record.parameters),
    Timeout: record.timeoutSeconds,
    Timed: willRunAgain(record),
    RepeatMode: record.repeatMode,
    Frequency: record.frequencyText,
    Username: record.username,
    WorkingDir: record.workingDir,
    ContainerId: record.containerId,
    ContainerName: record.containerName,
    Launcher: record.launcher,
    TerminationMode: record.terminationMode,
    OssOutputDelivery: record.ossOutputDelivery,
    CreationTime: time(record.createdAt),
    Tags: viewTags(record.tags),
    InvokeInstances: { InvokeInstance: shown.map((task) => viewInstance(record, task, options)) },
  };
}

function viewInstance(record: InvocationRecord, task: InstanceTask, options: ViewOptions): object {
  return {
    InstanceId: task.instanceId,
    InvocationStatus: task.status,
    InstanceInvokeStatus: legacyInstanceStatus(task.status, stageOf(record)),
    ...viewRun(task, options),
    FinishTime: time(task.finishedAt),
    Repeats: task.repeats,
    Timed: willRunAgain(record),
    StopTime: time(task.stoppedAt),
    CreationTime: time(task.createdAt),
    UpdateTime: time(task.updatedAt),
    ...viewDelivery(record, task),
  };
}

/** One row of DescribeInvocationResults: it has no command content, and spells the end `FinishedTime`. */
export function viewResult(
  record: InvocationRecord,
  task: InstanceTask,
  run: TaskRun,
  options: { encoding: ContentEncoding; repeats: number },
): object {
  return {
    InvokeId: record.invokeId,
    CommandId: record.command.commandId,
    InstanceId: task.instanceId,
    InvocationStatus: run.status,
    InvokeRecordStatus: legacyInstanceStatus(run.status, stageOf(record)),
    ...viewRun(run, { encoding: options.encoding, hasOutput: true }),
    FinishedTime: time(run.finishedAt),
    Repeats: options.repeats,
    StopTime: time(task.stoppedAt),
    Username: record.username,
    ContainerId: record.containerId,
    ContainerName: record.containerName,
    Launcher: record.launcher,
    TerminationMode: record.terminationMode,
    OssOutputDelivery: record.ossOutputDelivery,
    Tags: viewTags(record.tags),
    ...viewDelivery(record, run),
  };
}

function viewRun(run: TaskRun, options: ViewOptions): object {
  return {
    ...(run.exitCode !== undefined && { ExitCode: run.exitCode }),
    ErrorCode: run.errorCode,
    ErrorInfo: run.errorInfo,
    Dropped: run.dropped,
    StartTime: time(run.startedAt),
    ...(options.hasOutput && { Output: encode(run.output, options.encoding) }),
  };
}

function viewDelivery(record: InvocationRecord, { delivery }: TaskRun): object {
  if (record.ossOutputDelivery === '') return {};
  const { status, uri, errorCode } = delivery ?? { status: 'InProgress', uri: '', errorCode: '' };
  return {
    OssOutputStatus: status,
    OssOutputUri: uri,
    ...(errorCode !== '' && {
      OssOutputErrorCode: errorCode,
      OssOutputErrorInfo: DELIVERY_ERRORS[errorCode],
    }),
  };
}

export function viewCommand(command: StoredCommand, encoding: ContentEncoding): object {
  const names = command.enableParameter ? definedParameters(command.content) : [];
  return {
    CommandId: command.commandId,
    Name: command.name,
    Type: command.type,
    Description: command.description,
    CommandContent: encode(Buffer.from(command.content), encoding),
    EnableParameter: command.enableParameter,
    ParameterNames: { ParameterName: names },
    ParameterDefinitions: {
      ParameterDefinition: names.map((name) => ({
        ParameterName: name,
        DefaultValue: command.defaultParameters[name] ?? '',
        Required: false,
        Description: '',
        PossibleValues: { PossibleValue: [] },
        PatternRegex: '',
      })),
    },
    Timeout: command.timeoutSeconds,
    WorkingDir: command.workingDir ?? '',
    Launcher: command.launcher ?? '',
    ResourceGroupId: command.resourceGroupId ?? '',
    CreationTime: time(command.createdAt),
    Provider: 'User',
    Version: 1,
    Latest: true,
    InvokeTimes: command.invokeTimes,
    Tags: viewTags(command.tags),
  };
}

function viewTags(tags: readonly Tag[]): object {
  return { Tag: tags.map(({ key, value }) => ({ TagKey: key, TagValue: value })) };
}

function stageOf(record: InvocationRecord): { isTimed: boolean; isOver: boolean } {
  return { isTimed: isRecurring(record), isOver: isOver(record) };
}

function willRunAgain(record: InvocationRecord): boolean {
  return isRecurring(record) && !isOver(record);
}

function encode(bytes: Buffer, encoding: ContentEncoding): string {
  return bytes.toString(encoding === 'Base64' ? 'base64' : 'utf8');
}

/** `2019-12-20T06:15:55Z`. */
export function time(date: Date | undefined): string {
  return date === undefined ? '' : date.toISOString().replace(/\.\d{3}Z$/, 'Z');
}
