/** A destination as the rules file defines it; a run carries it resolved. */
import * as z from 'zod';

/** A destination as `destinations:` in rules.yml defines it, under its name. */
export const DestinationRef = z.strictObject({
  name: z.string(),
  /** The name of an SQS queue in the account and region of the functions. */
  sqs: z.string(),
});
export type DestinationRef = z.infer<typeof DestinationRef>;
