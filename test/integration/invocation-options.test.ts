/** What a rule says beyond where and what it runs, on the whole local stack: outputs in buckets, tags, what a stop ends. */
import { execFile } from 'node:child_process';
import { beforeAll, describe, expect, test } from 'vitest';
import * as z from 'zod';
import { atEndOfFile } from '../contract/alibaba-local.ts';
import { models, vendorSdk } from '../contract/alibaba-sdk.ts';
import { STACK_START_MS, startTestStack, type TestStack } from '../fixtures/stack.ts';
import { anAlert, bearer, completionsOf, post, theRunOf } from './local-stack-client.ts';

const BUCKET = 'https://logs-1250000000.cos.ap-guangzhou.myqcloud.com';
const RULES = `
version: 1
providers: { tencent: { region: ap-guangzhou }, alibaba: { region: cn-hangzhou } }
rules:
  - name: to-cos
    on: alertmanager
    when: event.data.name == 'ToCos'
    run:
      { provider: tencent, command: cmd-echo0001, instances: [ins-local001, ins-local002],
        parameters: { text: hello }, output: { bucket: '${BUCKET}', prefix: ops/logs } }
  - name: to-oss
    on: alertmanager
    when: event.data.name == 'ToOss'
    run:
      { provider: alibaba, command: c-echo0001, instances: [i-local001, i-local002], parameters: { text: hello },
        output: { bucket: ops-logs, prefix: web }, tags: { team: web }, terminationMode: Process }
  - name: slow-tencent
    on: alertmanager
    when: event.data.name == 'SlowTencent'
    run: { provider: tencent, command: cmd-sleep001, instances: [ins-local001, ins-local002], parameters: { seconds: '6' } }
  - name: slow-alibaba
    on: alertmanager
    when: event.data.name == 'SlowAlibaba'
    run: { provider: alibaba, command: c-sleep001, instances: [i-local001, i-local002], parameters: { seconds: '6' } }
`;

let stack: TestStack;
let completions: ReturnType<typeof completionsOf>;
beforeAll(async () => {
  stack = await startTestStack({ rules: RULES });
  completions = completionsOf(stack);
  atEndOfFile(async () => completions.close());
}, STACK_START_MS);

async function started(name: string): Promise<string> {
  const headers = bearer(stack.secretOf('alertmanager'));
  return theRunOf(await post(stack, '/hooks/alertmanager', anAlert(name), headers));
}

async function runOf(name: string) {
  const runId = await started(name);
  const { data } = await completions.runCompleted(runId);
  const shown = await fetch(`${stack.httpUrl}/runs/${runId}`, {
    headers: { authorization: 'Bearer local-runs-token' },
  });
  return { data, shown: z.looseObject({ tasks: z.array(z.unknown()) }).parse(await shown.json()) };
}

async function fault(endpoint: string, body: object): Promise<void> {
  const answer = await fetch(`${endpoint}/_faults`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  expect(answer.status).toBe(200);
}

const text = async (url: string) => (await fetch(url)).text();

describe('the whole output', { timeout: 60_000 }, () => {
  test('is in COS, and the completion event has the addresses; one that could not be stored is said so', async () => {
    await fault(stack.tatUrl, { kind: 'delivery', instanceId: 'ins-local002', message: 'NoSuchBucket' });
    const { data, shown } = await runOf('ToCos');
    expect(data.status).toBe('succeeded');
    const [stored, lost] = data.tasks.toSorted((a, b) => a.instanceId.localeCompare(b.instanceId));
    expect(await text(stored?.outputUrl ?? '')).toBe('hello\n');
    expect(stored?.outputDeliveryError).toBeUndefined();
    expect(lost).toMatchObject({
      status: 'succeeded',
      output: 'hello\n',
      outputDeliveryError: {
        code: 'OutputUploadFailed',
        message: 'NoSuchBucket',
        advice: expect.stringContaining('bucket'),
      },
    });
    expect(shown).toMatchObject({ output: { bucket: BUCKET, prefix: 'ops/logs' } });
    expect(shown.tasks).toEqual(
      expect.arrayContaining([expect.objectContaining({ outputUrl: stored?.outputUrl })]),
    );
  });

  test('is waited for where it comes after the end, and is in OSS then', async () => {
    await fault(stack.cloudAssistantUrl, { kind: 'delivery', instanceId: 'i-local001', ms: 2_500 });
    await fault(stack.cloudAssistantUrl, {
      kind: 'delivery',
      instanceId: 'i-local002',
      code: 'OSS.AccessDenied',
    });
    const { data } = await runOf('ToOss');
    const [invocationId = ''] = data.invocationIds;
    const [stored, lost] = data.tasks.toSorted((a, b) => a.instanceId.localeCompare(b.instanceId));
    expect(stored?.outputUrl).toBe(`oss://ops-logs/web/${invocationId}/i-local001-1.txt`);
    expect(await text(`${stack.cloudAssistantUrl}/_oss/ops-logs/web/${invocationId}/i-local001-1.txt`)).toBe(
      'hello\n',
    );
    expect([lost?.outputUrl, lost?.outputDeliveryError?.code]).toEqual([undefined, 'OSS.AccessDenied']);

    const client = vendorSdk(Number(new URL(stack.cloudAssistantUrl).port));
    const answer = await client.describeInvocations(
      new models.DescribeInvocationsRequest({
        regionId: 'cn-hangzhou',
        tag: [{ key: 'team', value: 'web' }],
      }),
    );
    expect(answer.body?.invocations?.invocation).toMatchObject([
      { invokeId: invocationId, terminationMode: 'Process', ossOutputDelivery: 'oss://ops-logs/web' },
    ]);
  });
});

const ENTRY = new URL('../../bin/fleet-reflex.ts', import.meta.url).pathname;
const fleetReflex = (...args: string[]) =>
  new Promise<{ code: number; out: string }>((resolve) => {
    const env = { PATH: process.env['PATH'] ?? '', FLEET_REFLEX_URL: stack.httpUrl };
    execFile(process.execPath, [ENTRY, ...args], { env }, (error, out) => {
      resolve({ code: Number(error?.code ?? 0), out });
    });
  });

describe.concurrent('a cancel of one instance', { timeout: 60_000 }, () => {
  test.each([
    { name: 'SlowTencent', instance: 'ins-local002', other: 'ins-local001' },
    { name: 'SlowAlibaba', instance: 'i-local002', other: 'i-local001' },
  ])('stops it there, and the rest goes on: $name', async ({ name, instance, other }) => {
    const runId = await started(name);
    await completions.until(({ type, subject }) => type === 'fleet-reflex.run.started' && subject === runId);
    const asked = await fleetReflex('cancel', runId, '--instance', instance);
    expect(asked).toEqual({
      code: 0,
      out: expect.stringContaining(`It is cancelled on ${instance}; the rest goes on.`),
    });
    const { data } = await completions.runCompleted(runId);
    const states = Object.fromEntries(data.tasks.map((task) => [task.instanceId, task.status]));
    expect(states[other]).toBe('succeeded');
    expect(['terminated', 'cancelled']).toContain(states[instance]);
    expect([data.status, data.reason?.message]).toEqual([
      'partly_stopped',
      expect.stringContaining(`local cancelled it on ${instance}; its tasks ended as`),
    ]);
  });
});
