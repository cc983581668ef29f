/** `fleets`: who may be touched, by name. */
import * as z from 'zod';
import { exactlyOne, oneOf } from './one-of.ts';
import { CLOUD_NAMES, ProviderName, Region } from './words.ts';

const MEMBERS = ['instances', 'tags'];

export const FleetSpec = z
  .strictObject({
    provider: ProviderName.describe(`The cloud that owns the instances: ${CLOUD_NAMES}.`),
    region: Region.optional().describe('The region of the instances. Default: that of `providers`.'),
    instances: z
      .array(z.string())
      .min(1)
      .max(2000)
      .optional()
      .describe('The ids of the instances, without templates.'),
    tags: z
      .record(z.string(), z.string())
      .refine((tags) => Object.keys(tags).length > 0, 'expected at least one tag, like { role: web }')
      .optional()
      .describe(
        'In place of `instances`: the fleet is every instance of the region that has all of these tags, key and value. The cloud is asked when a run is sent, at most every FLEET_CACHE_SECONDS; an empty fleet rejects the run. Tencent: CVM instances; Alibaba: ECS instances, fewer than 1,000.',
      ),
  })
  .superRefine(exactlyOne(MEMBERS))
  .meta(oneOf(MEMBERS))
  .describe('The instances on which rules may run, by a name: a list of them, or those that have tags.');
export type FleetSpec = z.infer<typeof FleetSpec>;
