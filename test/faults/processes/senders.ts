/** What senders and people send, as they send it. */
import { createHmac } from 'node:crypto';
import { anHttpEvent } from '../../fixtures/http-events.ts';
import type { Deed, Seen } from './scenario.ts';

/** As Alertmanager; each name is another alert. Sent again, it is the same. */
export function alert(name: string, labels: Readonly<Record<string, string>> = {}): Deed {
  let body: string | undefined;
  return {
    call() {
      body ??= alertBody(name, labels);
      const headers = {
        authorization: 'Bearer local-alertmanager-secret',
        'content-type': 'application/json',
      };
      return { name: 'webhook', event: anHttpEvent({ source: 'alertmanager', headers, body }) };
    },
  };
}

export function alertBody(name: string, labels: Readonly<Record<string, string>> = {}): string {
  return JSON.stringify({
    version: '4',
    groupKey: `{}:{alertname="${name}"}`,
    status: 'firing',
    receiver: 'fleet-reflex',
    groupLabels: { alertname: name },
    commonLabels: { alertname: name },
    commonAnnotations: {},
    externalURL: 'http://alertmanager.example',
    truncatedAlerts: 0,
    alerts: [
      {
        status: 'firing',
        labels: { alertname: name, ...labels },
        annotations: {},
        startsAt: new Date().toISOString(),
        endsAt: '0001-01-01T00:00:00Z',
        generatorURL: 'http://prometheus.example/graph',
        fingerprint: createHmac('sha256', 'fingerprint').update(name).digest('hex').slice(0, 16),
      },
    ],
  });
}

/** A slash command in Slack. @param text may depend on what is there by then */
export function slack(text: (seen: Seen) => string, trigger: string): Deed {
  return {
    call(seen) {
      const form = new URLSearchParams({
        command: '/fleet',
        text: text(seen),
        team_id: 'T1',
        user_id: 'U1',
        user_name: 'ada',
        channel_id: 'C1',
        trigger_id: trigger,
      }).toString();
      const timestamp = String(Math.floor(Date.now() / 1000));
      const headers = {
        'content-type': 'application/x-www-form-urlencoded',
        'x-slack-request-timestamp': timestamp,
        'x-slack-signature': `v0=${createHmac('sha256', 'local-slack-secret').update(`v0:${timestamp}:${form}`).digest('hex')}`,
      };
      return { name: 'webhook', event: anHttpEvent({ source: 'slack', headers, body: form }) };
    },
  };
}

/** A POST of somebody with a token of the API. @param path may depend on what is there by then */
export function api(path: (seen: Seen) => string, token: string): Deed {
  return {
    call(seen) {
      const rawPath = path(seen);
      const [, , runId] = rawPath.split('/');
      const event = {
        ...anHttpEvent({ method: 'POST', headers: { authorization: `Bearer ${token}` } }),
        rawPath,
        pathParameters: { runId },
      };
      return { name: 'runs', event };
    },
  };
}
