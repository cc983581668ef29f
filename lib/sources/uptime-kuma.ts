/** Uptime Kuma's webhook notification: a heartbeat and its monitor. It signs nothing. */
import * as z from 'zod';
import { firstText, joinedId } from '../model/id-parts.ts';
import { verifyAuthorization } from './proofs/bearer.ts';
import { alertEvent } from './shared/build-event.ts';
import { idTime } from './shared/delivery-id.ts';
import { toIsoTime } from './shared/event-time.ts';
import { lenientText, toLabels, withInstanceId } from './shared/labels.ts';
import { defineSource } from './source.ts';

const Payload = z.looseObject({
  msg: lenientText,
  heartbeat: z
    .looseObject({
      monitorID: lenientText,
      status: z.number(),
      time: lenientText,
      msg: lenientText,
      important: z.unknown().optional(),
    })
    .nullish(),
  monitor: z
    .looseObject({
      id: lenientText,
      name: lenientText,
      url: lenientText,
      hostname: lenientText,
      port: lenientText,
      type: lenientText,
      tags: z
        .array(z.looseObject({ name: z.string(), value: z.string().nullish() }))
        .nullish()
        .catch(undefined),
    })
    .nullish(),
});

const DOWN = 0;
const UP = 1;

export const uptimeKuma = defineSource({
  name: 'uptime-kuma',
  title: 'Uptime Kuma',
  documentation: 'https://github.com/louislam/uptime-kuma/wiki/Notification-Methods',
  setup: `*Settings → Notifications → Setup Notification*, type *Webhook*: POST
\`https://<your-endpoint>/hooks/uptime-kuma\`, request body *Preset - application/json*, additional headers
\`{"Authorization": "Bearer <secret>"}\`.

A monitor's tags are labels (a tag \`instance_id\` with the instance as its value makes rules short), beside \`type\`,
\`hostname\` and \`port\`. Its *Test* button and certificate notices have no heartbeat and are ignored; so are reminders
that a monitor is still down.`,
  facts: {
    proof: 'a bearer token or basic password',
    replayWindow: 'none',
    eventId: 'monitor, time and status of the heartbeat',
  },
  kinds: ['alert'],
  settings: z.strictObject({}),
  contentTypes: ['application/json'],
  verify: (request, { secrets }) => verifyAuthorization(request, secrets),
  payload: Payload,
  normalise(payload, _request, { now }) {
    const { heartbeat, monitor } = payload;
    if (!heartbeat)
      return { kind: 'ignored', because: 'a test or a certificate notice: it has no heartbeat' };
    if (heartbeat.status !== DOWN && heartbeat.status !== UP) {
      return {
        kind: 'ignored',
        because: `the heartbeat’s status ${heartbeat.status} is neither down nor up`,
      };
    }
    if (heartbeat.important === false || heartbeat.important === 0) {
      return { kind: 'ignored', because: 'a reminder: the monitor’s state did not change' };
    }
    const status = heartbeat.status === DOWN ? 'firing' : 'resolved';
    const fingerprint = firstText(heartbeat.monitorID, monitor?.id, monitor?.name) ?? 'unknown';
    const time = toIsoTime(heartbeat.time) ?? now.toISOString();
    const labels = toLabels(
      Object.fromEntries((monitor?.tags ?? []).map(({ name, value }) => [name, value ?? 'true'])),
    );
    return {
      kind: 'events',
      events: [
        alertEvent(
          {
            source: 'uptime-kuma',
            id: joinedId([fingerprint, idTime(heartbeat.time), status]),
            time,
          },
          {
            status,
            name: firstText(monitor?.name) ?? fingerprint,
            summary: firstText(heartbeat.msg, payload.msg),
            labels: withInstanceId({
              ...labels,
              ...toLabels({ type: monitor?.type, hostname: monitor?.hostname, port: monitor?.port }),
            }),
            annotations: {},
            fingerprint,
            startsAt: status === 'firing' ? time : undefined,
            endsAt: status === 'resolved' ? time : undefined,
            url: firstText(monitor?.url),
            raw: payload,
          },
        ),
      ],
    };
  },
});
