import type { Action } from '../cloud.ts';
import { checkInvocation } from '../new-invocation.ts';

/** Runs a stored command. */
export const invokeCommand: Action = (request, cloud) => {
  const { parameters, regionId } = request;
  const command = cloud.commands.get(parameters.required('CommandId'), regionId);
  const timeout = parameters.integer('Timeout', { min: 10 }) ?? command.timeoutSeconds;
  const record = cloud.invocations.add(checkInvocation(request, command, timeout, cloud));
  command.invokeTimes += 1;
  cloud.runner.start(record);
  return { InvokeId: record.invokeId };
};
