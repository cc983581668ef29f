import type { Action } from '../cloud.ts';

/** Deletes a stored command. Its invocations stay. */
export const deleteCommand: Action = ({ parameters, regionId }, cloud) => {
  const { commandId } = cloud.commands.get(parameters.required('CommandId'), regionId);
  cloud.commands.remove(commandId);
  return {};
};
