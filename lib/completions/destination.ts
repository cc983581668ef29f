/**
 * The seams for destinations of completion events. A rule names destinations; a run carries them resolved, so that
 * publishing needs no rules.
 *
 * Publishing (lib/runs/) asks for a `Destination`, which answers when the events are durable: in the queue that is meant,
 * or on the queue `deliveries`, from where a function of its own sends them. A `Sender` is what speaks to one place.
 */
import type { FleetReflexError } from '../errors.ts';
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
   * Accepts the events, those of one run in order; resolves when all are durable, and only then. May be called
   * again with the same events after a crash: their ids are the same, so that consumers can deduplicate.
   */
  send(events: readonly Event[]): Promise<void>;
}

/** Finds the destination that a ref means. */
export type DestinationResolver = (ref: DestinationRef) => Destination;

/** What became of one event. `retry` errors are tried again, `hold` is for a person (lib/completions/deliver.ts). */
export type Delivery = { kind: 'delivered' } | { kind: 'failed'; error: FleetReflexError };

/** Speaks to one place: one file for each kind. */
export interface Sender<Event = CompletionEvent> {
  /**
   * Tries once, in as few requests as the place allows.
   * @returns for each event in its place; `delivered` only where the other side has said so. Never rejects
   */
  send(events: readonly Event[]): Promise<readonly Delivery[]>;
}
