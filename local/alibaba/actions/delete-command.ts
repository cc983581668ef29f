import type { Action } from '../cloud.ts';

/** Deletes a stored command. Its invocations stay. */
export const deleteCommand: Action = ({ parameters }, cloud) => {
  const { commandId } = cloud.commands.get(parameters.required('CommandId'));
  cloud.commands.remove(commandId);
  return {};
};
