import type { Action } from '../cloud.ts';
import { COMMAND_TYPES } from '../commands.ts';
import { pageOf } from '../paging.ts';
import { viewCommand } from '../views.ts';

/** Lists stored commands. There are no public commands here, so any Provider finds none. */
export const describeCommands: Action = ({ parameters, regionId }, cloud) => {
  const commandId = parameters.text('CommandId');
  const name = wildcard(parameters.text('Name'));
  const description = wildcard(parameters.text('Description'));
  const type = parameters.oneOf('Type', COMMAND_TYPES, 'InvalidCmdType.NotFound');
  const resourceGroupId = parameters.text('ResourceGroupId');
  const isPublic = parameters.text('Provider') !== undefined;
  const encoding = parameters.oneOf('ContentEncoding', ['PlainText', 'Base64']) ?? 'Base64';
  const hasTags = parameters.tagFilter('Tag');
  const commands = cloud.commands
    .list(regionId)
    .filter(
      (command) =>
        !isPublic &&
        (commandId === undefined || command.commandId === commandId) &&
        (type === undefined || command.type === type) &&
        (resourceGroupId === undefined || command.resourceGroupId === resourceGroupId) &&
        name.test(command.name) &&
        description.test(command.description) &&
        hasTags(command.tags),
    );
  const { entries, fields } = pageOf(parameters, commands, ({ sequence }) => [sequence]);
  return { ...fields, Commands: { Command: entries.map((command) => viewCommand(command, encoding)) } };
};

/** `command*`, `*command`, `*command*`; without a star the whole text. */
function wildcard(pattern: string | undefined): RegExp {
  if (pattern === undefined) return /^/;
  return new RegExp(`^${pattern.split('*').map(escapeForRegExp).join('.*')}$`, 's');
}

function escapeForRegExp(text: string): string {
  return text.replaceAll(/[\\^$.*+?()[\]{}|]/g, String.raw`\$&`);
}
