/** What a rule says beyond where and what it runs, on the whole local stack: outputs in buckets, tags, what a stop ends. */
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
`;

let stack: TestStack;
let completions: ReturnType<typeof completionsOf>;
beforeAll(async () => {
  stack = await startTestStack({ rules: RULES });
  completions = completionsOf(stack);
  atEndOfFile(async () => completions.close());
}, STACK_START_MS);

async function runOf(name: string) {
  const headers = bearer(stack.secretOf('alertmanager'));
  const runId = theRunOf(await post(stack, '/hooks/alertmanager', anAlert(name), headers));
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
