/** The state of the local TAT: commands, invocations with their tasks, invokers with their firings. */
import type { TaskEnd, TaskHandle } from '../fleet/task.ts';
import type { TatTaskStatus } from './aggregate.ts';
import type { Parameters } from './parameters.ts';

export type CommandType = 'SHELL' | 'POWERSHELL' | 'BAT';

interface Tag {
  Key: string;
  Value: string;
}

export interface DefaultParameter {
  name: string;
  value: string;
  description: string;
}

/** How a command runs, unless an invocation says otherwise. */
export interface RunSettings {
  username: string;
  workingDirectory: string;
  timeoutSeconds: number;
  outputCosBucketUrl: string;
  outputCosKeyPrefix: string;
}

export interface Command extends RunSettings {
  id: string;
  /** Absent: in every region (commands of the fleet file). */
  region?: string;
  name: string;
  description: string;
  /** Plain text, with placeholders. */
  content: string;
  type: CommandType;
  enableParameter: boolean;
  defaults: readonly DefaultParameter[];
  tags: readonly Tag[];
  /** False for what RunCommand ran and did not save. */
  isSaved: boolean;
  createdAt: Date;
  updatedAt: Date;
}

export interface Task {
  id: string;
  instanceId: string;
  status: TatTaskStatus;
  errorInfo: string;
  handle?: TaskHandle;
  end?: TaskEnd;
  /** The state of the output's delivery, if a bucket is named. */
  upload?: { url: string } | { error: string };
  startedAt?: Date;
  endedAt?: Date;
  updatedAt: Date;
}

export interface Invocation extends RunSettings {
  id: string;
  /** Its place in the order of creation. */
  sequence: number;
  region: string;
  /** The command as it was. */
  command: Command;
  /** As given, hidden ones masked. */
  parameters: Parameters;
  /** With every value pasted in. */
  script: string;
  kind: string;
  source: 'USER' | 'INVOKER';
  tasks: readonly Task[];
  createdAt: Date;
  /** Not listed before. */
  visibleAt: Date;
}

export type Schedule =
  | { policy: 'ONCE'; invokeTime: string; at: Date }
  | { policy: 'RECURRENCE'; recurrence: string };

export interface Invoker {
  id: string;
  region: string;
  name: string;
  commandId: string;
  username: string;
  parameters: Parameters;
  instanceIds: readonly string[];
  isEnabled: boolean;
  schedule: Schedule;
  tags: readonly Tag[];
  createdAt: Date;
  updatedAt: Date;
}

interface Firing {
  invokerId: string;
  region: string;
  invokedAt: Date;
  reason: string;
  /** Absent when nothing could be started. */
  invocation?: Invocation;
}

/** Everything, in the order of creation. */
export interface Records {
  commands: Map<string, Command>;
  invocations: Map<string, Invocation>;
  /** Ids of invocations by those of tasks. */
  invocationOfTask: Map<string, string>;
  invokers: Map<string, Invoker>;
  firings: Firing[];
}
