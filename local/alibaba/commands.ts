/** The stored commands of the local Cloud Assistant: those of the fleet file, and what is created while it runs. */
import type { FleetCommand } from '../fleet/fleet-file.ts';
import { apiError } from './api-error.ts';
import type { Tag } from './rpc-parameters.ts';

export const COMMAND_TYPES = ['RunShellScript', 'RunPowerShellScript', 'RunBatScript'] as const;
type CommandType = (typeof COMMAND_TYPES)[number];

export interface StoredCommand {
  commandId: string;
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

export interface CommandStore {
  /** @throws ApiError `InvalidCmdId.NotFound` */
  get(commandId: string): StoredCommand;
  add(command: Omit<StoredCommand, 'commandId' | 'createdAt' | 'invokeTimes' | 'sequence'>): StoredCommand;
  remove(commandId: string): void;
  /** The kept ones, newest first. */
  list(): StoredCommand[];
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
  const list = (): StoredCommand[] =>
    [...commands.values()]
      .filter(({ isKept }) => isKept)
      .sort((left, right) => right.sequence - left.sequence);
  return {
    get(commandId) {
      const command = commands.get(commandId);
      if (command === undefined) throw apiError('InvalidCmdId.NotFound');
      return command;
    },
    add(command) {
      if (command.isKept && list().length >= MOST_COMMANDS) throw apiError('CmdCount.ExceedQuota');
      const commandId = dependencies.newId('c');
      return insert({ ...command, commandId, createdAt: dependencies.now(), invokeTimes: 0 });
    },
    remove(commandId) {
      commands.delete(commandId);
    },
    list,
  };
}
