/**
 * The seam to where completion events go. A rule names destinations; a run carries them resolved, so that whoever
 * publishes needs no rules.
 */
import type { CompletionEvent } from '../model/completion-event.ts';
import type { DestinationRef } from '../model/destination-ref.ts';

export interface Destination {
  /**
   * Delivers one event; resolves only when it is durable there. May be called again with the same event after a
   * crash: the CloudEvents id is the same, so that the other side can deduplicate.
   */
  send(event: CompletionEvent): Promise<void>;
}

/** Finds the destination that a ref means. @throws FleetReflexError `destination.*` */
export type DestinationResolver = (ref: DestinationRef) => Destination;
