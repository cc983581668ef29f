/** Tencent Cloud TAT behind the port that dispatch, polling and cancelling know. */

import { answerOf } from '../call-outcome.ts';
import { inChunks } from '../chunks.ts';
import type {
  CancelOutcome,
  InstanceAvailability,
  Invocation,
  InvokeOutcome,
  Provider,
} from '../provider.ts';
import type { Rehearsing } from '../rehearsal.ts';
import type { VendorClient } from '../vendor-client.ts';
import { describeAutomationAgentStatus } from './actions/agents.ts';
import { MAX_IDS } from './actions/fields.ts';
import {
  cancelInvocation,
  type InvokeCommandRequest,
  invokeCommand,
  MAX_INSTANCES_TO_CANCEL,
} from './actions/invocations.ts';
import { CVM, createTencentClient, endpointOf, type TencentClientOptions } from './client.ts';
import { MAX_INSTANCES_TO_INVOKE, tencent } from './facts.ts';
import { findInvocations, looksOf } from './finding.ts';
import { kindOfInstance, splitInstances } from './instances.ts';
import { instancesWithTags } from './instances-with-tags.ts';
import { listInvocations } from './listing.ts';
import { readInvocations } from './reading.ts';
import { rehearse } from './rehearse.ts';
import { storedCommand } from './stored-command.ts';

export interface TencentProviderOptions extends TencentClientOptions {
  /** Used instead of a new one, to share its connections and rate limits (with `tencentSchedules`). */
  client?: VendorClient;
  /** CVM's; default that of `endpoint`, by CVM's name. */
  cvmEndpoint?: string;
  /** How many pages of 100 invocations `find` looks through before it says that it cannot conclude. Default 10. */
  maxFindPages?: number;
}

export interface TencentProvider extends Provider, Rehearsing {
  readonly name: 'tencent';
  readonly client: VendorClient;
  /** Ends the connections once running calls have ended. */
  close(): Promise<void>;
}

/** @throws TypeError when the options are no endpoint */
export function tencentProvider(options: TencentProviderOptions): TencentProvider {
  const client = options.client ?? createTencentClient(options);
  const { endpoint, cvmEndpoint = endpoint && endpointOf(CVM, endpoint) } = options;
  // A listing may be large, and is never urgent: it has its own connections, none of which a command waits for.
  const cvm = createTencentClient({ ...options, ...(cvmEndpoint && { endpoint: cvmEndpoint }) }, CVM);
  return {
    name: 'tencent',
    identity: { by: 'looks', of: looksOf },
    client,
    maxInstancesPerInvocation: MAX_INSTANCES_TO_INVOKE,
    split: tencent.split,
    isInstanceId: (id) => tencent.instance.form.test(id),
    invoke: (invocation) => invoke(client, invocation),
    find: (invocation, since) => findInvocations(client, invocation, since, options.maxFindPages ?? 10),
    read: (refs, { wantsOutput = () => true } = {}) => readInvocations(client, refs, wantsOutput),
    list: (region, page) => listInvocations(client, region, page),
    cancel: ({ region, invocationId }, instances) => cancel(client, region, invocationId, instances),
    availability: (region, instances) => availability(client, region, instances),
    storedCommand: (target) => storedCommand(client, target),
    rehearse: (invocation) =>
      rehearse(client, invocation, (region, instances) => availability(client, region, instances)),
    instancesWithTags: (region, tags) => instancesWithTags(cvm, region, tags),
    get requestCounts() {
      return { ...client.requestCounts, ...cvm.requestCounts };
    },
    async close() {
      await Promise.all([client.close(), cvm.close()]);
    },
  };
}

async function invoke(client: VendorClient, { target }: Invocation): Promise<InvokeOutcome> {
  const { parameters, options } = target;
  const request: InvokeCommandRequest = {
    CommandId: target.command,
    InstanceIds: [...target.instances],
    // A command without parameters refuses even an empty set of them.
    Parameters: Object.keys(parameters).length > 0 ? JSON.stringify(parameters) : undefined,
    Timeout: target.timeoutSeconds,
    Username: target.username,
    WorkingDirectory: target.workingDirectory,
    OutputCOSBucketUrl: options?.output?.bucket,
    OutputCOSKeyPrefix: options?.output?.prefix,
  };
  const outcome = await client.call(invokeCommand, target.region, request, {
    attempts: 1,
    caller: 'invoke',
  });
  if (outcome.kind === 'answered') {
    return { kind: 'sent', invocationId: outcome.answer.InvocationId, requestId: outcome.requestId };
  }
  return { kind: outcome.kind, failure: outcome.failure };
}

/** Every piece is asked for, also after one that was refused; the first refusal is the answer. */
async function cancel(
  client: VendorClient,
  region: string,
  InvocationId: string,
  instances?: readonly string[],
): Promise<CancelOutcome> {
  const requests =
    instances === undefined
      ? [{ InvocationId }]
      : splitInstances(instances, MAX_INSTANCES_TO_CANCEL).map((InstanceIds) => ({
          InvocationId,
          InstanceIds,
        }));
  let outcome: CancelOutcome = { kind: 'requested' };
  for (const request of requests) {
    const answer = await client.call(cancelInvocation, region, request);
    if (answer.kind !== 'answered' && outcome.kind === 'requested') {
      outcome = { kind: 'failed', failure: answer.failure };
    }
  }
  return outcome;
}

async function availability(
  client: VendorClient,
  region: string,
  instances: readonly string[],
): Promise<InstanceAvailability[]> {
  const known = [...new Set(instances)].filter((id) => kindOfInstance(id) !== undefined);
  const agents = await Promise.all(
    inChunks(known, MAX_IDS).map(async (InstanceIds) => {
      const request = { InstanceIds, Limit: MAX_IDS };
      const outcome = await client.call(describeAutomationAgentStatus, region, request);
      return answerOf(outcome, 'tencent', 'asking for the state of the TAT agents').AutomationAgentSet;
    }),
  );
  const statuses = new Map(agents.flat().map(({ InstanceId, AgentStatus }) => [InstanceId, AgentStatus]));
  return instances.map((instanceId) => {
    const reason = whyNot(instanceId, statuses.get(instanceId));
    return reason === undefined
      ? { instanceId, isAvailable: true }
      : { instanceId, isAvailable: false, reason };
  });
}

function whyNot(instanceId: string, agentStatus: string | undefined): string | undefined {
  if (kindOfInstance(instanceId) === undefined) return 'not an instance id of Tencent Cloud';
  if (agentStatus === undefined) return 'agent not installed';
  return agentStatus === 'Online' ? undefined : `agent ${agentStatus.toLowerCase()}`;
}
