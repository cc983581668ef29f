/**
 * The request parameters of each Cloud Assistant action, with every limit that the vendor documents, in the vendor's
 * names. A request that breaks one is refused here, before it costs a call. Sources: the document of
 * DescribeInvocations for its parameters, the vendor's SDK (`@alicloud/ecs20140526`) for the others.
 */
import * as z from 'zod';
import { MAX_INSTANCES_PER_INVOCATION } from './facts.ts';

const KILOBYTE = 1024;
/** After Base64: command content and parameters together. */
const MAX_ENCODED_BYTES = 24 * KILOBYTE;
export const MAX_INSTANCES_PER_STOP = 50;
export const MAX_RESULTS = 50;
const MAX_TAGS = 20;

const RegionId = z.string().min(1);
const InstanceId = z.string().min(1);
const withoutUrl = /^(?!.*https?:\/\/)/;

function tag(what: string) {
  return z.strictObject({
    Key: z
      .string()
      .min(1, `a ${what} key is not empty`)
      .max(64, `a ${what} key has at most 64 characters`)
      .regex(/^(?!aliyun|acs:)/, `a ${what} key does not start with aliyun or acs:`)
      .regex(withoutUrl, `a ${what} key does not contain http:// or https://`),
    Value: z
      .string()
      .max(128, `a ${what} value has at most 128 characters`)
      .regex(withoutUrl, `a ${what} value does not contain http:// or https://`),
  });
}

function hasUniqueKeys(tags: readonly { Key: string }[]): boolean {
  return new Set(tags.map(({ Key }) => Key)).size === tags.length;
}

export const Tag = tag('tag');
export type Tag = z.infer<typeof Tag>;
const Tags = z.array(Tag).min(1).max(MAX_TAGS).refine(hasUniqueKeys, 'each tag key stands once').optional();
/** A key without a value finds the key with any value. */
const TagFilters = z
  .array(Tag.partial({ Value: true }))
  .min(1)
  .max(MAX_TAGS)
  .refine(hasUniqueKeys, 'each tag key stands once')
  .optional();
const ResourceTags = z
  .array(tag('resource tag'))
  .min(1)
  .max(10)
  .refine(hasUniqueKeys, 'each resource tag key stands once')
  .optional();

const ClientToken = z.string().regex(/^[\x21-\x7e]{1,64}$/, '1 to 64 ASCII characters');
const ContentEncoding = z.enum(['PlainText', 'Base64']);
const CommandType = z.enum(['RunShellScript', 'RunPowerShellScript', 'RunBatScript']);
const RepeatMode = z.enum(['Once', 'Period', 'NextRebootOnly', 'EveryReboot']);

/** Sent as JSON text; the vendor takes 10 pairs for one run. */
const Parameters = z
  .record(z.string().min(1).max(64), z.string())
  .refine((pairs) => Object.keys(pairs).length <= 10, 'at most 10 parameters')
  .refine(
    (pairs) => encodedLength(JSON.stringify(pairs)) <= MAX_ENCODED_BYTES,
    'at most 24 KB of parameters after Base64',
  );

/** What RunCommand and InvokeCommand have in common. */
interface Targets {
  InstanceId?: string[] | undefined;
  ResourceTag?: unknown[] | undefined;
  RepeatMode?: string | undefined;
  Frequency?: string | undefined;
}
const hasOneTarget = (request: Targets): boolean =>
  (request.InstanceId === undefined) !== (request.ResourceTag === undefined);
const ONE_TARGET = 'either InstanceId or ResourceTag';
const hasFrequency = (request: Targets): boolean =>
  request.RepeatMode !== 'Period' || request.Frequency !== undefined;
const runsNothing = (request: Targets): boolean =>
  request.RepeatMode !== 'DryRun' || request.Frequency === undefined;
const DRY_RUN_RECURS = {
  message: 'a Frequency beside DryRun makes a command that recurs, and is run',
  path: ['Frequency'],
};
const NEEDS_FREQUENCY = { message: 'RepeatMode Period needs Frequency', path: ['Frequency'] };

export const InvokeCommandRequest = z
  .strictObject({
    RegionId,
    ClientToken: ClientToken.optional(),
    InstanceId: z.array(InstanceId).min(1).max(MAX_INSTANCES_PER_INVOCATION).optional(),
    ResourceTag: ResourceTags,
    RepeatMode: z.enum([...RepeatMode.options, 'DryRun']).optional(),
    Frequency: z.string().min(1).optional(),
    Parameters: Parameters.optional(),
    Username: z.string().min(1).max(255).optional(),
    WindowsPasswordName: z.string().min(1).max(255).optional(),
    WorkingDir: z.string().min(1).max(200).optional(),
    Tag: Tags,
    ResourceGroupId: z.string().min(1).optional(),
    ContainerId: z
      .string()
      .regex(/^((docker|containerd|cri-o):\/\/)?[0-9a-f]{64}$/i, '64 hexadecimal digits')
      .optional(),
    ContainerName: z.string().min(1).optional(),
    Launcher: z.string().min(1).max(KILOBYTE).optional(),
    TerminationMode: z.enum(['Process', 'ProcessTree']).optional(),
    OssOutputDelivery: z.string().startsWith('oss://').optional(),
    CommandId: z.string().min(1),
    Timeout: z.int().min(10, 'a timeout of at least 10 seconds').optional(),
  })
  .refine(hasOneTarget, ONE_TARGET)
  .refine(hasFrequency, NEEDS_FREQUENCY)
  .refine(runsNothing, DRY_RUN_RECURS);
export type InvokeCommandRequest = z.infer<typeof InvokeCommandRequest>;

export const StopInvocationRequest = z.strictObject({
  RegionId,
  InvokeId: z.string().min(1),
  /** Absent: all of them. */
  InstanceId: z.array(InstanceId).min(1).max(MAX_INSTANCES_PER_STOP).optional(),
});
export type StopInvocationRequest = z.infer<typeof StopInvocationRequest>;

/** Changes an invocation that is still to run; what is absent stays as it is. */
export const ModifyInvocationAttributeRequest = z.strictObject({
  RegionId,
  ClientToken: ClientToken.optional(),
  InvokeId: z.string().min(1),
  Frequency: z.string().min(1).optional(),
  Parameters: Parameters.optional(),
  /** Has to be true where Parameters change. */
  EnableParameter: z.boolean().optional(),
  /** These are added; none is ever taken away. */
  InstanceId: z.array(InstanceId).min(1).max(MAX_INSTANCES_PER_INVOCATION).optional(),
});
export type ModifyInvocationAttributeRequest = z.infer<typeof ModifyInvocationAttributeRequest>;

const paging = {
  /** Default 10. */
  MaxResults: z.int().min(1).max(MAX_RESULTS).optional(),
  NextToken: z.string().min(1).optional(),
  /** About to be deprecated; without effect beside the two above. */
  PageNumber: z.int().min(1).optional(),
  PageSize: z.int().min(1).max(MAX_RESULTS).optional(),
};

/** All parameters of the document. */
export const DescribeInvocationsRequest = z
  .strictObject({
    RegionId,
    ResourceGroupId: z.string().min(1).optional(),
    InvokeId: z.string().min(1).optional(),
    CommandId: z.string().min(1).optional(),
    /** Without effect beside InstanceId. */
    CommandName: z.string().min(1).optional(),
    CommandType: CommandType.optional(),
    /** Default false, and then an invocation that is still to run again is not in the answer. */
    Timed: z.boolean().optional(),
    InvokeStatus: z
      .enum([
        'Running',
        'Finished',
        'Success',
        'Failed',
        'Stopped',
        'Stopping',
        'PartialFailed',
        'Pending',
        'Scheduled',
      ])
      .optional(),
    InstanceId: InstanceId.optional(),
    /** Default Base64. */
    ContentEncoding: ContentEncoding.optional(),
    /** Default false. */
    IncludeOutput: z.boolean().optional(),
    ...paging,
    /** Without effect beside InstanceId. */
    RepeatMode: RepeatMode.optional(),
    Tag: TagFilters,
  })
  .refine(
    ({ IncludeOutput, InvokeId, InstanceId: instance }) =>
      IncludeOutput !== true || InvokeId !== undefined || instance !== undefined,
    { message: 'IncludeOutput needs InvokeId or InstanceId', path: ['IncludeOutput'] },
  );
export type DescribeInvocationsRequest = z.infer<typeof DescribeInvocationsRequest>;

export const DescribeInvocationResultsRequest = z
  .strictObject({
    RegionId,
    ResourceGroupId: z.string().min(1).optional(),
    InvokeId: z.string().min(1).optional(),
    CommandId: z.string().min(1).optional(),
    InstanceId: InstanceId.optional(),
    InvokeRecordStatus: z
      .enum(['Running', 'Finished', 'Success', 'Failed', 'PartialFailed', 'Stopped', 'Stopping'])
      .optional(),
    ContentEncoding: ContentEncoding.optional(),
    /** Every run of a recurring invocation, not only its last. */
    IncludeHistory: z.boolean().optional(),
    ...paging,
    Tag: TagFilters,
  })
  .refine(({ IncludeHistory, InvokeId }) => IncludeHistory !== true || InvokeId !== undefined, {
    message: 'IncludeHistory needs InvokeId',
    path: ['IncludeHistory'],
  });
export type DescribeInvocationResultsRequest = z.infer<typeof DescribeInvocationResultsRequest>;

export const DescribeCommandsRequest = z.strictObject({
  RegionId,
  ResourceGroupId: z.string().min(1).optional(),
  CommandId: z.string().min(1).optional(),
  Name: z.string().min(1).optional(),
  Description: z.string().min(1).optional(),
  Type: CommandType.optional(),
  /** Absent: the account's own commands. */
  Provider: z.string().min(1).optional(),
  Latest: z.boolean().optional(),
  ContentEncoding: ContentEncoding.optional(),
  ...paging,
  Tag: TagFilters,
});
export type DescribeCommandsRequest = z.infer<typeof DescribeCommandsRequest>;

export const DescribeCloudAssistantStatusRequest = z.strictObject({
  RegionId,
  InstanceId: z.array(InstanceId).min(1).max(MAX_INSTANCES_PER_STOP).optional(),
  OSType: z.enum(['Windows', 'Linux', 'FreeBSD']).optional(),
  ...paging,
});
export type DescribeCloudAssistantStatusRequest = z.infer<typeof DescribeCloudAssistantStatusRequest>;

/** Rows of a page of DescribeInstances: the vendor takes 10 to 100. */
export const MAX_INSTANCE_ROWS = 100;

/** Of instances, which may have longer keys than invocations. */
const InstanceTag = z.strictObject({
  Key: z.string().min(1).max(128),
  // Without a value it would find the key with any value.
  Value: z.string().min(1).max(128),
});

export const DescribeInstancesRequest = z.strictObject({
  RegionId,
  Tag: z.array(InstanceTag).min(1).max(MAX_TAGS).refine(hasUniqueKeys, 'each tag key stands once'),
  MaxResults: z.int().min(10).max(MAX_INSTANCE_ROWS),
  NextToken: z.string().min(1).optional(),
  DryRun: z.boolean().optional(),
});
export type DescribeInstancesRequest = z.infer<typeof DescribeInstancesRequest>;

/** Bytes after Base64. */
function encodedLength(text: string): number {
  return Math.ceil(Buffer.byteLength(text) / 3) * 4;
}
