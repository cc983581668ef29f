/**
 * Datadog's webhooks integration. It is unsigned and its payload is a template, so the source documents the template
 * that it expects; Datadog's default template is accepted too, with fewer fields.
 */
import * as z from 'zod';
import { firstText, joinedId } from '../model/id-parts.ts';
import { verifyAuthorization } from './proofs/bearer.ts';
import { alertEvent } from './shared/build-event.ts';
import { deliveryId } from './shared/delivery-id.ts';
import { toIsoTime } from './shared/event-time.ts';
import { lenientText, toLabels, withInstanceId } from './shared/labels.ts';
import { defineSource } from './source.ts';

const Payload = z.looseObject({
  id: lenientText,
  alert_id: lenientText,
  alert_cycle_key: lenientText,
  alert_transition: lenientText,
  alert_status: lenientText,
  alert_priority: lenientText,
  alert_type: lenientText,
  alert_scope: lenientText,
  aggreg_key: lenientText,
  title: lenientText,
  body: lenientText,
  tags: lenientText,
  hostname: lenientText,
  link: lenientText,
  date: lenientText,
});

const STATUS: ReadonlyMap<string, 'firing' | 'resolved'> = new Map([
  ['triggered', 'firing'],
  ['warn', 'firing'],
  ['no data', 'firing'],
  ['recovered', 'resolved'],
]);

const TEMPLATE = `{
  "id": "$ID",
  "alert_id": "$ALERT_ID",
  "alert_cycle_key": "$ALERT_CYCLE_KEY",
  "alert_transition": "$ALERT_TRANSITION",
  "alert_priority": "$ALERT_PRIORITY",
  "alert_type": "$ALERT_TYPE",
  "alert_scope": "$ALERT_SCOPE",
  "title": "$ALERT_TITLE",
  "body": "$TEXT_ONLY_MSG",
  "tags": "$TAGS",
  "hostname": "$HOSTNAME",
  "link": "$LINK",
  "date": "$DATE_POSIX"
}`;

export const datadog = defineSource({
  name: 'datadog',
  title: 'Datadog',
  documentation: 'https://docs.datadoghq.com/integrations/webhooks/',
  setup: `*Integrations → Webhooks → New*: URL \`https://<your-endpoint>/hooks/datadog\`, custom headers
\`{"Authorization": "Bearer <secret>"}\`, *Encode as form* off, and this payload; then put \`@webhook-<name>\` into the
monitors' messages:

\`\`\`json
${TEMPLATE}
\`\`\`

Tags and scope are labels (\`env:prod\` is \`labels.env\`). A re-notification (*Re-Triggered*) of the same alert cycle
is the same event.`,
  facts: {
    proof: 'a bearer token or basic password',
    replayWindow: 'none',
    eventId: 'alert cycle and transition; without a cycle `$ID`',
  },
  kinds: ['alert'],
  settings: z.strictObject({}),
  contentTypes: ['application/json'],
  verify: (request, { secrets }) => verifyAuthorization(request, secrets),
  payload: Payload,
  normalise(payload, request, { now }) {
    const transition = firstText(payload.alert_transition) ?? transitionInTitle(firstText(payload.title));
    const status = statusOf(transition);
    if (status === undefined) {
      return { kind: 'ignored', because: `Datadog’s transition ${transition ?? '(none)'} starts nothing` };
    }
    const time = toIsoTime(payload.date) ?? now.toISOString();
    const cycle = firstText(payload.alert_cycle_key);
    const name = firstText(payload.title) ?? 'Datadog monitor';
    // A repeated notification has another $ID, and the same cycle and transition.
    const id =
      cycle === undefined
        ? deliveryId(request.body, payload.id)
        : joinedId([cycle, (transition ?? '').replace(/^Re-/i, '')]);
    return {
      kind: 'events',
      events: [
        alertEvent(
          { source: 'datadog', id, time },
          {
            status,
            name: name.replace(/^(\[[^\]]*\]\s*)+/, '') || name,
            severity: firstText(payload.alert_priority, payload.alert_type),
            summary: firstText(payload.body),
            labels: withInstanceId({
              ...tagsOf(firstText(payload.tags)),
              ...tagsOf(firstText(payload.alert_scope)),
              ...toLabels({ hostname: payload.hostname, monitor_id: payload.alert_id, transition }),
            }),
            annotations: {},
            fingerprint: cycle ?? firstText(payload.aggreg_key, payload.alert_id) ?? name,
            startsAt: status === 'firing' ? time : undefined,
            endsAt: status === 'resolved' ? time : undefined,
            url: firstText(payload.link),
            raw: payload,
          },
        ),
      ],
    };
  },
});

function statusOf(transition: string | undefined): 'firing' | 'resolved' | undefined {
  return STATUS.get((transition ?? '').toLowerCase().replace(/^re-/, ''));
}

/** The default template has the transition only in the title: `[P2] [Triggered on {host:web-1}] CPU is high`. */
function transitionInTitle(title: string | undefined): string | undefined {
  return /\[((?:Re-)?(?:Triggered|Warn|No Data|Recovered))\b/i.exec(title ?? '')?.[1];
}

/** `env:prod,host:web-1`; a tag without a value is `true`. */
function tagsOf(list: string | undefined): Record<string, string> {
  const tags = (list ?? '').split(',').map((tag) => tag.trim());
  return Object.fromEntries(
    tags
      .filter((tag) => tag !== '' && !tag.startsWith('__proto__'))
      .map((tag) => {
        const colon = tag.indexOf(':');
        return colon === -1 ? [tag, 'true'] : [tag.slice(0, colon), tag.slice(colon + 1)];
      }),
  );
}
