/** A completion event on its way to one destination: a message of the queue `deliveries`. */
import * as z from 'zod';
import { CompletionEvent } from './completion-event.ts';
import { DestinationRef } from './destination-ref.ts';

export const DeliveryRequest = z.strictObject({
  version: z.literal(1),
  destination: DestinationRef,
  event: CompletionEvent,
});
export type DeliveryRequest = z.infer<typeof DeliveryRequest>;
