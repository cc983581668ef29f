/** DescribeCommands: the stored commands, the newest first. */
import * as z from 'zod';
import { defineAction } from '../action.ts';
import { commandRow } from '../commands.ts';
import { type FilterRules, idsField, list, listingFields, PLAIN_CODES } from '../listing.ts';
import { savedCommands } from '../quota.ts';
import type { Command } from '../records.ts';

const filters: FilterRules<Command> = {
  'command-id': {
    valuesOf: (row) => [row.id],
    id: { kind: 'command', code: 'InvalidParameterValue.InvalidCommandId' },
  },
  'command-name': { valuesOf: (row) => [row.name] },
  'command-type': { valuesOf: (row) => [row.type], oneOf: ['SHELL', 'POWERSHELL', 'BAT'] },
  'scene-id': { valuesOf: () => [] },
  'created-by': { valuesOf: () => ['USER'], oneOf: ['TAT', 'USER'] },
  'tag-key': { valuesOf: (row) => row.tags.map(({ Key }) => Key) },
  'tag-value': { valuesOf: (row) => row.tags.map(({ Value }) => Value) },
  'tag:': (key) => ({
    valuesOf: (row) => row.tags.filter(({ Key }) => Key === key).map(({ Value }) => Value),
  }),
};

export const describeCommands = defineAction({
  name: 'DescribeCommands',
  input: z.strictObject({
    CommandIds: idsField('command', 'InvalidParameterValue.InvalidCommandId'),
    ...listingFields(PLAIN_CODES),
  }),
  run(world, input, { region }) {
    const { total, page } = list(
      savedCommands(world, region).reverse(),
      input,
      { parameter: 'CommandIds', ids: input.CommandIds, of: (row) => row.id },
      filters,
    );
    return { TotalCount: total, CommandSet: page.map(commandRow) };
  },
});
