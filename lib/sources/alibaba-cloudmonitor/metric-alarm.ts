/** CloudMonitor's threshold alarm: a form whose missing values are the text `null`; its dimensions are not JSON. */
import * as z from 'zod';
import { parseJson } from '../../http/body.ts';
import { firstText, joinedId } from '../../model/id-parts.ts';
import type { TriggerEvent } from '../../model/trigger-event.ts';
import { alertEvent } from '../shared/build-event.ts';
import { deliveryId, idTime } from '../shared/delivery-id.ts';
import { toIsoTime } from '../shared/event-time.ts';
import { toLabels, withInstanceId } from '../shared/labels.ts';

const text = z
  .union([z.string(), z.number()])
  .nullish()
  .transform((value) => (value === 'null' || value === null || value === '' ? undefined : value));

export const MetricAlarm = z.looseObject({
  alertState: z.string(),
  alertName: text,
  curValue: text,
  unit: text,
  dimensions: z.unknown().optional(),
  expression: text,
  instanceName: text,
  metricName: text,
  rawMetricName: text,
  metricProject: text,
  namespace: text,
  triggerLevel: text,
  preTriggerLevel: text,
  ruleId: text,
  groupId: text,
  regionId: text,
  timestamp: text,
  transId: text,
  userId: text,
});
export type MetricAlarm = z.infer<typeof MetricAlarm>;

/** An old sample says ALARM, all others ALERT. */
const STATUS = new Map([
  ['ALERT', 'firing' as const],
  ['ALARM', 'firing' as const],
  ['OK', 'resolved' as const],
]);

/** @returns undefined for a state that is neither firing nor resolved */
export function metricAlarmToEvent(
  alarm: MetricAlarm,
  { source, body, now, raw }: { source: string; body: Uint8Array; now: Date; raw: unknown },
): TriggerEvent | undefined {
  const status = STATUS.get(alarm.alertState);
  if (status === undefined) return undefined;
  const dimensions = dimensionsOf(alarm.dimensions);
  const target = firstText(dimensions['instanceId'], alarm.instanceName);
  const time = toIsoTime(String(alarm.timestamp ?? '')) ?? now.toISOString();
  const rule = firstText(alarm.ruleId, alarm.alertName);
  const state = alarm.alertState;
  const id =
    alarm.transId === undefined && rule !== undefined
      ? joinedId([rule, target, idTime(alarm.timestamp), state])
      : joinedId([deliveryId(body, alarm.transId), state]);
  return alertEvent(
    { source, id, time },
    {
      status,
      name: firstText(alarm.alertName, alarm.metricName) ?? 'CloudMonitor alarm',
      severity: firstText(status === 'firing' ? alarm.triggerLevel : alarm.preTriggerLevel),
      summary: summaryOf(alarm),
      labels: withInstanceId({
        ...dimensions,
        ...toLabels({
          instanceName: alarm.instanceName,
          metricName: firstText(alarm.rawMetricName, alarm.metricName),
          namespace: firstText(alarm.namespace, alarm.metricProject),
          ruleId: alarm.ruleId,
          groupId: alarm.groupId,
          regionId: alarm.regionId,
          userId: firstText(dimensions['userId'], alarm.userId),
        }),
      }),
      annotations: toLabels({ expression: alarm.expression, curValue: alarm.curValue }),
      fingerprint: joinedId([rule, target, firstText(alarm.rawMetricName, alarm.metricName)]),
      startsAt: status === 'firing' ? time : undefined,
      endsAt: status === 'resolved' ? time : undefined,
      raw,
    },
  );
}

function summaryOf({ metricName, curValue, unit, expression }: MetricAlarm): string | undefined {
  if (metricName === undefined || curValue === undefined) return undefined;
  return `${metricName} is ${curValue}${unit ?? ''}${expression === undefined ? '' : ` (${expression})`}`;
}

/** `{userId=12, instanceId=i-1}` as Java prints a map, or JSON in older bodies. */
function dimensionsOf(value: unknown): Record<string, string> {
  if (typeof value !== 'string') return toLabels(value);
  const inner = /^\s*\{(.*)\}\s*$/s.exec(value)?.[1];
  if (inner === undefined) return {};
  if (inner.trimStart().startsWith('"')) return toLabels(jsonOrNothing(value));
  const pairs = inner.split(/,\s*(?=[\w.-]+=)/).map((pair) => {
    const equals = pair.indexOf('=');
    return [pair.slice(0, equals).trim(), pair.slice(equals + 1).trim()] as const;
  });
  return toLabels(Object.fromEntries(pairs.filter(([name]) => name !== '' && name !== '__proto__')));
}

function jsonOrNothing(value: string): unknown {
  try {
    return parseJson(Buffer.from(value));
  } catch {
    return undefined;
  }
}
