/** The reply address of a chat command. */
import * as z from 'zod';

/**
 * Who sees the output of a command in a chat: only the person who asked, the whole channel, or none. The start and the
 * result of a run are always shown.
 */
export const Outputs = z.enum(['caller', 'channel', 'none']);
export type Outputs = z.infer<typeof Outputs>;

/** The reply address of a chat command, in the source's own form. Kept until the run has ended. */
export const ReplyTo = z.strictObject({
  /** The name of the source whose `lib/completions` reply destination knows how: `slack`. */
  via: z.string(),
  address: z.record(z.string(), z.string()),
  /** As the rule says. Absent: `caller`. */
  outputs: Outputs.optional(),
});
export type ReplyTo = z.infer<typeof ReplyTo>;
