/**
 * Schedules as Cloud Assistant's own timed invocations (`RepeatMode=Period`). Ours carry the tags
 * `fleet-reflex=<stage>` and `fleet-reflex-schedule=<name>`; one without them belongs to somebody else and is neither
 * shown nor touched. What the vendor lacks: a timed invocation cannot be paused, and one that was stopped is over.
 */
import { randomUUID } from 'node:crypto';
import { FleetReflexError } from '../../errors.ts';
import type { TerminationMode } from '../../model/invocation-options.ts';
import { isTerminalTask } from '../../model/status.ts';
import { answerOf } from '../call-outcome.ts';
import { allPages } from '../pages.ts';
import {
  type Firing,
  type ProviderSchedule,
  type ProviderSchedules,
  type ScheduleRef,
  type ScheduleSpec,
  settingsMark,
} from '../schedules.ts';
import type { Invocation } from './answers.ts';
import type { CloudAssistantClient } from './client.ts';
import { readFrequency } from './frequency.ts';
import { writeOssDelivery } from './oss-delivery.ts';
import { readResults } from './read-firing.ts';
import { invocationPages } from './read-invocations.ts';
import { type DescribeInvocationsRequest, MAX_RESULTS } from './requests.ts';
import { checkedFrequency, firingsOf, invalid, planChange } from './schedule-change.ts';
import { readParameters, readTiming } from './schedule-fields.ts';
import { userTags } from './tags.ts';
import { mapInstanceStatus } from './task-status.ts';
import { nextRuns } from './timetable.ts';

export interface AlibabaSchedulesOptions {
  client: CloudAssistantClient;
  /** Whose schedules these are: two stages of one account do not see each other's. */
  stage: string;
  /** Of schedules that do not say: as of the provider's invocations. */
  terminationMode?: TerminationMode | undefined;
  /** Default the system's clock. */
  now?: () => Date;
}

const STAGE_TAG = 'fleet-reflex';
const NAME_TAG = 'fleet-reflex-schedule';
const SETTINGS_TAG = 'fleet-reflex-settings';
/** A lost answer is tried again with the same ClientToken, which cannot make two. */
const CREATE_ATTEMPTS = 2;

export function alibabaSchedules(options: AlibabaSchedulesOptions): ProviderSchedules {
  const { client, stage, terminationMode, now = () => new Date() } = options;

  const records = async (request: DescribeInvocationsRequest, doing: string): Promise<Invocation[]> => {
    const pages = await allPages(
      invocationPages(client, { ...request, MaxResults: MAX_RESULTS, ContentEncoding: 'PlainText' }),
    );
    return answerOf(pages, 'alibaba', doing).flatMap((page) => page.Invocations?.Invocation ?? []);
  };

  const list = async (region: string): Promise<ProviderSchedule[]> => {
    const found = await records(
      { RegionId: region, Timed: true, Tag: [{ Key: STAGE_TAG, Value: stage }] },
      'listing the schedules',
    );
    // By id, since a page may repeat a record; and without those that are over, which the vendor lists too.
    const live = new Map(found.filter(isLive).map((record) => [record.InvokeId, record]));
    return [...live.values()].flatMap((record) => scheduleOf(region, record) ?? []);
  };

  /** Nothing when it is over, or never was. @throws when it is not ours */
  const find = async ({ region, scheduleId }: ScheduleRef): Promise<ProviderSchedule | undefined> => {
    const found = await records(
      { RegionId: region, Timed: true, InvokeId: scheduleId },
      'looking for the schedule',
    );
    const record = found.find(({ InvokeId }) => InvokeId === scheduleId);
    if (record === undefined || !isLive(record)) return undefined;
    const schedule = scheduleOf(region, record);
    if (schedule !== undefined) return schedule;
    throw new FleetReflexError(
      'provider.notOurs',
      `${scheduleId} has not the tags of this stage, ${STAGE_TAG}=${stage}: it is left alone`,
      { details: { provider: 'alibaba', scheduleId, stage } },
    );
  };

  const scheduleOf = (region: string, record: Invocation): ProviderSchedule | undefined => {
    const tags = new Map(record.Tags?.Tag.map(({ TagKey, TagValue }) => [TagKey, TagValue]));
    const name = tags.get(NAME_TAG);
    if (tags.get(STAGE_TAG) !== stage || name === undefined) return undefined;
    return {
      scheduleId: record.InvokeId,
      name,
      region,
      command: record.CommandId ?? '',
      instances: (record.InvokeInstances?.InvokeInstance ?? []).map(({ InstanceId }) => InstanceId),
      parameters: readParameters(record.Parameters),
      ...(record.Username && { username: record.Username }),
      timing: readTiming(record.Frequency ?? ''),
      settingsMark: tags.get(SETTINGS_TAG) ?? '',
      isEnabled: true,
    };
  };

  const stop = async ({ region, scheduleId }: ScheduleRef): Promise<void> => {
    const result = await client.stopInvocation({ RegionId: region, InvokeId: scheduleId });
    const isGone = result.kind !== 'answered' && result.failure.code === 'InvalidInvokeId.NotFound';
    if (!isGone) answerOf(result, 'alibaba', 'stopping the schedule');
  };

  const start = async (spec: ScheduleSpec): Promise<ScheduleRef> => {
    // A token of its own for each creation: the vendor would answer a known one with the schedule that was removed.
    const token = randomUUID();
    const { settings, username, parameters } = spec;
    const mark = settingsMark(settings);
    const attempt = () =>
      client.invokeCommand({
        RegionId: spec.region,
        ClientToken: token,
        CommandId: spec.command,
        InstanceId: [...spec.instances],
        RepeatMode: 'Period',
        Frequency: checkedFrequency(spec, now()),
        Tag: [
          { Key: STAGE_TAG, Value: stage },
          { Key: NAME_TAG, Value: spec.name },
          ...(mark === '' ? [] : [{ Key: SETTINGS_TAG, Value: mark }]),
          ...userTags(settings),
        ],
        Parameters: Object.keys(parameters).length > 0 ? { ...parameters } : undefined,
        Username: username,
        Timeout: settings?.timeoutSeconds,
        WorkingDir: settings?.workingDirectory,
        TerminationMode: settings?.terminationMode ?? terminationMode,
        OssOutputDelivery: writeOssDelivery(settings?.output),
      });
    let result = await attempt();
    for (let number = 1; number < CREATE_ATTEMPTS && result.kind === 'unknown'; number += 1) {
      result = await attempt();
    }
    const { InvokeId } = answerOf(result, 'alibaba', `creating the schedule ${spec.name}`);
    return { region: spec.region, scheduleId: InvokeId };
  };

  const makeSo = async (current: ProviderSchedule, spec: ScheduleSpec): Promise<ScheduleRef> => {
    const plan = planChange(current, spec, now());
    const ref = { region: spec.region, scheduleId: current.scheduleId };
    if (plan.kind === 'same') return ref;
    if (plan.kind === 'modify') {
      answerOf(
        await client.modifyInvocationAttribute(plan.request),
        'alibaba',
        `changing the schedule ${spec.name}`,
      );
      return ref;
    }
    // First the end of the old: between the two there is none for a moment, never two.
    await stop(ref);
    return start(spec);
  };

  return {
    list,

    async create(spec) {
      checkedFrequency(spec, now());
      const earlier = (await list(spec.region)).find(({ name }) => name === spec.name);
      return earlier === undefined ? start(spec) : makeSo(earlier, spec);
    },

    async change(scheduleId, spec) {
      checkedFrequency(spec, now());
      const current = await find({ region: spec.region, scheduleId });
      if (current === undefined) throw notFound({ region: spec.region, scheduleId });
      await makeSo(current, spec);
    },

    async enable(ref) {
      // One that is there is enabled; one that was stopped cannot come back.
      if ((await find(ref)) === undefined) throw notFound(ref);
    },

    disable(ref) {
      return Promise.reject(
        new FleetReflexError(
          'provider.unsupported',
          `${ref.scheduleId}: Cloud Assistant cannot pause a timed invocation: remove the schedule, and create it again when it is wanted`,
          { details: { provider: 'alibaba', scheduleId: ref.scheduleId } },
        ),
      );
    },

    async remove(ref) {
      if ((await find(ref)) !== undefined) await stop(ref);
    },

    async firings(region, scheduleIds, since) {
      const firings: Firing[] = [];
      for (const scheduleId of scheduleIds) {
        const rows = answerOf(
          await readResults(client, region, scheduleId),
          'alibaba',
          'reading what the schedule did',
        );
        firings.push(...firingsOf(scheduleId, rows, since, now()));
      }
      return firings.sort((left, right) => Date.parse(left.at) - Date.parse(right.at));
    },

    nextTimes(recurrence, count, from) {
      const reading = readFrequency(recurrence);
      if (!reading.ok) throw invalid(`recurrence '${recurrence}': ${reading.problem}`);
      return nextRuns(reading.frequency, count, from);
    },
  };
}

function isLive(record: Invocation): boolean {
  const instances = record.InvokeInstances?.InvokeInstance ?? [];
  return instances.some(
    ({ InvocationStatus }) => !isTerminalTask(mapInstanceStatus(InvocationStatus).status),
  );
}

function notFound({ region, scheduleId }: ScheduleRef): FleetReflexError {
  return new FleetReflexError('provider.notFound', `there is no schedule ${scheduleId} in ${region}`, {
    details: { provider: 'alibaba', scheduleId },
  });
}
