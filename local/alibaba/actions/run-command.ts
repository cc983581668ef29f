import type { Action } from '../cloud.ts';
import { checkDefinedParameters, readContent } from '../command-content.ts';
import { COMMAND_TYPES } from '../commands.ts';
import { checkInvocation, checkLength } from '../new-invocation.ts';

/** Runs a command that comes with the request; it is kept only when KeepCommand says so. */
export const runCommand: Action = (request, cloud) => {
  const { parameters, regionId } = request;
  parameters.required('Type');
  const content = readContent(
    parameters.required('CommandContent'),
    parameters.text('ContentEncoding'),
    false,
  );
  const enableParameter = parameters.flag('EnableParameter') ?? false;
  if (enableParameter) checkDefinedParameters(content);
  const name = parameters.text('Name') ?? '';
  checkLength(name, 128, 'CmdName.ExceedLimit');
  const description = parameters.text('Description') ?? '';
  checkLength(description, 512, 'CmdDesc.ExceedLimit');
  const timeout = parameters.integer('Timeout', { min: 1 }) ?? 60;
  const command = cloud.commands.add({
    regionId,
    name,
    type: parameters.oneOf('Type', COMMAND_TYPES, 'InvalidCmdType.NotFound') ?? 'RunShellScript',
    description,
    content,
    enableParameter,
    defaultParameters: {},
    timeoutSeconds: timeout,
    tags: [],
    isKept: parameters.flag('KeepCommand') ?? false,
  });
  try {
    const record = cloud.invocations.add(checkInvocation(request, command, timeout, cloud));
    command.invokeTimes += 1;
    cloud.runner.start(record);
    return { CommandId: command.commandId, InvokeId: record.invokeId };
  } catch (error) {
    cloud.commands.remove(command.commandId);
    throw error;
  }
};
