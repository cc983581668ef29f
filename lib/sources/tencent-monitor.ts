/**
 * Tencent Cloud Observability Platform's alarm callback, metric and event alarms. It can set no header: the secret
 * is in the URL, as the path or as basic credentials. Its times have no zone.
 */
import * as z from 'zod';
import { firstText, joinedId } from '../model/id-parts.ts';
import { verifyUrlSecret } from './proofs/bearer.ts';
import { alertEvent } from './shared/build-event.ts';
import { deliveryId } from './shared/delivery-id.ts';
import { toIsoTime } from './shared/event-time.ts';
import { lenientText, toLabels, withInstanceId } from './shared/labels.ts';
import { defineSource } from './source.ts';

const Payload = z.looseObject({
  sessionId: lenientText,
  alertId: lenientText,
  alarmStatus: z.union([z.string(), z.number()]),
  alarmType: lenientText,
  alarmObjInfo: z
    .looseObject({
      region: lenientText,
      namespace: lenientText,
      appId: lenientText,
      uin: lenientText,
      dimensions: z.unknown().optional(),
    })
    .nullish(),
  alarmPolicyInfo: z
    .looseObject({
      policyId: lenientText,
      policyName: lenientText,
      policyType: lenientText,
      conditions: z
        .looseObject({
          metricName: lenientText,
          metricShowName: lenientText,
          eventName: lenientText,
          eventShowName: lenientText,
          productName: lenientText,
          productShowName: lenientText,
          calcType: lenientText,
          calcValue: lenientText,
          currentValue: lenientText,
          unit: lenientText,
          alarmLevel: lenientText,
        })
        .nullish(),
    })
    .nullish(),
  firstOccurTime: lenientText,
  recoverTime: lenientText,
});
type Payload = z.infer<typeof Payload>;

const Settings = z.strictObject({
  zone: z
    .string()
    .regex(/^[+-]\d\d:\d\d$/)
    .default('+08:00')
    .describe('The zone of the callback’s times, which have none.'),
});

export const tencentMonitor = defineSource({
  name: 'tencent-monitor',
  title: 'Tencent Cloud Observability Platform (alarm callback)',
  documentation: 'https://www.tencentcloud.com/document/product/248/38919',
  setup: `*Alarm Management → Notification Template → Interface Callback*, one of

- \`https://<your-endpoint>/hooks/tencent-monitor/<secret>\`
- \`https://any:<secret>@<your-endpoint>/hooks/tencent-monitor\`

The callback can set no header, so the secret is in the URL: keep paths out of access logs, or use the second form.
The dimensions are labels (\`unInstanceId\`, also as \`instance_id\`), beside \`region\`, \`namespace\`, \`policyId\`,
\`metricName\` or \`eventName\`. The event's id is \`sessionId/alarmStatus\`; a repeated alarm may have a new session, so
put \`dedupe: { key: event.data.fingerprint, window: … }\` on rules for policies that repeat.`,
  facts: {
    proof: 'the secret in the URL (path or basic password)',
    replayWindow: 'none',
    eventId: '`sessionId/alarmStatus`',
  },
  kinds: ['alert'],
  settings: Settings,
  contentTypes: ['application/json'],
  verify: (request, { secrets }) => verifyUrlSecret(request, secrets),
  payload: Payload,
  normalise(payload, request, { now, settings }) {
    const { alarmObjInfo: object, alarmPolicyInfo: policy } = payload;
    const status = STATUS.get(String(payload.alarmStatus));
    if (status === undefined) {
      return { kind: 'ignored', because: `alarmStatus ${payload.alarmStatus} is neither 1 nor 0` };
    }
    const dimensions = dimensionsOf(object?.dimensions);
    const conditions = policy?.conditions;
    const what = firstText(conditions?.metricName, conditions?.eventName);
    const startsAt = toIsoTime(payload.firstOccurTime, settings.zone);
    const endsAt = status === 'resolved' ? toIsoTime(payload.recoverTime, settings.zone) : undefined;
    const session = deliveryId(request.body, payload.sessionId, payload.alertId);
    const target = firstText(dimensions['unInstanceId'], dimensions['objId']);
    return {
      kind: 'events',
      events: [
        alertEvent(
          {
            source: 'tencent-monitor',
            id: joinedId([session, payload.alarmStatus]),
            time: (status === 'resolved' ? endsAt : startsAt) ?? now.toISOString(),
          },
          {
            status,
            name: firstText(policy?.policyName, what) ?? 'Tencent Cloud alarm',
            severity: firstText(conditions?.alarmLevel),
            summary: summaryOf(payload),
            labels: withInstanceId({
              ...dimensions,
              ...toLabels({
                region: object?.region,
                namespace: object?.namespace,
                appId: object?.appId,
                uin: object?.uin,
                alarmType: payload.alarmType,
                policyId: policy?.policyId,
                policyType: policy?.policyType,
                metricName: conditions?.metricName,
                eventName: conditions?.eventName,
                productName: conditions?.productName,
              }),
            }),
            annotations: toLabels({ policyName: policy?.policyName, currentValue: conditions?.currentValue }),
            fingerprint: joinedId([policy?.policyId, target, what]),
            startsAt,
            endsAt,
            raw: payload,
          },
        ),
      ],
    };
  },
  // The private-cloud edition sends again until it reads this; the public one is content with the 200.
  answer: (outcomes) => ({
    status: 200,
    body: { sessionId: sessionOf(outcomes[0]?.event.data.raw) ?? '', retCode: 0 },
  }),
});

const STATUS: ReadonlyMap<string, 'firing' | 'resolved'> = new Map([
  ['1', 'firing'],
  ['0', 'resolved'],
]);

/** Flat, as labels are; an event alarm's `objDetail` adds its addresses. */
function dimensionsOf(value: unknown): Record<string, string> {
  const nested = z.looseObject({ objDetail: z.unknown().optional() }).safeParse(value);
  if (!nested.success) return {};
  const { objDetail, ...flat } = nested.data;
  return { ...toLabels(objDetail), ...toLabels(flat) };
}

function summaryOf(payload: Payload): string | undefined {
  const it = payload.alarmPolicyInfo?.conditions;
  const what = firstText(it?.metricShowName, it?.metricName, it?.eventShowName, it?.eventName);
  if (what === undefined) return undefined;
  const value = firstText(it?.currentValue);
  const isNow = value === undefined ? '' : ` is ${value}${firstText(it?.unit) ?? ''}`;
  const limit = firstText(it?.calcValue);
  return `${what}${isNow}${limit === undefined ? '' : ` (${firstText(it?.calcType) ?? 'limit'} ${limit})`}`;
}

function sessionOf(raw: unknown): string | undefined {
  return firstText(z.looseObject({ sessionId: lenientText }).safeParse(raw).data?.sessionId);
}
