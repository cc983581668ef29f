/**
 * Amazon CloudWatch alarms as EventBridge delivers them, on the `events` queue (the queue policy has let them in) or
 * through an API destination with a bearer token.
 */
import * as z from 'zod';
import { firstText, joinedId } from '../model/id-parts.ts';
import { verifyAuthorization } from './proofs/bearer.ts';
import { alertEvent } from './shared/build-event.ts';
import { contentHash } from './shared/content-hash.ts';
import { toIsoTime } from './shared/event-time.ts';
import { lenientText, toLabels, withInstanceId } from './shared/labels.ts';
import { defineSource, type Normalisation } from './source.ts';

const ALARM = 'CloudWatch Alarm State Change';

const State = z.looseObject({
  value: z.string(),
  reason: lenientText,
  timestamp: lenientText,
});

const Configuration = z.looseObject({
  description: lenientText,
  metrics: z
    .array(
      z.looseObject({
        metricStat: z
          .looseObject({
            metric: z
              .looseObject({
                namespace: lenientText,
                name: lenientText,
                dimensions: z.unknown().optional(),
              })
              .nullish(),
          })
          .nullish(),
      }),
    )
    .nullish(),
});

/** Any EventBridge event; fields are required only for an alarm's state change. */
const Envelope = z.looseObject({
  id: z.string().min(1),
  source: z.string(),
  'detail-type': z.string(),
  account: lenientText,
  region: lenientText,
  time: lenientText,
  resources: z.array(z.string()).catch([]),
  detail: z.looseObject({
    alarmName: z.string().nullish(),
    state: State.nullish(),
    previousState: z.looseObject({ timestamp: lenientText, value: lenientText }).nullish(),
    configuration: Configuration.nullish(),
  }),
});
type Envelope = z.infer<typeof Envelope>;

export const cloudwatch = defineSource({
  name: 'cloudwatch',
  title: 'Amazon CloudWatch alarms (EventBridge)',
  documentation:
    'https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/cloudwatch-and-eventbridge.html',
  setup: `Make an EventBridge rule named \`fleet-reflex-<stage>-alarms\`, with the \`events\` queue as its target and this
pattern; the queue's policy allows only that rule, unless you add the ARN of another to \`eventRules\` in
\`serverless.yml\` ([operations.md](operations.md)).

\`\`\`json
{ "source": ["aws.cloudwatch"], "detail-type": ["CloudWatch Alarm State Change"] }
\`\`\`

An API destination works too: connection type *API key*, name \`Authorization\`, value \`Bearer <secret>\`, to
\`https://<your-endpoint>/hooks/cloudwatch\`. The alarm's dimensions are labels under their own names
(\`event.data.labels.InstanceId\`, also as \`instance_id\`), beside \`alarmname\`, \`account\`, \`region\`, \`namespace\` and \`metric\`.
\`ALARM\` is firing, \`OK\` resolved; \`INSUFFICIENT_DATA\` is ignored.`,
  facts: {
    proof: 'the queue’s policy; over HTTP a bearer token or basic password',
    replayWindow: 'none',
    eventId: 'the envelope’s `id`',
  },
  kinds: ['alert'],
  settings: z.strictObject({}),
  contentTypes: ['application/json'],
  verify: (request, { secrets }) => verifyAuthorization(request, secrets),
  payload: Envelope,
  normalise: (envelope, _request, { now }) => normaliseAlarm(envelope, now),
  recognises: (body) => {
    const envelope = Envelope.safeParse(body);
    return envelope.success && envelope.data.source === 'aws.cloudwatch';
  },
});

function normaliseAlarm(envelope: Envelope, now: Date): Normalisation {
  const { alarmName, state, previousState, configuration } = envelope.detail;
  if (envelope['detail-type'] !== ALARM || !alarmName || !state) {
    return {
      kind: 'ignored',
      because: `an EventBridge event ${envelope['detail-type']} is no alarm’s state`,
    };
  }
  const status = statusOf(state.value);
  if (status === undefined) {
    return { kind: 'ignored', because: `the alarm’s state ${state.value} is neither ALARM nor OK` };
  }
  const changedAt = toIsoTime(state.timestamp) ?? toIsoTime(envelope.time) ?? now.toISOString();
  const event = alertEvent(
    { source: 'cloudwatch', id: envelope.id, time: toIsoTime(envelope.time) ?? changedAt },
    {
      status,
      name: alarmName,
      summary: firstText(state.reason),
      labels: labelsOf(envelope, alarmName),
      annotations: toLabels({ description: configuration?.description }),
      fingerprint: envelope.resources[0] ?? `${joinedId([envelope.account, envelope.region])}/${alarmName}`,
      startsAt: status === 'firing' ? changedAt : alarmSince(previousState),
      endsAt: status === 'resolved' ? changedAt : undefined,
      raw: envelope,
    },
  );
  const { account, region, resources, detail } = envelope;
  const hashes = [contentHash({ account, region, resources, detail })];
  return { kind: 'events', events: [event], contents: { hashes, isSigned: false } };
}

/** An alarm may pass through INSUFFICIENT_DATA before OK: then the previous state does not tell when it began. */
function alarmSince(previous: Envelope['detail']['previousState']): string | undefined {
  return previous?.value === 'ALARM' ? toIsoTime(previous.timestamp) : undefined;
}

/** If several metrics (an expression's inputs) differ in a dimension, the first one's value is used. */
function labelsOf(envelope: Envelope, alarmName: string): Record<string, string> {
  const metrics = (envelope.detail.configuration?.metrics ?? []).map((item) => item.metricStat?.metric);
  const dimensions = metrics.toReversed().map((metric) => toLabels(metric?.dimensions));
  const first = metrics.find((metric) => metric !== undefined && metric !== null);
  return withInstanceId({
    ...Object.assign({}, ...dimensions),
    ...toLabels({
      alarmname: alarmName,
      account: envelope.account,
      region: envelope.region,
      namespace: first?.namespace,
      metric: first?.name,
    }),
  });
}

function statusOf(value: string): 'firing' | 'resolved' | undefined {
  if (value === 'ALARM') return 'firing';
  return value === 'OK' ? 'resolved' : undefined;
}
