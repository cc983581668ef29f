/** Commands on instances: start, stop, and what became of them (documents InvokeCommand, CancelInvocation, DescribeInvocationTasks). */
import * as z from 'zod';
import type { VendorAction } from '../../vendor.ts';
import { MAX_INSTANCES_TO_INVOKE } from '../facts.ts';
import {
  CommandId,
  filters,
  InvocationId,
  InvocationTaskId,
  idList,
  idsOrFilters,
  instanceIds,
  OutputCOSBucketUrl,
  OutputCOSKeyPrefix,
  optional,
  Paging,
  ParametersJson,
  Timeout,
  Username,
  WorkingDirectory,
} from './fields.ts';

export const MAX_INSTANCES_TO_CANCEL = 100;

export const InvokeCommandRequest = z.strictObject({
  CommandId,
  InstanceIds: instanceIds(MAX_INSTANCES_TO_INVOKE),
  Parameters: ParametersJson.optional(),
  Username: Username.optional(),
  WorkingDirectory: WorkingDirectory.optional(),
  Timeout: Timeout.optional(),
  OutputCOSBucketUrl: OutputCOSBucketUrl.optional(),
  OutputCOSKeyPrefix: OutputCOSKeyPrefix.optional(),
});
export type InvokeCommandRequest = z.input<typeof InvokeCommandRequest>;
export const InvokeCommandAnswer = z.object({ InvocationId: z.string().min(1), RequestId: z.string() });
export type InvokeCommandAnswer = z.infer<typeof InvokeCommandAnswer>;

export const invokeCommand: VendorAction<InvokeCommandRequest, InvokeCommandAnswer> = {
  name: 'InvokeCommand',
  effect: 'once',
  request: InvokeCommandRequest,
  answer: InvokeCommandAnswer,
};

/** Without instances: the whole invocation, the only way for more than 100. */
export const CancelInvocationRequest = z.strictObject({
  InvocationId,
  InstanceIds: instanceIds(MAX_INSTANCES_TO_CANCEL).optional(),
});
export type CancelInvocationRequest = z.input<typeof CancelInvocationRequest>;
export const NoAnswer = z.object({ RequestId: z.string() });
export type NoAnswer = z.infer<typeof NoAnswer>;

export const cancelInvocation: VendorAction<CancelInvocationRequest, NoAnswer> = {
  name: 'CancelInvocation',
  effect: 'repeatable',
  request: CancelInvocationRequest,
  answer: NoAnswer,
};

export const DescribeInvocationsRequest = z
  .strictObject({
    InvocationIds: idList(InvocationId).optional(),
    Filters: filters('invocation-id', 'command-id', 'command-created-by', 'instance-kind').optional(),
    ...Paging,
  })
  .refine(...idsOrFilters('InvocationIds'));
export type DescribeInvocationsRequest = z.input<typeof DescribeInvocationsRequest>;

const BasicTask = z.object({
  InvocationTaskId: z.string(),
  TaskStatus: z.string(),
  InstanceId: z.string(),
});
export const InvocationRow = z.object({
  InvocationId: z.string(),
  CommandId: z.string(),
  InvocationStatus: z.string(),
  InvocationTaskBasicInfoSet: z
    .array(BasicTask)
    .nullish()
    .transform((set) => set ?? []),
  CreatedTime: z.string(),
  Parameters: optional(z.string()),
  DefaultParameters: optional(z.string()),
  InvocationSource: optional(z.string()),
});
export type InvocationRow = z.infer<typeof InvocationRow>;
export const DescribeInvocationsAnswer = z.object({
  TotalCount: z.int(),
  InvocationSet: z.array(InvocationRow),
});
export type DescribeInvocationsAnswer = z.infer<typeof DescribeInvocationsAnswer>;

export const describeInvocations: VendorAction<DescribeInvocationsRequest, DescribeInvocationsAnswer> = {
  name: 'DescribeInvocations',
  effect: 'read',
  request: DescribeInvocationsRequest,
  answer: DescribeInvocationsAnswer,
};

export const DescribeInvocationTasksRequest = z
  .strictObject({
    InvocationTaskIds: idList(InvocationTaskId).optional(),
    Filters: filters('invocation-task-id', 'invocation-id', 'instance-id', 'command-id').optional(),
    HideOutput: z.boolean().optional(),
    ...Paging,
  })
  .refine(...idsOrFilters('InvocationTaskIds'));
export type DescribeInvocationTasksRequest = z.input<typeof DescribeInvocationTasksRequest>;

export const TaskRow = z.object({
  InvocationId: z.string(),
  InvocationTaskId: z.string(),
  InstanceId: z.string(),
  TaskStatus: z.string(),
  TaskResult: optional(
    z.object({
      ExitCode: optional(z.int()),
      /** Base64 of at most 24 KB. */
      Output: optional(z.string()),
      Dropped: optional(z.int()),
      ExecStartTime: optional(z.string()),
      ExecEndTime: optional(z.string()),
      OutputUrl: optional(z.string()),
      OutputUploadCOSErrorInfo: optional(z.string()),
    }),
  ),
  StartTime: optional(z.string()),
  EndTime: optional(z.string()),
  ErrorInfo: optional(z.string()),
});
export type TaskRow = z.infer<typeof TaskRow>;
export const DescribeInvocationTasksAnswer = z.object({
  TotalCount: z.int(),
  InvocationTaskSet: z.array(TaskRow),
});
export type DescribeInvocationTasksAnswer = z.infer<typeof DescribeInvocationTasksAnswer>;

export const describeInvocationTasks: VendorAction<
  DescribeInvocationTasksRequest,
  DescribeInvocationTasksAnswer
> = {
  name: 'DescribeInvocationTasks',
  effect: 'read',
  request: DescribeInvocationTasksRequest,
  answer: DescribeInvocationTasksAnswer,
};
