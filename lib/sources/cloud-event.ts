/**
 * CloudEvents 1.0 in JSON, as far as every source that carries one needs it: what an event is, and how our own
 * sources tell theirs from all others.
 */
import * as z from 'zod';

export const CloudEvent = z.looseObject({
  specversion: z.literal('1.0'),
  id: z.string().min(1),
  source: z.string().min(1),
  type: z.string().min(1),
  subject: z.string().optional(),
  /** RFC 3339; some senders write Unix milliseconds, which is not refused here. */
  time: z.union([z.string(), z.number()]).optional(),
  datacontenttype: z.string().optional(),
  traceparent: z.string().optional(),
  data: z.unknown().optional(),
  data_base64: z.string().optional(),
});
export type CloudEvent = z.infer<typeof CloudEvent>;

export function isCloudEvent(body: unknown): body is CloudEvent {
  return CloudEvent.safeParse(body).success;
}
