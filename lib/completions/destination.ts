/**
 * The seam to where completion events go. A rule names destinations; a run carries them resolved, so that whoever
 * publishes needs no rules.
 */
import * as z from 'zod';
import type { CompletionEvent } from './completion-event.ts';

/** A destination as `destinations:` in rules.yml defines it, under its name. */
export const DestinationRef = z.strictObject({
  name: z.string(),
  /** The name of an SQS queue in the account and region of the functions. */
  sqs: z.string(),
});
export type DestinationRef = z.infer<typeof DestinationRef>;

export interface Destination {
  /**
   * Delivers one event; resolves only when it is durable there. May be called again with the same event after a
   * crash: the CloudEvents id is the same, so that the other side can deduplicate.
   */
  send(event: CompletionEvent): Promise<void>;
}

/** Finds the destination that a ref means. @throws FleetReflexError `destination.*` */
export type DestinationResolver = (ref: DestinationRef) => Destination;
