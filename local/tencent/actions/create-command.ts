/** CreateCommand: stores a script. */
import * as z from 'zod';
import { defineAction } from '../action.ts';
import {
  commandFields,
  commandNameField,
  contentField,
  decodeContent,
  parseDefaults,
} from '../command-input.ts';
import { makeCommand } from '../commands.ts';
import { tags } from '../fields.ts';
import { newId } from '../ids.ts';
import { checkBucket } from '../invocations.ts';
import { checkNameIsFree, checkQuota } from '../quota.ts';
import { now } from '../world.ts';

export const createCommand = defineAction({
  name: 'CreateCommand',
  input: z.strictObject({
    CommandName: commandNameField,
    Content: contentField,
    ...commandFields,
    EnableParameter: z.boolean().default(false),
    Tags: tags('InvalidParameterValue.TooLong').optional(),
  }),
  run(world, input, { region }) {
    const defaults = parseDefaults(input, input.EnableParameter) ?? [];
    checkBucket(world, input.OutputCOSBucketUrl);
    checkNameIsFree(world, input.CommandName, region);
    checkQuota(world, region);
    const command = makeCommand(
      {
        id: newId('cmd'),
        region,
        name: input.CommandName,
        content: decodeContent(input.Content),
        description: input.Description,
        type: input.CommandType,
        enableParameter: input.EnableParameter,
        defaults,
        tags: input.Tags,
        username: input.Username,
        workingDirectory: input.WorkingDirectory,
        timeoutSeconds: input.Timeout,
        outputCosBucketUrl: input.OutputCOSBucketUrl,
        outputCosKeyPrefix: input.OutputCOSKeyPrefix,
      },
      now(world),
    );
    world.records.commands.set(command.id, command);
    return { CommandId: command.id };
  },
});
