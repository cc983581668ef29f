/**
 * Options of an invocation beyond command and target, carried whole from the rules file to the vendor's request. They are
 * constants of the file: an event cannot choose them.
 */
import * as z from 'zod';

/** Where the provider stores the whole output, beyond the 24 KB that it keeps by itself. */
export const OutputDelivery = z.strictObject({
  /** A COS bucket's URL (TAT), or the name of an OSS bucket (Cloud Assistant). */
  bucket: z.string(),
  /** A folder in it. */
  prefix: z.string().optional(),
});
export type OutputDelivery = z.infer<typeof OutputDelivery>;

/** What a stop or a time-out ends: only the script's process, or also the processes that it started. Alibaba's terms. */
export const TerminationMode = z.enum(['Process', 'ProcessTree']);
export type TerminationMode = z.infer<typeof TerminationMode>;

export const InvocationOptions = z.strictObject({
  output: OutputDelivery.optional(),
  terminationMode: TerminationMode.optional(),
  /** The user's tags; ours begin with `fleet-reflex`. */
  tags: z.record(z.string(), z.string()).optional(),
});
export type InvocationOptions = z.infer<typeof InvocationOptions>;

/** Our own tags. */
export const OWN_TAG = /^fleet-reflex/i;
