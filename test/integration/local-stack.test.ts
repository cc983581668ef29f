/** The whole arc on the real parts: an event comes in, a command really runs, a completion event comes out. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { SendMessageCommand } from '@aws-sdk/client-sqs';
import { Client } from 'tencentcloud-sdk-nodejs/tencentcloud/services/tat/v20201028/tat_client.js';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import * as z from 'zod';
import { ANY_PORTS } from '../../local/stack/asked-ports.ts';
import { type Stack, startStack } from '../../local/stack/start.ts';
import {
  anAlert,
  bearer,
  byGithub,
  bySlack,
  completionsOf,
  post,
  runsOf,
  theRunOf,
} from './local-stack-client.ts';

const RULES = `
version: 1
providers: { tencent: { region: ap-guangzhou }, alibaba: { region: cn-hangzhou } }
rules:
  - name: note-alert
    on: [alertmanager, cloudwatch]
    when: event.data.status == 'firing' && event.data.name != 'Twice'
    run:
      provider: tencent
      command: cmd-echo0001
      instances: ins-test0001
      parameters: { text: '\${event.data.name}' }
      timeout: 30s
  - name: count-alert
    on: alertmanager
    when: event.data.name == 'Twice'
    run: { provider: tencent, command: cmd-count001, instances: ins-test0001, timeout: 30s }
  - name: fail-on-push
    on: github
    when: event.type == 'deploy.push'
    run: { provider: alibaba, command: c-fail0001, instances: [i-test0001, i-test0002], timeout: 30s }
  - name: answer
    on: slack
    when: event.data.args[0] == 'note'
    allow: { users: ['*'] }
    run:
      provider: tencent
      command: cmd-echo0001
      instances: [ins-test0001, ins-test0002]
      parameters: { text: 'for-\${event.data.user.id}' }
      timeout: 30s
`;
const FLEET = `
version: 1
instances: [{ id: ins-test0001 }, { id: ins-test0002 }, { id: i-test0001 }, { id: i-test0002 }]
commands:
  - { id: cmd-echo0001, name: echo, content: 'echo {{text}} on $FLEET_INSTANCE_ID', enableParameter: true }
  - { id: cmd-count001, name: count, content: 'echo once >> ~/count; cat ~/count' }
  - { id: cmd-sleep001, name: sleep, content: 'sleep 60' }
  - { id: c-fail0001, name: fail, content: 'echo broken >&2; exit 3' }
`;

const Queue = z.looseObject({
  messages: z.looseObject({
    ready: z.array(z.unknown()),
    delayed: z.array(z.unknown()),
    inflight: z.array(z.unknown()),
  }),
});

let stack: Stack;
let completions: ReturnType<typeof completionsOf>;
let folder: string;
const errors: string[] = [];

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'local-stack-test-'));
  writeFileSync(join(folder, 'rules.yml'), RULES);
  writeFileSync(join(folder, 'fleet.yml'), FLEET);
  stack = await startStack({
    ports: ANY_PORTS,
    environment: {
      RULES_FILE: join(folder, 'rules.yml'),
      FLEET_FILE: join(folder, 'fleet.yml'),
      // Two live ones: the new, and the old one until every sender knows.
      GITHUB_SECRET: 'new-secret,old-secret',
    },
    onLine: () => {},
    onNotice: (message) => errors.push(message),
    onError: (message) => errors.push(message),
  });
  completions = completionsOf(stack);
}, 120_000);
afterAll(async () => {
  completions?.close();
  await stack?.stop();
  rmSync(folder, { recursive: true, force: true });
  expect(errors).toEqual([]);
});

const alert = (name: string) =>
  post(stack, '/hooks/alertmanager', anAlert(name), bearer('local-alertmanager-secret'));

describe('an event', () => {
  it('that is an alert ends in completion events with the output of its command', async () => {
    const answer = await alert('HighLoad');
    expect(answer).toEqual({
      status: 202,
      contentType: expect.stringContaining('application/json'),
      body: {
        matched: [{ rule: 'note-alert', runId: expect.stringMatching(/^run-/), eventId: expect.any(String) }],
        unmatched: [{ rule: 'count-alert', because: expect.any(String), eventId: expect.any(String) }],
      },
    });
    const runId = theRunOf(answer);
    expect(await completions.runCompleted(runId)).toMatchObject({
      specversion: '1.0',
      type: 'fleet-reflex.run.completed',
      source: '/fleet-reflex/local/rules/note-alert',
      subject: runId,
      data: {
        status: 'succeeded',
        provider: 'tencent',
        command: 'cmd-echo0001',
        counts: { succeeded: 1 },
        trigger: { source: 'alertmanager', type: 'alert.firing', subject: 'HighLoad' },
        tasks: [
          {
            instanceId: 'ins-test0001',
            status: 'succeeded',
            started: 'yes',
            exitCode: 0,
            output: 'HighLoad on ins-test0001\n',
            outputDroppedBytes: 0,
          },
        ],
      },
    });
    const ofRun = completions.taken.filter(({ event }) => event.subject === runId);
    expect(ofRun.map(({ event }) => event.type)).toEqual([
      'fleet-reflex.run.started',
      'fleet-reflex.task.completed',
      'fleet-reflex.run.completed',
    ]);
    for (const { event, attributes } of ofRun) {
      expect(attributes).toEqual({ type: event.type, subject: event.subject });
    }
  });

  it('that is a chat command is answered as the chat expects, and runs on every instance', async () => {
    const form = new URLSearchParams({
      command: '/fleet',
      text: 'note this',
      user_id: 'U2147483697',
      user_name: 'ada',
      channel_id: 'C2147483705',
      trigger_id: '13345224609.738474920.8088930838d88f008e0',
    }).toString();
    const answer = await post(stack, '/hooks/slack', form, bySlack(form, 'local-slack-secret', new Date()));
    expect(answer).toMatchObject({
      status: 200,
      body: { response_type: 'ephemeral', text: expect.stringMatching(/`answer`.*run-/) },
    });
    const { data } = await completions.until(
      ({ type, data }) => type === 'fleet-reflex.run.completed' && data.rule === 'answer',
    );
    expect(data.tasks.map(({ output }) => output).toSorted()).toEqual([
      'for-U2147483697 on ins-test0001\n',
      'for-U2147483697 on ins-test0002\n',
    ]);
  });

  it.each(['new-secret', 'old-secret'])('is believed when it is signed with the %s', async (secret) => {
    const push = JSON.stringify({
      ref: 'refs/heads/main',
      before: '0'.repeat(40),
      after: (secret === 'new-secret' ? 'e' : 'f').repeat(40),
      repository: { full_name: 'octo/fleet', html_url: 'https://github.example/octo/fleet' },
      pusher: { name: 'ada' },
      sender: { login: 'ada' },
      commits: [],
    });
    const answer = await post(stack, '/hooks/github', push, byGithub(push, secret, `delivery-${secret}`));
    expect(answer.status).toBe(202);
    const { data } = await completions.runCompleted(theRunOf(answer));
    expect([data.provider, data.status, data.counts]).toEqual(['alibaba', 'failed', { failed: 2 }]);
    expect(data.tasks.map(({ exitCode, output }) => [exitCode, output])).toEqual([
      [3, 'broken\n'],
      [3, 'broken\n'],
    ]);
  });

  it('may come as a message, as EventBridge sends alarms', async () => {
    const alarm = {
      version: '0',
      id: 'c4c1c1c9-6542-e61b-6ef0-8c4d36933a92',
      'detail-type': 'CloudWatch Alarm State Change',
      source: 'aws.cloudwatch',
      account: '123456789012',
      time: new Date().toISOString(),
      region: 'us-east-1',
      resources: ['arn:aws:cloudwatch:us-east-1:123456789012:alarm:disk-full'],
      detail: {
        alarmName: 'disk-full',
        state: { value: 'ALARM', timestamp: '2026-11-20T10:12:48.551+0000' },
      },
    };
    await stack.sqs.send(
      new SendMessageCommand({ QueueUrl: stack.queueUrl('events'), MessageBody: JSON.stringify(alarm) }),
    );
    const { data } = await completions.until(
      ({ type, data }) => type === 'fleet-reflex.run.completed' && data.trigger.subject === 'disk-full',
    );
    expect(data.tasks.map(({ output }) => output)).toEqual(['disk-full on ins-test0001\n']);
  });

  it('that is delivered again, at once and later, runs its command once', async () => {
    const [first, second] = await Promise.all([alert('Twice'), alert('Twice')]);
    const runId = theRunOf(first);
    await completions.runCompleted(runId);
    const third = await alert('Twice');
    expect([theRunOf(second), theRunOf(third)]).toEqual([runId, runId]);
    // What comes after it has been through the same queue.
    await completions.runCompleted(theRunOf(await alert('AfterTwice')));
    const ofTwice = completions.taken.filter(({ event }) => event.subject === runId);
    expect(ofTwice.map(({ event }) => [event.type, event.data.tasks.map(({ output }) => output)])).toEqual([
      ['fleet-reflex.run.started', []],
      ['fleet-reflex.task.completed', ['once\n']],
      ['fleet-reflex.run.completed', ['once\n']],
    ]);
    expect((await runsOf(stack)).filter((run) => run.runId === runId)).toHaveLength(1);
  });
});

describe('what is refused', () => {
  const slackForm = 'command=%2Ffleet&text=note+me&user_id=U1&trigger_id=t1';
  const old = new Date(Date.now() - 6 * 60_000);
  it.each([
    {
      what: 'a forged signature',
      code: 'request.forged',
      status: 401,
      path: '/hooks/github',
      body: '{}',
      headers: () => byGithub('{}', 'guessed', 'd-1'),
    },
    {
      what: 'a wrong token',
      code: 'request.forged',
      status: 401,
      path: '/hooks/alertmanager',
      body: anAlert('Forged'),
      headers: () => bearer('guessed'),
    },
    {
      what: 'a stale request',
      code: 'request.stale',
      status: 401,
      path: '/hooks/slack',
      body: slackForm,
      headers: () => bySlack(slackForm, 'local-slack-secret', old),
    },
    {
      what: 'a broken body',
      code: 'body.json',
      status: 400,
      path: '/hooks/alertmanager',
      body: '{"version":"4","alerts":[',
      headers: () => bearer('local-alertmanager-secret'),
    },
    {
      what: 'a body of another schema',
      code: 'body.invalid',
      status: 400,
      path: '/hooks/alertmanager',
      body: '[]',
      headers: () => bearer('local-alertmanager-secret'),
    },
    {
      what: 'an unknown source',
      code: 'source.unknown',
      status: 404,
      path: '/hooks/nobody',
      body: '{}',
      headers: () => bearer('local-nobody-secret'),
    },
    {
      what: 'another media type',
      code: 'body.mediaType',
      status: 415,
      path: '/hooks/alertmanager',
      body: anAlert('Xml'),
      headers: () => ({ ...bearer('local-alertmanager-secret'), 'content-type': 'text/xml' }),
    },
    {
      what: 'a body of 2 MB',
      code: 'body.tooLarge',
      status: 413,
      path: '/hooks/alertmanager',
      body: anAlert('Big', { padding: 'x'.repeat(2 * 1024 * 1024) }),
      headers: () => bearer('local-alertmanager-secret'),
    },
  ])('is $what: $status, and it starts nothing', async ({ status, code, path, body, headers }) => {
    const before = await runIds();
    expect(await post(stack, path, body, headers())).toEqual({
      status,
      contentType: expect.stringContaining('application/problem+json'),
      body: {
        type: `urn:fleet-reflex:problem:${code}`,
        title: expect.any(String),
        status,
        detail: expect.any(String),
        instance: expect.any(String),
      },
    });
    for (const queue of ['runs', 'runs-dlq', 'records', 'records-dlq', 'events', 'events-dlq']) {
      expect([queue, await messagesOn(queue)]).toEqual([queue, 0]);
    }
    expect(await runIds()).toEqual(before);
  });
});

describe('the vendor’s SDK', () => {
  it('runs, reads and cancels commands on the port of the local TAT, beside the functions', async () => {
    const client = new Client({
      credential: { secretId: 'local', secretKey: 'local-secret' },
      region: 'ap-guangzhou',
      profile: {
        httpProfile: { endpoint: stack.tatUrl.replace('http://', ''), protocol: 'http://' },
      },
    });
    const { InvocationId } = await client.InvokeCommand({
      CommandId: 'cmd-sleep001',
      InstanceIds: ['ins-test0002'],
    });
    await client.CancelInvocation({ InvocationId: InvocationId ?? '' });
    const ended = await lookUntilEnded(async () => {
      const { InvocationTaskSet } = await client.DescribeInvocationTasks({
        Filters: [{ Name: 'invocation-id', Values: [InvocationId ?? ''] }],
      });
      return InvocationTaskSet?.[0]?.TaskStatus;
    });
    expect(ended).toMatch(/^(CANCELLED|TERMINATED)$/);
  });
});

/** Below the 20 requests a second of the real TAT, which the local one counts too. */
async function lookUntilEnded(look: () => Promise<string | undefined>): Promise<string | undefined> {
  const endsAt = performance.now() + 15_000;
  for (;;) {
    const status = await look();
    if (status === undefined || !/ING$/.test(status)) return status;
    if (performance.now() > endsAt) throw new Error(`still ${status}`);
    await sleep(100);
  }
}

async function runIds(): Promise<string[]> {
  return (await runsOf(stack)).map(({ runId }) => runId);
}

/** Waiting, delayed or with a consumer. */
async function messagesOn(queue: string): Promise<number> {
  const answer = await fetch(`${stack.sqsUrl}/_fauxqs/queues/${queue}`);
  const { messages } = Queue.parse(await answer.json());
  return messages.ready.length + messages.delayed.length + messages.inflight.length;
}
