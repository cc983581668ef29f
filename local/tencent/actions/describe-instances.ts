/** DescribeInstances of CVM (2017-03-12), as far as it is asked by tags: Lighthouse has an API of its own. */
import * as z from 'zod';
import type { FleetInstance } from '../../fleet/fleet-file.ts';
import { CVM_VERSION, defineAction } from '../action.ts';
import { type FilterRules, idsField, list, listingFields } from '../listing.ts';
import { TatError } from '../tat-error.ts';

const CODES = {
  tooManyValues: 'InvalidFilterValue.LimitExceeded',
  tooSmall: 'InvalidParameterValue',
  tooLarge: 'InvalidParameterValue.LimitExceeded',
} as const;

const STATES = { running: 'RUNNING', stopped: 'STOPPED', pending: 'PENDING' } as const;

const filters: FilterRules<FleetInstance> = {
  'instance-id': { valuesOf: ({ id }) => [id] },
  'instance-name': { valuesOf: ({ name }) => [name] },
  'instance-state': { valuesOf: ({ state }) => [STATES[state]] },
  'tag-key': { valuesOf: ({ tags }) => Object.keys(tags) },
  'tag-value': { valuesOf: ({ tags }) => Object.values(tags) },
  'tag:': (key) => ({ valuesOf: ({ tags }) => (Object.hasOwn(tags, key) ? [tags[key] ?? ''] : []) }),
};

export const describeInstances = defineAction({
  name: 'DescribeInstances',
  version: CVM_VERSION,
  input: z.strictObject({
    InstanceIds: idsField('instance', 'InvalidInstanceId.Malformed', 'InvalidParameterValue.LimitExceeded'),
    ...listingFields(CODES),
  }),
  run(world, input, { region }) {
    const strange = input.Filters?.find(({ Name }) => !isKnown(Name));
    if (strange !== undefined) {
      throw new TatError(
        'InvalidFilter',
        `\`Filters\`: ${strange.Name.slice(0, 64)} is no filter of instances.`,
      );
    }
    const rows = [...world.engine.instances.values()].filter(
      ({ provider, kind, region: own = region }) =>
        provider === 'tencent' && kind === 'CVM' && own === region,
    );
    const byId = { parameter: 'InstanceIds', ids: input.InstanceIds, of: ({ id }: FleetInstance) => id };
    const { total, page } = list(rows, input, byId, filters);
    return {
      TotalCount: total,
      InstanceSet: page.map(({ id, name, state, os, tags }) => ({
        InstanceId: id,
        InstanceName: name,
        InstanceState: STATES[state],
        OsName: os,
        Tags: Object.entries(tags).map(([Key, Value]) => ({ Key, Value })),
      })),
    };
  },
});

function isKnown(name: string): boolean {
  return Object.hasOwn(filters, name) || /^tag:./.test(name);
}
