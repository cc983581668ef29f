/**
 * The notification that Alertmanager defined (webhook version 4) and Grafana kept: a group of alerts, each with its
 * own status. One group becomes one trigger event for each alert.
 */
import * as z from 'zod';
import type { TriggerEvent } from '../events/trigger-event.ts';
import { alertEvent } from './build-event.ts';
import { fingerprintOf } from './delivery-id.ts';
import { toIsoTime } from './event-time.ts';
import { firstText, lenientText, toLabels } from './labels.ts';
import type { Normalisation } from './source.ts';

const Status = z.enum(['firing', 'resolved']);

const Alert = z.looseObject({
  status: Status.nullish(),
  labels: lenientText,
  annotations: lenientText,
  startsAt: lenientText,
  endsAt: lenientText,
  generatorURL: lenientText,
  fingerprint: lenientText,
});
type Alert = z.infer<typeof Alert>;

export const AlertGroup = z.looseObject({
  status: Status.nullish(),
  commonLabels: lenientText,
  alerts: z.array(Alert),
});
export type AlertGroup = z.infer<typeof AlertGroup>;

/** For the `events` queue: Alertmanager's groups have version 4, Grafana's 1. */
export function isAlertGroup(body: unknown, version: '4' | '1'): boolean {
  const group = AlertGroup.extend({ version: z.literal(version), groupKey: z.string() });
  return group.safeParse(body).success;
}

/** @param urlOf where a person looks at the alert; default the generator's URL */
export function normaliseAlertGroup(
  source: string,
  group: AlertGroup,
  now: Date,
  urlOf: (alert: Alert) => unknown = (alert) => alert.generatorURL,
): Normalisation {
  if (group.alerts.length === 0) return { kind: 'ignored', because: 'the notification has no alerts' };
  return {
    kind: 'events',
    events: group.alerts.map((alert) => toEvent(source, group, alert, now, urlOf)),
  };
}

/** The id leaves out the group and the time of sending: a repeated notification of the same alert is the same event. */
function toEvent(
  source: string,
  group: AlertGroup,
  alert: Alert,
  now: Date,
  urlOf: (alert: Alert) => unknown,
): TriggerEvent {
  // An alert that does not say it fires never does: the group's own status, and then nothing.
  const status = alert.status ?? group.status ?? 'resolved';
  const labels = toLabels(alert.labels);
  const annotations = toLabels(alert.annotations);
  const fingerprint = firstText(alert.fingerprint) ?? fingerprintOf(labels);
  const startsAt = toIsoTime(alert.startsAt);
  const endsAt = status === 'resolved' ? toIsoTime(alert.endsAt) : undefined;
  return alertEvent(
    {
      source,
      id: [fingerprint, firstText(alert.startsAt) ?? '', status].join('/'),
      time: (status === 'resolved' ? endsAt : startsAt) ?? now.toISOString(),
    },
    {
      status,
      name: firstText(labels['alertname'], toLabels(group.commonLabels)['alertname']) ?? fingerprint,
      severity: labels['severity'],
      summary: firstText(annotations['summary'], annotations['message'], annotations['description']),
      labels,
      annotations,
      fingerprint,
      startsAt,
      endsAt,
      url: firstText(urlOf(alert)),
      raw: { ...group, alerts: [alert] },
    },
  );
}
