/**
 * The sending side of the `deliveries` queue: completion events on their way to destinations that are not an SQS queue, or
 * are one that did not take them. One message for each event and destination, so that each has its own tries, and its own
 * place in the dead-letter queue.
 */
import type { SQSClient } from '@aws-sdk/client-sqs';
import type { CompletionEvent } from '../model/completion-event.ts';
import type { DeliveryRequest } from '../model/delivery.ts';
import { type DestinationRef, placeOf } from '../model/destination-ref.ts';
import { type Sleep, together } from '../store/together.ts';
import { messageText } from './message-text.ts';
import { type OutgoingMessage, sendMessages } from './send-messages.ts';

export interface DeliveriesQueue {
  /**
   * Resolves when all of them are durable. What several destinations are sent at the same time shares calls.
   * @throws FleetReflexError `queue.unavailable` (retry)
   */
  put(destination: DestinationRef, events: readonly CompletionEvent[]): Promise<void>;
}

/** More are more calls anyway. */
const MAX_TOGETHER = 1000;

/** @param sleep what comes at about the same time is gathered so. Default: by this machine's clock */
export function deliveriesQueue(client: SQSClient, url: string, sleep?: Sleep): DeliveriesQueue {
  const put = together<readonly OutgoingMessage[], true>(
    async (all) => {
      await sendMessages({ client, url, name: 'deliveries', what: 'Completion events' }, all.flat());
      return all.map(() => true);
    },
    { max: MAX_TOGETHER, sleep },
  );
  return {
    async put({ outcome: _, ...destination }, events) {
      await put(events.map((event) => toMessage({ version: 1, destination, event })));
    },
  };
}

function toMessage(request: DeliveryRequest): OutgoingMessage {
  return {
    body: messageText(request),
    attributes: {},
    // One destination with much to take lets the others through.
    tenant: placeOf(request.destination),
  };
}
