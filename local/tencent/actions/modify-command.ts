/** ModifyCommand: changes what is given; default parameters are replaced as a whole. */
import * as z from 'zod';
import { defineAction } from '../action.ts';
import {
  commandFields,
  commandNameField,
  contentField,
  decodeContent,
  parseDefaults,
} from '../command-input.ts';
import { id } from '../fields.ts';
import { checkBucket } from '../invocations.ts';
import { checkNameIsFree } from '../quota.ts';
import type { Command } from '../records.ts';
import { findCommand, now } from '../world.ts';

export const modifyCommand = defineAction({
  name: 'ModifyCommand',
  input: z.strictObject({
    CommandId: id('command', 'InvalidParameterValue.InvalidCommandId'),
    CommandName: commandNameField.optional(),
    Content: contentField.optional(),
    ...commandFields,
  }),
  run(world, input, { region }) {
    const command = findCommand(world, input.CommandId, region);
    const defaults = parseDefaults(input, command.enableParameter) ?? command.defaults;
    checkBucket(world, input.OutputCOSBucketUrl);
    if (input.CommandName !== undefined) checkNameIsFree(world, input.CommandName, region, command.id);
    const changed: Command = {
      ...command,
      name: input.CommandName ?? command.name,
      description: input.Description ?? command.description,
      content: input.Content === undefined ? command.content : decodeContent(input.Content),
      type: input.CommandType ?? command.type,
      defaults,
      username: input.Username ?? command.username,
      workingDirectory: input.WorkingDirectory ?? command.workingDirectory,
      timeoutSeconds: input.Timeout ?? command.timeoutSeconds,
      outputCosBucketUrl: input.OutputCOSBucketUrl ?? command.outputCosBucketUrl,
      outputCosKeyPrefix: input.OutputCOSKeyPrefix ?? command.outputCosKeyPrefix,
      updatedAt: now(world),
    };
    world.records.commands.set(command.id, changed);
    return {};
  },
});
