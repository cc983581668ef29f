/**
 * The answers of each Cloud Assistant action as far as fleet-reflex reads them: lists come wrapped twice
 * (`Invocations.Invocation[]`), most fields may be missing, and what the vendor adds later is ignored.
 */
import * as z from 'zod';

const text = z.string().nullish();
const number = z.number().nullish();
const flag = z.boolean().nullish();

const paging = { NextToken: text, PageNumber: number, PageSize: number, TotalCount: number };
/** In every answer of the vendor; its absence tells that somebody else answered, and an empty list must not be believed. */
const RequestId = z.string().min(1);

const TagSet = z
  .object({ Tag: z.array(z.object({ TagKey: z.string(), TagValue: z.string().default('') })).default([]) })
  .nullish();

export const InvokeCommandAnswer = z.object({ RequestId, InvokeId: z.string().min(1), CommandId: text });
export type InvokeCommandAnswer = z.infer<typeof InvokeCommandAnswer>;

export const StopInvocationAnswer = z.object({ RequestId });
export type StopInvocationAnswer = z.infer<typeof StopInvocationAnswer>;

export const ModifyInvocationAttributeAnswer = z.object({ RequestId, CommandId: text });
export type ModifyInvocationAttributeAnswer = z.infer<typeof ModifyInvocationAttributeAnswer>;

/** One instance of an invocation, as DescribeInvocations has it. */
export const InvokeInstance = z.object({
  InstanceId: z.string().min(1),
  InvocationStatus: z.string(),
  InstanceInvokeStatus: text,
  ExitCode: number,
  ErrorCode: text,
  ErrorInfo: text,
  /** Only with IncludeOutput; in the ContentEncoding that was asked for. */
  Output: text,
  Dropped: number,
  Repeats: number,
  Timed: flag,
  StartTime: text,
  FinishTime: text,
  StopTime: text,
  CreationTime: text,
  UpdateTime: text,
  OssOutputUri: text,
  OssOutputStatus: text,
  OssOutputErrorCode: text,
  OssOutputErrorInfo: text,
});
export type InvokeInstance = z.infer<typeof InvokeInstance>;

export const Invocation = z.object({
  InvokeId: z.string().min(1),
  InvocationStatus: text,
  /** The older word for it; never read for a decision. */
  InvokeStatus: text,
  CommandId: text,
  CommandName: text,
  CommandType: text,
  CommandDescription: text,
  CommandContent: text,
  Parameters: text,
  Timeout: number,
  Timed: flag,
  RepeatMode: text,
  Frequency: text,
  Username: text,
  WorkingDir: text,
  ContainerId: text,
  ContainerName: text,
  Launcher: text,
  TerminationMode: text,
  OssOutputDelivery: text,
  CreationTime: text,
  Tags: TagSet,
  InvokeInstances: z.object({ InvokeInstance: z.array(InvokeInstance).default([]) }).nullish(),
});
export type Invocation = z.infer<typeof Invocation>;

export const DescribeInvocationsAnswer = z.object({
  RequestId,
  ...paging,
  Invocations: z.object({ Invocation: z.array(Invocation).default([]) }).nullish(),
});
export type DescribeInvocationsAnswer = z.infer<typeof DescribeInvocationsAnswer>;

/** One row of DescribeInvocationResults. It spells the end `FinishedTime`. */
export const InvocationResult = z.object({
  InvokeId: z.string().min(1),
  InstanceId: z.string().min(1),
  InvocationStatus: z.string(),
  InvokeRecordStatus: text,
  CommandId: text,
  ExitCode: number,
  ErrorCode: text,
  ErrorInfo: text,
  Output: text,
  Dropped: number,
  Repeats: number,
  StartTime: text,
  FinishedTime: text,
  StopTime: text,
  Username: text,
  TerminationMode: text,
  OssOutputUri: text,
  OssOutputStatus: text,
  OssOutputErrorCode: text,
  OssOutputErrorInfo: text,
  Tags: TagSet,
});
export type InvocationResult = z.infer<typeof InvocationResult>;

export const DescribeInvocationResultsAnswer = z.object({
  RequestId,
  Invocation: z
    .object({
      ...paging,
      InvocationResults: z.object({ InvocationResult: z.array(InvocationResult).default([]) }).nullish(),
    })
    .nullish(),
});
export type DescribeInvocationResultsAnswer = z.infer<typeof DescribeInvocationResultsAnswer>;

const StoredCommand = z.object({
  CommandId: z.string().min(1),
  Name: text,
  Type: text,
  Description: text,
  CommandContent: text,
  EnableParameter: flag,
  ParameterNames: z.object({ ParameterName: z.array(z.string()).default([]) }).nullish(),
  Timeout: number,
  WorkingDir: text,
  Launcher: text,
  CreationTime: text,
  Provider: text,
  Version: number,
  InvokeTimes: number,
  Tags: TagSet,
});

export type StoredCommand = z.infer<typeof StoredCommand>;

export const DescribeCommandsAnswer = z.object({
  RequestId,
  ...paging,
  Commands: z.object({ Command: z.array(StoredCommand).default([]) }).nullish(),
});
export type DescribeCommandsAnswer = z.infer<typeof DescribeCommandsAnswer>;

/** `CloudAssistantStatus` is text, not a boolean. */
const CloudAssistantStatus = z.object({
  InstanceId: z.string().min(1),
  CloudAssistantStatus: z.string(),
  CloudAssistantVersion: text,
  LastHeartbeatTime: text,
  LastInvokedTime: text,
  InvocationCount: number,
  ActiveTaskCount: number,
  OSType: text,
});

export const DescribeCloudAssistantStatusAnswer = z.object({
  RequestId,
  ...paging,
  InstanceCloudAssistantStatusSet: z
    .object({ InstanceCloudAssistantStatus: z.array(CloudAssistantStatus).default([]) })
    .nullish(),
});
export type DescribeCloudAssistantStatusAnswer = z.infer<typeof DescribeCloudAssistantStatusAnswer>;

export const DescribeInstancesAnswer = z.object({
  RequestId,
  ...paging,
  Instances: z
    .object({
      Instance: z
        .array(z.object({ InstanceId: z.string().min(1), Status: z.string(), Tags: TagSet }))
        .default([]),
    })
    .nullish(),
});
export type DescribeInstancesAnswer = z.infer<typeof DescribeInstancesAnswer>;

/** An error, with HTTP 400 or more. */
export const ErrorAnswer = z.object({
  RequestId: z.string().default(''),
  HostId: text,
  Code: z.string().min(1),
  Message: z.string().default(''),
  Recommend: text,
});
