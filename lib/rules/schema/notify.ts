/** `notify` and `destinations`: where completion events go. */
import * as z from 'zod';

const Names = z.array(z.string());
export const Notify = z
  .union(
    [
      Names,
      z.strictObject({
        all: Names.optional().describe('Every event.'),
        succeeded: Names.optional().describe('Only the end of a run that succeeded.'),
        failed: Names.optional().describe(
          'Only the end of a run that did not succeed: also rejected, expired, stopped, unknown.',
        ),
      }),
    ],
    { error: 'expected names of destinations, or `all`, `succeeded` and `failed` with names' },
  )
  .default(['completions'])
  .describe(
    'The destinations of its completion events: a list, or a list by outcome, such as `{ failed: [pager] }`. Default: the queue `completions`.',
  );
export type NotifySpec = z.infer<typeof Notify>;

export const DestinationSpec = z
  .strictObject({
    sqs: z
      .string()
      .regex(/^[A-Za-z0-9_-]{1,80}$|^[A-Za-z0-9_-]{1,75}\.fifo$/, 'expected the name of an SQS queue')
      .describe('The name of an SQS queue in the account and region of the functions.'),
  })
  .describe('Where completion events go.');
export type DestinationSpec = z.infer<typeof DestinationSpec>;
