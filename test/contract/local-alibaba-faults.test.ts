/** The switchboard of the local Cloud Assistant: each fault, and the endpoint for rehearsals in another process. */
import { beforeAll, describe, expect, test } from 'vitest';
import { type CloudAssistantClient, createCloudAssistantClient } from '../../lib/providers/alibaba/client.ts';
import type { Fault } from '../../local/alibaba/faults.ts';
import { atEndOfFile, type Local, startLocal } from './alibaba-local.ts';
import { REGION } from './alibaba-sdk.ts';

let local: Local;
let client: CloudAssistantClient;
beforeAll(async () => {
  local = await startLocal();
  client = createCloudAssistantClient({
    credentials: { accessKeyId: 'local', accessKeySecret: 'local-secret' },
    endpoint: local.server.url,
    requestsPerSecond: Number.POSITIVE_INFINITY,
    deadlineMs: 5000,
  });
  atEndOfFile(() => client.close());
});

let count = 0;
/** @returns how the call was answered, and whether it had its effect */
async function callUnder(fault: Fault): Promise<{ outcome: string; happened: boolean }> {
  count += 1;
  const tag = { Key: 'fault', Value: `${count}` };
  local.server.faults.add(fault);
  const result = await client.invokeCommand({
    RegionId: REGION,
    CommandId: 'c-fail0001',
    InstanceId: ['i-local001'],
    RepeatMode: 'DryRun',
    Tag: [tag],
  });
  const listed = await client.describeInvocations({ RegionId: REGION, Tag: [tag] });
  return {
    outcome: result.kind === 'answered' ? 'answered' : `${result.kind} ${result.failure.code}`,
    happened: listed.kind === 'answered' && listed.answer.TotalCount === 1,
  };
}

test.each<{ fault: Fault; outcome: string; happened: boolean }>([
  {
    fault: { kind: 'error', code: 'InternalError.Dispatch' },
    outcome: 'unknown InternalError.Dispatch',
    happened: false,
  },
  {
    fault: { kind: 'error', code: 'InternalError.Dispatch', isAfter: true },
    outcome: 'unknown InternalError.Dispatch',
    happened: true,
  },
  {
    fault: { kind: 'error', code: 'Never.Seen', httpStatus: 418 },
    outcome: 'notSent Never.Seen',
    happened: false,
  },
  { fault: { kind: 'throttle', retryAfterMs: 1 }, outcome: 'notSent Throttling.User', happened: false },
  { fault: { kind: 'httpStatus', status: 502 }, outcome: 'unknown Http502', happened: false },
  { fault: { kind: 'dropBefore' }, outcome: 'unknown Network', happened: false },
  { fault: { kind: 'dropAfter' }, outcome: 'unknown Network', happened: true },
  { fault: { kind: 'beginLate', ms: 30 }, outcome: 'answered', happened: true },
  { fault: { kind: 'answerLate', ms: 30 }, outcome: 'answered', happened: true },
  { fault: { kind: 'garbage', body: '<html>' }, outcome: 'unknown InvalidAnswer', happened: true },
  {
    fault: { kind: 'clockSkew', seconds: 1000 },
    outcome: 'notSent InvalidTimeStamp.Expired',
    happened: false,
  },
  { fault: { kind: 'clockSkew', seconds: -800 }, outcome: 'answered', happened: true },
  { fault: { kind: 'lateVisibility', ms: 60_000 }, outcome: 'answered', happened: false },
])('$fault is $outcome', async ({ fault, outcome, happened }) => {
  expect(await callUnder(fault)).toEqual({ outcome, happened });
});

test('a fault hits as often as it says, and only its action', async () => {
  local.server.faults.add({
    kind: 'error',
    action: 'DescribeCommands',
    code: 'ServiceUnavailable',
    times: 2,
  });
  const ask = async () => (await client.describeCommands({ RegionId: REGION })).kind;
  const other = (await client.describeInvocations({ RegionId: REGION })).kind;
  expect([other, await ask(), await ask(), await ask()]).toEqual([
    'answered',
    'unknown',
    'unknown',
    'answered',
  ]);
});

describe('/_faults', () => {
  const ask = async (method: string, body?: unknown, type = 'application/json') => {
    const response = await fetch(`${local.server.url}/_faults`, {
      method,
      headers: { 'content-type': type },
      ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    });
    const answer: unknown = await response.json();
    return { status: response.status, answer };
  };

  test('adds, lists and clears', async () => {
    const added = await ask('POST', [
      { kind: 'dropAfter', action: 'InvokeCommand' },
      { kind: 'task', status: 'Aborted', times: 2 },
    ]);
    const waiting = {
      faults: [
        { kind: 'dropAfter', action: 'InvokeCommand', times: 1 },
        { kind: 'task', status: 'Aborted', times: 2 },
      ],
    };
    expect(added).toMatchObject({ status: 200, answer: waiting });
    expect(await ask('GET')).toMatchObject({ status: 200, answer: waiting });
    expect(await ask('DELETE')).toMatchObject({ status: 200, answer: { faults: [] } });
  });

  test.each([
    { body: { kind: 'earthquake' }, status: 400 },
    { body: [{ kind: 'dropAfter' }, { kind: 'dropAfter', times: 0 }], status: 400 },
    { body: 'not JSON', status: 400 },
  ])('$body is refused, and adds nothing', async ({ body, status }) => {
    expect(await ask('POST', body)).toMatchObject({ status, answer: { Code: 'InvalidParameter' } });
    expect(local.server.faults.list()).toEqual([]);
  });

  test.each(['text/plain', 'application/x-www-form-urlencoded'])(
    'is not added by %s, which a web page can send unasked',
    async (type) => {
      const answer = await ask('POST', { kind: 'dropAfter' }, type);
      expect(answer).toMatchObject({ status: 415, answer: { Code: 'UnsupportedMediaType' } });
      expect(local.server.faults.list()).toEqual([]);
    },
  );

  test('another method is refused', async () => {
    expect((await ask('PUT', {})).status).toBe(405);
  });
});
