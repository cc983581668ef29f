/**
 * What a rule may say of an invocation beyond where and what it runs: carried whole from the rules file to the vendor's
 * request. All of it comes from the file; an event chooses none of it.
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

/** What a stop or a time-out ends: the script's process, or all that it started too. The words are Alibaba's. */
export const TerminationMode = z.enum(['Process', 'ProcessTree']);
export type TerminationMode = z.infer<typeof TerminationMode>;

export const InvocationOptions = z.strictObject({
  output: OutputDelivery.optional(),
  terminationMode: TerminationMode.optional(),
  /** Of the user; ours begin with `fleet-reflex`. */
  tags: z.record(z.string(), z.string()).optional(),
});
export type InvocationOptions = z.infer<typeof InvocationOptions>;

/** The tags that are ours. */
export const OWN_TAG = /^fleet-reflex/i;
