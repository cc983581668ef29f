/** The CloudWatch alarm in an SNS notification, whose dimensions are a list where EventBridge has an object. */
import * as z from 'zod';
import { firstText, joinedId } from '../../model/id-parts.ts';
import type { TriggerEvent } from '../../model/trigger-event.ts';
import { alertEvent } from '../shared/build-event.ts';
import { toIsoTime } from '../shared/event-time.ts';
import { toLabels, withInstanceId } from '../shared/labels.ts';

const text = z.string().nullish();
const Dimensions = z.array(z.looseObject({ name: z.string(), value: z.string() })).nullish();

export const SnsAlarm = z.looseObject({
  AlarmName: z.string(),
  NewStateValue: z.string(),
  AlarmDescription: text,
  AWSAccountId: text,
  NewStateReason: text,
  StateChangeTime: text,
  AlarmArn: text,
  Trigger: z
    .looseObject({
      MetricName: text,
      Namespace: text,
      Dimensions,
      Metrics: z
        .array(
          z.looseObject({
            MetricStat: z
              .looseObject({
                Metric: z.looseObject({ Dimensions, MetricName: text, Namespace: text }).nullish(),
              })
              .nullish(),
          }),
        )
        .nullish(),
    })
    .nullish(),
});
export type SnsAlarm = z.infer<typeof SnsAlarm>;

/** @returns undefined for a state that is neither ALARM nor OK */
export function alarmToEvent(
  alarm: SnsAlarm,
  envelope: { id: string; time: string; raw: unknown },
): TriggerEvent | undefined {
  const status =
    alarm.NewStateValue === 'ALARM' ? 'firing' : alarm.NewStateValue === 'OK' ? 'resolved' : undefined;
  if (status === undefined) return undefined;
  const changedAt = toIsoTime(alarm.StateChangeTime) ?? envelope.time;
  // arn:aws:cloudwatch:<region>:<account>:alarm:<name>; the field Region is a place's name.
  const [, , , region, account] = (alarm.AlarmArn ?? '').split(':');
  const metric = alarm.Trigger?.Metrics?.find((item) => item.MetricStat?.Metric)?.MetricStat?.Metric;
  const dimensions = alarm.Trigger?.Dimensions ?? metric?.Dimensions ?? [];
  return alertEvent(
    { source: 'sns', id: envelope.id, time: changedAt },
    {
      status,
      name: alarm.AlarmName,
      summary: firstText(alarm.NewStateReason),
      labels: withInstanceId({
        ...toLabels(Object.fromEntries(dimensions.map(({ name, value }) => [name, value]))),
        ...toLabels({
          alarmname: alarm.AlarmName,
          account: firstText(alarm.AWSAccountId, account),
          region,
          namespace: firstText(alarm.Trigger?.Namespace, metric?.Namespace),
          metric: firstText(alarm.Trigger?.MetricName, metric?.MetricName),
        }),
      }),
      annotations: toLabels({ description: alarm.AlarmDescription }),
      fingerprint: firstText(alarm.AlarmArn) ?? `${joinedId([account, region])}/${alarm.AlarmName}`,
      startsAt: status === 'firing' ? changedAt : undefined,
      endsAt: status === 'resolved' ? changedAt : undefined,
      raw: envelope.raw,
    },
  );
}
