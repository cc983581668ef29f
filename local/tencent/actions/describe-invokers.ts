/** DescribeInvokers: the newest first. */
import * as z from 'zod';
import { defineAction } from '../action.ts';
import { invokerIdsField, invokerRow } from '../invokers.ts';
import { type FilterRules, list, listingFields, PLAIN_CODES } from '../listing.ts';
import type { Invoker } from '../records.ts';

const type = { valuesOf: () => ['SCHEDULE'], oneOf: ['SCHEDULE'] };
const filters: FilterRules<Invoker> = {
  'invoker-id': {
    valuesOf: (row) => [row.id],
    id: { kind: 'invoker', code: 'InvalidParameterValue.InvalidInvokerId' },
  },
  'command-id': {
    valuesOf: (row) => [row.commandId],
    id: { kind: 'command', code: 'InvalidParameterValue.InvalidFilter' },
  },
  'invoker-type': type,
};

export const describeInvokers = defineAction({
  name: 'DescribeInvokers',
  input: z.strictObject({
    InvokerIds: invokerIdsField('InvalidParameterValue.LimitExceeded'),
    ...listingFields({
      ...PLAIN_CODES,
      tooSmall: 'InvalidParameterValue.TooSmall',
      tooLarge: 'InvalidParameterValue.TooLarge',
    }),
  }),
  run(world, input, { region }) {
    const rows = [...world.records.invokers.values()]
      .filter((invoker) => invoker.region === region)
      .reverse();
    const { total, page } = list(
      rows,
      input,
      { parameter: 'InvokerIds', ids: input.InvokerIds, of: (row) => row.id },
      filters,
    );
    return {
      TotalCount: total,
      InvokerSet: page.map((row) => invokerRow(row, world.scheduler.nextAt(row.id))),
    };
  },
});
