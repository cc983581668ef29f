import type { Action } from '../cloud.ts';
import { checkDefinedParameters, readContent } from '../command-content.ts';
import { COMMAND_TYPES } from '../commands.ts';
import { checkLength } from '../new-invocation.ts';

/** Stores a command. Other than RunCommand, its content is Base64 unless ContentEncoding says PlainText. */
export const createCommand: Action = ({ parameters, regionId }, cloud) => {
  const name = parameters.required('Name');
  checkLength(name, 128, 'CmdName.ExceedLimit');
  parameters.required('Type');
  const content = readContent(
    parameters.required('CommandContent'),
    parameters.text('ContentEncoding'),
    true,
  );
  const enableParameter = parameters.flag('EnableParameter') ?? false;
  if (enableParameter) checkDefinedParameters(content);
  const description = parameters.text('Description') ?? '';
  checkLength(description, 512, 'CmdDesc.ExceedLimit');
  const workingDir = parameters.text('WorkingDir');
  checkLength(workingDir ?? '', 200, 'InvalidParameter.WorkingDir');
  const launcher = parameters.text('Launcher');
  checkLength(launcher ?? '', 1024, 'InvalidLauncher.LengthLimitExceeded');
  const resourceGroupId = parameters.text('ResourceGroupId');
  const { commandId } = cloud.commands.add({
    regionId,
    name,
    type: parameters.oneOf('Type', COMMAND_TYPES, 'InvalidCmdType.NotFound') ?? 'RunShellScript',
    description,
    content,
    enableParameter,
    defaultParameters: {},
    timeoutSeconds: parameters.integer('Timeout', { min: 1 }) ?? 60,
    ...(workingDir !== undefined && { workingDir }),
    ...(launcher !== undefined && { launcher }),
    ...(resourceGroupId !== undefined && { resourceGroupId }),
    tags: parameters.tags('Tag'),
    isKept: true,
  });
  return { CommandId: commandId };
};
