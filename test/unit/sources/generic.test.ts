/** Generic events and completions, field by field. */
import { describe, expect, it } from 'vitest';
import { eventsOf, normalisationOf } from '../../fixtures/received-events.ts';

describe('a generic event', () => {
  it('of any system', async () => {
    expect(await eventsOf('generic.json')).toMatchInlineSnapshot(`
      [
        {
          "data": {
            "body": {
              "host": "web-1",
              "instance_id": "ins-local001",
              "kind": "certificate.renewed",
              "not_after": "2027-02-18T00:00:00Z",
            },
          },
          "id": "sha256-f5380d8b9b81a5bdcc51b9cb45fd3bd809ddfffa54181477744e55f51f755454",
          "kind": "generic",
          "source": "generic",
          "time": "2026-11-20T10:35:00.000Z",
          "type": "generic.received",
        },
      ]
    `);
  });
  it('of CloudEvents', async () => {
    expect(await eventsOf('cloudevents.json')).toMatchInlineSnapshot(`
      [
        {
          "data": {
            "body": {
              "instance_id": "ins-local001",
            },
          },
          "id": "/acme/inventory A234-1234-1234",
          "kind": "generic",
          "source": "cloudevents",
          "subject": "web-1",
          "time": "2026-11-20T10:18:00.000Z",
          "type": "generic.com.acme.host.drained",
        },
      ]
    `);
  });
  it('of Standard Webhooks', async () => {
    expect(await eventsOf('standard-webhooks.json')).toMatchInlineSnapshot(`
      [
        {
          "data": {
            "body": {
              "data": {
                "host": "web-1",
                "instance_id": "ins-local001",
              },
              "timestamp": "2026-11-20T10:19:00Z",
              "type": "certificate.renewed",
            },
          },
          "id": "msg_2b4f0c",
          "kind": "generic",
          "source": "standard-webhooks",
          "time": "2026-11-20T10:19:00.000Z",
          "type": "generic.certificate.renewed",
        },
      ]
    `);
  });
  it('of Cloud Assistant', async () => {
    expect(await eventsOf('cloud-assistant.json')).toMatchInlineSnapshot(`
      [
        {
          "data": {
            "body": {
              "account": "123456789098****",
              "commandId": "c-echo0001",
              "commandName": "echo",
              "exitCode": 0,
              "finishTime": "2026-11-20T10:15:20.000Z",
              "instanceId": "i-local001",
              "invokeId": "t-hz0localexample1",
              "region": "cn-hangzhou",
              "repeats": 1,
              "startTime": "2026-11-20T10:15:19.000Z",
              "status": "Success",
            },
          },
          "id": "45ef4dewdwe1-7c35-447a-bd93-fab****",
          "kind": "generic",
          "source": "cloud-assistant",
          "subject": "t-hz0localexample1/i-local001",
          "time": "2026-11-20T10:15:20.132Z",
          "type": "generic.ecs:CloudAssistant:TaskCompleted",
        },
      ]
    `);
  });
  it('of fleet-reflex itself, as a completion', async () => {
    expect(await eventsOf('fleet-reflex.json')).toMatchInlineSnapshot(`
      [
        {
          "data": {
            "command": "cmd-echo0001",
            "counts": {
              "succeeded": 1,
            },
            "endedAt": "2026-11-20T10:20:00.000Z",
            "invocationIds": [
              "inv-local001",
            ],
            "provider": "tencent",
            "region": "ap-guangzhou",
            "rule": "restart-web-on-5xx",
            "runId": "run-abcdefghijklmnopqrstuvwxyz",
            "startedAt": "2026-11-20T10:19:58.000Z",
            "status": "succeeded",
            "tasks": [
              {
                "endedAt": "2026-11-20T10:19:59.000Z",
                "exitCode": 0,
                "instanceId": "ins-local001",
                "output": "web restarted
      ",
                "outputDroppedBytes": 0,
                "providerStatus": "SUCCESS",
                "started": "yes",
                "startedAt": "2026-11-20T10:19:58.000Z",
                "status": "succeeded",
                "taskId": "invt-local001",
              },
            ],
            "trigger": {
              "id": "1aaabd2adb6c43a2/2026-11-20T10:02:17.482Z/firing",
              "source": "alertmanager",
              "subject": "High5xx",
              "type": "alert.firing",
            },
          },
          "id": "run-abcdefghijklmnopqrstuvwxyz/succeeded",
          "kind": "completion",
          "source": "fleet-reflex",
          "subject": "run-abcdefghijklmnopqrstuvwxyz",
          "time": "2026-11-20T10:20:00.000Z",
          "type": "completion.run.completed",
        },
      ]
    `);
  });
});

describe('Cloud Assistant', () => {
  it('through CloudMonitor says the same', async () => {
    const made = await normalisationOf('cloud-assistant.json', (it) => ({
      product: 'ECS',
      name: 'Instance:CloudAssistant:TaskCompleted',
      eventTime: '20261120T181520.132+0800',
      regionId: 'cn-hangzhou',
      content: it['data'],
    }));
    expect(made).toMatchObject({
      events: [
        {
          id: 't-hz0localexample1/i-local001/1',
          type: 'generic.Instance:CloudAssistant:TaskCompleted',
          time: '2026-11-20T10:15:20.132Z',
          data: { body: { invokeId: 't-hz0localexample1', exitCode: 0, region: 'cn-hangzhou' } },
        },
      ],
    });
  });

  it('tells of a first heartbeat, which starts nothing', async () => {
    const made = await normalisationOf('cloud-assistant.json', (it) => ({
      ...it,
      type: 'ecs:CloudAssistant:FirstHeartbeat',
      data: { instanceId: 'i-local001' },
    }));
    expect(made).toEqual({
      kind: 'ignored',
      because: 'ecs:CloudAssistant:FirstHeartbeat tells no task’s end',
    });
  });
});
