/** The common part of RunCommand and InvokeCommand: the checks of the request, and the record of the invocation. */
import {
  type Frequency,
  findFrequencyProblem,
  readFrequency,
} from '../../lib/providers/alibaba/frequency.ts';
import { apiError } from './api-error.ts';
import type { ActionRequest, Cloud } from './cloud.ts';
import { fitsOs, type StoredCommand } from './commands.ts';
import { checkDelivery } from './delivery.ts';
import { aTask, type InvocationRecord, REPEAT_MODES, type RepeatMode } from './invocations.ts';
import { definedParameters } from './placeholders.ts';
import type { RpcParameters } from './rpc-parameters.ts';

const MOST_INSTANCES = 100;
const MOST_PARAMETERS = 10;
const MOST_ENCODED_BYTES = 24 * 1024;

/** Checks everything first, so that a refused request leaves no trace; the caller adds the record. */
export function checkInvocation(
  request: ActionRequest,
  command: StoredCommand,
  timeoutSeconds: number,
  cloud: Cloud,
): Omit<InvocationRecord, 'sequence'> {
  const { parameters, regionId } = request;
  const instanceIds = targets(request, cloud);
  for (const instanceId of instanceIds) checkInstance(instanceId, command, request, cloud);
  const schedule = readSchedule(parameters, timeoutSeconds, cloud.now());
  const containerId = parameters.text('ContainerId') ?? '';
  if (containerId !== '' && !/^((docker|containerd|cri-o):\/\/)?[0-9a-f]{64}$/i.test(containerId)) {
    throw apiError('InvalidContainerId.Malformed');
  }
  const containerName = parameters.text('ContainerName') ?? '';
  // The local fleet has no containers, and running beside them would be a lie.
  if (containerId !== '' || containerName !== '') throw apiError('Operation.Forbidden');
  const launcher = parameters.text('Launcher') ?? command.launcher ?? '';
  checkLength(launcher, 1024, 'InvalidLauncher.LengthLimitExceeded');
  const username = parameters.text('Username') ?? command.username ?? '';
  checkLength(username, 255, 'Username.ExceedLimit');
  checkLength(parameters.text('WindowsPasswordName') ?? '', 255, 'WindowsPasswordName.ExceedLimit');
  const workingDir = parameters.text('WorkingDir') ?? command.workingDir ?? '';
  checkLength(workingDir, 200, 'InvalidParameter.WorkingDir');

  const now = cloud.now();
  const isWaiting = schedule.repeatMode !== 'Once' && schedule.repeatMode !== 'DryRun';
  return {
    invokeId: cloud.newId('t'),
    regionId,
    command,
    content: command.content,
    parameters: readValues(parameters, command),
    ...schedule,
    timeoutSeconds,
    username,
    workingDir,
    launcher,
    containerId,
    containerName,
    terminationMode:
      parameters.oneOf('TerminationMode', ['Process', 'ProcessTree'], 'InvalidTerminationMode.NotFound') ??
      'Process',
    ossOutputDelivery: checkDelivery(parameters.text('OssOutputDelivery')),
    resourceGroupId: parameters.text('ResourceGroupId') ?? '',
    tags: parameters.tags('Tag'),
    createdAt: now,
    tasks: instanceIds.map((instanceId) => aTask(instanceId, isWaiting ? 'Scheduled' : 'Pending', now)),
  };
}

function targets({ parameters, regionId }: ActionRequest, cloud: Cloud): string[] {
  const instanceIds = [...new Set(parameters.list('InstanceId'))];
  const hasResourceTags = parameters.tags('ResourceTag').length > 0;
  const hasTags = parameters.tagFilter('ResourceTag');
  if (hasResourceTags && instanceIds.length > 0) {
    throw apiError('InvalidResourceTag.ConflictWithInstanceIds');
  }
  // Instances of the local fleet have no tags but their name.
  const tagged = cloud
    .instancesIn(regionId)
    .filter(({ name }) => hasTags([{ key: 'Name', value: name }]))
    .map(({ id }) => id);
  if (hasResourceTags && tagged.length === 0) throw apiError('InvalidResourceTag.InstanceNotFound');
  const wanted = hasResourceTags ? tagged : instanceIds;
  if (wanted.length === 0 || wanted.includes('')) throw apiError('MissingParam.InstanceId');
  if (wanted.length > MOST_INSTANCES) throw apiError('InstanceIds.ExceedLimit');
  return wanted;
}

/** One instance that is not fit refuses the whole call, and leaves no record. */
function checkInstance(
  instanceId: string,
  command: StoredCommand,
  { regionId }: ActionRequest,
  cloud: Cloud,
): void {
  const instance = cloud.instancesIn(regionId).find(({ id }) => id === instanceId);
  if (instance === undefined) throw apiError('InvalidInstance.NotFound');
  if (!fitsOs(command, instance) || instance.state !== 'running') throw apiError('InvalidInstance.NotMatch');
}

interface Schedule {
  repeatMode: RepeatMode;
  frequencyText: string;
  frequency?: Frequency;
}

/** Frequency makes it Period, whatever RepeatMode says, DryRun too. */
function readSchedule(parameters: RpcParameters, timeoutSeconds: number, now: Date): Schedule {
  const mode = parameters.oneOf('RepeatMode', [...REPEAT_MODES, 'DryRun'], 'InvalidRepeatMode.NotFound');
  const text = parameters.text('Frequency');
  if (text === undefined) {
    if (mode === 'Period') throw apiError('MissingParam.Frequency');
    return { repeatMode: mode ?? 'Once', frequencyText: '' };
  }
  const frequency = checkedFrequency(text, timeoutSeconds, now);
  if (frequency === undefined) throw apiError('InvalidParam.Frequency');
  return { repeatMode: 'Period', frequencyText: text, frequency };
}

export function checkedFrequency(text: string, timeoutSeconds: number, now: Date): Frequency | undefined {
  const reading = readFrequency(text);
  if (!reading.ok) return undefined;
  return findFrequencyProblem(reading.frequency, { timeoutSeconds, now }) === undefined
    ? reading.frequency
    : undefined;
}

/** The values to paste, by the names that the command defines; what is not passed is its default, or empty. */
export function readValues(parameters: RpcParameters, command: StoredCommand): Record<string, string> {
  const text = parameters.text('Parameters');
  const passed = text === undefined ? new Map<string, unknown>() : readPairs(text);
  if (passed.size > 0 && !command.enableParameter) throw apiError('Parameter.Disabled');
  if (passed.size > MOST_PARAMETERS) throw apiError('ParameterCount.ExceedLimit');
  const defined = command.enableParameter ? definedParameters(command.content) : [];
  const values: Record<string, string> = { ...command.defaultParameters };
  const seen = new Set<string>();
  for (const [key, value] of passed) {
    if (key === '') throw apiError('InvalidParameter.Parameters');
    if (key.length > 64) throw apiError('ParameterKey.ExceedLimit');
    if (seen.has(key.toLowerCase())) throw apiError('ParameterKey.Duplicate');
    seen.add(key.toLowerCase());
    const name = defined.find((candidate) => candidate.toLowerCase() === key.toLowerCase());
    if (name === undefined) throw apiError('Parameter.NotMatched');
    if (typeof value !== 'string') throw apiError('ParameterType.NotSupported');
    values[name] = value;
  }
  const encoded = Math.ceil(Buffer.byteLength(command.content + (text ?? '')) / 3) * 4;
  if (encoded > MOST_ENCODED_BYTES) throw apiError('CmdContent.ExceedLimit');
  return values;
}

function readPairs(text: string): Map<string, unknown> {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    throw apiError('InvalidParameter.Parameters');
  }
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed)) {
    throw apiError('InvalidParameter.Parameters');
  }
  return new Map(Object.entries(parsed));
}

export function checkLength(text: string, most: number, code: string): void {
  if (text.length > most) throw apiError(code);
}
