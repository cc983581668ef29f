/** Whole outputs in COS and OSS, stored by both local clouds; asked by the vendors' own SDKs. */
import { beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { DELIVERY_CODES } from '../../local/alibaba/delivery.ts';
import { type Local, startLocal, until } from './alibaba-local.ts';
import { models, REGION, vendorSdk } from './alibaba-sdk.ts';
import { known, type LocalTat, outputOf, startTat } from './local-tencent-server.ts';

/** More than the 24 KB that either cloud keeps by itself. */
const LONG = 'seq -f %06g 10000';
const WHOLE = Array.from({ length: 10_000 }, (_, index) => `${String(index + 1).padStart(6, '0')}\n`).join(
  '',
);
const read = async (url: string) => {
  const answer = await fetch(url);
  return { status: answer.status, text: await answer.text() };
};

describe('COS', () => {
  let tat: LocalTat;
  const BUCKET = 'https://logs-1250000000.cos.ap-beijing.myqcloud.com';
  beforeAll(async () => {
    tat = await startTat();
  });
  beforeEach(() => tat.server.faults.clear());

  test('has the whole output, at the address that the task shows', async () => {
    const task = await tat.run(LONG, { OutputCOSBucketUrl: BUCKET, OutputCOSKeyPrefix: 'ops/logs' });
    const url = known(task.TaskResult?.OutputUrl);
    expect(url).toBe(
      `${tat.server.url}/_cos/logs-1250000000/ops/logs/${task.InvocationId}/${task.InvocationTaskId}.log`,
    );
    expect(task.TaskResult?.OutputUploadCOSErrorInfo).toBe('');
    expect(outputOf(task)).toHaveLength(24 * 1024);
    expect(await read(url)).toEqual({ status: 200, text: WHOLE });
  });

  test('has that of a command that failed too', async () => {
    const task = await tat.run('echo why; exit 3', { OutputCOSBucketUrl: BUCKET });
    expect([task.TaskStatus, await read(known(task.TaskResult?.OutputUrl))]).toEqual([
      'FAILED',
      { status: 200, text: 'why\n' },
    ]);
  });

  test('that takes nothing is said in the task, whose command is not affected', async () => {
    tat.server.faults.add({ kind: 'delivery', instanceId: 'ins-local001', message: 'NoSuchBucket' });
    const task = await tat.run('echo hello', { OutputCOSBucketUrl: BUCKET });
    expect(task).toMatchObject({
      TaskStatus: 'SUCCESS',
      TaskResult: { OutputUrl: '', OutputUploadCOSErrorInfo: 'NoSuchBucket' },
    });
  });

  test('is not asked where no bucket is named', async () => {
    const task = await tat.run('echo hello');
    expect(task.TaskResult).toMatchObject({ OutputUrl: '', OutputUploadCOSErrorInfo: '' });
  });

  test.each(['logs-1/..%2f..%2f..%2fetc/passwd', '..%2f..%2fetc/passwd', 'scripts/1.sh', 'nothing/here', ''])(
    'gives nothing but its objects: %s',
    async (path) => {
      expect((await read(`${tat.server.url}/_cos/${path}`)).status).toBe(404);
    },
  );
});

describe('OSS', () => {
  let local: Local;
  let client: ReturnType<typeof vendorSdk>;
  beforeAll(async () => {
    local = await startLocal({ deliveryTimeoutMs: 300 });
    client = vendorSdk(local.server.port);
  });
  beforeEach(() => local.server.faults.clear());

  const run = async (content: string, more: object = {}) => {
    const answer = await client.runCommand(
      new models.RunCommandRequest({
        regionId: REGION,
        type: 'RunShellScript',
        commandContent: content,
        instanceId: ['i-local001'],
        ossOutputDelivery: 'oss://testBucket/testPrefix',
        ...more,
      }),
    );
    return answer.body?.invokeId ?? '';
  };
  const look = async (invokeId: string) => {
    const answer = await client.describeInvocations(
      new models.DescribeInvocationsRequest({ regionId: REGION, invokeId }),
    );
    const invocation = answer.body?.invocations?.invocation?.[0];
    return { delivery: invocation?.ossOutputDelivery, row: invocation?.invokeInstances?.invokeInstance?.[0] };
  };
  const delivered = async (invokeId: string) =>
    until(
      () => look(invokeId),
      ({ row }) => row !== undefined && row.ossOutputStatus !== 'InProgress',
    );

  test('has the whole output, at the address that the instance shows', async () => {
    const invokeId = await run(LONG);
    const { delivery, row } = await delivered(invokeId);
    const uri = `oss://testBucket/testPrefix/${invokeId}/i-local001-1.txt`;
    expect([delivery, row?.ossOutputStatus, row?.ossOutputUri]).toEqual([
      'oss://testBucket/testPrefix',
      'Finished',
      uri,
    ]);
    expect(await read(`${local.server.url}/_oss/${uri.slice('oss://'.length)}`)).toEqual({
      status: 200,
      text: WHOLE,
    });
    const results = await client.describeInvocationResults(
      new models.DescribeInvocationResultsRequest({ regionId: REGION, invokeId }),
    );
    expect(results.body?.invocation?.invocationResults?.invocationResult?.[0]).toMatchObject({
      ossOutputStatus: 'Finished',
      ossOutputUri: uri,
    });
  });

  test('is InProgress, without an address, while the command is over already', async () => {
    local.server.faults.add({ kind: 'delivery', ms: 400 });
    const invokeId = await run('echo hello');
    const { row } = await until(
      () => look(invokeId),
      (seen) => seen.row?.invocationStatus === 'Success',
    );
    expect([row?.ossOutputStatus, row?.ossOutputUri]).toEqual(['InProgress', '']);
    expect((await delivered(invokeId)).row?.ossOutputStatus).toBe('Finished');
  });

  test.each(DELIVERY_CODES)('can answer %s', async (code) => {
    local.server.faults.add({ kind: 'delivery', instanceId: 'i-local001', code });
    const { row } = await delivered(await run('echo hello'));
    expect(row).toMatchObject({
      invocationStatus: 'Success',
      ossOutputStatus: 'Failed',
      ossOutputUri: '',
      ossOutputErrorCode: code,
      ossOutputErrorInfo: expect.stringMatching(/\.$/),
    });
  });

  test.each([
    { name: 'was never started', more: { username: 'nobody-has-this-name' } },
    { name: 'never reached its instance', more: { instanceId: ['i-offline01'] } },
  ])('has nothing of what $name', async ({ more }) => {
    const { row } = await delivered(await run('echo hello', more));
    expect([row?.ossOutputStatus, row?.ossOutputErrorCode]).toEqual([
      'Failed',
      'CloudAssistant.UnsupportedInvocationStatus',
    ]);
  });

  test('has nothing of what was stopped before it ran', async () => {
    local.server.faults.add({ kind: 'task', status: 'Pending' });
    const invokeId = await run('echo hello');
    await client.stopInvocation(new models.StopInvocationRequest({ regionId: REGION, invokeId }));
    const { row } = await delivered(invokeId);
    expect([row?.invocationStatus, row?.ossOutputErrorCode]).toEqual([
      'Cancelled',
      'CloudAssistant.UnsupportedInvocationStatus',
    ]);
  });

  test('takes no object outside its bucket', async () => {
    const { row } = await delivered(
      await run('echo hello', { ossOutputDelivery: 'oss://testBucket/../../up' }),
    );
    expect([row?.ossOutputStatus, row?.ossOutputErrorCode]).toEqual(['Failed', 'OSS.InvalidObjectName']);
    expect((await read(`${local.server.url}/_oss/testBucket/..%2f..%2fscripts`)).status).toBe(404);
  });

  test.each(['s3://bucket/x', 'oss://', 'oss://../x', 'bucket'])('%s is no bucket', async (delivery) => {
    const refused = run('true', { ossOutputDelivery: delivery }).catch((error: unknown) => error);
    expect(await refused).toMatchObject({ code: 'InvalidParameter.OssOutputDelivery' });
  });
});
