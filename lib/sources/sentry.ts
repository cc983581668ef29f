/** Sentry's integration platform: issue alerts, metric alerts and issues as alerts. */
import * as z from 'zod';
import { firstText } from '../model/id-parts.ts';
import type { AlertData } from '../model/trigger-event.ts';
import { verifyHmac } from './proofs/hmac.ts';
import { alertEvent } from './shared/build-event.ts';
import { bodyId } from './shared/delivery-id.ts';
import { toIsoTime } from './shared/event-time.ts';
import { lenientText, toLabels, withInstanceId } from './shared/labels.ts';
import { checkPayload, defineSource } from './source.ts';

const Payload = z.looseObject({
  action: z.string(),
  data: z.record(z.string(), z.unknown()).default({}),
});

const IssueAlert = z.looseObject({
  triggered_rule: lenientText,
  event: z.looseObject({
    event_id: lenientText,
    issue_id: lenientText,
    title: lenientText,
    level: lenientText,
    project: lenientText,
    platform: lenientText,
    environment: lenientText,
    datetime: lenientText,
    web_url: lenientText,
    tags: z
      .array(z.tuple([z.string(), z.unknown()]))
      .nullish()
      .catch(undefined),
  }),
});

const MetricAlert = z.looseObject({
  description_title: lenientText,
  description_text: lenientText,
  web_url: lenientText,
  metric_alert: z.looseObject({
    id: lenientText,
    title: lenientText,
    date_started: lenientText,
    date_closed: lenientText,
    projects: z.array(z.string()).nullish().catch(undefined),
    alert_rule: z.looseObject({ name: lenientText, environment: lenientText }).nullish(),
  }),
});

const Issue = z.looseObject({
  issue: z.looseObject({
    id: lenientText,
    shortId: lenientText,
    title: lenientText,
    level: lenientText,
    firstSeen: lenientText,
    lastSeen: lenientText,
    permalink: lenientText,
    web_url: lenientText,
    project: z.looseObject({ slug: lenientText }).nullish(),
  }),
});

type Status = AlertData['status'];
const METRIC_STATUS: ReadonlyMap<string, Status> = new Map([
  ['critical', 'firing'],
  ['warning', 'firing'],
  ['resolved', 'resolved'],
]);
const ISSUE_STATUS: ReadonlyMap<string, Status> = new Map([
  ['created', 'firing'],
  ['unresolved', 'firing'],
  ['resolved', 'resolved'],
]);

export const sentry = defineSource({
  name: 'sentry',
  title: 'Sentry',
  documentation: 'https://docs.sentry.io/integrations/integration-platform/webhooks/',
  setup: `*Settings → Developer Settings → Create New Integration* (internal): webhook URL
\`https://<your-endpoint>/hooks/sentry\`, *Alert Rule Action* on; the secret is its **Client Secret**. Then choose the
integration as the action of an issue or metric alert rule.

An event's tags, project, level and environment are labels; the issue's id is the fingerprint. Sentry signs
neither its time nor the \`Request-ID\`: the same body is the same event.`,
  facts: {
    proof: 'HMAC-SHA256 of the body in `Sentry-Hook-Signature`',
    replayWindow: 'none',
    eventId: 'the body’s hash',
  },
  kinds: ['alert'],
  settings: z.strictObject({}),
  contentTypes: ['application/json'],
  verify: (request, { secrets }) => verifyHmac(request, { header: 'sentry-hook-signature', keys: secrets }),
  payload: Payload,
  normalise(payload, request, { now }) {
    const { action, data } = payload;
    // The body is signed, the header is not: it may only confirm the body.
    const resource = request.headers['sentry-hook-resource'] ?? inferResource(data);
    const facts = resource === inferResource(data) ? factsOf(resource, action, data) : undefined;
    if (facts === undefined) {
      return { kind: 'ignored', because: `Sentry’s ${resource ?? '(unnamed)'}.${action} starts nothing` };
    }
    const { time, ...alert } = facts;
    return {
      kind: 'events',
      events: [
        alertEvent(
          {
            source: 'sentry',
            id: bodyId(request.body),
            deliveryid: request.headers['request-id'],
            time: time ?? now.toISOString(),
          },
          { ...alert, annotations: {}, raw: payload },
        ),
      ],
    };
  },
});

type Facts = Omit<Parameters<typeof alertEvent>[1], 'annotations' | 'raw'> & { time: string | undefined };

function factsOf(resource: string | undefined, action: string, data: unknown): Facts | undefined {
  switch (resource ?? '') {
    case 'event_alert':
      return action === 'triggered' ? issueAlert(checkPayload('sentry', IssueAlert, data)) : undefined;
    case 'metric_alert': {
      const status = METRIC_STATUS.get(action);
      return status && metricAlert(status, action, checkPayload('sentry', MetricAlert, data));
    }
    case 'issue': {
      const status = ISSUE_STATUS.get(action);
      return status && issue(status, action, checkPayload('sentry', Issue, data));
    }
    default:
      return undefined;
  }
}

function issueAlert({ event, triggered_rule: rule }: z.infer<typeof IssueAlert>): Facts {
  const time = toIsoTime(event.datetime);
  return {
    status: 'firing',
    name: firstText(rule, event.title) ?? 'Sentry issue alert',
    severity: firstText(event.level),
    summary: firstText(event.title),
    labels: withInstanceId({
      ...toLabels(Object.fromEntries(event.tags ?? [])),
      ...toLabels({
        project: event.project,
        platform: event.platform,
        environment: event.environment,
        issue_id: event.issue_id,
      }),
    }),
    fingerprint: firstText(event.issue_id, event.event_id) ?? 'unknown',
    startsAt: time,
    url: firstText(event.web_url),
    time,
  };
}

function metricAlert(status: Status, action: string, data: z.infer<typeof MetricAlert>): Facts {
  const { metric_alert: alert } = data;
  const startsAt = toIsoTime(alert.date_started);
  const endsAt = status === 'resolved' ? toIsoTime(alert.date_closed) : undefined;
  return {
    status,
    name: firstText(alert.alert_rule?.name, alert.title, data.description_title) ?? 'Sentry metric alert',
    severity: status === 'firing' ? action : undefined,
    summary: firstText(data.description_text, data.description_title),
    labels: toLabels({
      project: alert.projects?.[0],
      environment: alert.alert_rule?.environment,
      metric_alert_id: alert.id,
    }),
    fingerprint: firstText(alert.id) ?? 'unknown',
    startsAt,
    endsAt,
    url: firstText(data.web_url),
    time: status === 'resolved' ? endsAt : startsAt,
  };
}

/** Without `startsAt`: a recurring issue was first seen long before, and its alert has another time. */
function issue(status: Status, action: string, { issue: it }: z.infer<typeof Issue>): Facts {
  return {
    status,
    name: firstText(it.title, it.shortId) ?? 'Sentry issue',
    severity: firstText(it.level),
    summary: firstText(it.title),
    labels: toLabels({ project: it.project?.slug, issue_id: it.id, short_id: it.shortId }),
    fingerprint: firstText(it.id) ?? 'unknown',
    url: firstText(it.web_url, it.permalink),
    // It may be resolved and reopened long after it was last seen.
    time: action === 'created' ? (toIsoTime(it.lastSeen) ?? toIsoTime(it.firstSeen)) : undefined,
  };
}

/** The kind of the event, from the signed body. */
function inferResource(data: Readonly<Record<string, unknown>>): string | undefined {
  if (data['metric_alert'] !== undefined) return 'metric_alert';
  if (data['issue'] !== undefined) return 'issue';
  return data['event'] !== undefined ? 'event_alert' : undefined;
}
