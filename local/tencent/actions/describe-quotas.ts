/** DescribeQuotas: how many commands may be stored. Register codes there are none here. */
import * as z from 'zod';
import { defineAction } from '../action.ts';
import { savedCommands } from '../quota.ts';
import { TatError } from '../tat-error.ts';

export const describeQuotas = defineAction({
  name: 'DescribeQuotas',
  input: z.strictObject({ ResourceNames: z.array(z.string()) }),
  run(world, input, { region }) {
    return {
      GeneralResourceQuotaSet: input.ResourceNames.map((ResourceName) => {
        if (ResourceName === 'COMMAND') {
          const ResourceQuotaUsed = savedCommands(world, region).length;
          return { ResourceName, ResourceQuotaUsed, ResourceQuotaTotal: world.commandQuota };
        }
        if (ResourceName === 'REGISTER_CODE') {
          return { ResourceName, ResourceQuotaUsed: 0, ResourceQuotaTotal: 0 };
        }
        throw new TatError(
          'ResourceUnavailable.InvalidResourceQuotaResourceCode',
          `\`ResourceNames\`: expected COMMAND or REGISTER_CODE, got \`${ResourceName.slice(0, 64)}\`.`,
        );
      }),
    };
  },
});
