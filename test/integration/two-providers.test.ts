/**
 * The same events on both clouds, on the whole local stack: what comes out differs in what has to differ, and in
 * nothing else. Then the arcs that are longer than one command: stop, later, and a cloud that says so by itself.
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { SendMessageCommand } from '@aws-sdk/client-sqs';
import { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import { beforeAll, describe, expect, test } from 'vitest';
import * as z from 'zod';
import type { CompletionEvent } from '../../lib/model/completion-event.ts';
import { RunId } from '../../lib/model/run-request.ts';
import { dynamoRunStore } from '../../lib/store/dynamodb-run-store.ts';
import { LOCAL_AWS } from '../../local/stack/local-aws.ts';
import { atEndOfFile, until } from '../contract/alibaba-local.ts';
import { models, vendorSdk } from '../contract/alibaba-sdk.ts';
import { STACK_START_MS, startTestStack, type TestStack } from '../fixtures/stack.ts';
import { type Answer, anAlert, bearer, bySlack, completionsOf, post } from './local-stack-client.ts';

/** Two of everything: for the arcs that are at the same time not to meet on an instance. */
const PROVIDERS = ['tencent', 'alibaba'] as const;
type ProviderName = (typeof PROVIDERS)[number];

const PARTS = {
  tencent: { region: 'ap-guangzhou', instance: 'ins-local00', prefix: 'cmd-' },
  alibaba: { region: 'cn-hangzhou', instance: 'i-local00', prefix: 'c-' },
} as const;

/** Seconds that no other process sleeps: until a time-out, and until an alert is over. */
const SLEEP = { late: `300.${process.pid}`, slow: `400.${process.pid}` };

/** A template of a rules file. */
const cel = (expression: string) => `\${${expression}}`;

/** `words`: what each cloud itself says of it, and the exit code that it gives to what it killed. */
const CASES = [
  {
    name: 'echo',
    command: 'echo0001',
    parameters: { text: `restart:${cel('event.data.name')}` },
    status: 'succeeded',
    words: {
      tencent: { providerStatus: 'SUCCESS', exitCode: 0 },
      alibaba: { providerStatus: 'Success', exitCode: 0 },
    },
  },
  {
    name: 'fail',
    command: 'fail0001',
    parameters: {},
    status: 'failed',
    words: {
      tencent: { providerStatus: 'FAILED', exitCode: 3 },
      alibaba: { providerStatus: 'Failed', exitCode: 3, error: { code: 'ExitCodeNonzero' } },
    },
  },
  {
    name: 'late',
    command: 'sleep001',
    parameters: { seconds: SLEEP.late },
    status: 'timed_out',
    words: {
      tencent: { providerStatus: 'TIMEOUT', exitCode: -1, error: { code: 'TIMEOUT' } },
      alibaba: { providerStatus: 'Timeout', exitCode: 1, error: { code: 'ExecutionTimeout' } },
    },
  },
] as const;

function rulesOf(provider: ProviderName): object[] {
  const { instance, prefix } = PARTS[provider];
  const target = (number: 1 | 2 | 3, command: string, parameters: object = {}) => ({
    provider,
    command: `${prefix}${command}`,
    instances: [`${instance}${number}`],
    parameters,
  });
  const is = (name: string) => `event.data.status == 'firing' && event.data.name == '${name}'`;
  return [
    ...CASES.map(({ name, command, parameters }) => ({
      name: `${name}-${provider}`,
      on: 'alertmanager',
      when: is(name),
      run: { ...target(1, command, parameters), timeout: '10s' },
      // All cases at once, on one instance.
      guards: { lock: false },
    })),
    {
      name: `sleep-${provider}`,
      on: 'alertmanager',
      when: is('Slow'),
      run: target(2, 'sleep001', { seconds: SLEEP.slow }),
      guards: { dedupe: { key: 'event.data.fingerprint', window: '10m' } },
    },
    // As rules.yml has it.
    {
      name: `stop-when-resolved-${provider}`,
      on: 'alertmanager',
      when: "event.data.status == 'resolved'",
      cancel: { rule: `sleep-${provider}`, key: 'event.data.fingerprint' },
    },
    {
      name: `later-${provider}`,
      on: 'slack',
      when: `event.data.command == '/fleet' && event.data.args[0] == 'later'`,
      allow: { users: ['*'] },
      schedule: {
        ...target(3, 'echo0001', { text: `later:${cel('event.data.user.id')}` }),
        at: cel('event.data.args[1]'),
      },
    },
  ];
}

/** What EventBridge says of a task that waits for a file. */
const PUSHED = {
  name: 'wait-for-file',
  on: 'generic',
  run: {
    provider: 'alibaba',
    command: 'c-await001',
    instances: ['i-local003'],
    parameters: { file: cel('event.data.body.file') },
    // A path begins with a slash, which the default pattern refuses.
    patterns: { file: '/[A-Za-z0-9_./-]+' },
    timeout: '60s',
  },
};

const FLEET = {
  version: 1,
  instances: PROVIDERS.flatMap((provider) =>
    [1, 2, 3].map((n) => ({ id: `${PARTS[provider].instance}${n}` })),
  ),
  commands: [
    ...PROVIDERS.flatMap((provider) => [
      { name: 'echo', content: 'echo {{text}}', id: `${PARTS[provider].prefix}echo0001` },
      // The script's own process: without TerminationMode Cloud Assistant ends that one, and no child of it.
      { name: 'sleep', content: 'exec sleep {{seconds}}', id: `${PARTS[provider].prefix}sleep001` },
      { name: 'fail', content: 'echo it failed >&2; exit 3', id: `${PARTS[provider].prefix}fail0001` },
    ]),
    { name: 'await', content: 'until [ -e {{file}} ]; do sleep 0.05; done', id: 'c-await001' },
  ].map((command) => ({ ...command, enableParameter: true })),
};

let stack: TestStack;
let completions: ReturnType<typeof completionsOf>;

beforeAll(async () => {
  const rules = JSON.stringify({
    version: 1,
    providers: { tencent: { region: 'ap-guangzhou' }, alibaba: { region: 'cn-hangzhou' } },
    rules: [...PROVIDERS.flatMap(rulesOf), PUSHED],
  });
  stack = await startTestStack({ rules, fleet: JSON.stringify(FLEET) });
  completions = completionsOf(stack);
  atEndOfFile(async () => completions.close());
}, STACK_START_MS);

// Most of what follows is waiting: for a time-out, for a time, for the poller.
describe.concurrent('an alert', { timeout: 60_000 }, () => {
  test.for(CASES)('that runs a command on each cloud ends the same on both: $status', async (given) => {
    const { name, status, words } = given;
    const runs = runsOf(await alert(anAlert(name)));
    expect(Object.keys(runs).toSorted()).toEqual([`${name}-alibaba`, `${name}-tencent`]);

    const [tencent = [], alibaba = []] = await Promise.all(
      PROVIDERS.map((provider) => eventsOf(runs[`${name}-${provider}`] ?? '')),
    );
    expect(alibaba.map(asOfAnyCloud)).toEqual(tencent.map(asOfAnyCloud));
    expect(tencent.map(({ type, data }) => [type, data.status])).toEqual([
      ['fleet-reflex.run.started', 'pending'],
      ['fleet-reflex.task.completed', status],
      ['fleet-reflex.run.completed', status],
    ]);
    expect({ tencent: tencent.at(-1)?.data.tasks, alibaba: alibaba.at(-1)?.data.tasks }).toMatchObject({
      tencent: [words.tencent],
      alibaba: [words.alibaba],
    });
  });

  test('that is over stops what it started on each cloud, and its process is gone', async () => {
    const firing = anAlert('Slow');
    const runs = runsOf(await alert(firing));
    await until(
      async () => processes(),
      (found) => found.length >= 2,
      20_000,
    );
    await alert(firing.replaceAll('"firing"', '"resolved"'));

    for (const provider of PROVIDERS) {
      const { type, data } = await completions.runCompleted(runs[`sleep-${provider}`] ?? '');
      expect({ type, status: data.status, counts: data.counts, reason: data.reason }).toEqual({
        type: 'fleet-reflex.run.completed',
        status: 'stopped',
        counts: { terminated: 1 },
        reason: expect.anything(),
      });
    }
    expect(processes()).toEqual([]);
  });
});

describe.concurrent('a chat command', { timeout: 60_000 }, () => {
  test('makes a schedule at each cloud, and what fires is told like any run', async () => {
    const form = new URLSearchParams({
      command: '/fleet',
      text: 'later 6s',
      user_id: 'U2147483697',
      user_name: 'ada',
      trigger_id: 'later-1',
    }).toString();
    const askedAt = Date.now();
    const answer = await post(
      stack,
      '/hooks/slack',
      form,
      bySlack(form, stack.secretOf('slack'), new Date()),
    );
    expect(answer.status).toBe(200);

    for (const provider of PROVIDERS) {
      const { data } = await completions.until(
        (event) => event.type === 'fleet-reflex.run.completed' && event.data.rule === `later-${provider}`,
      );
      expect(data).toMatchObject({ status: 'succeeded', trigger: { source: 'slack', type: 'chat.command' } });
      expect(data.tasks.map(({ instanceId, output }) => [instanceId, output])).toEqual([
        [`${PARTS[provider].instance}3`, 'later:U2147483697\n'],
      ]);
      expect(Date.parse(data.startedAt ?? '') - askedAt).toBeGreaterThan(4_000);
      expect((await eventsOf(data.runId)).map(({ type }) => type)).toEqual([
        'fleet-reflex.run.started',
        'fleet-reflex.task.completed',
        'fleet-reflex.run.completed',
      ]);
    }
  });
});

describe.concurrent('Cloud Assistant’s own word that a task has ended', { timeout: 60_000 }, () => {
  const WAYS = [
    {
      way: 'over HTTP',
      send: async (event: object) => {
        const secret = stack.secretOf('cloud-assistant');
        const answer = await post(stack, `/hooks/cloud-assistant/${secret}`, JSON.stringify(event), {
          'content-type': 'application/json',
        });
        expect(answer.status).toBe(202);
      },
    },
    {
      way: 'on the queue `events`',
      send: async (event: object) => {
        const message = { QueueUrl: stack.queueUrl('events'), MessageBody: JSON.stringify(event) };
        await stack.sqs.send(new SendMessageCommand(message));
      },
    },
  ];

  test.for(WAYS)('and the poller’s own looks tell it once, within seconds: $way', async ({ way, send }) => {
    const file = join(stack.folder, `go-${WAYS.findIndex((it) => it.way === way)}`);
    const secret = stack.secretOf('generic');
    const answer = await post(stack, '/hooks/generic', JSON.stringify({ file }), bearer(secret));
    const runId = runsOf(answer)['wait-for-file'] ?? '';
    const { invocationId } = await until(
      () => stored(runId),
      ({ status }) => status === 'running',
      40_000,
    );

    writeFileSync(file, '');
    await cloudSays(invocationId, 'Success');
    await send(taskEvent(invocationId));
    await send(taskEvent(invocationId));

    const { time, data } = await completions.runCompleted(runId);
    expect(data.status).toBe('succeeded');
    expect(Date.parse(time) - Date.parse(data.tasks[0]?.endedAt ?? '')).toBeLessThan(10_000);
    expect((await eventsOf(runId)).map(({ type }) => type)).toEqual([
      'fleet-reflex.run.started',
      'fleet-reflex.task.completed',
      'fleet-reflex.run.completed',
    ]);
  });
});

const alert = (body: string) =>
  post(stack, '/hooks/alertmanager', body, bearer(stack.secretOf('alertmanager')));

const Matched = z.looseObject({ matched: z.array(z.looseObject({ rule: z.string(), runId: z.string() })) });

/** Run ids by their rules. */
function runsOf({ body }: Answer): Record<string, string> {
  return Object.fromEntries(Matched.parse(body).matched.map(({ rule, runId }) => [rule, runId]));
}

/** All events of a run that is over, in their order. */
async function eventsOf(runId: string): Promise<CompletionEvent[]> {
  await completions.runCompleted(runId);
  return completions.taken.map(({ event }) => event).filter(({ subject }) => subject === runId);
}

/** Without what is different each time, where it ran, and the cloud's own words. */
function asOfAnyCloud(event: CompletionEvent): unknown {
  const { runId, provider = 'tencent', invocationIds, reason, tasks } = event.data;
  const data = {
    ...event.data,
    reason: reason && 'in its own words',
    tasks: tasks.map(({ providerStatus: _status, exitCode: _code, error: _error, ...task }) => task),
  };
  const { region, instance, prefix } = PARTS[provider === 'alibaba' ? 'alibaba' : 'tencent'];
  const names: [string, string][] = [
    // Alibaba's task has no id of its own: ours begins with the invocation's.
    ...tasks.map(({ taskId }): [string, string] => [taskId, 'task']),
    ...invocationIds.map((id): [string, string] => [id, 'invocation']),
    [runId, 'run'],
    [instance, 'instance-'],
    [`"${prefix}`, '"command-'],
    [region, 'region'],
    [provider, 'cloud'],
  ];
  const text = names.reduce((so, [own, any]) => so.replaceAll(own, any), JSON.stringify({ ...event, data }));
  const value: unknown = JSON.parse(text.replaceAll(/"(time|startedAt|endedAt)":"[^"]+"/g, '"$1":"then"'));
  return value;
}

/** What sleeps for us: only Linux tells, elsewhere the clouds' word has to do. */
function processes(): string[] {
  if (process.platform !== 'linux') return ['unknown', 'unknown'];
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => {
      try {
        return readFileSync(`/proc/${pid}/cmdline`, 'utf8').startsWith(`sleep\0${SLEEP.slow}`);
      } catch {
        return false; // it has ended
      }
    });
}

/** What is stored of a run. */
async function stored(runId: string) {
  const client = new DynamoDBClient({ ...LOCAL_AWS, endpoint: stack.tableUrl });
  const store = dynamoRunStore({ client: DynamoDBDocumentClient.from(client), table: 'fleet-reflex-local' });
  const run = await store.get(RunId.parse(runId));
  client.destroy();
  const { invocations = [], status } = run ?? {};
  return { status, invocationId: invocations[0]?.invocationId ?? '' };
}

/** Until the one who knows has it. */
async function cloudSays(invokeId: string, status: string): Promise<void> {
  const sdk = vendorSdk(Number(new URL(stack.cloudAssistantUrl).port));
  const request = new models.DescribeInvocationsRequest({ regionId: PARTS.alibaba.region, invokeId });
  await until(
    async () => {
      const { body } = await sdk.describeInvocations(request);
      return body?.invocations?.invocation?.[0]?.invocationStatus;
    },
    (seen) => seen === status,
  );
}

/** https://www.alibabacloud.com/help/en/ecs/user-guide/subscribe-to-cloud-assistant-events */
function taskEvent(invokeId: string): object {
  const sample: unknown = JSON.parse(
    readFileSync(new URL('../../events/cloud-assistant.json', import.meta.url), 'utf8'),
  );
  const { data, ...event } = z.looseObject({ data: z.record(z.string(), z.string()) }).parse(sample);
  return { ...event, id: `of-${invokeId}`, data: { ...data, invokeId, instanceId: 'i-local003' } };
}
