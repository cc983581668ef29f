/**
 * Alibaba Cloud Assistant behind the project's port. What sets it apart: a ClientToken, so that an attempt may be
 * repeated with nothing run twice; no list of invocation ids, so that each invocation is read by itself; and a stop
 * of which the vendor's own pages disagree whether it kills what already runs.
 */

import { answerOf } from '../call-outcome.ts';
import { inChunks } from '../chunks.ts';
import { systemClock } from '../clock.ts';
import { allPages } from '../pages.ts';
import type {
  CancelOutcome,
  InstanceAvailability,
  Invocation,
  InvocationRef,
  InvokeOutcome,
  Provider,
} from '../provider.ts';
import type { Rehearsing } from '../rehearsal.ts';
import {
  type CloudAssistantClient,
  type CloudAssistantClientOptions,
  createCloudAssistantClient,
} from './client.ts';
import { alibaba, MAX_INSTANCES_PER_INVOCATION } from './facts.ts';
import { type FiringId, readFiringId } from './firing-id.ts';
import { readFrequency } from './frequency.ts';
import { instancesWithTags } from './instances-with-tags.ts';
import { listInvocations } from './listing.ts';
import { invocationPages, readInvocations } from './read-invocations.ts';
import { rehearse } from './rehearse.ts';
import { type InvokeCommandRequest, MAX_INSTANCES_PER_STOP, MAX_RESULTS } from './requests.ts';
import { storedCommand } from './stored-command.ts';
import { invocationTags, RUN_TAG } from './tags.ts';
import { targetFields } from './target-fields.ts';

export interface AlibabaProviderOptions extends CloudAssistantClientOptions {
  /** Used instead of a new one, to share its connections and rate limits (with `alibabaSchedules`). */
  client?: CloudAssistantClient;
  /** Invocations read at the same time. Default 8. */
  readConcurrency?: number;
  /**
   * What a stop or a time-out kills: the script's process, or all that it started too. Absent: the vendor's default;
   * old agents refuse the parameter (ClientNeedUpgrade).
   */
  terminationMode?: 'Process' | 'ProcessTree';
}

export interface AlibabaProvider extends Provider, Rehearsing {
  /** For what the port has no word for. */
  readonly client: CloudAssistantClient;
  close(): Promise<void>;
}

export function alibabaProvider(options: AlibabaProviderOptions): AlibabaProvider {
  const client = options.client ?? createCloudAssistantClient(options);
  const { readConcurrency = 8, terminationMode } = options;
  return {
    name: 'alibaba',
    identity: { by: 'token' },
    maxInstancesPerInvocation: MAX_INSTANCES_PER_INVOCATION,
    client,
    split: alibaba.split,
    isInstanceId: (id) => alibaba.instance.form.test(id),
    invoke: (invocation) => invoke(client, withDefaults(invocation, terminationMode)),
    find: (invocation) => find(client, invocation),
    read: (refs, { wantsOutput = () => true } = {}) =>
      readInvocations(client, refs, wantsOutput, readConcurrency),
    list: (region, page) => listInvocations(client, region, page),
    cancel: (ref, instances) => cancel(client, ref, instances),
    availability: (region, instances) => availability(client, region, instances),
    storedCommand: (target) => storedCommand(client, target),
    rehearse: (invocation) =>
      rehearse(client, withDefaults(invocation, terminationMode), options.clock ?? systemClock),
    instancesWithTags: (region, tags) => instancesWithTags(client, region, tags),
    requestCounts: client.requestCounts,
    close: () => client.close(),
  };
}

/** With the setting in the place of what the rule does not say. */
function withDefaults(
  invocation: Invocation,
  terminationMode: AlibabaProviderOptions['terminationMode'],
): Invocation {
  const { target } = invocation;
  const options = { ...target.options, terminationMode: target.options?.terminationMode ?? terminationMode };
  return { ...invocation, target: { ...target, options } };
}

async function invoke(client: CloudAssistantClient, invocation: Invocation): Promise<InvokeOutcome> {
  const request: InvokeCommandRequest = {
    ...targetFields(invocation.target),
    ClientToken: invocation.token,
    Tag: invocationTags(invocation),
  };
  const result = await client.invokeCommand(request);
  if (result.kind === 'answered') {
    return { kind: 'sent', invocationId: result.answer.InvokeId, requestId: result.answer.RequestId };
  }
  return { kind: result.kind, failure: result.failure };
}

/** By the tag that carries the token: it finds the invocation as long as the vendor keeps it, 30 days. */
async function find(client: CloudAssistantClient, invocation: Invocation): Promise<string[]> {
  const pages = await allPages(
    invocationPages(client, {
      RegionId: invocation.target.region,
      Tag: [{ Key: RUN_TAG, Value: invocation.token }],
      MaxResults: MAX_RESULTS,
    }),
  );
  const records = answerOf(pages, 'alibaba', 'looking for the invocation').flatMap(
    (page) => page.Invocations?.Invocation ?? [],
  );
  // Never trust a filter with what must not be confused: the record has to carry the token itself.
  const ours = records.filter(({ Tags }) =>
    Tags?.Tag.some(({ TagKey, TagValue }) => TagKey === RUN_TAG && TagValue === invocation.token),
  );
  return [...new Set(ours.map(({ InvokeId }) => InvokeId))];
}

async function cancel(
  client: CloudAssistantClient,
  ref: InvocationRef,
  instances: readonly string[] | undefined,
): Promise<CancelOutcome> {
  const firing = readFiringId(ref.invocationId);
  if (firing !== undefined) return await cancelFiring(client, ref.region, firing, instances);
  const batches = instances === undefined ? [undefined] : inChunks(instances, MAX_INSTANCES_PER_STOP);
  let outcome: CancelOutcome = { kind: 'requested' };
  // Every batch is asked for, also after one that was refused; the first refusal is the answer.
  for (const batch of batches) {
    const result = await client.stopInvocation({
      RegionId: ref.region,
      InvokeId: ref.invocationId,
      ...(batch !== undefined && { InstanceId: batch }),
    });
    if (result.kind !== 'answered' && outcome.kind === 'requested') {
      outcome = { kind: 'failed', failure: result.failure };
    }
  }
  return outcome;
}

/** A firing ends with its timed invocation or not at all: only one that runs once is stopped. */
async function cancelFiring(
  client: CloudAssistantClient,
  region: string,
  { invokeId }: FiringId,
  instances: readonly string[] | undefined,
): Promise<CancelOutcome> {
  const found = await client.describeInvocations({ RegionId: region, InvokeId: invokeId, Timed: true });
  if (found.kind !== 'answered') return { kind: 'failed', failure: found.failure };
  const record = found.answer.Invocations?.Invocation.find(({ InvokeId }) => InvokeId === invokeId);
  const frequency = readFrequency(record?.Frequency ?? '');
  if (record === undefined || (frequency.ok && frequency.frequency.kind === 'at')) {
    return await cancel(client, { region, invocationId: invokeId }, instances);
  }
  return {
    kind: 'failed',
    failure: {
      code: 'RecurringInvocation',
      message: `${invokeId} recurs, and Cloud Assistant stops a recurring invocation only with all its times to come.`,
      advice: 'What runs ends by itself, or at its timeout; to end the schedule too, disable or remove it.',
      isRetryable: false,
    },
  };
}

async function availability(
  client: CloudAssistantClient,
  region: string,
  instances: readonly string[],
): Promise<InstanceAvailability[]> {
  const seen = new Map<string, InstanceAvailability>();
  for (const batch of inChunks(instances, MAX_RESULTS)) {
    const answer = answerOf(
      await client.describeCloudAssistantStatus({ RegionId: region, InstanceId: batch }),
      'alibaba',
      'asking for the state of the agents',
    );
    for (const row of answer.InstanceCloudAssistantStatusSet?.InstanceCloudAssistantStatus ?? []) {
      const { InstanceId: instanceId, LastHeartbeatTime: heartbeat } = row;
      // The vendor writes the text "true", not a boolean.
      const isAvailable = row.CloudAssistantStatus === 'true';
      const reason = heartbeat ? `agent offline, last seen ${heartbeat}` : 'agent offline or not installed';
      seen.set(instanceId, { instanceId, isAvailable, ...(!isAvailable && { reason }) });
    }
  }
  return instances.map(
    (instanceId) =>
      seen.get(instanceId) ?? {
        instanceId,
        isAvailable: false,
        reason: 'unknown to Cloud Assistant in this region',
      },
  );
}
