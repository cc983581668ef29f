/** A destination as the rules file defines it; a run carries it resolved. */
import * as z from 'zod';

/** A destination as `destinations:` in rules.yml defines it, under its name. */
export const DestinationRef = z.strictObject({
  name: z.string(),
  /** The name of an SQS queue in the account and region of the functions. */
  sqs: z.string(),
  /** Only the end of a run with this outcome; anything but `succeeded` is `failed`. Absent: every event. */
  outcome: z.enum(['succeeded', 'failed']).optional(),
});
export type DestinationRef = z.infer<typeof DestinationRef>;
