/** The checks of the instances before a command is accepted: one unsuitable instance refuses the whole request. */
import type { FleetInstance } from '../fleet/fleet-file.ts';
import type { Command, Invocation } from './records.ts';
import { TatError } from './tat-error.ts';
import type { World } from './world.ts';

/** Financial regions have no Lighthouse. */
const LACKS_LIGHTHOUSE = /-fsi$/;

/**
 * @throws TatError `InvalidParameterValue.InconsistentInstance` before `ResourceNotFound.InstanceNotFound`
 * @returns the instances, all of one kind
 */
export function findTargets(world: World, instanceIds: readonly string[], region: string): FleetInstance[] {
  const prefixes = new Set(instanceIds.map((id) => id.slice(0, id.indexOf('-'))));
  if (prefixes.size > 1) {
    throw new TatError(
      'InvalidParameterValue.InconsistentInstance',
      `\`InstanceIds\` holds instances of several kinds (${[...prefixes].join('-, ')}-): one request takes one kind.`,
    );
  }
  return instanceIds.map((id) => {
    const instance = world.engine.instances.get(id);
    if (instance?.provider === 'tencent' && (instance.region ?? region) === region) return instance;
    throw new TatError(
      'ResourceNotFound.InstanceNotFound',
      `The instance \`${id}\` does not exist in ${region}.`,
    );
  });
}

/**
 * Whatever starts a command: the region has such instances, and their agents run this type of command. What a request
 * starts (`USER`) is also refused if an instance does not run or its agent is offline; the firing of a schedule is sent
 * anyway, and becomes DELIVER_FAILED there.
 */
export function checkCanRun(
  instances: readonly FleetInstance[],
  command: Command,
  region: string,
  source: Invocation['source'],
): void {
  for (const instance of instances) {
    if (instance.kind === 'LIGHTHOUSE' && LACKS_LIGHTHOUSE.test(region)) {
      throw new TatError(
        'ResourceUnavailable.LighthouseUnsupportedRegion',
        `There is no Lighthouse in ${region}.`,
      );
    }
    if (source === 'USER') checkReachable(instance);
    const isForWindows = command.type !== 'SHELL';
    if (isForWindows !== (instance.os === 'windows')) {
      throw new TatError(
        'InvalidParameterValue.AgentUnsupportedCommandType',
        `The agent on \`${instance.id}\` (${instance.os}) does not run commands of type ${command.type}.`,
      );
    }
  }
}

function checkReachable(instance: FleetInstance): void {
  if (instance.state !== 'running') {
    throw new TatError(
      'ResourceUnavailable.InstanceStateNotRunning',
      `The instance \`${instance.id}\` is not running.`,
    );
  }
  checkAgent(instance);
}

/** CreateInvoker: the agent is installed and online, which it is not on an instance that is stopped. */
export function checkAgent(instance: FleetInstance): void {
  if (instance.agent === 'not-installed') {
    throw new TatError(
      'ResourceUnavailable.AgentNotInstalled',
      `The instance \`${instance.id}\` has no TAT agent.`,
    );
  }
  if (instance.agent === 'offline' || instance.state !== 'running') {
    throw new TatError(
      'ResourceUnavailable.AgentStatusNotOnline',
      `The TAT agent on \`${instance.id}\` is offline.`,
    );
  }
}
