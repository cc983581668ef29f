/** Invokers, which TAT runs by itself, once or again and again: our schedules (document CreateInvoker). */
import * as z from 'zod';
import type { VendorAction } from '../../vendor.ts';
import {
  CommandId,
  filters,
  InvokerId,
  idList,
  idsOrFilters,
  instanceIds,
  optional,
  Paging,
  ParametersJson,
  Tags,
  Username,
} from './fields.ts';
import { NoAnswer } from './invocations.ts';

export const MAX_INSTANCES_OF_INVOKER = 100;

const Name = z.string().min(1).max(120);
const ScheduleSettings = z.discriminatedUnion('Policy', [
  z.strictObject({
    Policy: z.literal('ONCE'),
    /** ISO 8601 with an offset or Z, to come. */
    InvokeTime: z.iso.datetime({ offset: true }),
  }),
  z.strictObject({
    Policy: z.literal('RECURRENCE'),
    /** Five crontab fields, in Beijing time always. */
    Recurrence: z.string().min(1),
  }),
]);

export const CreateInvokerRequest = z.strictObject({
  Name,
  Type: z.literal('SCHEDULE'),
  CommandId,
  InstanceIds: instanceIds(MAX_INSTANCES_OF_INVOKER),
  Username: Username.optional(),
  Parameters: ParametersJson.optional(),
  ScheduleSettings,
  Tags: Tags.optional(),
});
export type CreateInvokerRequest = z.input<typeof CreateInvokerRequest>;
export const CreateInvokerAnswer = z.object({ InvokerId: z.string().min(1), RequestId: z.string() });
export type CreateInvokerAnswer = z.infer<typeof CreateInvokerAnswer>;

export const createInvoker: VendorAction<CreateInvokerRequest, CreateInvokerAnswer> = {
  name: 'CreateInvoker',
  effect: 'once',
  request: CreateInvokerRequest,
  answer: CreateInvokerAnswer,
};

export const ModifyInvokerRequest = z.strictObject({
  InvokerId,
  Name: Name.optional(),
  Type: z.literal('SCHEDULE').optional(),
  CommandId: CommandId.optional(),
  InstanceIds: instanceIds(MAX_INSTANCES_OF_INVOKER).optional(),
  Username: Username.optional(),
  Parameters: ParametersJson.optional(),
  ScheduleSettings: ScheduleSettings.optional(),
});
export type ModifyInvokerRequest = z.input<typeof ModifyInvokerRequest>;

export const modifyInvoker: VendorAction<ModifyInvokerRequest, NoAnswer> = {
  name: 'ModifyInvoker',
  effect: 'repeatable',
  request: ModifyInvokerRequest,
  answer: NoAnswer,
};

const OneInvoker = z.strictObject({ InvokerId });
type OneInvoker = z.input<typeof OneInvoker>;

const onOneInvoker = (
  name: 'EnableInvoker' | 'DisableInvoker' | 'DeleteInvoker',
): VendorAction<OneInvoker, NoAnswer> => ({
  name,
  effect: 'repeatable',
  request: OneInvoker,
  answer: NoAnswer,
});
export const enableInvoker = onOneInvoker('EnableInvoker');
export const disableInvoker = onOneInvoker('DisableInvoker');
export const deleteInvoker = onOneInvoker('DeleteInvoker');

export const DescribeInvokersRequest = z
  .strictObject({
    InvokerIds: idList(InvokerId).optional(),
    Filters: filters('invoker-id', 'command-id', 'invoker-type').optional(),
    ...Paging,
  })
  .refine(...idsOrFilters('InvokerIds'));
export type DescribeInvokersRequest = z.input<typeof DescribeInvokersRequest>;

export const InvokerRow = z.object({
  InvokerId: z.string(),
  Name: z.string(),
  Type: z.string(),
  CommandId: z.string(),
  Username: optional(z.string()),
  Parameters: optional(z.string()),
  InstanceIds: z.array(z.string()),
  Enable: z.boolean(),
  ScheduleSettings: optional(
    z.object({ Policy: z.string(), Recurrence: optional(z.string()), InvokeTime: optional(z.string()) }),
  ),
  Tags: optional(z.array(z.object({ Key: z.string(), Value: z.string() }))),
});
export type InvokerRow = z.infer<typeof InvokerRow>;
export const DescribeInvokersAnswer = z.object({ TotalCount: z.int(), InvokerSet: z.array(InvokerRow) });
export type DescribeInvokersAnswer = z.infer<typeof DescribeInvokersAnswer>;

export const describeInvokers: VendorAction<DescribeInvokersRequest, DescribeInvokersAnswer> = {
  name: 'DescribeInvokers',
  effect: 'read',
  request: DescribeInvokersRequest,
  answer: DescribeInvokersAnswer,
};

export const DescribeInvokerRecordsRequest = z.strictObject({ InvokerIds: idList(InvokerId), ...Paging });
export type DescribeInvokerRecordsRequest = z.input<typeof DescribeInvokerRecordsRequest>;
export const InvokerRecordRow = z.object({
  InvokerId: z.string(),
  InvokeTime: z.string(),
  Reason: optional(z.string()),
  InvocationId: optional(z.string()),
  Result: optional(z.string()),
});
export type InvokerRecordRow = z.infer<typeof InvokerRecordRow>;
export const DescribeInvokerRecordsAnswer = z.object({
  TotalCount: z.int(),
  InvokerRecordSet: z.array(InvokerRecordRow),
});
export type DescribeInvokerRecordsAnswer = z.infer<typeof DescribeInvokerRecordsAnswer>;

export const describeInvokerRecords: VendorAction<
  DescribeInvokerRecordsRequest,
  DescribeInvokerRecordsAnswer
> = {
  name: 'DescribeInvokerRecords',
  effect: 'read',
  request: DescribeInvokerRecordsRequest,
  answer: DescribeInvokerRecordsAnswer,
};
