/** How many commands an account keeps, and their names, each once. */
import type { Command } from './records.ts';
import { TatError } from './tat-error.ts';
import type { World } from './world.ts';

export function savedCommands(world: World, region: string): Command[] {
  return [...world.records.commands.values()].filter(
    (command) => command.isSaved && (command.region ?? region) === region,
  );
}

/** @throws TatError `InvalidParameterValue.CommandNameDuplicated`; `exceptId` is the command that is renamed */
export function checkNameIsFree(world: World, name: string, region: string, exceptId?: string): void {
  if (!savedCommands(world, region).some((command) => command.name === name && command.id !== exceptId))
    return;
  throw new TatError(
    'InvalidParameterValue.CommandNameDuplicated',
    `There is a command of the name \`${name}\` already.`,
  );
}

/** @throws TatError `ResourceUnavailable.UserHasNoQuotaCode` */
export function checkQuota(world: World, region: string): void {
  if (savedCommands(world, region).length < world.commandQuota) return;
  throw new TatError(
    'ResourceUnavailable.UserHasNoQuotaCode',
    `The quota of ${world.commandQuota} commands is used up: delete one first.`,
  );
}
