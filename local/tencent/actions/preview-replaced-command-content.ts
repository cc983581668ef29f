/** PreviewReplacedCommandContent: what a script would be with its values; runs nothing. */
import * as z from 'zod';
import { defineAction } from '../action.ts';
import { contentField, decodeContent } from '../command-input.ts';
import { base64, defaultParameters } from '../commands.ts';
import { id } from '../fields.ts';
import { lackingParameters, parseParameters, renderContent } from '../parameters.ts';
import { TatError } from '../tat-error.ts';
import { findCommand } from '../world.ts';

export const previewReplacedCommandContent = defineAction({
  name: 'PreviewReplacedCommandContent',
  input: z.strictObject({
    Parameters: z.string().optional(),
    CommandId: id('command', 'InvalidParameterValue.InvalidCommandId').optional(),
    Content: contentField.optional(),
  }),
  run(world, input, { region }) {
    if ((input.CommandId === undefined) === (input.Content === undefined)) {
      throw new TatError('InvalidParameter.ConflictParameter', 'Give either `CommandId` or `Content`.');
    }
    const command = input.CommandId === undefined ? undefined : findCommand(world, input.CommandId, region);
    const content = command?.content ?? decodeContent(input.Content ?? '');
    const given = parseParameters('Parameters', input.Parameters);
    if (command?.enableParameter === false) {
      if (Object.keys(given).length === 0) return { ReplacedContent: base64(content) };
      throw new TatError(
        'InvalidParameterValue.ParameterDisabled',
        `\`Parameters\` is only for commands with EnableParameter, and \`${command.id}\` has it not.`,
      );
    }
    const parameters = { ...(command && defaultParameters(command)), ...given };
    const lacking = lackingParameters(content, parameters);
    if (lacking.length > 0) {
      throw new TatError(
        'InvalidParameterValue.LackOfParameters',
        `\`Parameters\`: a value is lacking for: ${lacking.join(', ')}.`,
      );
    }
    return { ReplacedContent: base64(renderContent(content, parameters)) };
  },
});
