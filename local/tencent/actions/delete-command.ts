/** DeleteCommand and DeleteCommands: not while something runs or will run them. */
import * as z from 'zod';
import { defineAction } from '../action.ts';
import { isEnded } from '../aggregate.ts';
import { id, ids } from '../fields.ts';
import { TatError } from '../tat-error.ts';
import { findCommand, type World } from '../world.ts';

export const deleteCommand = defineAction({
  name: 'DeleteCommand',
  input: z.strictObject({ CommandId: id('command', 'InvalidParameterValue.InvalidCommandId') }),
  run(world, input, { region }) {
    deleteAll(world, [input.CommandId], region);
    return {};
  },
});

export const deleteCommands = defineAction({
  name: 'DeleteCommands',
  input: z.strictObject({
    CommandIds: ids({
      kind: 'command',
      max: 100,
      malformed: 'InvalidParameterValue.InvalidCommandId',
      tooMany: 'InvalidParameterValue.LimitExceeded',
      invalid: 'InvalidParameterValue',
    }),
  }),
  run(world, input, { region }) {
    deleteAll(world, input.CommandIds, region);
    return {};
  },
});

function deleteAll(world: World, commandIds: readonly string[], region: string): void {
  const commands = commandIds.map((commandId) => findCommand(world, commandId, region));
  for (const { id: commandId } of commands) {
    for (const { command, tasks } of world.records.invocations.values()) {
      if (command.id !== commandId || tasks.every(({ status }) => isEnded(status))) continue;
      throw new TatError(
        'ResourceUnavailable.CommandInExecuting',
        `The command \`${commandId}\` is running.`,
      );
    }
    for (const invoker of world.records.invokers.values()) {
      if (invoker.commandId !== commandId) continue;
      throw new TatError(
        'ResourceUnavailable.CommandInInvoker',
        `The command \`${commandId}\` belongs to the invoker \`${invoker.id}\`.`,
      );
    }
  }
  for (const { id: commandId } of commands) world.records.commands.delete(commandId);
}
