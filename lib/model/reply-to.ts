/** Where the progress and the result of a chat command go. */
import * as z from 'zod';

/**
 * Who sees in a chat what a command has printed: the person who asked alone, all who are in the channel, or nobody.
 * That a run began and how it ended is told in any case.
 */
export const Outputs = z.enum(['caller', 'channel', 'none']);
export type Outputs = z.infer<typeof Outputs>;

/** Where the progress and the result of a chat command go, as the source understands it. Kept until the run is over. */
export const ReplyTo = z.strictObject({
  /** The name of the source whose `lib/completions` reply destination knows how: `slack`. */
  via: z.string(),
  address: z.record(z.string(), z.string()),
  /** As the rule says. Absent: `caller`. */
  outputs: Outputs.optional(),
});
export type ReplyTo = z.infer<typeof ReplyTo>;
