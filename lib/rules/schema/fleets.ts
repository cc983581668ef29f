/** `fleets`: who may be touched, by name. */
import * as z from 'zod';
import { CLOUD_NAMES, ProviderName, Region } from './words.ts';

export const FleetSpec = z
  .strictObject({
    provider: ProviderName.describe(`The cloud that owns the instances: ${CLOUD_NAMES}.`),
    region: Region.optional().describe('The region of the instances. Default: that of `providers`.'),
    instances: z.array(z.string()).min(1).max(2000).describe('The ids of the instances, without templates.'),
  })
  .describe('A named list of the instances on which rules may run.');
export type FleetSpec = z.infer<typeof FleetSpec>;
