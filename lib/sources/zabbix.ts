/** Zabbix: a media type of type Webhook whose script, given below, is ours to write. */
import * as z from 'zod';
import { parseJson } from '../http/body.ts';
import { firstText, joinedId } from '../model/id-parts.ts';
import { verifyAuthorization } from './proofs/bearer.ts';
import { alertEvent } from './shared/build-event.ts';
import { toIsoTime } from './shared/event-time.ts';
import { lenientText, toLabels, withInstanceId } from './shared/labels.ts';
import { defineSource } from './source.ts';

const Payload = z.looseObject({
  event_id: z.union([z.string().min(1), z.number()]),
  event_value: z.union([z.string(), z.number()]),
  event_name: lenientText,
  event_severity: lenientText,
  event_update_status: lenientText,
  event_ack_status: lenientText,
  event_timestamp: lenientText,
  recovery_timestamp: lenientText,
  event_tags: z.unknown().optional(),
  event_opdata: lenientText,
  trigger_id: lenientText,
  host: lenientText,
  host_ip: lenientText,
  url: lenientText,
});

const Tags = z.array(z.looseObject({ tag: z.string(), value: z.string().default('') }));

export const zabbix = defineSource({
  name: 'zabbix',
  title: 'Zabbix',
  documentation: 'https://www.zabbix.com/documentation/current/en/manual/config/notifications/media/webhook',
  setup: `*Alerts → Media types → Create*, type *Webhook*, these parameters, and the script below; then an action with
operations for problem, recovery and update.

| parameter | value |
| --- | --- |
| \`url\` | \`https://<your-endpoint>/hooks/zabbix\` |
| \`secret\` | \`{$FLEET_REFLEX_SECRET}\` (a secret macro) |
| \`event_id\`, \`event_value\`, \`event_name\` | \`{EVENT.ID}\`, \`{EVENT.VALUE}\`, \`{EVENT.NAME}\` |
| \`event_severity\`, \`event_tags\`, \`event_opdata\` | \`{EVENT.SEVERITY}\`, \`{EVENT.TAGSJSON}\`, \`{EVENT.OPDATA}\` |
| \`event_update_status\`, \`event_ack_status\` | \`{EVENT.UPDATE.STATUS}\`, \`{EVENT.ACK.STATUS}\` |
| \`event_timestamp\`, \`recovery_timestamp\` | \`{EVENT.TIMESTAMP}\`, \`{EVENT.RECOVERY.TIMESTAMP}\` |
| \`trigger_id\`, \`host\`, \`host_ip\` | \`{TRIGGER.ID}\`, \`{HOST.HOST}\`, \`{HOST.IP}\` |

\`\`\`js
var fields = JSON.parse(value), request = new HttpRequest(), url = fields.url;
request.addHeader('Content-Type: application/json');
request.addHeader('Authorization: Bearer ' + fields.secret);
delete fields.url; delete fields.secret;
var answer = request.post(url, JSON.stringify(fields));
if (request.getStatus() < 200 || request.getStatus() > 299) throw 'fleet-reflex answered ' + request.getStatus();
return answer;
\`\`\`

A macro that Zabbix cannot resolve arrives as its own text (\`{EVENT.OPDATA}\`) and counts as absent. Tags are labels.`,
  facts: {
    proof: 'a bearer token or basic password',
    replayWindow: 'none',
    eventId: 'event and status',
  },
  kinds: ['alert'],
  settings: z.strictObject({}),
  contentTypes: ['application/json'],
  verify: (request, { secrets }) => verifyAuthorization(request, secrets),
  payload: Payload,
  normalise(payload, _request, { now }) {
    const status = statusOf(payload);
    if (status === undefined) return { kind: 'ignored', because: 'an update that is no acknowledgement' };
    const fingerprint = String(payload.event_id);
    const startsAt = toIsoTime(resolved(payload.event_timestamp));
    const endsAt = status === 'resolved' ? toIsoTime(resolved(payload.recovery_timestamp)) : undefined;
    return {
      kind: 'events',
      events: [
        alertEvent(
          {
            source: 'zabbix',
            id: joinedId([fingerprint, status]),
            time: endsAt ?? (status === 'firing' ? startsAt : undefined) ?? now.toISOString(),
          },
          {
            status,
            name: resolved(payload.event_name) ?? fingerprint,
            severity: resolved(payload.event_severity),
            summary: resolved(payload.event_opdata) ?? resolved(payload.event_name),
            labels: withInstanceId({
              ...tagsOf(payload.event_tags),
              ...toLabels({
                host: resolved(payload.host),
                host_ip: resolved(payload.host_ip),
                trigger_id: resolved(payload.trigger_id),
              }),
            }),
            annotations: {},
            fingerprint,
            startsAt,
            endsAt,
            url: resolved(payload.url),
            raw: payload,
          },
        ),
      ],
    };
  },
});

/** `{EVENT.VALUE}` is 1 for a problem and 0 for its end; an update of an open problem counts when it acknowledges. */
function statusOf(payload: z.infer<typeof Payload>): 'firing' | 'resolved' | 'acknowledged' | undefined {
  if (String(payload.event_update_status) === '1') {
    return resolved(payload.event_ack_status)?.toLowerCase() === 'yes' ? 'acknowledged' : undefined;
  }
  if (String(payload.event_value) === '1') return 'firing';
  return String(payload.event_value) === '0' ? 'resolved' : undefined;
}

/** A value, unless it is an unresolved macro. */
function resolved(value: unknown): string | undefined {
  const given = firstText(value);
  return given === undefined || /^(\{[A-Z$.0-9_]+\}|\*UNKNOWN\*)$/.test(given) ? undefined : given;
}

/** `{EVENT.TAGSJSON}` is a list as text; a script may also have parsed it. */
function tagsOf(value: unknown): Record<string, string> {
  const list = Tags.safeParse(typeof value === 'string' ? jsonOrNothing(value) : value);
  return list.success ? toLabels(Object.fromEntries(list.data.map(({ tag, value: it }) => [tag, it]))) : {};
}

function jsonOrNothing(given: string): unknown {
  try {
    return parseJson(Buffer.from(given));
  } catch {
    return undefined;
  }
}
