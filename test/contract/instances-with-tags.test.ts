/** Both local clouds say which instances have some tags, to our clients and to the vendors' own; pages, changes, errors. */
import { Client as CvmClient } from 'tencentcloud-sdk-nodejs/tencentcloud/services/cvm/v20170312/cvm_client.js';
import { beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { alibabaProvider } from '../../lib/providers/alibaba/provider.ts';
import { tencentProvider } from '../../lib/providers/tencent/provider.ts';
import { startCloudAssistantServer } from '../../local/alibaba/server.ts';
import { createFleetEngine } from '../../local/fleet/engine.ts';
import { type FleetInstance, parseFleet } from '../../local/fleet/fleet-file.ts';
import { startTatServer } from '../../local/tencent/server.ts';
import { models, REGION, vendorSdk } from './alibaba-sdk.ts';

const GUANGZHOU = 'ap-guangzhou';
const STRANGE = '名 "a" & =b;$(x)%2F+\\';

function fleet(prefix: string): FleetInstance[] {
  const text = `
version: 1
instances:
  - { id: ${prefix}-web00001, tags: { role: web, stage: prod } }
  - { id: ${prefix}-web00002, tags: { role: web, stage: test } }
  - { id: ${prefix}-stopped1, state: stopped, tags: { role: web, stage: prod } }
  - { id: ${prefix}-pending1, state: pending, tags: { role: web, stage: prod } }
  - { id: ${prefix}-other001, tags: { role: webby } }
  - { id: ${prefix}-bare0001 }
  - { id: ${prefix}-beijing1, region: ${prefix === 'i' ? 'cn-beijing' : 'ap-beijing'}, tags: { role: web } }
  - { id: ${prefix}-strange1, tags: { ${JSON.stringify(STRANGE)}: ${JSON.stringify(STRANGE)} } }
  - { id: ${prefix === 'i' ? 'mi' : 'lhins'}-web00001, tags: { role: web } }
`;
  return parseFleet(text).instances;
}

function crowd(prefix: string, count: number): FleetInstance[] {
  const rows = Array.from(
    { length: count },
    (_, index) => `{ id: ${prefix}-c${1e5 + index}, tags: { role: crowd } }`,
  );
  return parseFleet(`version: 1\ninstances: [${rows.join(', ')}]\n`).instances;
}

async function startTencent(instances = fleet('ins')) {
  const engine = createFleetEngine({ version: 1, instances, commands: [] });
  const server = await startTatServer({ engine, requestsPerSecond: 'unlimited' });
  const provider = tencentProvider({
    credentials: { secretId: 'local', secretKey: 'local-secret' },
    endpoint: server.url,
    requestsPerSecond: Number.POSITIVE_INFINITY,
  });
  const sdk = new CvmClient({
    credential: { secretId: 'local', secretKey: 'local-secret' },
    region: GUANGZHOU,
    profile: { httpProfile: { endpoint: `127.0.0.1:${server.port}`, protocol: 'http://' } },
  });
  onTestFinished(async () => {
    await provider.close();
    await server.stop();
    await engine.stop();
  });
  const list = (tags: Record<string, string>) => provider.instancesWithTags?.(GUANGZHOU, tags);
  return { engine, server, provider, sdk, list };
}

async function startAlibaba(instances = fleet('i')) {
  const engine = createFleetEngine({ version: 1, instances, commands: [] });
  const server = await startCloudAssistantServer({ engine });
  const provider = alibabaProvider({
    credentials: { accessKeyId: 'local', accessKeySecret: 'local-secret' },
    endpoint: server.url,
    requestsPerSecond: Number.POSITIVE_INFINITY,
  });
  onTestFinished(async () => {
    await provider.close();
    await server.stop();
    await engine.stop();
  });
  const list = (tags: Record<string, string>) => provider.instancesWithTags?.(REGION, tags);
  return { engine, server, provider, sdk: vendorSdk(server.port), list };
}

describe.each([
  { cloud: 'Tencent', prefix: 'ins', start: startTencent },
  { cloud: 'Alibaba', prefix: 'i', start: startAlibaba },
])('$cloud', ({ prefix, start }) => {
  let local: Awaited<ReturnType<typeof start>>;
  beforeEach(async () => {
    local = await start();
  });

  test('lists those that have every tag, stopped ones too, and none that is being made', async () => {
    expect(await local.list({ role: 'web' })).toEqual([
      `${prefix}-web00001`,
      `${prefix}-web00002`,
      `${prefix}-stopped1`,
    ]);
    expect(await local.list({ role: 'web', stage: 'test' })).toEqual([`${prefix}-web00002`]);
  });

  test('takes a tag as it is written', async () => {
    expect(await local.list({ [STRANGE]: STRANGE })).toEqual([`${prefix}-strange1`]);
  });

  test('lists none where there is none', async () => {
    expect(await local.list({ role: 'nobody' })).toEqual([]);
  });

  test('an instance that comes and one that goes are seen by the next listing', async () => {
    const [first, ...others] = fleet(prefix);
    local.engine.setInstances(others);
    expect(await local.list({ role: 'web', stage: 'prod' })).toEqual([`${prefix}-stopped1`]);
    if (first !== undefined) local.engine.setInstances([...others, first]);
    expect(await local.list({ role: 'web', stage: 'prod' })).toEqual([
      `${prefix}-stopped1`,
      `${prefix}-web00001`,
    ]);
  });

  test('950 instances come in 10 requests', async () => {
    local.engine.setInstances(crowd(prefix, 950));
    expect(new Set(await local.list({ role: 'crowd' })).size).toBe(950);
    expect(local.server.requestCounts).toEqual({ DescribeInstances: 10 });
  });

  test.each([
    ['throttled', { kind: 'throttle', action: 'DescribeInstances', times: 9 }, 'provider.throttled'],
    [
      'answers garbage',
      { kind: 'garbage', action: 'DescribeInstances', body: '<html>', times: 9 },
      'provider.maybeDone',
    ],
    [
      'answers {}',
      { kind: 'garbage', action: 'DescribeInstances', body: '{}', times: 9 },
      'provider.maybeDone',
    ],
    ['answers nothing', { kind: 'dropAfter', action: 'DescribeInstances', times: 9 }, 'provider.maybeDone'],
  ] as const)('%s is an error that may pass, and no empty fleet', async (_, fault, code) => {
    local.server.faults.add(fault);
    await expect(local.list({ role: 'web' })).rejects.toMatchObject({ code, disposition: 'retry' });
  });

  test('a filter that is not kept is not believed', async () => {
    const rows = [{ InstanceId: `${prefix}-other001`, InstanceState: 'RUNNING', Status: 'Running' }];
    const body = JSON.stringify({
      Response: { TotalCount: 1, InstanceSet: rows, RequestId: 'r' },
      RequestId: 'r',
      Instances: { Instance: rows },
    });
    local.server.faults.add({ kind: 'garbage', action: 'DescribeInstances', body, times: 9 });
    await expect(local.list({ role: 'web' })).rejects.toMatchObject({
      code: 'provider.maybeDone',
      message: expect.stringContaining('none of them has the tags'),
    });
  });

  test('an empty page that counts instances is no empty fleet', async () => {
    const body = JSON.stringify({
      Response: { TotalCount: 3, InstanceSet: [], RequestId: 'r' },
      RequestId: 'r',
      TotalCount: 3,
      Instances: { Instance: [] },
    });
    local.server.faults.add({ kind: 'garbage', action: 'DescribeInstances', body, times: 9 });
    await expect(local.list({ role: 'web' })).rejects.toMatchObject({ code: 'provider.maybeDone' });
  });
});

describe('CVM', () => {
  test('2,000 instances are read whole', async () => {
    const { list, server } = await startTencent(crowd('ins', 2000));
    expect(new Set(await list({ role: 'crowd' })).size).toBe(2000);
    expect(server.requestCounts).toEqual({ DescribeInstances: 20 });
  });

  test('an instance that moves to a page before while it is read is not lost', async () => {
    const all = crowd('ins', 150);
    const { list, server, engine } = await startTencent(all);
    // The first page is answered late; the fleet has changed when the second is asked for.
    server.faults.add({ kind: 'answerLate', action: 'DescribeInstances', ms: 300 });
    setTimeout(() => engine.setInstances(all.slice(1)), 150);
    const found = await list({ role: 'crowd' });
    expect(new Set(found)).toEqual(new Set(all.slice(1).map(({ id }) => id)));
    expect(server.requestCounts['DescribeInstances']).toBe(4);
  });

  test('the vendor’s SDK lists, pages, and is told what is wrong by the documented codes', async () => {
    const { sdk } = await startTencent();
    const Filters = [{ Name: 'tag:role', Values: ['web'] }];
    const answer = await sdk.DescribeInstances({ Filters, Limit: 2, Offset: 1 });
    expect(answer).toMatchObject({
      TotalCount: 4,
      InstanceSet: [
        { InstanceId: 'ins-web00002', InstanceState: 'RUNNING', Tags: [{ Key: 'role', Value: 'web' }, {}] },
        { InstanceId: 'ins-stopped1', InstanceState: 'STOPPED' },
      ],
    });
    const codeOf = async (request: Parameters<CvmClient['DescribeInstances']>[0]) => {
      const [failed] = await Promise.allSettled([sdk.DescribeInstances(request)]);
      return failed.status === 'rejected' ? failed.reason.code : failed.value;
    };
    expect(await codeOf({ Filters: [{ Name: 'colour', Values: ['red'] }] })).toBe('InvalidFilter');
    expect(await codeOf({ Filters: [{ Name: 'tag:a', Values: [...'123456'] }] })).toBe(
      'InvalidFilterValue.LimitExceeded',
    );
    expect(await codeOf({ Limit: 101 })).toBe('InvalidParameterValue.LimitExceeded');
    expect(await codeOf({ InstanceIds: ['web-1'] })).toBe('InvalidInstanceId.Malformed');
  });

  test('is asked where TAT is, by its own name', async () => {
    const { endpointOf, CVM } = await import('../../lib/providers/tencent/client.ts');
    expect([
      endpointOf(CVM, 'https://tat.tencentcloudapi.com'),
      endpointOf(CVM, 'https://tat.intl.tencentcloudapi.com'),
      endpointOf(CVM, 'https://tat.{region}.tencentcloudapi.com'),
      endpointOf(CVM, 'http://127.0.0.1:4580'),
    ]).toEqual([
      'https://cvm.tencentcloudapi.com',
      'https://cvm.intl.tencentcloudapi.com',
      'https://cvm.{region}.tencentcloudapi.com',
      'http://127.0.0.1:4580',
    ]);
  });
});

describe('ECS', () => {
  test('the vendor’s SDK lists by tags, pages by token', async () => {
    const { sdk } = await startAlibaba(crowd('i', 25));
    const request = { regionId: REGION, tag: [{ key: 'role', value: 'crowd' }], maxResults: 20 };
    const first = await sdk.describeInstances(new models.DescribeInstancesRequest(request));
    const nextToken = first.body?.nextToken ?? '';
    const second = await sdk.describeInstances(
      new models.DescribeInstancesRequest({ ...request, nextToken }),
    );
    const rows = [first, second].map(({ body }) => body?.instances?.instance ?? []);
    expect(rows.map(({ length }) => length)).toEqual([20, 5]);
    expect(rows[0]?.[0]).toMatchObject({
      status: 'Running',
      tags: { tag: [{ tagKey: 'role', tagValue: 'crowd' }] },
    });
  });

  test('none is only believed from a key that may list: the vendor hides instances from others', async () => {
    const { list, server } = await startAlibaba();
    server.faults.add({ kind: 'garbage', action: 'DescribeInstances', body: EMPTY });
    server.faults.add({ kind: 'error', action: 'DescribeInstances', code: 'Forbidden.RAM', httpStatus: 403 });
    await expect(list({ role: 'web' })).rejects.toMatchObject({ code: 'provider.denied' });
  });

  test('1,000 are more than the vendor lists for certain', async () => {
    const { list } = await startAlibaba(crowd('i', 1000));
    await expect(list({ role: 'crowd' })).rejects.toMatchObject({
      message: expect.stringContaining('lists 1000 at most'),
    });
  });
});

const EMPTY = JSON.stringify({ RequestId: 'r', NextToken: '', TotalCount: 0, Instances: { Instance: [] } });
