/**
 * A rehearsal at Cloud Assistant: InvokeCommand with `RepeatMode=DryRun`, which looks at parameters, instances, user and
 * directory and runs nothing; and the stored command, into which the values are filled here, by the vendor's rules.
 * A dry run needs the permission for InvokeCommand, and stands among the vendor's records as what it is.
 */
import { isTerminalTask } from '../../model/status.ts';
import type { Target } from '../../model/target.ts';
import { type Clock, pause } from '../clock.ts';
import type { Invocation, ProviderFailure, TaskReport } from '../provider.ts';
import type { Rehearsal, RehearsedInstance } from '../rehearsal.ts';
import type { StoredCommand } from './answers.ts';
import type { CloudAssistantClient } from './client.ts';
import { readInvocations } from './read-invocations.ts';
import type { InvokeCommandRequest } from './requests.ts';
import { scriptOf } from './stored-command.ts';
import { userTags } from './tags.ts';
import { targetFields } from './target-fields.ts';

/** Not among the tags by which a run's invocation is found. */
const REHEARSAL_TAG = 'fleet-reflex-rehearsal';
/** The vendor gives up on an instance that it does not reach after a minute. */
const PATIENCE_MS = 75_000;
const LOOK_EVERY_MS = 1_000;
const UNCHECKED = 'Cloud Assistant does not look at what the script does, nor at the bucket';

export async function rehearse(
  client: CloudAssistantClient,
  invocation: Invocation,
  clock: Clock,
): Promise<Rehearsal> {
  const [stored, verdict] = await Promise.all([
    storedCommand(client, invocation.target),
    dryRun(client, invocation.target, clock),
  ]);
  const text = stored && scriptOf(stored, invocation.target.parameters);
  return {
    ...(text !== undefined && { content: { text, filledInBy: 'us' as const } }),
    settings: settingsOf(invocation.target, stored),
    unchecked: UNCHECKED,
    ...verdict,
  };
}

/** Only the text of it: that it is not there, or may not be read, is said by the dry run. */
async function storedCommand(
  client: CloudAssistantClient,
  { region, command }: Readonly<Target>,
): Promise<StoredCommand | undefined> {
  const found = await client.describeCommands({
    RegionId: region,
    CommandId: command,
    ContentEncoding: 'PlainText',
  });
  const commands = found.kind === 'answered' ? (found.answer.Commands?.Command ?? []) : [];
  return commands.find(({ CommandId }) => CommandId === command);
}

type Verdict = Pick<Rehearsal, 'refusal' | 'instances'>;

async function dryRun(
  client: CloudAssistantClient,
  target: Readonly<Target>,
  clock: Clock,
): Promise<Verdict> {
  const { region, options, instances } = target;
  // Never with a Frequency: the vendor takes that for a command that recurs, and runs it.
  const request: InvokeCommandRequest = {
    ...targetFields(target),
    RepeatMode: 'DryRun',
    Tag: [{ Key: REHEARSAL_TAG, Value: 'dry-run' }, ...userTags(options)],
  };
  const asked = await client.invokeCommand(request);
  if (asked.kind !== 'answered') return refused(asked.failure, instances);
  const ref = { region, invocationId: asked.answer.InvokeId };
  const endsAt = clock.monotonicMs() + PATIENCE_MS;
  for (;;) {
    const [reading] = await readInvocations(client, [ref], () => false, 1);
    if (reading?.kind === 'failed' && !reading.failure.isRetryable)
      return refused(reading.failure, instances);
    const tasks = reading?.kind === 'read' ? reading.tasks : [];
    const isOver = tasks.length >= instances.length && tasks.every(({ status }) => isTerminalTask(status));
    if (isOver || clock.monotonicMs() > endsAt) {
      const byInstance = new Map(tasks.map((task) => [task.instanceId, task]));
      return { instances: instances.map((instanceId) => verdictOf(instanceId, byInstance.get(instanceId))) };
    }
    await pause(clock, LOOK_EVERY_MS);
  }
}

function refused(failure: ProviderFailure, instances: readonly string[]): Verdict {
  return {
    refusal: failure,
    instances: instances.map((instanceId) => ({ instanceId, wouldRun: false, reason: failure.code })),
  };
}

function verdictOf(instanceId: string, task: TaskReport | undefined): RehearsedInstance {
  if (task?.status === 'succeeded') return { instanceId, wouldRun: true };
  if (task === undefined || !isTerminalTask(task.status)) {
    return { instanceId, wouldRun: false, reason: 'Cloud Assistant did not say in time' };
  }
  const { providerStatus, error } = task;
  return {
    instanceId,
    wouldRun: false,
    reason: error === undefined ? providerStatus : `${providerStatus}: ${error.code}: ${error.message}`,
    ...(error?.advice !== undefined && { advice: error.advice }),
  };
}

function settingsOf(
  { username, workingDirectory, timeoutSeconds }: Readonly<Target>,
  stored: StoredCommand | undefined,
): Rehearsal['settings'] {
  const seconds = timeoutSeconds ?? stored?.Timeout;
  const directory = workingDirectory ?? stored?.WorkingDir;
  return {
    ...(stored?.Name && { name: stored.Name }),
    ...(stored?.Type && { type: stored.Type }),
    ...(username !== undefined && { username }),
    ...(directory && { workingDirectory: directory }),
    ...(typeof seconds === 'number' && { timeout: `${seconds}s` }),
  };
}
