/**
 * Alibaba CloudMonitor: the threshold alarms' callback (a form) and the system events' push (JSON). The form has a
 * field `signature` that is not documented, so requests are authenticated by the secret in the URL or in a header.
 */
import * as z from 'zod';
import { verifyUrlSecret } from '../proofs/bearer.ts';
import { checkPayload, defineSource } from '../source.ts';
import { MetricAlarm, metricAlarmToEvent } from './metric-alarm.ts';
import { SystemEvent, systemEventToEvent } from './system-event.ts';

const NAME = 'alibaba-cloudmonitor';

export const alibabaCloudmonitor = defineSource({
  name: NAME,
  title: 'Alibaba CloudMonitor',
  documentation: 'https://www.alibabacloud.com/help/en/document_detail/60714.html',
  setup: `Threshold alarms: *Alert Rules → Alert Callback*,
\`https://<your-endpoint>/hooks/alibaba-cloudmonitor/<secret>\`. System events: *Event Subscription → Push Channel →
Webhook*, method POST, format JSON, the same URL. CloudMonitor 2.0 can set headers: use
\`Authorization: Bearer <secret>\` there and leave the secret out of the URL.

\`dimensions\` become labels (\`instanceId\`, also as \`instance_id\`), beside \`metricName\`, \`namespace\`, \`ruleId\` and
\`regionId\`. \`ALERT\` is firing, \`OK\` resolved, \`INSUFFICIENT_DATA\` is ignored. A system event is a firing alert
whose name is the event's.`,
  facts: {
    proof: 'the secret in the URL, or a bearer token',
    replayWindow: 'none',
    eventId: '`transId` and `alertState`; an event’s `id`',
  },
  kinds: ['alert'],
  settings: z.strictObject({}),
  contentTypes: ['application/x-www-form-urlencoded', 'application/json'],
  verify: (request, { secrets }) => verifyUrlSecret(request, secrets),
  payload: z.looseObject({ alertState: z.string().optional() }),
  normalise(payload, request, { now }) {
    if (payload.alertState === undefined) {
      const event = checkPayload(NAME, SystemEvent, payload);
      return { kind: 'events', events: [systemEventToEvent(event, NAME, request.body, now)] };
    }
    const alarm = metricAlarmToEvent(checkPayload(NAME, MetricAlarm, payload), {
      source: NAME,
      body: request.body,
      now,
      raw: payload,
    });
    return alarm === undefined
      ? { kind: 'ignored', because: `alertState ${payload.alertState} is neither ALERT nor OK` }
      : { kind: 'events', events: [alarm] };
  },
});
