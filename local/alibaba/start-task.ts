/** The request to the engine for a command on an instance. */
import type { Collected } from '../fleet/buckets.ts';
import type { FleetEngine } from '../fleet/engine.ts';
import { CLOUD_ASSISTANT_OUTPUT } from '../fleet/output.ts';
import type { TaskHandle } from '../fleet/task.ts';
import type { InstanceTask, InvocationRecord } from './invocations.ts';
import { withLauncher } from './launcher.ts';
import { fillPlaceholders } from './placeholders.ts';

const DRAIN_MS = 200;

export interface Place {
  engine: FleetEngine;
  accountId: string;
}

/** @param collected where its whole output goes. @throws when the engine was stopped */
export function startTask(
  { engine, accountId }: Place,
  record: InvocationRecord,
  task: InstanceTask,
  collected: Collected | undefined,
): TaskHandle {
  const { command, content, launcher } = record;
  const builtIns = {
    RegionId: record.regionId,
    AccountId: accountId,
    InstanceId: task.instanceId,
    InstanceName: engine.instances.get(task.instanceId)?.name ?? task.instanceId,
    InvokeId: record.invokeId,
    CommandId: command.commandId,
  };
  const script = command.enableParameter ? fillPlaceholders(content, record.parameters, builtIns) : content;
  return engine.startTask({
    ...accountAndDirectory(record, task),
    script: launcher === '' ? script : withLauncher(script, launcher),
    interpreter: 'shebang',
    timeoutSeconds: record.timeoutSeconds,
    output: CLOUD_ASSISTANT_OUTPUT,
    killScope: record.terminationMode === 'ProcessTree' ? 'group' : 'process',
    drainMs: DRAIN_MS,
    onOutput: collected?.add,
  });
}

/** Who runs it, and where. */
export function accountAndDirectory(record: InvocationRecord, { instanceId }: InstanceTask) {
  return {
    instanceId,
    ...(record.username !== '' && { username: record.username }),
    ...(record.workingDir !== '' && { workingDirectory: record.workingDir }),
  };
}
