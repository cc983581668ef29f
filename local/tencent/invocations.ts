/** Starting an invocation: the script with its values pasted in, one task for each instance, all PENDING. */

import { defaultParameters } from './commands.ts';
import { newId } from './ids.ts';
import { lackingParameters, maskHidden, type Parameters, renderContent } from './parameters.ts';
import type { Command, Invocation, RunSettings, Task } from './records.ts';
import { runTasks } from './runner.ts';
import { checkCanRun, findTargets } from './targets.ts';
import { TatError } from './tat-error.ts';
import { bucketOf } from './upload.ts';
import { now, type World } from './world.ts';

export interface InvocationRequest {
  region: string;
  command: Command;
  instanceIds: readonly string[];
  parameters: Parameters;
  /** Over the command's own. */
  settings: { [Key in keyof RunSettings]?: RunSettings[Key] | undefined };
  source: Invocation['source'];
  lateVisibilityMs: number;
}

/**
 * Checks and starts a command, for a request or for the firing of a schedule.
 * @throws TatError the synchronous preconditions of InvokeCommand
 */
export function invoke(world: World, request: InvocationRequest): Invocation {
  const instances = findTargets(world, request.instanceIds, request.region);
  checkCanRun(instances, request.command, request.region, request.source);
  checkParameters(request.command, request.parameters);
  return start(world, request, instances[0]?.kind ?? '');
}

function start(world: World, request: InvocationRequest, kind: string): Invocation {
  const { command, parameters, settings, region } = request;
  const at = now(world);
  const all = { ...defaultParameters(command), ...parameters };
  const invocation: Invocation = {
    id: newId('inv'),
    sequence: world.records.invocations.size,
    region,
    command,
    parameters: command.enableParameter ? maskHidden(command.content, parameters) : {},
    script: command.enableParameter ? renderContent(command.content, all) : command.content,
    kind,
    source: request.source,
    username: settings.username ?? command.username,
    workingDirectory: settings.workingDirectory ?? command.workingDirectory,
    timeoutSeconds: settings.timeoutSeconds ?? command.timeoutSeconds,
    outputCosBucketUrl: settings.outputCosBucketUrl ?? command.outputCosBucketUrl,
    outputCosKeyPrefix: settings.outputCosKeyPrefix ?? command.outputCosKeyPrefix,
    tasks: request.instanceIds.map(
      (instanceId): Task => ({
        id: newId('invt'),
        instanceId,
        status: 'PENDING',
        errorInfo: '',
        updatedAt: at,
      }),
    ),
    createdAt: at,
    visibleAt: new Date(at.getTime() + request.lateVisibilityMs),
  };
  world.records.invocations.set(invocation.id, invocation);
  for (const task of invocation.tasks) world.records.invocationOfTask.set(task.id, invocation.id);
  runTasks(world, invocation);
  return invocation;
}

/** @throws TatError `InvalidParameterValue.ParameterDisabled`, `.LackOfParameterInfo` */
function checkParameters(command: Command, parameters: Parameters): void {
  if (!command.enableParameter) {
    if (Object.keys(parameters).length === 0) return;
    throw new TatError(
      'InvalidParameterValue.ParameterDisabled',
      `\`Parameters\` is only for commands with EnableParameter, and \`${command.id}\` has it not.`,
    );
  }
  const lacking = lackingParameters(command.content, { ...defaultParameters(command), ...parameters });
  if (lacking.length > 0) {
    throw new TatError(
      'InvalidParameterValue.LackOfParameterInfo',
      `The command \`${command.id}\` needs a value for: ${lacking.join(', ')}.`,
    );
  }
}

/** A bucket has to exist. @throws TatError `ResourceNotFound.CosBucketNotFoundCode` */
export function checkBucket(world: World, url: string | undefined): void {
  if (url === undefined || world.cosBuckets === undefined) return;
  const bucket = bucketOf(url);
  if (world.cosBuckets.includes(bucket)) return;
  throw new TatError(
    'ResourceNotFound.CosBucketNotFoundCode',
    `The COS bucket \`${bucket}\` does not exist.`,
  );
}

/**
 * The invocations that may be seen, the newest first.
 * @param ids only these, where the caller knows them: a long history then costs nothing
 */
export function visibleInvocations(world: World, region: string, ids?: Iterable<string>): Invocation[] {
  const { invocations } = world.records;
  const found =
    ids === undefined
      ? [...invocations.values()]
      : [...new Set(ids)].flatMap((id) => invocations.get(id) ?? []);
  const at = now(world).getTime();
  return found
    .filter((invocation) => invocation.region === region && invocation.visibleAt.getTime() <= at)
    .sort((left, right) => right.sequence - left.sequence);
}
