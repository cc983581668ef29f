/** Stored commands: from the fleet file, from CreateCommand, and as answers show them. */
import type { FleetCommand } from '../fleet/fleet-file.ts';
import type { Parameters } from './parameters.ts';
import type { Command, CommandType, DefaultParameter } from './records.ts';
import { timeText } from './world.ts';

const DEFAULT_DIRECTORY: Record<CommandType, string> = {
  SHELL: '/root',
  POWERSHELL: 'C:\\Program Files\\qcloud\\tat_agent\\workdir',
  BAT: 'C:\\Program Files\\qcloud\\tat_agent\\workdir',
};
const FLEET_TYPES = { shell: 'SHELL', powershell: 'POWERSHELL', bat: 'BAT' } as const;

export interface NewCommand {
  id: string;
  region?: string;
  name: string;
  content: string;
  description?: string | undefined;
  type?: CommandType | undefined;
  enableParameter?: boolean | undefined;
  defaults?: readonly DefaultParameter[];
  tags?: Command['tags'] | undefined;
  username?: string | undefined;
  workingDirectory?: string | undefined;
  timeoutSeconds?: number | undefined;
  outputCosBucketUrl?: string | undefined;
  outputCosKeyPrefix?: string | undefined;
  isSaved?: boolean;
}

/** A command with the documented defaults where nothing is said. */
export function makeCommand(given: NewCommand, at: Date): Command {
  const type = given.type ?? 'SHELL';
  return {
    id: given.id,
    ...(given.region !== undefined && { region: given.region }),
    name: given.name,
    description: given.description ?? '',
    content: given.content,
    type,
    enableParameter: given.enableParameter ?? false,
    defaults: given.defaults ?? [],
    tags: given.tags ?? [],
    username: given.username ?? (type === 'SHELL' ? 'root' : 'System'),
    workingDirectory: given.workingDirectory ?? DEFAULT_DIRECTORY[type],
    timeoutSeconds: given.timeoutSeconds ?? 60,
    outputCosBucketUrl: given.outputCosBucketUrl ?? '',
    outputCosKeyPrefix: given.outputCosKeyPrefix ?? '',
    isSaved: given.isSaved ?? true,
    createdAt: at,
    updatedAt: at,
  };
}

export function fromFleet(command: FleetCommand, at: Date): Command {
  const { id, name, content, description, enableParameter, timeoutSeconds, username, workingDirectory } =
    command;
  const defaults = fromParameters(command.defaultParameters);
  const type = FLEET_TYPES[command.type];
  const given = { id, name, content, description, type, enableParameter, defaults };
  return makeCommand({ ...given, timeoutSeconds, username, workingDirectory }, at);
}

export function fromParameters(parameters: Parameters): DefaultParameter[] {
  return Object.entries(parameters).map(([name, value]) => ({ name, value, description: '' }));
}

export function defaultParameters(command: Command): Parameters {
  return Object.fromEntries(command.defaults.map(({ name, value }) => [name, value]));
}

export function defaultParametersText(command: Command): string {
  return command.defaults.length === 0 ? '' : JSON.stringify(defaultParameters(command));
}

export function base64(text: string): string {
  return Buffer.from(text).toString('base64');
}

/** A row of CommandSet. */
export function commandRow(command: Command) {
  return {
    CommandId: command.id,
    CommandName: command.name,
    Description: command.description,
    Content: base64(command.content),
    CommandType: command.type,
    WorkingDirectory: command.workingDirectory,
    Timeout: command.timeoutSeconds,
    CreatedTime: timeText(command.createdAt),
    UpdatedTime: timeText(command.updatedAt),
    EnableParameter: command.enableParameter,
    DefaultParameters: defaultParametersText(command),
    DefaultParameterConfs: command.defaults.map(({ name, value, description }) => ({
      ParameterName: name,
      ParameterValue: value,
      ParameterDescription: description,
    })),
    Scenes: [],
    FormattedDescription: '',
    CreatedBy: 'USER',
    Tags: command.tags,
    Username: command.username,
    OutputCOSBucketUrl: command.outputCosBucketUrl,
    OutputCOSKeyPrefix: command.outputCosKeyPrefix,
  };
}
