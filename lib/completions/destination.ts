/**
 * The seam to where completion events go. A rule names destinations; a run carries them resolved, so that whoever
 * publishes needs no rules.
 */
import type { CompletionEvent } from '../model/completion-event.ts';
import type { DestinationRef } from '../model/destination-ref.ts';

export interface Destination {
  /**
   * Delivers the events, those of one run in their order; resolves only when all are durable there. May be called again
   * with the same events after a crash: a CloudEvents id is the same, so that the other side can deduplicate.
   */
  send(events: readonly CompletionEvent[]): Promise<void>;
}

/** Finds the destination that a ref means. @throws FleetReflexError `destination.*` */
export type DestinationResolver = (ref: DestinationRef) => Destination;
