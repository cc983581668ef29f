/** What each alert source makes of its samples, field by field, and which of its events start nothing. */

import { describe, expect, it } from 'vitest';
import { sourceNamed } from '../../../lib/sources/registry.ts';
import { requestOfMessage } from '../../../lib/sources/source.ts';
import { eventsOf, normalisationOf } from '../../fixtures/received-events.ts';
import { NOW } from '../../fixtures/signed-requests.ts';
import { settingsOf } from '../../fixtures/source-settings.ts';

describe('an alert', () => {
  it('of Alertmanager, firing', async () => {
    expect(await eventsOf('alertmanager.json')).toMatchInlineSnapshot(`
      [
        {
          "data": {
            "annotations": {
              "description": "More than 5 % of the requests of web-1 have failed for 5 minutes.",
              "runbook_url": "https://runbooks.example.com/high-5xx",
              "summary": "5xx above 5 % on web-1",
            },
            "fingerprint": "1aaabd2adb6c43a2",
            "labels": {
              "alertname": "High5xx",
              "instance": "10.0.3.17:9100",
              "instance_id": "ins-local001",
              "job": "web",
              "service": "web",
              "severity": "critical",
            },
            "name": "High5xx",
            "severity": "critical",
            "startsAt": "2026-11-20T10:02:17.482Z",
            "status": "firing",
            "summary": "5xx above 5 % on web-1",
            "url": "http://prometheus.example.com:9090/graph?g0.expr=rate%28http_requests_total%7Bcode%3D~%225..%22%7D%5B5m%5D%29&g0.tab=1",
          },
          "id": "1aaabd2adb6c43a2/2026-11-20T10:02:17.482Z/firing",
          "kind": "alert",
          "source": "alertmanager",
          "subject": "High5xx",
          "time": "2026-11-20T10:02:17.482Z",
          "type": "alert.firing",
        },
      ]
    `);
  });
  it('of Alertmanager, resolved', async () => {
    expect(await eventsOf('alertmanager.resolved.json')).toMatchInlineSnapshot(`
      [
        {
          "data": {
            "annotations": {
              "description": "More than 5 % of the requests of web-1 have failed for 5 minutes.",
              "runbook_url": "https://runbooks.example.com/high-5xx",
              "summary": "5xx above 5 % on web-1",
            },
            "endsAt": "2026-11-20T10:21:17.482Z",
            "fingerprint": "1aaabd2adb6c43a2",
            "labels": {
              "alertname": "High5xx",
              "instance": "10.0.3.17:9100",
              "instance_id": "ins-local001",
              "job": "web",
              "service": "web",
              "severity": "critical",
            },
            "name": "High5xx",
            "severity": "critical",
            "startsAt": "2026-11-20T10:02:17.482Z",
            "status": "resolved",
            "summary": "5xx above 5 % on web-1",
            "url": "http://prometheus.example.com:9090/graph?g0.expr=rate%28http_requests_total%7Bcode%3D~%225..%22%7D%5B5m%5D%29&g0.tab=1",
          },
          "id": "1aaabd2adb6c43a2/2026-11-20T10:02:17.482Z/resolved",
          "kind": "alert",
          "source": "alertmanager",
          "subject": "High5xx",
          "time": "2026-11-20T10:21:17.482Z",
          "type": "alert.resolved",
        },
      ]
    `);
  });
  it('of Grafana', async () => {
    expect(await eventsOf('grafana.json')).toMatchInlineSnapshot(`
      [
        {
          "data": {
            "annotations": {
              "summary": "The disk of web-1 is 95 % full",
            },
            "fingerprint": "57c6d9296de2ad39",
            "labels": {
              "alertname": "DiskFull",
              "grafana_folder": "Hosts",
              "instance_id": "ins-local001",
              "severity": "warning",
            },
            "name": "DiskFull",
            "severity": "warning",
            "startsAt": "2026-11-20T10:04:30.000Z",
            "status": "firing",
            "summary": "The disk of web-1 is 95 % full",
            "url": "https://grafana.example.com/d/hosts?orgId=1&viewPanel=4",
          },
          "id": "57c6d9296de2ad39/2026-11-20T10:04:30Z/firing/0f88bb16c084dd5d",
          "kind": "alert",
          "source": "grafana",
          "subject": "DiskFull",
          "time": "2026-11-20T10:04:30.000Z",
          "type": "alert.firing",
        },
      ]
    `);
  });
  it('of PagerDuty', async () => {
    expect(await eventsOf('pagerduty.json')).toMatchInlineSnapshot(`
      [
        {
          "data": {
            "annotations": {},
            "fingerprint": "PGR0VU2",
            "labels": {
              "escalation_policy": "Default",
              "incident_key": "web-1/high-5xx",
              "number": "2",
              "priority": "P1",
              "service": "API Service",
              "team": "Engineering",
              "urgency": "high",
            },
            "name": "5xx above 5 % on web-1",
            "severity": "P1",
            "startsAt": "2026-11-20T10:05:11.000Z",
            "status": "firing",
            "summary": "5xx above 5 % on web-1",
            "url": "https://acme.pagerduty.com/incidents/PGR0VU2",
          },
          "id": "01CCE4YQ7WZ9Q2C2S0EXAMPLE1",
          "kind": "alert",
          "source": "pagerduty",
          "subject": "5xx above 5 % on web-1",
          "time": "2026-11-20T10:05:11.104Z",
          "type": "alert.firing",
        },
      ]
    `);
  });
  it('of Datadog', async () => {
    expect(await eventsOf('datadog.json')).toMatchInlineSnapshot(`
      [
        {
          "data": {
            "annotations": {},
            "fingerprint": "6203948571029384756",
            "labels": {
              "env": "prod",
              "host": "web-1",
              "hostname": "web-1",
              "instance_id": "ins-local001",
              "monitor": "true",
              "monitor_id": "104732",
              "service": "web",
              "transition": "Triggered",
            },
            "name": "CPU is high on web-1",
            "severity": "P2",
            "startsAt": "2026-11-20T10:05:14.000Z",
            "status": "firing",
            "summary": "avg(last_5m):avg:system.cpu.user{host:web-1} > 90",
            "url": "https://app.datadoghq.com/event/event?id=7384920174639201748",
          },
          "id": "6203948571029384756/Triggered",
          "kind": "alert",
          "source": "datadog",
          "subject": "CPU is high on web-1",
          "time": "2026-11-20T10:05:14.000Z",
          "type": "alert.firing",
        },
      ]
    `);
  });
  it('of Sentry, by an issue alert', async () => {
    expect(await eventsOf('sentry.event_alert.json')).toMatchInlineSnapshot(`
      [
        {
          "data": {
            "annotations": {},
            "fingerprint": "1170820242",
            "labels": {
              "environment": "production",
              "issue_id": "1170820242",
              "level": "error",
              "platform": "javascript",
              "project": "1",
              "server_name": "web-1",
            },
            "name": "Restart web on crashes",
            "severity": "error",
            "startsAt": "2026-11-20T10:06:40.602Z",
            "status": "firing",
            "summary": "ReferenceError: heck is not defined",
            "url": "https://sentry.io/organizations/acme/issues/1170820242/events/e4874d664c3540c1a32eab185f12c5ab/",
          },
          "deliveryid": "2f7a4c3d9d4a4d1d",
          "id": "sha256-d71520052573b1901ba6bbea160035734f1dd78eea5430757cb6e9aac7ba09f1",
          "kind": "alert",
          "source": "sentry",
          "subject": "Restart web on crashes",
          "time": "2026-11-20T10:06:40.602Z",
          "type": "alert.firing",
        },
      ]
    `);
  });
  it('of Sentry, by a metric alert', async () => {
    expect(await eventsOf('sentry.metric_alert.json')).toMatchInlineSnapshot(`
      [
        {
          "data": {
            "annotations": {},
            "endsAt": "2026-11-20T10:07:33.000Z",
            "fingerprint": "3295",
            "labels": {
              "environment": "production",
              "metric_alert_id": "3295",
              "project": "web",
            },
            "name": "Too many errors",
            "startsAt": "2026-11-20T09:49:33.000Z",
            "status": "resolved",
            "summary": "1 events in the last 10 minutes
      Filter: level:error",
            "url": "https://sentry.io/organizations/acme/alerts/42/",
          },
          "deliveryid": "2f7a4c3d9d4a4d1d",
          "id": "sha256-118eb2c565d8ec5701452bd23c510a779d7155ec1568bcafd878a1a3bf48ae1f",
          "kind": "alert",
          "source": "sentry",
          "subject": "Too many errors",
          "time": "2026-11-20T10:07:33.000Z",
          "type": "alert.resolved",
        },
      ]
    `);
  });
  it('of Opsgenie', async () => {
    expect(await eventsOf('opsgenie.json')).toMatchInlineSnapshot(`
      [
        {
          "data": {
            "annotations": {},
            "fingerprint": "052652ac-5d1c-464a-812a-7dd18bbfba8c",
            "labels": {
              "alias": "web-1/high-5xx",
              "entity": "web-1",
              "instance_id": "ins-local001",
              "source": "oncall@example.com",
              "tags": "web,prod",
            },
            "name": "5xx above 5 % on web-1",
            "severity": "P1",
            "startsAt": "2026-11-20T10:08:11.104Z",
            "status": "firing",
            "summary": "5xx above 5 % on web-1",
          },
          "id": "052652ac-5d1c-464a-812a-7dd18bbfba8c/Create/1795169293166002000",
          "kind": "alert",
          "source": "opsgenie",
          "subject": "5xx above 5 % on web-1",
          "time": "2026-11-20T10:08:13.166Z",
          "type": "alert.firing",
        },
      ]
    `);
  });
  it('of Zabbix', async () => {
    expect(await eventsOf('zabbix.json')).toMatchInlineSnapshot(`
      [
        {
          "data": {
            "annotations": {},
            "fingerprint": "8317",
            "labels": {
              "host": "web-1",
              "host_ip": "10.0.3.17",
              "instance_id": "ins-local001",
              "scope": "performance",
              "trigger_id": "23274",
            },
            "name": "High CPU utilization (over 90% for 5m)",
            "severity": "Warning",
            "startsAt": "2026-11-20T10:09:00.000Z",
            "status": "firing",
            "summary": "Current utilization: 97.2 %",
          },
          "id": "8317/firing",
          "kind": "alert",
          "source": "zabbix",
          "subject": "High CPU utilization (over 90% for 5m)",
          "time": "2026-11-20T10:09:00.000Z",
          "type": "alert.firing",
        },
      ]
    `);
  });
  it('of Uptime Kuma', async () => {
    expect(await eventsOf('uptime-kuma.json')).toMatchInlineSnapshot(`
      [
        {
          "data": {
            "annotations": {},
            "fingerprint": "7",
            "labels": {
              "instance_id": "ins-local001",
              "type": "http",
            },
            "name": "web",
            "startsAt": "2026-11-20T10:10:02.318Z",
            "status": "firing",
            "summary": "Request failed with status code 502",
            "url": "https://web.example.com/healthz",
          },
          "id": "7/2026-11-20T10:10:02.318Z/firing",
          "kind": "alert",
          "source": "uptime-kuma",
          "subject": "web",
          "time": "2026-11-20T10:10:02.318Z",
          "type": "alert.firing",
        },
      ]
    `);
  });
  it('of SNS', async () => {
    expect(await eventsOf('sns.json')).toMatchInlineSnapshot(`
      [
        {
          "data": {
            "annotations": {
              "description": "CPU of web-1 above 90 %",
            },
            "fingerprint": "arn:aws:cloudwatch:us-east-1:123456789012:alarm:web-cpu-high",
            "labels": {
              "InstanceId": "i-0a1b2c3d4e5f67890",
              "account": "123456789012",
              "alarmname": "web-cpu-high",
              "instance_id": "i-0a1b2c3d4e5f67890",
              "metric": "CPUUtilization",
              "namespace": "AWS/EC2",
              "region": "us-east-1",
            },
            "name": "web-cpu-high",
            "startsAt": "2026-11-20T10:09:12.236Z",
            "status": "firing",
            "summary": "Threshold Crossed: 1 out of the last 1 datapoints [97.3 (20/11/26 10:08:00)] was greater than the threshold (90.0) (minimum 1 datapoint for OK -> ALARM transition).",
          },
          "id": "da41e39f-ea4d-435a-b922-c6aae3915ebe",
          "kind": "alert",
          "source": "sns",
          "subject": "web-cpu-high",
          "time": "2026-11-20T10:09:12.236Z",
          "type": "alert.firing",
        },
      ]
    `);
  });
  it('of CloudWatch', async () => {
    expect(await eventsOf('cloudwatch.json')).toMatchInlineSnapshot(`
      [
        {
          "data": {
            "annotations": {
              "description": "CPU of web-1 above 90 %",
            },
            "fingerprint": "arn:aws:cloudwatch:us-east-1:123456789012:alarm:web-cpu-high",
            "labels": {
              "InstanceId": "i-0a1b2c3d4e5f67890",
              "account": "123456789012",
              "alarmname": "web-cpu-high",
              "instance_id": "i-0a1b2c3d4e5f67890",
              "metric": "CPUUtilization",
              "namespace": "AWS/EC2",
              "region": "us-east-1",
            },
            "name": "web-cpu-high",
            "startsAt": "2026-11-20T10:12:48.551Z",
            "status": "firing",
            "summary": "Threshold Crossed: 1 out of the last 1 datapoints [97.3 (20/11/26 10:11:00)] was greater than the threshold (90.0).",
          },
          "id": "c4c1c1c9-6542-e61b-6ef0-8c4d36933a92",
          "kind": "alert",
          "source": "cloudwatch",
          "subject": "web-cpu-high",
          "time": "2026-11-20T10:12:48.000Z",
          "type": "alert.firing",
        },
      ]
    `);
  });
  it('of Tencent, by a metric', async () => {
    expect(await eventsOf('tencent-monitor.metric.json')).toMatchInlineSnapshot(`
      [
        {
          "data": {
            "annotations": {
              "currentValue": "97.3",
              "policyName": "web CPU",
            },
            "fingerprint": "policy-n4exeh88/ins-local001/cpu_usage",
            "labels": {
              "alarmType": "metric",
              "appId": "1250000000",
              "instance_id": "ins-local001",
              "metricName": "cpu_usage",
              "namespace": "qce/cvm",
              "objId": "3a4e1c8e-0f4f-4c5e-9f0a-6f2d5f0c8c11",
              "objName": "10.0.3.17(web-1)",
              "policyId": "policy-n4exeh88",
              "policyType": "cvm_device",
              "region": "gz",
              "uin": "100000000001",
              "unInstanceId": "ins-local001",
            },
            "name": "web CPU",
            "startsAt": "2026-11-20T10:13:00.000Z",
            "status": "firing",
            "summary": "CPU 利用率 is 97.3% (> 90)",
          },
          "id": "8b9e1a54-7b2c-4d27-a3f0-5a8f43a1c9ee/1",
          "kind": "alert",
          "source": "tencent-monitor",
          "subject": "web CPU",
          "time": "2026-11-20T10:13:00.000Z",
          "type": "alert.firing",
        },
      ]
    `);
  });
  it('of Tencent, by an event', async () => {
    expect(await eventsOf('tencent-monitor.event.json')).toMatchInlineSnapshot(`
      [
        {
          "data": {
            "annotations": {
              "policyName": "web events",
            },
            "fingerprint": "policy-5e2h0bno/ins-local001/guest_reboot",
            "labels": {
              "alarmType": "event",
              "appId": "1250000000",
              "deviceLanIp": "10.0.3.17",
              "deviceWanIp": "203.0.113.17",
              "eventName": "guest_reboot",
              "instance_id": "ins-local001",
              "policyId": "policy-5e2h0bno",
              "policyType": "cvm_device",
              "productName": "cvm",
              "region": "gz",
              "uin": "100000000001",
              "unInstanceId": "ins-local001",
              "uniqVpcId": "vpc-5ikpqnxh",
            },
            "name": "web events",
            "startsAt": "2026-11-20T10:14:00.000Z",
            "status": "firing",
            "summary": "机器重启",
          },
          "id": "2f6c9d0e-3f0b-4a1c-8f34-90a5d1f5b7c2/1",
          "kind": "alert",
          "source": "tencent-monitor",
          "subject": "web events",
          "time": "2026-11-20T10:14:00.000Z",
          "type": "alert.firing",
        },
      ]
    `);
  });
  it('of Alibaba, by a metric', async () => {
    expect(await eventsOf('alibaba-cloudmonitor.metric.json')).toMatchInlineSnapshot(`
      [
        {
          "data": {
            "annotations": {
              "curValue": "97.3",
              "expression": "$Average>90",
            },
            "fingerprint": "applyTemplate8ab74d6b-9f27-47ab-8841-de01dc08****/i-local001/CPUUtilization",
            "labels": {
              "instanceId": "i-local001",
              "instanceName": "web-1",
              "instance_id": "i-local001",
              "metricName": "CPUUtilization",
              "namespace": "acs_ecs_dashboard",
              "regionId": "cn-hangzhou",
              "ruleId": "applyTemplate8ab74d6b-9f27-47ab-8841-de01dc08****",
              "userId": "123456789012****",
            },
            "name": "web CPU",
            "severity": "CRITICAL",
            "startsAt": "2026-11-20T10:13:01.149Z",
            "status": "firing",
            "summary": "CPU utilization is 97.3% ($Average>90)",
          },
          "id": "7c1e9c7a-8f7b-4c62-9df6-2f7a3a7b1c55/ALERT",
          "kind": "alert",
          "source": "alibaba-cloudmonitor",
          "subject": "web CPU",
          "time": "2026-11-20T10:13:01.149Z",
          "type": "alert.firing",
        },
      ]
    `);
  });
  it('of Alibaba, by a system event', async () => {
    expect(await eventsOf('alibaba-cloudmonitor.event.json')).toMatchInlineSnapshot(`
      [
        {
          "data": {
            "annotations": {},
            "fingerprint": "ECS/Instance:SystemFailure.Reboot:Executing/acs:ecs:cn-hangzhou:123456789012****:instance/i-local001",
            "labels": {
              "eventId": "e-t4nhcpqcu8fqushpn3mm",
              "eventType": "InstanceFailure.Reboot",
              "executeStartTime": "2026-11-20T10:14:00Z",
              "instanceId": "i-local001",
              "instance_id": "i-local001",
              "product": "ECS",
              "regionId": "cn-hangzhou",
              "resourceId": "acs:ecs:cn-hangzhou:123456789012****:instance/i-local001",
              "userId": "123456789012****",
            },
            "name": "Instance:SystemFailure.Reboot:Executing",
            "severity": "CRITICAL",
            "startsAt": "2026-11-20T10:14:13.926Z",
            "status": "firing",
            "summary": "ECS Instance:SystemFailure.Reboot:Executing i-local001",
          },
          "id": "2256A988-0B26-4E2B-820A-8A0XXXXXX70D",
          "kind": "alert",
          "source": "alibaba-cloudmonitor",
          "subject": "Instance:SystemFailure.Reboot:Executing",
          "time": "2026-11-20T10:14:13.926Z",
          "type": "alert.firing",
        },
      ]
    `);
  });
});

/** What an event says differently from its sample, and what becomes of it: its type and id, or why it is ignored. */
const CHANGES: [string, string, (value: Record<string, unknown>) => unknown, string][] = [
  [
    'Grafana resolves',
    'grafana.json',
    (it) => within(it, ['alerts', '0'], { status: 'resolved', endsAt: '2026-11-20T10:20:00Z' }),
    'alert.resolved 57c6d9296de2ad39/2026-11-20T10:04:30Z/resolved/0f88bb16c084dd5d',
  ],
  [
    'Alertmanager sends an empty group',
    'alertmanager.json',
    (it) => ({ ...it, alerts: [] }),
    'the notification has no alerts',
  ],
  [
    'an old Alertmanager sends no fingerprint',
    'alertmanager.json',
    (it) => within(it, ['alerts', '0'], { fingerprint: undefined }),
    'alert.firing d2aa3dc6c8fe80c9/2026-11-20T10:02:17.482Z/firing',
  ],
  [
    'PagerDuty acknowledges',
    'pagerduty.json',
    (it) => within(it, ['event'], { event_type: 'incident.acknowledged' }),
    'alert.acknowledged 01CCE4YQ7WZ9Q2C2S0EXAMPLE1',
  ],
  [
    'PagerDuty escalates',
    'pagerduty.json',
    (it) => within(it, ['event'], { event_type: 'incident.escalated' }),
    'PagerDuty’s event incident.escalated starts nothing',
  ],
  [
    'PagerDuty tests the hook',
    'pagerduty.json',
    () => ({ event: { id: '01', event_type: 'pagey.ping', data: { message: 'Hello', type: 'ping' } } }),
    'PagerDuty’s event pagey.ping starts nothing',
  ],
  [
    'Datadog repeats itself under another event id',
    'datadog.json',
    (it) => ({ ...it, id: '99', alert_transition: 'Re-Triggered' }),
    'alert.firing 6203948571029384756/Triggered',
  ],
  [
    'Datadog recovers',
    'datadog.json',
    (it) => ({ ...it, alert_transition: 'Recovered' }),
    'alert.resolved 6203948571029384756/Recovered',
  ],
  [
    'Datadog uses its default template',
    'datadog.json',
    () => ({ id: '7', title: '[P1] [Recovered on {host:web-1}] CPU is high', event_type: 'x', body: 'b' }),
    'alert.resolved 7',
  ],
  [
    'Datadog renotifies without a transition',
    'datadog.json',
    (it) => ({ ...it, alert_transition: '' }),
    'Datadog’s transition (none) starts nothing',
  ],
  [
    'Opsgenie closes',
    'opsgenie.json',
    (it) => ({ ...it, action: 'Close' }),
    'alert.resolved 052652ac-5d1c-464a-812a-7dd18bbfba8c/Close/1795169293166002000',
  ],
  [
    'Opsgenie adds a note',
    'opsgenie.json',
    (it) => ({ ...it, action: 'AddNote' }),
    'Opsgenie’s action AddNote starts nothing',
  ],
  [
    'Zabbix recovers',
    'zabbix.json',
    (it) => ({ ...it, event_value: '0', recovery_timestamp: '1795169940' }),
    'alert.resolved 8317/resolved',
  ],
  [
    'Zabbix tells of an acknowledgement',
    'zabbix.json',
    (it) => ({ ...it, event_update_status: '1', event_ack_status: 'Yes' }),
    'alert.acknowledged 8317/acknowledged',
  ],
  [
    'Zabbix tells of another update',
    'zabbix.json',
    (it) => ({ ...it, event_update_status: '1', event_ack_status: 'No' }),
    'an update that is no acknowledgement',
  ],
  [
    'Uptime Kuma comes up',
    'uptime-kuma.json',
    (it) => within(it, ['heartbeat'], { status: 1 }),
    'alert.resolved 7/2026-11-20T10:10:02.318Z/resolved',
  ],
  [
    'Uptime Kuma reminds',
    'uptime-kuma.json',
    (it) => within(it, ['heartbeat'], { important: false }),
    'a reminder: the monitor’s state did not change',
  ],
  [
    'Uptime Kuma tests',
    'uptime-kuma.json',
    () => ({ heartbeat: null, monitor: null, msg: 'Testing' }),
    'a test or a certificate notice: it has no heartbeat',
  ],
  [
    'Uptime Kuma is in maintenance',
    'uptime-kuma.json',
    (it) => within(it, ['heartbeat'], { status: 3 }),
    'the heartbeat’s status 3 is neither down nor up',
  ],
  [
    'CloudWatch is OK',
    'cloudwatch.json',
    (it) => within(it, ['detail', 'state'], { value: 'OK' }),
    'alert.resolved c4c1c1c9-6542-e61b-6ef0-8c4d36933a92',
  ],
  [
    'CloudWatch has no data',
    'cloudwatch.json',
    (it) => within(it, ['detail', 'state'], { value: 'INSUFFICIENT_DATA' }),
    'the alarm’s state INSUFFICIENT_DATA is neither ALARM nor OK',
  ],
  [
    'a CloudWatch alarm is reconfigured',
    'cloudwatch.json',
    (it) => ({ ...it, 'detail-type': 'CloudWatch Alarm Configuration Change' }),
    'an EventBridge event CloudWatch Alarm Configuration Change is no alarm’s state',
  ],
  [
    'Tencent recovers, with a number',
    'tencent-monitor.metric.json',
    (it) => ({ ...it, alarmStatus: 0, recoverTime: '2026-11-20 18:20:00' }),
    'alert.resolved 8b9e1a54-7b2c-4d27-a3f0-5a8f43a1c9ee/0',
  ],
  [
    'Tencent says neither',
    'tencent-monitor.metric.json',
    (it) => ({ ...it, alarmStatus: '-' }),
    'alarmStatus - is neither 1 nor 0',
  ],
  [
    'Alibaba is OK, with seconds and no transId',
    'alibaba-cloudmonitor.metric.json',
    (it) => ({ ...it, alertState: 'OK', transId: 'null', timestamp: '1795169581' }),
    'alert.resolved applyTemplate8ab74d6b-9f27-47ab-8841-de01dc08****/i-local001/1795169581/OK',
  ],
  [
    'Alibaba has no data',
    'alibaba-cloudmonitor.metric.json',
    (it) => ({ ...it, alertState: 'INSUFFICIENT_DATA' }),
    'alertState INSUFFICIENT_DATA is neither ALERT nor OK',
  ],
  [
    'Sentry tells of a comment',
    'sentry.event_alert.json',
    (it) => ({ ...it, action: 'created' }),
    'Sentry’s event_alert.created starts nothing',
  ],
];

describe('when', () => {
  it.each(CHANGES)('%s', async (_, file, change, expected) => {
    const made = await normalisationOf(file, change);
    const told =
      made.kind === 'events'
        ? made.events.map(({ type, id }) => `${type} ${id}`).join()
        : made.kind === 'ignored'
          ? made.because
          : made.kind;
    expect(told).toBe(expected);
  });
});

describe('without a header, on the events queue,', () => {
  const receive = (value: unknown) =>
    sourceNamed('sentry')?.receiveMessage(requestOfMessage(JSON.stringify(value)), {
      secrets: ['unused'],
      now: NOW,
      settings: settingsOf('sentry'),
    });

  it.each([
    // An issue may be resolved, and opened again, long after it was last seen: these have no time of their own.
    ['created', 'alert.firing', '2026-11-20T10:00:00.000Z'],
    ['unresolved', 'alert.firing', NOW.toISOString()],
    ['resolved', 'alert.resolved', NOW.toISOString()],
  ])('Sentry’s issue that is %s is %s', (action, type, time) => {
    const issue = { id: '117', shortId: 'WEB-1', title: 'Boom', level: 'error', project: { slug: 'web' } };
    const made = receive({ action, data: { issue: { ...issue, firstSeen: '2026-11-20T10:00:00Z' } } });
    expect(made).toMatchObject({
      kind: 'events',
      events: [
        {
          type,
          subject: 'Boom',
          time,
          data: {
            fingerprint: '117',
            severity: 'error',
            labels: { project: 'web', issue_id: '117', short_id: 'WEB-1' },
          },
        },
      ],
    });
  });

  it.each([
    [{ action: 'assigned', data: { issue: {} } }, 'Sentry’s issue.assigned starts nothing'],
    [{ action: 'created', data: { installation: {} } }, 'Sentry’s (unnamed).created starts nothing'],
  ])('%o starts nothing', (value, because) => {
    expect(receive(value)).toEqual({ kind: 'ignored', because });
  });
});

describe('CloudWatch through SNS', () => {
  const alarm = (fields: Record<string, unknown>) =>
    normalisationOf('sns.json', (it) => ({
      ...it,
      Message: JSON.stringify({ ...JSON.parse(String(it['Message'])), ...fields }),
    }));

  it('of several metrics has the first one’s dimensions', async () => {
    const Metric = {
      MetricName: 'Errors',
      Namespace: 'Acme',
      Dimensions: [{ name: 'InstanceId', value: 'i-1' }],
    };
    const Trigger = { Metrics: [{ Expression: 'm1/m2', Id: 'e1' }, { MetricStat: { Metric } }] };
    expect(await alarm({ Trigger })).toMatchObject({
      events: [{ data: { labels: { instance_id: 'i-1', metric: 'Errors', namespace: 'Acme' } } }],
    });
  });

  it('of other alarms has neither metric nor dimensions', async () => {
    const made = await alarm({ Trigger: undefined, AlarmArn: undefined, NewStateValue: 'OK' });
    expect(made).toMatchObject({
      events: [
        {
          type: 'alert.resolved',
          data: { labels: { alarmname: 'web-cpu-high', account: '123456789012' } },
        },
      ],
    });
  });

  it('without data starts nothing', async () => {
    expect(await alarm({ NewStateValue: 'INSUFFICIENT_DATA' })).toEqual({
      kind: 'ignored',
      because: 'the alarm’s state INSUFFICIENT_DATA is neither ALARM nor OK',
    });
  });
});

describe('the answer to Tencent', () => {
  it('names the session, so that the private cloud stops sending', async () => {
    const made = await normalisationOf('tencent-monitor.metric.json');
    const [event] = made.kind === 'events' ? made.events : [];
    if (event === undefined) throw new Error(made.kind);
    const context = { secrets: ['unused'], now: NOW, settings: settingsOf('tencent-monitor') };
    expect(
      sourceNamed('tencent-monitor')?.answer?.([{ event, matched: [], unmatched: [] }], context),
    ).toEqual({
      status: 200,
      body: { sessionId: '8b9e1a54-7b2c-4d27-a3f0-5a8f43a1c9ee', retCode: 0 },
    });
  });
});

describe('a group of alerts', () => {
  it('is one event for each, with its own status and only itself in raw', async () => {
    const made = await normalisationOf('alertmanager.json', (it) => {
      const [alert] = Array.isArray(it['alerts']) ? it['alerts'] : [];
      return { ...it, alerts: [alert, { ...alert, status: 'resolved', fingerprint: 'other' }] };
    });
    if (made.kind !== 'events') throw new Error(made.kind);
    expect(
      made.events.map(({ id, data }) => ({
        id,
        raw: Object(data.raw).alerts.map((alert: { fingerprint: string }) => alert.fingerprint),
      })),
    ).toEqual([
      { id: '1aaabd2adb6c43a2/2026-11-20T10:02:17.482Z/firing', raw: ['1aaabd2adb6c43a2'] },
      {
        id: expect.stringMatching(/^other\/2026-11-20T10:02:17.482Z\/resolved\/[0-9a-f]{16}$/),
        raw: ['other'],
      },
    ]);
  });
});

describe('labels', () => {
  it.each([
    [
      'Java’s map',
      '{userId=12, instanceId=i-1, path=/a=b,c}',
      { userId: '12', instanceId: 'i-1', path: '/a=b,c' },
    ],
    ['JSON', '{"instanceId":"i-1"}', { userId: '123456789012****', instanceId: 'i-1' }],
  ])('of Alibaba’s dimensions in %s', async (_, dimensions, expected) => {
    const made = await normalisationOf('alibaba-cloudmonitor.metric.json', (it) => ({ ...it, dimensions }));
    if (made.kind !== 'events') throw new Error(made.kind);
    expect(made.events[0]?.data).toMatchObject({ labels: expected });
  });
});

function within(
  value: Record<string, unknown>,
  path: readonly string[],
  fields: Record<string, unknown>,
): Record<string, unknown> {
  let at: unknown = value;
  for (const key of path) at = Object(at)[key];
  Object.assign(Object(at), fields);
  return value;
}
