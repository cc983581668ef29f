/**
 * The notification that Alertmanager defined (webhook version 4) and Grafana kept: a group of alerts, each with its
 * own status. One group becomes one trigger event for each alert.
 */
import * as z from 'zod';
import type { Note } from '../../model/decision.ts';
import { firstText, joinedId } from '../../model/id-parts.ts';
import type { TriggerEvent } from '../../model/trigger-event.ts';
import type { Normalisation } from '../source.ts';
import { labelFingerprint } from './alert-fingerprint.ts';
import { alertEvent } from './build-event.ts';
import { bodyId, fingerprintOf, idTime } from './delivery-id.ts';
import { toIsoTime } from './event-time.ts';
import { lenientText, toLabels } from './labels.ts';

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
  /** How many alerts of the group are not in the body, by the sender's own limit. */
  truncatedAlerts: lenientText,
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
  { body, now }: { body: Uint8Array; now: Date },
  urlOf: (alert: Alert) => unknown = (alert) => alert.generatorURL,
): Normalisation {
  const truncated = truncatedOf(group);
  if (group.alerts.length === 0) {
    const because = `the notification has no alerts${truncated > 0 ? `, and truncatedAlerts says that ${truncated} were left out` : ''}`;
    return { kind: 'ignored', because };
  }
  return {
    kind: 'events',
    events: group.alerts.map((alert) => toEvent(source, group, alert, { body, now, urlOf })),
    ...(truncated > 0 && { notes: [truncation(group.alerts.length, truncated)] }),
  };
}

function truncatedOf({ truncatedAlerts }: AlertGroup): number {
  const count = Number(firstText(truncatedAlerts) ?? 0);
  return Number.isSafeInteger(count) && count > 0 ? count : 0;
}

/** The cut-off alerts never arrive, so the note is the only sign of them. */
function truncation(here: number, truncated: number): Note {
  return {
    code: 'alerts.truncated',
    message: `The sender left ${truncated} more alerts of this group out (truncatedAlerts), and nothing is run for them: only ${here} are here. Raise its limit (max_alerts of the receiver; Max alerts of the contact point), or group by more labels.`,
  };
}

interface Received {
  body: Uint8Array;
  now: Date;
  urlOf: (alert: Alert) => unknown;
}

/** The id leaves out the group and the time of sending: a repeated notification of the same alert is the same event. */
function toEvent(
  source: string,
  group: AlertGroup,
  alert: Alert,
  { body, now, urlOf }: Received,
): TriggerEvent {
  // An alert without a status has the group's; without either, it does not fire.
  const status = alert.status ?? group.status ?? 'resolved';
  const labels = toLabels(alert.labels);
  const annotations = toLabels(alert.annotations);
  const fingerprint = firstText(alert.fingerprint) ?? fingerprintOf(labels);
  const startsAt = toIsoTime(alert.startsAt);
  const endsAt = status === 'resolved' ? toIsoTime(alert.endsAt) : undefined;
  return alertEvent(
    {
      source,
      id: joinedId([
        fingerprint,
        // Without it only the bytes distinguish episodes: a retry has the same bytes.
        startsAt === undefined ? bodyId(body) : idTime(alert.startsAt),
        status,
        ...(isOfLabels(fingerprint, labels) ? [] : [fingerprintOf(labels)]),
      ]),
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

/** Alertmanager and we derive it from the labels; a fingerprint from elsewhere may be shared by two alerts. */
function isOfLabels(fingerprint: string, labels: Readonly<Record<string, string>>): boolean {
  return fingerprint === labelFingerprint(labels) || fingerprint === fingerprintOf(labels);
}
