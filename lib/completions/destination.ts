/**
 * The seam for destinations of completion events. A rule names destinations; a run carries them resolved, so that
 * publishing needs no rules.
 */
import type { CompletionEvent } from '../model/completion-event.ts';
import type { DestinationRef } from '../model/destination-ref.ts';

/**
 * A destination of completion events.
 * @example
 * const log: Destination = {
 *   async send(events) {
 *     for (const { type, subject } of events) console.log(type, subject);
 *   },
 * };
 */
export interface Destination<Event = CompletionEvent> {
  /**
   * Delivers the events, those of one run in order; resolves when all are durable there, and only then. May be called
   * again with the same events after a crash: their ids are the same, so that consumers can deduplicate.
   */
  send(events: readonly Event[]): Promise<void>;
}

/** Finds the destination that a ref means. @throws FleetReflexError `destination.*` */
export type DestinationResolver = (ref: DestinationRef) => Destination;
