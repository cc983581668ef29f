/**
 * The event that tells that a cloud does not answer in a region, and that it does again. CloudEvents 1.0, on the queue
 * `completions`. The JSON Schema in events/schemas/ is generated from this file.
 */
import * as z from 'zod';
import { Reason } from './completion-event.ts';
import { ProviderName } from './provider-name.ts';

export const ProviderEventType = z.enum([
  'fleet-reflex.provider.unavailable',
  'fleet-reflex.provider.available',
]);
export type ProviderEventType = z.infer<typeof ProviderEventType>;

export const ProviderEvent = z.strictObject({
  specversion: z.literal('1.0'),
  /** Made of provider, region, the time of the opening and the status: the same change has the same id. */
  id: z.string(),
  type: ProviderEventType,
  /** `/fleet-reflex/<stage>/providers/<provider>` */
  source: z.string(),
  /** `<provider>/<region>` */
  subject: z.string(),
  time: z.iso.datetime(),
  datacontenttype: z.literal('application/json'),
  data: z.strictObject({
    provider: ProviderName,
    region: z.string(),
    status: z.enum(['unavailable', 'available']),
    /** When nothing was sent there any more. */
    since: z.iso.datetime(),
    /** Calls that failed in a row when it began. */
    failures: z.int().positive(),
    /** The last failure. */
    reason: Reason,
  }),
});
export type ProviderEvent = z.infer<typeof ProviderEvent>;
