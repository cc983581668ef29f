/** The stored commands of the local Cloud Assistant: those of the fleet file, and what is created while it runs. */
import type { FleetCommand, FleetInstance } from '../fleet/fleet-file.ts';
import { apiError } from './api-error.ts';
import type { Tag } from './rpc-parameters.ts';

export const COMMAND_TYPES = ['RunShellScript', 'RunPowerShellScript', 'RunBatScript'] as const;
type CommandType = (typeof COMMAND_TYPES)[number];

export interface StoredCommand {
  commandId: string;
  /** Absent: in every region (commands of the fleet file). */
  regionId?: string;
  name: string;
  type: CommandType;
  description: string;
  /** Plain. */
  content: string;
  enableParameter: boolean;
  defaultParameters: Readonly<Record<string, string>>;
  timeoutSeconds: number;
  workingDir?: string;
  username?: string;
  launcher?: string;
  resourceGroupId?: string;
  tags: readonly Tag[];
  createdAt: Date;
  invokeTimes: number;
  /** False for RunCommand without KeepCommand: not listed, and gone once it has run. */
  isKept: boolean;
  /** Newer is higher; pages go by it. */
  sequence: number;
}

type NewCommand = Omit<StoredCommand, 'commandId' | 'regionId' | 'createdAt' | 'invokeTimes' | 'sequence'> & {
  regionId: string;
};

export interface CommandStore {
  /** Only in its own region. @throws ApiError `InvalidCmdId.NotFound` */
  get(commandId: string, regionId: string): StoredCommand;
  add(command: NewCommand): StoredCommand;
  remove(commandId: string): void;
  /** The kept ones of a region, newest first. */
  list(regionId: string): StoredCommand[];
}

const TYPES = { shell: 'RunShellScript', powershell: 'RunPowerShellScript', bat: 'RunBatScript' } as const;
/** The vendor keeps 500 to 50,000 in a region. */
const MOST_COMMANDS = 500;

export function createCommandStore(
  fleet: readonly FleetCommand[],
  dependencies: { now: () => Date; newId: (prefix: 'c') => string },
): CommandStore {
  const commands = new Map<string, StoredCommand>();
  let sequence = 0;
  const insert = (command: Omit<StoredCommand, 'sequence'>): StoredCommand => {
    sequence += 1;
    const stored = { ...command, sequence };
    commands.set(stored.commandId, stored);
    return stored;
  };
  for (const command of fleet) {
    if (command.provider !== 'alibaba') continue;
    insert({
      commandId: command.id,
      name: command.name,
      type: TYPES[command.type],
      description: command.description,
      content: command.content,
      enableParameter: command.enableParameter,
      defaultParameters: command.defaultParameters,
      timeoutSeconds: command.timeoutSeconds,
      ...(command.workingDirectory !== undefined && { workingDir: command.workingDirectory }),
      ...(command.username !== undefined && { username: command.username }),
      tags: [],
      createdAt: dependencies.now(),
      invokeTimes: 0,
      isKept: true,
    });
  }
  const isIn = (command: StoredCommand, regionId: string): boolean =>
    (command.regionId ?? regionId) === regionId;
  const list = (regionId: string): StoredCommand[] =>
    [...commands.values()]
      .filter((command) => command.isKept && isIn(command, regionId))
      .sort((left, right) => right.sequence - left.sequence);
  return {
    get(commandId, regionId) {
      const command = commands.get(commandId);
      if (command === undefined || !isIn(command, regionId)) throw apiError('InvalidCmdId.NotFound');
      return command;
    },
    add(command) {
      if (command.isKept && list(command.regionId).length >= MOST_COMMANDS)
        throw apiError('CmdCount.ExceedQuota');
      const commandId = dependencies.newId('c');
      return insert({ ...command, commandId, createdAt: dependencies.now(), invokeTimes: 0 });
    },
    remove(commandId) {
      commands.delete(commandId);
    },
    list,
  };
}

/** Whether the operating system of an instance runs commands of this type. */
export function fitsOs({ type }: Pick<StoredCommand, 'type'>, { os }: Pick<FleetInstance, 'os'>): boolean {
  return (type === 'RunShellScript') !== (os === 'windows');
}
