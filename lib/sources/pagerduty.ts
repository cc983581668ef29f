/**
 * PagerDuty's v3 webhooks. Three refusals in a row disable a subscription, so a verified event is never refused: events
 * that are not a state of an incident are ignored.
 */
import * as z from 'zod';
import { firstText } from '../model/id-parts.ts';
import { verifyHmac } from './proofs/hmac.ts';
import { alertEvent } from './shared/build-event.ts';
import { deliveryId } from './shared/delivery-id.ts';
import { toIsoTime } from './shared/event-time.ts';
import { lenientText, toLabels } from './shared/labels.ts';
import { defineSource } from './source.ts';

const Reference = z.looseObject({ summary: lenientText }).nullish().catch(undefined);

const Incident = z.looseObject({
  id: z.string(),
  html_url: lenientText,
  number: lenientText,
  incident_key: lenientText,
  created_at: lenientText,
  title: lenientText,
  urgency: lenientText,
  service: Reference,
  escalation_policy: Reference,
  priority: Reference,
  teams: z.array(Reference).nullish().catch(undefined),
});

const Payload = z.looseObject({
  event: z.looseObject({
    id: lenientText,
    event_type: z.string(),
    occurred_at: lenientText,
    data: z.unknown().optional(),
  }),
});

/** Others (escalated, reassigned, annotated, …) change no state that a rule could act on. */
const STATUS_BY_TYPE = {
  'incident.triggered': 'firing',
  'incident.reopened': 'firing',
  'incident.acknowledged': 'acknowledged',
  'incident.resolved': 'resolved',
} as const;

export const pagerduty = defineSource({
  name: 'pagerduty',
  title: 'PagerDuty (v3 webhooks)',
  documentation: 'https://developer.pagerduty.com/docs/webhooks-overview',
  setup: `*Integrations → Generic Webhooks (v3) → New Webhook*: URL \`https://<your-endpoint>/hooks/pagerduty\`, the
events \`incident.triggered\`, \`incident.acknowledged\`, \`incident.resolved\`, \`incident.reopened\`. The secret is shown
once, when the subscription is made.

The incident's service, urgency, priority and \`incident_key\` are labels; its id is the fingerprint. Other events are
accepted and ignored: three refusals in a row would disable the subscription.`,
  facts: {
    proof: 'HMAC-SHA256 of the body in `X-PagerDuty-Signature`',
    replayWindow: 'none',
    eventId: '`event.id`',
  },
  kinds: ['alert'],
  settings: z.strictObject({}),
  contentTypes: ['application/json'],
  verify: (request, { secrets }) =>
    verifyHmac(request, {
      header: 'x-pagerduty-signature',
      prefix: 'v1=',
      separator: ',',
      keys: secrets,
    }),
  payload: Payload,
  normalise({ event, ...rest }, request, { now }) {
    const status = Object.entries(STATUS_BY_TYPE).find(([type]) => type === event.event_type)?.[1];
    const incident = Incident.safeParse(event.data);
    if (status === undefined || !incident.success) {
      return { kind: 'ignored', because: `PagerDuty’s event ${event.event_type} starts nothing` };
    }
    const it = incident.data;
    const occurredAt = toIsoTime(event.occurred_at) ?? now.toISOString();
    return {
      kind: 'events',
      events: [
        alertEvent(
          { source: 'pagerduty', id: deliveryId(request.body, event.id), time: occurredAt },
          {
            status,
            name: firstText(it.title) ?? it.id,
            severity: firstText(it.priority?.summary, it.urgency),
            summary: firstText(it.title),
            labels: toLabels({
              service: it.service?.summary,
              urgency: it.urgency,
              priority: it.priority?.summary,
              escalation_policy: it.escalation_policy?.summary,
              team: it.teams?.[0]?.summary,
              incident_key: it.incident_key,
              number: it.number,
            }),
            annotations: {},
            fingerprint: it.id,
            startsAt: toIsoTime(it.created_at),
            endsAt: status === 'resolved' ? occurredAt : undefined,
            url: firstText(it.html_url),
            raw: { ...rest, event },
          },
        ),
      ],
    };
  },
});
