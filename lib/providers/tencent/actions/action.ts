/** What the client needs to know of one TAT action: its name, what a repetition would do, and both schemas. */
import type * as z from 'zod';

export interface Action<Request, Answer> {
  /** The value of `X-TC-Action`. */
  name: ActionName;
  /**
   * - `read`: changes nothing
   * - `repeatable`: a second time changes nothing more (cancel, enable, delete, …)
   * - `once`: a second time has a second effect, and TAT has no token against it (invoke, create, …)
   */
  effect: 'read' | 'repeatable' | 'once';
  /** Every documented limit; nothing undocumented passes, since the vendor refuses unknown parameters. */
  request: z.ZodType<unknown, Request>;
  /** The fields that we use; others are dropped. */
  answer: z.ZodType<Answer>;
}

export type ActionName =
  | 'InvokeCommand'
  | 'RunCommand'
  | 'CancelInvocation'
  | 'DescribeInvocations'
  | 'DescribeInvocationTasks'
  | 'CreateInvoker'
  | 'DescribeInvokers'
  | 'ModifyInvoker'
  | 'EnableInvoker'
  | 'DisableInvoker'
  | 'DeleteInvoker'
  | 'DescribeInvokerRecords'
  | 'DescribeCommands'
  | 'PreviewReplacedCommandContent'
  | 'DescribeAutomationAgentStatus';
