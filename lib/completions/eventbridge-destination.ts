/** An EventBridge bus: the whole CloudEvents event is the `detail`, its type the `detail-type`. */
import { type EventBridgeClient, PutEventsCommand } from '@aws-sdk/client-eventbridge';
import type { CompletionEvent } from '../model/completion-event.ts';
import type { DestinationRef } from '../model/destination-ref.ts';
import { inBatches } from '../queues/in-batches.ts';
import type { Delivery, Sender } from './destination.ts';
import { awsFailure, entryFailure } from './failure.ts';

type EventBridgeRef = Extract<DestinationRef, { eventbridge: string }>;

/** The `source` of every event, for patterns. */
const SOURCE = 'fleet-reflex';
/** Regions differ in how much a request may have (256 KB, 1 MB); this all of them take. */
const LIMITS = { entries: 10, bytes: 255 * 1000 };
/** Of source, type and time. */
const ENVELOPE_BYTES = 128;
const REMEDY = 'Check that the bus exists, and that the role of `deliver` may `events:PutEvents` there.';

export function eventBridgeSender(client: EventBridgeClient, ref: EventBridgeRef): Sender {
  return {
    async send(events) {
      const size = (event: CompletionEvent) => Buffer.byteLength(JSON.stringify(event)) + ENVELOPE_BYTES;
      const batches = inBatches(events, size, LIMITS);
      return (await Promise.all(batches.map((batch) => putEvents(batch)))).flat();
    },
  };

  async function putEvents(events: readonly CompletionEvent[]): Promise<Delivery[]> {
    try {
      const { Entries = [] } = await client.send(
        new PutEventsCommand({
          Entries: events.map((event) => ({
            EventBusName: ref.eventbridge,
            Source: SOURCE,
            DetailType: event.type,
            Detail: JSON.stringify(event),
            Time: new Date(event.time),
          })),
        }),
      );
      // An answer is 200 also where entries failed; they are answered in their order.
      return events.map((_, index) => {
        const { EventId, ErrorCode, ErrorMessage } = Entries[index] ?? {};
        if (EventId !== undefined && ErrorCode === undefined) return { kind: 'delivered' };
        return { kind: 'failed', error: entryFailure(ref, ErrorCode, ErrorMessage, REMEDY) };
      });
    } catch (thrown) {
      const error = awsFailure(ref, thrown, REMEDY);
      return events.map(() => ({ kind: 'failed', error }));
    }
  }
}
