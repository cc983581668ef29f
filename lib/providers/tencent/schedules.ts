/**
 * Schedules as TAT invokers. Ours carry their name with the prefix `fleet-reflex/<stage>/` and the tag
 * `fleet-reflex=<stage>`; an invoker without that mark belongs to somebody else and is neither shown nor touched.
 */
import { FleetReflexError } from '../../errors.ts';
import { OWN_TAG } from '../../model/invocation-options.ts';
import { answerOf, type CallOutcome } from '../call-outcome.ts';
import { inChunks } from '../chunks.ts';
import { pagesByOffset } from '../pages.ts';
import {
  type Firing,
  type ProviderSchedule,
  type ProviderSchedules,
  type ScheduleRef,
  type ScheduleSpec,
  settingsMark,
} from '../schedules.ts';
import type { VendorAction } from '../vendor.ts';
import type { VendorClient } from '../vendor-client.ts';
import { MAX_IDS } from './actions/fields.ts';
import {
  createInvoker,
  deleteInvoker,
  describeInvokerRecords,
  describeInvokers,
  disableInvoker,
  enableInvoker,
  type InvokerRecordRow,
  type InvokerRow,
  modifyInvoker,
} from './actions/invokers.ts';
import { nextCrontabTimes } from './crontab.ts';
import { hasAny, parametersOf, settingsOfTiming, timingOf } from './invoker-fields.ts';
import { utc } from './task-status.ts';

export interface TencentSchedulesOptions {
  client: VendorClient;
  /** Whose schedules these are: two stages of one account do not see each other's. */
  stage: string;
}

const TAG = 'fleet-reflex';
const SETTINGS_TAG = 'fleet-reflex-settings';
const MAX_NAME = 120;
const PAGE = 100;
/** Records have no filter by time: 50 pages of them are more than a day of one schedule each minute. */
const MAX_RECORD_PAGES = 50;

export function tencentSchedules({ client, stage }: TencentSchedulesOptions): ProviderSchedules {
  const prefix = `${TAG}/${stage}/`;

  const ask = <Request extends object, Answer>(
    action: VendorAction<Request, Answer>,
    region: string,
    request: Request,
  ): Promise<CallOutcome<Answer>> => client.call(action, region, request, { caller: 'schedules' });

  async function call<Request extends object, Answer>(
    action: VendorAction<Request, Answer>,
    region: string,
    request: Request,
  ): Promise<Answer> {
    return answerOf(await ask(action, region, request), 'tencent', action.name);
  }

  function isOurs(row: InvokerRow): boolean {
    if (!row.Name.startsWith(prefix)) return false;
    // An answer without the field says nothing about tags; one with it must show ours.
    return row.Tags === undefined || row.Tags.some(({ Key, Value }) => Key === TAG && Value === stage);
  }

  function scheduleOf(region: string, row: InvokerRow): ProviderSchedule {
    return {
      scheduleId: row.InvokerId,
      name: row.Name.slice(prefix.length),
      region,
      command: row.CommandId,
      instances: row.InstanceIds,
      parameters: parametersOf(row.Parameters),
      ...(row.Username === undefined || row.Username === '' ? {} : { username: row.Username }),
      timing: timingOf(row),
      ...(row.Tags && { settingsMark: row.Tags.find(({ Key }) => Key === SETTINGS_TAG)?.Value ?? '' }),
      isEnabled: row.Enable,
    };
  }

  async function list(region: string): Promise<ProviderSchedule[]> {
    // By id, since a page may repeat a row when an invoker is created meanwhile.
    const ours = new Map<string, ProviderSchedule>();
    const Filters = [{ Name: 'invoker-type', Values: ['SCHEDULE'] }];
    const pages = pagesByOffset(
      (Offset) => ask(describeInvokers, region, { Filters, Limit: PAGE, Offset }),
      ({ InvokerSet }) => InvokerSet,
    );
    for await (const page of pages) {
      for (const row of answerOf(page, 'tencent', describeInvokers.name).InvokerSet) {
        if (isOurs(row)) ours.set(row.InvokerId, scheduleOf(region, row));
      }
    }
    return [...ours.values()];
  }

  /** Nothing when there is none. @throws when it is not ours */
  async function find({ region, scheduleId }: ScheduleRef): Promise<ProviderSchedule | undefined> {
    const { InvokerSet: rows } = await call(describeInvokers, region, {
      InvokerIds: [scheduleId],
      Limit: PAGE,
    });
    const row = rows.find(({ InvokerId }) => InvokerId === scheduleId);
    if (row === undefined) return undefined;
    if (isOurs(row)) return scheduleOf(region, row);
    throw new FleetReflexError(
      'provider.notOurs',
      `${scheduleId} (${row.Name}) has not the mark of this stage, ${prefix}…: it is left alone`,
      { details: { provider: 'tencent', scheduleId, stage } },
    );
  }

  async function mustFind(ref: ScheduleRef): Promise<ProviderSchedule> {
    const found = await find(ref);
    if (found !== undefined) return found;
    throw new FleetReflexError(
      'provider.notFound',
      `there is no schedule ${ref.scheduleId} in ${ref.region}`,
      {
        details: { provider: 'tencent', scheduleId: ref.scheduleId },
      },
    );
  }

  function settingsOf(spec: ScheduleSpec) {
    const name = prefix + spec.name;
    if (name.length > MAX_NAME) {
      throw new FleetReflexError(
        'provider.invalid',
        `schedule ${spec.name}: expected at most ${MAX_NAME - prefix.length} characters, got ${spec.name.length}`,
      );
    }
    return {
      Name: name,
      Type: 'SCHEDULE' as const,
      CommandId: spec.command,
      InstanceIds: [...spec.instances],
      ScheduleSettings: settingsOfTiming(spec.timing),
      ...(spec.username === undefined ? {} : { Username: spec.username }),
    };
  }

  function tagsOf({ settings }: ScheduleSpec): { Key: string; Value: string }[] {
    const mark = settingsMark(settings);
    const own = Object.entries(settings?.tags ?? {}).filter(([key]) => !OWN_TAG.test(key));
    return [
      { Key: TAG, Value: stage },
      ...(mark === '' ? [] : [{ Key: SETTINGS_TAG, Value: mark }]),
      ...own.map(([Key, Value]) => ({ Key, Value })),
    ];
  }

  /** Of what CreateInvoker has no field for. */
  function checkSettings({ name, settings }: ScheduleSpec): void {
    const { tags: _, ...others } = settings ?? {};
    const [field] = Object.entries(others).find(([, value]) => value !== undefined) ?? [];
    if (field === undefined) return;
    throw new FleetReflexError(
      'provider.invalid',
      `schedule ${name}: an invoker of TAT takes no ${field}: set it on the stored command`,
      { details: { provider: 'tencent', stage } },
    );
  }

  async function create(spec: ScheduleSpec): Promise<ScheduleRef> {
    const { region } = spec;
    const settings = settingsOf(spec);
    checkSettings(spec);
    const earlier = (await list(region)).find(({ name }) => name === spec.name);
    if (earlier !== undefined) {
      await modify(earlier, spec);
      return { region, scheduleId: earlier.scheduleId };
    }
    const request = {
      ...settings,
      ...(hasAny(spec.parameters) ? { Parameters: JSON.stringify(spec.parameters) } : {}),
      Tags: tagsOf(spec),
    };
    const { InvokerId } = await call(createInvoker, region, request);
    return { region, scheduleId: InvokerId };
  }

  async function modify(current: ProviderSchedule, spec: ScheduleSpec): Promise<void> {
    // A command without parameters refuses even an empty set; but ones that were there before have to go.
    const isSent = hasAny(spec.parameters) || hasAny(current.parameters);
    await call(modifyInvoker, spec.region, {
      InvokerId: current.scheduleId,
      ...settingsOf(spec),
      ...(isSent ? { Parameters: JSON.stringify(spec.parameters) } : {}),
    });
  }

  return {
    list,
    create,

    async change(scheduleId, spec) {
      await modify(await mustFind({ region: spec.region, scheduleId }), spec);
    },

    async enable(ref) {
      await mustFind(ref);
      await call(enableInvoker, ref.region, { InvokerId: ref.scheduleId });
    },

    async disable(ref) {
      await mustFind(ref);
      await call(disableInvoker, ref.region, { InvokerId: ref.scheduleId });
    },

    async remove(ref) {
      if ((await find(ref)) === undefined) return;
      const outcome = await ask(deleteInvoker, ref.region, { InvokerId: ref.scheduleId });
      const isGone = outcome.kind !== 'answered' && outcome.class === 'notFound';
      if (!isGone) answerOf(outcome, 'tencent', deleteInvoker.name);
    },

    async firings(region, scheduleIds, since) {
      const firings: Firing[] = [];
      for (const InvokerIds of inChunks(scheduleIds, MAX_IDS)) {
        for (const row of await recordsSince(region, InvokerIds, since)) {
          firings.push({
            scheduleId: row.InvokerId,
            ...(row.InvocationId === undefined || row.InvocationId === ''
              ? {}
              : { invocationId: row.InvocationId }),
            at: utc(row.InvokeTime) ?? row.InvokeTime,
            reason: row.Reason ?? '',
          });
        }
      }
      return firings.sort((left, right) => Date.parse(left.at) - Date.parse(right.at));
    },

    nextTimes: (recurrence, count, from) => nextCrontabTimes(recurrence, count, from),
  };

  async function recordsSince(region: string, ids: string[], since: Date): Promise<InvokerRecordRow[]> {
    const wanted = new Map<string, InvokerRecordRow>();
    let asked = 0;
    const pages = pagesByOffset(
      (Offset) => {
        if (asked === MAX_RECORD_PAGES) throw tooManyFirings(region, since);
        asked += 1;
        return ask(describeInvokerRecords, region, { InvokerIds: ids, Limit: PAGE, Offset });
      },
      ({ InvokerRecordSet }) => InvokerRecordSet,
    );
    for await (const page of pages) {
      const { InvokerRecordSet: rows } = answerOf(page, 'tencent', describeInvokerRecords.name);
      const times = rows.map((row) => Date.parse(row.InvokeTime));
      for (const [at, row] of rows.entries()) {
        const isOld = (times[at] ?? Number.NaN) < since.getTime();
        if (!isOld) wanted.set(`${row.InvokerId} ${row.InvokeTime} ${row.InvocationId ?? ''}`, row);
      }
      const isNewestFirst = times.every((time, at) => at === 0 || time <= (times[at - 1] ?? time));
      const isPast = isNewestFirst && (times.at(-1) ?? Number.NaN) < since.getTime();
      if (isPast) break;
    }
    return [...wanted.values()];
  }
}

function tooManyFirings(region: string, since: Date): FleetReflexError {
  return new FleetReflexError(
    'provider.inconclusive',
    `more than ${MAX_RECORD_PAGES * PAGE} firings since ${since.toISOString()}: ask about less at a time`,
    { disposition: 'retry', details: { provider: 'tencent', region } },
  );
}
