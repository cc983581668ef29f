/** Whether the agent of an instance is there and online: without it no command can run. */
import * as z from 'zod';
import type { VendorAction } from '../../vendor.ts';
import { AnyInstanceIds, filters, idsOrFilters, optional, Paging } from './fields.ts';

export const DescribeAutomationAgentStatusRequest = z
  .strictObject({
    InstanceIds: AnyInstanceIds.optional(),
    Filters: filters('agent-status', 'environment', 'instance-id').optional(),
    ...Paging,
  })
  .refine(...idsOrFilters('InstanceIds'));
export type DescribeAutomationAgentStatusRequest = z.input<typeof DescribeAutomationAgentStatusRequest>;

/** An instance without an agent has no row. */
export const DescribeAutomationAgentStatusAnswer = z.object({
  TotalCount: z.int(),
  AutomationAgentSet: z.array(
    z.object({
      InstanceId: z.string(),
      /** `Online` or `Offline`. */
      AgentStatus: z.string(),
      Version: optional(z.string()),
      LastHeartbeatTime: optional(z.string()),
    }),
  ),
});
export type DescribeAutomationAgentStatusAnswer = z.infer<typeof DescribeAutomationAgentStatusAnswer>;

export const describeAutomationAgentStatus: VendorAction<
  DescribeAutomationAgentStatusRequest,
  DescribeAutomationAgentStatusAnswer
> = {
  name: 'DescribeAutomationAgentStatus',
  effect: 'read',
  request: DescribeAutomationAgentStatusRequest,
  answer: DescribeAutomationAgentStatusAnswer,
};
