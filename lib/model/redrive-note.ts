/** A message of the `records` queue: `fleet-reflex redrive` has moved messages. */
import * as z from 'zod';

export const RedriveNote = z.strictObject({
  version: z.literal(1),
  action: z.literal('redrive'),
  queue: z.string().min(1).max(80),
  count: z.int().positive(),
  /** ISO 8601. */
  at: z.iso.datetime(),
});
export type RedriveNote = z.infer<typeof RedriveNote>;
