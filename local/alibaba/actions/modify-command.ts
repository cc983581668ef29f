import type { Action } from '../cloud.ts';
import { checkLength } from '../new-invocation.ts';

/** Changes a stored command; CommandContent is deprecated and has no effect. What runs already keeps what it had. */
export const modifyCommand: Action = ({ parameters, regionId }, cloud) => {
  const command = cloud.commands.get(parameters.required('CommandId'), regionId);
  const name = parameters.text('Name');
  checkLength(name ?? '', 128, 'CmdName.ExceedLimit');
  const description = parameters.text('Description');
  checkLength(description ?? '', 512, 'CmdDesc.ExceedLimit');
  const workingDir = parameters.text('WorkingDir');
  checkLength(workingDir ?? '', 200, 'InvalidParameter.WorkingDir');
  const launcher = parameters.text('Launcher');
  checkLength(launcher ?? '', 1024, 'InvalidLauncher.LengthLimitExceeded');
  const timeoutSeconds = parameters.integer('Timeout', { min: 1 });
  Object.assign(command, {
    ...(name !== undefined && { name }),
    ...(description !== undefined && { description }),
    ...(workingDir !== undefined && { workingDir }),
    ...(launcher !== undefined && { launcher }),
    ...(timeoutSeconds !== undefined && { timeoutSeconds }),
  });
  return {};
};
