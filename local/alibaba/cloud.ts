/** The state of the server: the account's commands, invocations and instances. */
import { randomBytes } from 'node:crypto';
import type { Clock } from '../../lib/providers/clock.ts';
import type { FleetEngine } from '../fleet/engine.ts';
import type { FleetInstance } from '../fleet/fleet-file.ts';
import { type CommandStore, createCommandStore } from './commands.ts';
import { createInvocationStore, type InvocationStore } from './invocations.ts';
import type { RpcParameters } from './rpc-parameters.ts';
import { createRunner, type Runner, type RunnerOptions } from './runner.ts';

export interface Cloud {
  readonly accountId: string;
  readonly commands: CommandStore;
  readonly invocations: InvocationStore;
  readonly runner: Runner;
  /** Of this provider, seen in this region, in the order of the fleet file. */
  instancesIn(regionId: string): FleetInstance[];
  now(): Date;
  newId(prefix: 'c' | 't'): string;
}

export interface CloudOptions
  extends Pick<
    RunnerOptions,
    | 'engine'
    | 'clock'
    | 'stopsRunning'
    | 'deliveryMs'
    | 'deliveryTimeoutMs'
    | 'takeFault'
    | 'takeDeliveryFault'
  > {
  engine: FleetEngine;
  clock: Clock;
}

/** The one account of the local server. */
const ACCOUNT_ID = '1000000000000001';

export function createCloud(options: CloudOptions): Cloud {
  const { engine, clock } = options;
  const now = (): Date => new Date(clock.epochMs());
  const newId = (prefix: 'c' | 't'): string => `${prefix}-local${randomBytes(8).toString('hex')}`;
  const commands = createCommandStore(engine.commands, { now, newId });
  const invocations = createInvocationStore({ now });
  const runner = createRunner({
    ...options,
    accountId: ACCOUNT_ID,
    onOver({ command }) {
      if (!command.isKept) commands.remove(command.commandId);
    },
  });
  return {
    accountId: ACCOUNT_ID,
    commands,
    invocations,
    runner,
    instancesIn: (regionId) =>
      [...engine.instances.values()].filter(
        ({ provider, region }) => provider === 'alibaba' && (region === undefined || region === regionId),
      ),
    now,
    newId,
  };
}

/** One API action: a file of `actions/`. Answers without RequestId. @throws ApiError */
export type Action = (request: ActionRequest, cloud: Cloud) => object;

export interface ActionRequest {
  parameters: RpcParameters;
  regionId: string;
}
