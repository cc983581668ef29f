/** The TAT client: what goes out, what comes back, and what is tried again. */
import { createHash, createHmac } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import {
  cancelInvocation,
  describeInvocations,
  invokeCommand,
} from '../../../../lib/providers/tencent/actions/invocations.ts';
import { createTencentClient, type TencentClientOptions } from '../../../../lib/providers/tencent/client.ts';
import { createManualClock } from '../manual-clock.ts';
import { createTencentStub, STUB_CREDENTIALS, type StubAnswer, type TencentStub } from './stub.ts';

const REGION = 'ap-guangzhou';
const INVOKE = { CommandId: 'cmd-ffxdx79i', InstanceIds: ['lhins-ar5wyn40'] };
const INVOKED: StubAnswer = { response: { InvocationId: 'inv-8xgjrytm' } };
const NONE: StubAnswer = { response: { TotalCount: 0, InvocationSet: [] } };
/** `2023-11-14T22:13:20Z`, where the manual clock starts. */
const START = 1_700_000_000;

function clientOf(stub: TencentStub, options: Partial<TencentClientOptions> = {}) {
  const clock = createManualClock();
  const client = createTencentClient({
    credentials: STUB_CREDENTIALS,
    dispatcher: stub.dispatcher,
    clock,
    random: () => 0.5,
    ...options,
  });
  /** Lets the time run until the call has ended. */
  const finish = async <T>(call: Promise<T>): Promise<T> => {
    let isDone = false;
    const watched = call.finally(() => {
      isDone = true;
    });
    for (let turn = 0; turn < 2000 && !isDone; turn += 1) {
      await clock.advance(10);
    }
    return await watched;
  };
  return { client, clock, finish };
}

const told = (outcome: { kind: string; class?: string; failure?: { code: string } }): string =>
  outcome.failure === undefined
    ? outcome.kind
    : `${outcome.failure.code}, ${outcome.class}, effect ${outcome.kind === 'unknown' ? 'maybe' : 'none'}`;

describe('an endpoint', () => {
  it('with {region} is the one of the call’s region, in what is signed too', async () => {
    const stub = createTencentStub(() => INVOKED);
    const { client } = clientOf(stub, { endpoint: 'https://tat.{region}.tencentcloudapi.com' });
    for (const region of [REGION, 'ap-singapore', REGION]) await client.call(invokeCommand, region, INVOKE);
    expect(stub.requests.map(({ headers }) => headers['host'])).toEqual([
      'tat.ap-guangzhou.tencentcloudapi.com',
      'tat.ap-singapore.tencentcloudapi.com',
      'tat.ap-guangzhou.tencentcloudapi.com',
    ]);
  });

  it.each(['tat.tencentcloudapi.com', 'ftp://tat', 'https://tat/path', 'https://{zone}.tat'])(
    '%s is refused at once',
    (endpoint) => {
      expect(() =>
        clientOf(
          createTencentStub(() => INVOKED),
          { endpoint },
        ),
      ).toThrow(
        expect.objectContaining({
          code: 'provider.endpoint',
          details: { expected: 'https://tat.intl.tencentcloudapi.com' },
        }),
      );
    },
  );
});

describe('a call', () => {
  it('sends the documented headers, signed as they are sent, and gives the parsed answer', async () => {
    const stub = createTencentStub(() => ({ response: { InvocationId: 'inv-8xgjrytm', Unheard: 1 } }));
    const { client } = clientOf(stub);
    const outcome = await client.call(invokeCommand, REGION, INVOKE);
    expect(outcome).toEqual({
      kind: 'answered',
      answer: { InvocationId: 'inv-8xgjrytm', RequestId: 'request-1' },
      requestId: 'request-1',
      offsetMs: 0,
    });
    const { headers, body } = stub.requests[0] ?? { headers: {}, body: {} };
    expect(body).toEqual(INVOKE);
    expect(headers).toEqual({
      host: 'tat.intl.tencentcloudapi.com',
      'content-type': 'application/json',
      'x-tc-action': 'InvokeCommand',
      'x-tc-version': '2020-10-28',
      'x-tc-region': REGION,
      'x-tc-language': 'en-US',
      'x-tc-timestamp': String(START),
      authorization: authorization(JSON.stringify(INVOKE), 'tat.intl.tencentcloudapi.com', START),
    });
    expect(client.requestCounts).toEqual({ InvokeCommand: 1 });
  });

  it('signs the host with the port of a local endpoint, and sends a token where there is one', async () => {
    const endpoint = 'http://127.0.0.1:4580';
    const stub = createTencentStub(() => NONE);
    const { client } = clientOf(stub, {
      endpoint,
      language: 'zh-CN',
      credentials: () => Promise.resolve({ ...STUB_CREDENTIALS, token: 'sts-token' }),
    });
    expect(told(await client.call(describeInvocations, REGION, { Limit: 100 }))).toBe('answered');
    expect(stub.requests[0]?.headers).toMatchObject({
      host: '127.0.0.1:4580',
      'x-tc-token': 'sts-token',
      'x-tc-language': 'zh-CN',
      authorization: authorization('{"Limit":100}', '127.0.0.1:4580', START),
    });
  });

  it.each([
    ['a region that is none', 'ap guangzhou', INVOKE],
    ['an outlawed request', REGION, { ...INVOKE, Timeout: 0 }],
  ])('sends nothing for %s', async (_, region, request) => {
    const stub = createTencentStub(() => INVOKED);
    const { client } = clientOf(stub);
    expect(told(await client.call(invokeCommand, region, request))).toBe(
      'InvalidRequest, invalid, effect none',
    );
    expect(stub.requests).toEqual([]);
  });

  it('says so when the credentials cannot be had', async () => {
    const stub = createTencentStub(() => INVOKED);
    const credentials = (): Promise<never> => Promise.reject(new Error('vault is sealed'));
    const { client } = clientOf(stub, { credentials, attempts: 1 });
    const outcome = await client.call(invokeCommand, REGION, INVOKE);
    expect(outcome).toMatchObject({
      kind: 'notSent',
      failure: { code: 'NoCredentials', message: 'vault is sealed' },
    });
  });

  it.each(['ftp://tat', 'tat.tencentcloudapi.com', 'https://tat.tencentcloudapi.com/v2'])(
    'refuses the endpoint %s',
    (endpoint) => {
      expect(() => createTencentClient({ credentials: STUB_CREDENTIALS, endpoint })).toThrow(
        expect.objectContaining({ code: 'provider.endpoint' }),
      );
    },
  );
});

describe('an answer', () => {
  const once = { attempts: 1 };
  it.each<[string, StubAnswer, string]>([
    [
      'an error of the vendor',
      { error: 'ResourceNotFound.CommandNotFound' },
      'ResourceNotFound.CommandNotFound, notFound, effect none',
    ],
    ['an error inside the vendor', { error: 'InternalError' }, 'InternalError, maybeDone, effect maybe'],
    [
      'an error behind HTTP 500',
      {
        status: 500,
        text: '{"Response":{"Error":{"Code":"AuthFailure.TokenFailure","Message":""},"RequestId":"r"}}',
      },
      'AuthFailure.TokenFailure, denied, effect none',
    ],
    ['HTTP 502', { status: 502, text: '<html>Bad Gateway</html>' }, 'HttpStatus, maybeDone, effect maybe'],
    [
      'HTTP 503 with a good answer',
      { status: 503, text: '{"Response":{"InvocationId":"inv-1","RequestId":"r"}}' },
      'HttpStatus, maybeDone, effect maybe',
    ],
    ['no JSON', { status: 200, text: 'hello' }, 'InvalidAnswer, maybeDone, effect maybe'],
    [
      'no envelope',
      { status: 200, text: '{"InvocationId":"inv-1"}' },
      'InvalidAnswer, maybeDone, effect maybe',
    ],
    [
      'an error of another form',
      { status: 200, text: '{"Response":{"Error":"boom","RequestId":"r"}}' },
      'InvalidAnswer, maybeDone, effect maybe',
    ],
    ['an answer without its fields', { response: {} }, 'InvalidAnswer, maybeDone, effect maybe'],
    ['a connection that breaks', { breaks: true }, 'Network, maybeDone, effect maybe'],
  ])('with %s is a failure of its kind', async (_, answer, expected) => {
    const stub = createTencentStub(() => answer);
    const { client } = clientOf(stub);
    expect(told(await client.call(invokeCommand, REGION, INVOKE, once))).toBe(expected);
  });
});

describe('the cloud is away', () => {
  it.each<[string, StubAnswer, true | undefined]>([
    ['an error inside the vendor', { error: 'InternalError' }, true],
    ['one of its family', { error: 'InternalError.Whatever' }, true],
    ['HTTP 502', { status: 502, text: '<html>Bad Gateway</html>' }, true],
    ['a connection that breaks', { breaks: true }, true],
    ['a code that nobody knows', { error: 'SomethingNew' }, undefined],
    ['a refusal for the rate', { error: 'RequestLimitExceeded' }, undefined],
    ['a refusal for good', { error: 'ResourceNotFound.CommandNotFound' }, undefined],
  ])('by %s: %s', async (_, answer, isOutage) => {
    const { client } = clientOf(createTencentStub(() => answer));
    const outcome = await client.call(invokeCommand, REGION, INVOKE, { attempts: 1 });
    expect(outcome.kind !== 'answered' && outcome.failure.isOutage).toBe(isOutage);
  });
});

describe('repetition', () => {
  const throttled: StubAnswer = { error: 'RequestLimitExceeded.UinLimitExceeded' };
  const broken: StubAnswer = { breaks: true };
  const internal: StubAnswer = { error: 'InternalError' };
  const denied: StubAnswer = { error: 'AuthFailure.SignatureFailure' };
  const gateway: StubAnswer = { status: 502, text: '' };

  it.each<[string, StubAnswer[], number, string]>([
    ['throttled, then good', [throttled, NONE], 2, 'answered'],
    ['broken, then good', [broken, NONE], 2, 'answered'],
    ['internal error, gateway error, then good', [internal, gateway, NONE], 3, 'answered'],
    [
      'internal error three times',
      [internal, internal, internal, NONE],
      3,
      'InternalError, maybeDone, effect maybe',
    ],
    ['denied', [denied, NONE], 1, 'AuthFailure.SignatureFailure, denied, effect none'],
  ])('of a read that is %s', async (_, answers, requests, expected) => {
    const stub = createTencentStub((_request, index) => answers[index] ?? NONE);
    const { client, finish } = clientOf(stub);
    expect(told(await finish(client.call(describeInvocations, REGION, { Limit: 1 })))).toBe(expected);
    expect(stub.requests).toHaveLength(requests);
  });

  it.each<[string, StubAnswer[], number, string]>([
    ['throttled, then good', [throttled, INVOKED], 2, 'answered'],
    ['broken', [broken, INVOKED], 1, 'Network, maybeDone, effect maybe'],
    ['internal error', [internal, INVOKED], 1, 'InternalError, maybeDone, effect maybe'],
    ['gateway error', [gateway, INVOKED], 1, 'HttpStatus, maybeDone, effect maybe'],
  ])('of an invocation that is %s', async (_, answers, requests, expected) => {
    const stub = createTencentStub((_request, index) => answers[index] ?? INVOKED);
    const { client, finish } = clientOf(stub);
    expect(told(await finish(client.call(invokeCommand, REGION, INVOKE)))).toBe(expected);
    expect(stub.requests).toHaveLength(requests);
  });

  it('of a cancellation that broke: a second one changes nothing', async () => {
    const stub = createTencentStub((_request, index) => (index === 0 ? broken : { response: {} }));
    const { client, finish } = clientOf(stub);
    expect(told(await finish(client.call(cancelInvocation, REGION, { InvocationId: 'inv-1' })))).toBe(
      'answered',
    );
    expect(stub.requests).toHaveLength(2);
  });

  it('of an invocation whose connection is refused: nothing was sent', async () => {
    const { client } = clientOf(createTencentStub(() => ({ refuses: true })));
    const outcome = await client.call(invokeCommand, REGION, INVOKE, { attempts: 1 });
    expect(told(outcome)).toBe('Network, maybeDone, effect none');
  });
});

describe('a wrong clock', () => {
  const expired = {
    error: 'AuthFailure.SignatureExpire',
    date: new Date((START + 3600) * 1000).toUTCString(),
  };

  it("is corrected by the answer's date, once, and stays corrected", async () => {
    const stub = createTencentStub((_request, index) => (index === 0 ? expired : INVOKED));
    const { client } = clientOf(stub);
    expect(told(await client.call(invokeCommand, REGION, INVOKE, { attempts: 1 }))).toBe('answered');
    expect(told(await client.call(invokeCommand, REGION, INVOKE, { attempts: 1 }))).toBe('answered');
    const times = stub.requests.map(({ headers }) => Number(headers['x-tc-timestamp']) - START);
    expect(times).toEqual([0, 3600, 3600]);
  });

  it('is not corrected again and again', async () => {
    const stub = createTencentStub((_request, index) => ({
      error: 'AuthFailure.SignatureExpire',
      date: new Date((START + 3600 * (index + 1)) * 1000).toUTCString(),
    }));
    const { client, finish } = clientOf(stub);
    const outcome = await finish(client.call(describeInvocations, REGION, { Limit: 1 }));
    expect(told(outcome)).toBe('AuthFailure.SignatureExpire, clock, effect none');
    expect(stub.requests).toHaveLength(2);
  });

  it('cannot be corrected without a date', async () => {
    const stub = createTencentStub(() => ({ error: 'AuthFailure.SignatureExpire' }));
    const { client, finish } = clientOf(stub);
    await finish(client.call(describeInvocations, REGION, { Limit: 1 }));
    expect(stub.requests).toHaveLength(1);
  });
});

describe('the rate limit', () => {
  it('lets 20 requests of an action into any second, each action for itself', async () => {
    const stub = createTencentStub((request) => (request.action === 'InvokeCommand' ? INVOKED : NONE));
    const { client, clock, finish } = clientOf(stub);
    const sentAt: number[] = [];
    const calls = Array.from({ length: 45 }, () =>
      client.call(describeInvocations, REGION, { Limit: 1 }).then(() => sentAt.push(clock.monotonicMs())),
    );
    expect(told(await client.call(invokeCommand, REGION, INVOKE))).toBe('answered');
    await finish(Promise.all(calls));
    for (const start of sentAt) {
      expect(sentAt.filter((time) => time >= start && time < start + 1000).length).toBeLessThanOrEqual(20);
    }
    expect(sentAt).toHaveLength(45);
  });

  it('gives up in time when there is no place', async () => {
    const stub = createTencentStub(() => INVOKED);
    const { client, finish } = clientOf(stub, { requestsPerSecond: 1 });
    await client.call(invokeCommand, REGION, INVOKE);
    const outcome = await finish(client.call(invokeCommand, REGION, INVOKE, { deadlineMs: 500 }));
    expect(told(outcome)).toBe('RateLimited, throttled, effect none');
    expect(stub.requests).toHaveLength(1);
  });
});

/** Written from the fact sheet, not from the code under test. */
function authorization(body: string, host: string, at: number): string {
  const sha = (text: string): string => createHash('sha256').update(text).digest('hex');
  const mac = (key: string | Buffer, text: string): Buffer => createHmac('sha256', key).update(text).digest();
  const date = new Date(at * 1000).toISOString().slice(0, 10);
  const canonical = `POST\n/\n\ncontent-type:application/json\nhost:${host}\n\ncontent-type;host\n${sha(body)}`;
  const scope = `${date}/tat/tc3_request`;
  const key = mac(mac(mac(`TC3${STUB_CREDENTIALS.secretKey}`, date), 'tat'), 'tc3_request');
  const signature = mac(key, `TC3-HMAC-SHA256\n${at}\n${scope}\n${sha(canonical)}`).toString('hex');
  return `TC3-HMAC-SHA256 Credential=${STUB_CREDENTIALS.secretId}/${scope}, SignedHeaders=content-type;host, Signature=${signature}`;
}
