/**
 * The common part of CloudEvents 1.0 in JSON for all sources that carry them: the schema, and how sources recognise their
 * own events.
 */
import * as z from 'zod';

/** An attribute that is null counts as absent: section 2.1 of the JSON format. */
export const CloudEvent = z.looseObject({
  specversion: z.literal('1.0'),
  id: z.string().min(1),
  source: z.string().min(1),
  type: z.string().min(1),
  subject: z.string().nullish(),
  /** RFC 3339; some senders write Unix milliseconds, which is not refused here. */
  time: z.union([z.string(), z.number()]).nullish(),
  datacontenttype: z.string().nullish(),
  traceparent: z.string().nullish(),
  data: z.unknown().optional(),
  data_base64: z.string().nullish(),
});
export type CloudEvent = z.infer<typeof CloudEvent>;

export function isCloudEvent(body: unknown): body is CloudEvent {
  return CloudEvent.safeParse(body).success;
}
