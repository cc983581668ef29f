/** RunCommand: runs a script that is not stored, or stores it too. */
import * as z from 'zod';
import { defineAction } from '../action.ts';
import {
  checkEnabled,
  commandFields,
  commandNameField,
  contentField,
  decodeContent,
  parseDefaults,
} from '../command-input.ts';
import { makeCommand } from '../commands.ts';
import { ids, tags } from '../fields.ts';
import { newId } from '../ids.ts';
import { checkBucket, invoke } from '../invocations.ts';
import { parseParameters } from '../parameters.ts';
import { checkNameIsFree, checkQuota } from '../quota.ts';
import { now } from '../world.ts';

export const runCommand = defineAction({
  name: 'RunCommand',
  input: z.strictObject({
    Content: contentField,
    InstanceIds: ids({
      kind: 'instance',
      max: 200,
      malformed: 'InvalidParameterValue.InvalidInstanceId',
      tooMany: 'InvalidParameterValue.LimitExceeded',
      invalid: 'InvalidParameterValue',
    }),
    CommandName: commandNameField.optional(),
    ...commandFields,
    SaveCommand: z.boolean().default(false),
    EnableParameter: z.boolean().default(false),
    Parameters: z.string().optional(),
    Tags: tags('InvalidParameterValue.TooLong').optional(),
  }),
  run(world, input, { region, lateVisibilityMs }) {
    const defaults = parseDefaults(input, input.EnableParameter) ?? [];
    const parameters = parseParameters('Parameters', input.Parameters);
    checkEnabled('Parameters', parameters, input.EnableParameter);
    checkBucket(world, input.OutputCOSBucketUrl);
    const commandId = newId('cmd');
    const name = input.CommandName ?? commandId;
    if (input.SaveCommand) {
      checkNameIsFree(world, name, region);
      checkQuota(world, region);
    }
    const command = makeCommand(
      {
        id: commandId,
        region,
        name,
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
        isSaved: input.SaveCommand,
      },
      now(world),
    );
    const invocation = invoke(world, {
      region,
      command,
      instanceIds: input.InstanceIds,
      parameters,
      settings: {},
      source: 'USER',
      lateVisibilityMs,
    });
    world.records.commands.set(command.id, command);
    return { CommandId: command.id, InvocationId: invocation.id };
  },
});
