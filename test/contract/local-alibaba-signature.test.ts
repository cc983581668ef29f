/** What the local server lets in: both kinds of signature, fresh and used once; everything else is refused. */
import { beforeAll, describe, expect, test } from 'vitest';
import {
  acs3Signature,
  acsDate,
  canonicalQuery,
  canonicalRequest,
  sha256Hex,
  signAcs3,
} from '../../lib/providers/alibaba/signature.ts';
import { rpcSignature } from '../../local/alibaba/authenticate.ts';
import { type Local, startLocal } from './alibaba-local.ts';
import { models, REGION, vendorSdk } from './alibaba-sdk.ts';

let local: Local;
beforeAll(async () => {
  local = await startLocal({
    credentials: [
      { accessKeyId: 'local', accessKeySecret: 'local-secret' },
      { accessKeyId: 'sts', accessKeySecret: 'sts-secret', securityToken: 'sts-token' },
    ],
  });
});

let count = 0;
function aNonce(): string {
  count += 1;
  return `nonce-${process.pid}-${count}`;
}

const QUERY = { RegionId: REGION };

interface Acs3Change {
  query?: Record<string, string>;
  sent?: Record<string, string>;
  headers?: Record<string, string>;
  date?: Date;
  nonce?: string;
  version?: string;
  accessKeyId?: string;
  accessKeySecret?: string;
  securityToken?: string;
}

/** A request signed for `query`, sent with `sent` and with some headers changed after the signature. */
async function acs3(change: Acs3Change = {}): Promise<{ status: number; code: unknown }> {
  const { query = QUERY, securityToken } = change;
  const headers = signAcs3(
    {
      method: 'POST',
      host: `127.0.0.1:${local.server.port}`,
      action: 'DescribeInvocations',
      version: change.version ?? '2014-05-26',
      query,
      date: change.date ?? new Date(),
      nonce: change.nonce ?? aNonce(),
    },
    {
      accessKeyId: change.accessKeyId ?? 'local',
      accessKeySecret: change.accessKeySecret ?? 'local-secret',
      ...(securityToken !== undefined && { securityToken }),
    },
  );
  const { host: _, ...sent } = { ...headers, ...change.headers };
  return ask(`/?${canonicalQuery(change.sent ?? query)}`, { method: 'POST', headers: sent });
}

async function ask(path: string, init: RequestInit): Promise<{ status: number; code: unknown }> {
  const response = await fetch(`${local.server.url}${path}`, init);
  const body: unknown = await response.json();
  const code = typeof body === 'object' && body !== null && 'Code' in body ? body.Code : undefined;
  return { status: response.status, code };
}

const OK = { status: 200, code: undefined };
const MINUTE = 60_000;

describe('ACS3-HMAC-SHA256', () => {
  test.each<{ name: string; change: Acs3Change; expected: { status: number; code: unknown } }>([
    { name: 'a good one', change: {}, expected: OK },
    {
      name: 'characters of every kind',
      change: { query: { ...QUERY, CommandName: "a b+c*~'()!/é" } },
      expected: OK,
    },
    {
      name: 'a token that belongs to the key',
      change: { accessKeyId: 'sts', accessKeySecret: 'sts-secret', securityToken: 'sts-token' },
      expected: OK,
    },
    {
      name: 'another parameter than was signed',
      change: { sent: { ...QUERY, CommandId: 'c-other' } },
      expected: { status: 400, code: 'SignatureDoesNotMatch' },
    },
    {
      name: 'another action than was signed',
      change: { headers: { 'x-acs-action': 'InvokeCommand' } },
      expected: { status: 400, code: 'SignatureDoesNotMatch' },
    },
    {
      name: 'a wrong secret',
      change: { accessKeySecret: 'wrong' },
      expected: { status: 400, code: 'SignatureDoesNotMatch' },
    },
    {
      name: 'a key that is not known',
      change: { accessKeyId: 'nobody' },
      expected: { status: 404, code: 'InvalidAccessKeyId.NotFound' },
    },
    {
      name: 'a header of the vendor that is not signed',
      change: { headers: { 'x-acs-extra': 'x' } },
      expected: { status: 400, code: 'IncompleteSignature' },
    },
    {
      name: 'no signature',
      change: { headers: { authorization: 'ACS3-HMAC-SHA256 nothing' } },
      expected: { status: 400, code: 'IncompleteSignature' },
    },
    {
      name: '14 minutes old',
      change: { date: new Date(Date.now() - 14 * MINUTE) },
      expected: OK,
    },
    {
      name: '16 minutes old',
      change: { date: new Date(Date.now() - 16 * MINUTE) },
      expected: { status: 400, code: 'InvalidTimeStamp.Expired' },
    },
    {
      name: '16 minutes ahead',
      change: { date: new Date(Date.now() + 16 * MINUTE) },
      expected: { status: 400, code: 'InvalidTimeStamp.Expired' },
    },
    {
      name: 'a key without the token it needs',
      change: { accessKeyId: 'sts', accessKeySecret: 'sts-secret' },
      expected: { status: 400, code: 'MissingSecurityToken' },
    },
    {
      name: 'a token that does not belong to the key',
      change: { securityToken: 'sts-token' },
      expected: { status: 400, code: 'InvalidSecurityToken.MismatchWithAccessKey' },
    },
    {
      name: 'another version',
      change: { version: '2020-01-01' },
      expected: { status: 404, code: 'InvalidVersion' },
    },
  ])('$name', async ({ change, expected }) => {
    expect(await acs3(change)).toEqual(expected);
  });

  test('a nonce is good once', async () => {
    const nonce = aNonce();
    expect([await acs3({ nonce }), await acs3({ nonce })]).toEqual([
      OK,
      { status: 400, code: 'SignatureNonceUsed' },
    ]);
  });

  test('a nonce that came with a wrong signature is not used up', async () => {
    const nonce = aNonce();
    await acs3({ nonce, accessKeySecret: 'wrong' });
    expect(await acs3({ nonce })).toEqual(OK);
  });

  test('parameters in a signed form body count, and the body is signed', async () => {
    const body = canonicalQuery({ RegionId: 'nowhere' });
    const payloadHash = sha256Hex(body);
    const signed = (): Record<string, string> => {
      const headers = {
        'content-type': 'application/x-www-form-urlencoded',
        host: `127.0.0.1:${local.server.port}`,
        'x-acs-action': 'DescribeInvocations',
        'x-acs-content-sha256': payloadHash,
        'x-acs-date': acsDate(new Date()),
        'x-acs-signature-nonce': aNonce(),
        'x-acs-version': '2014-05-26',
      };
      const { text, signedHeaders } = canonicalRequest({
        method: 'POST',
        path: '/',
        query: '',
        headers,
        payloadHash,
      });
      const signature = acs3Signature(text, 'local-secret');
      const { host: _, ...sent } = headers;
      const authorization = `ACS3-HMAC-SHA256 Credential=local,SignedHeaders=${signedHeaders},Signature=${signature}`;
      return { ...sent, authorization };
    };
    const post = (text: string) => ask('/', { method: 'POST', headers: signed(), body: text });
    expect([await post(body), await post(`${body}&InvokeId=x`)]).toEqual([
      { status: 404, code: 'InvalidRegionId.NotFound' },
      { status: 400, code: 'SignatureDoesNotMatch' },
    ]);
  });

  test("the vendor's SDK with a temporary key", async () => {
    const client = vendorSdk(local.server.port, {
      accessKeyId: 'sts',
      accessKeySecret: 'sts-secret',
      securityToken: 'sts-token',
    });
    const answer = await client.describeCommands(new models.DescribeCommandsRequest({ regionId: REGION }));
    expect(answer.statusCode).toBe(200);
  });

  test("the vendor's SDK with a wrong secret sees the documented error", async () => {
    const client = vendorSdk(local.server.port, { accessKeySecret: 'wrong' });
    const error = await client
      .describeCommands(new models.DescribeCommandsRequest({ regionId: REGION }))
      .catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: 'SignatureDoesNotMatch', statusCode: 400 });
  });
});

describe('the older HMAC-SHA1', () => {
  const parameters = (change: Record<string, string> = {}): Record<string, string> => ({
    Action: 'DescribeInvocations',
    Format: 'JSON',
    Version: '2014-05-26',
    AccessKeyId: 'local',
    SignatureMethod: 'HMAC-SHA1',
    SignatureVersion: '1.0',
    SignatureNonce: aNonce(),
    Timestamp: new Date().toISOString().replace(/\.\d+Z$/, 'Z'),
    RegionId: REGION,
    CommandName: "a b+c*~'()!/é",
    ...change,
  });
  const signed = (method: string, change: Record<string, string> = {}, secret = 'local-secret'): string => {
    const all = parameters(change);
    return canonicalQuery({ ...all, Signature: rpcSignature(method, all, secret) });
  };
  const form = (body: string): RequestInit => ({
    method: 'POST',
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    body,
  });

  test('vector C of the fact sheet: the published one', () => {
    const signature = rpcSignature(
      'GET',
      {
        Action: 'DescribeRegions',
        Format: 'XML',
        Version: '2014-05-26',
        AccessKeyId: 'testid',
        SignatureMethod: 'HMAC-SHA1',
        SignatureVersion: '1.0',
        SignatureNonce: '3ee8c1b8-83d3-44af-a94f-4e0ad82fd6cf',
        Timestamp: '2016-02-23T12:46:24Z',
      },
      'testsecret',
    );
    expect(signature).toBe('OLeaidS1JvxuMvnyHOwuJ+uX5qY=');
  });

  test('vector D of the fact sheet: a POST', () => {
    const signature = rpcSignature(
      'POST',
      {
        Action: 'DescribeInvocations',
        Format: 'JSON',
        InvokeId: 't-hz0jdfwd9f',
        RegionId: 'cn-hangzhou',
        Version: '2014-05-26',
        AccessKeyId: 'LTAIEXAMPLE',
        SignatureMethod: 'HMAC-SHA1',
        SignatureVersion: '1.0',
        SignatureNonce: '0123456789abcdef0123456789abcdef',
        Timestamp: '2023-11-14T22:13:20Z',
      },
      'SECRETEXAMPLE',
    );
    expect(signature).toBe('2iTeBunXcS9h6nmPo2ZaYpL/5dw=');
  });

  test('the vector of the second reading: a GET of StopInvocation', () => {
    const signature = rpcSignature(
      'GET',
      {
        Action: 'StopInvocation',
        Format: 'JSON',
        InvokeId: 't-hz0000001',
        RegionId: 'cn-hangzhou',
        Version: '2014-05-26',
        AccessKeyId: 'DUMMYACCESSKEYID',
        SignatureMethod: 'HMAC-SHA1',
        SignatureVersion: '1.0',
        SignatureNonce: '00112233445566778899aabbccddeeff',
        Timestamp: '2023-11-14T22:13:20Z',
      },
      'dummyaccesskeysecret',
    );
    expect(signature).toBe('1vHuPWUCcsg/vZtM50uhkY1RkzI=');
  });

  test('GET with everything in the query', async () => {
    expect(await ask(`/?${signed('GET')}`, { method: 'GET' })).toEqual(OK);
  });

  test.each(['RunCommand', 'InvokeCommand', 'StopInvocation', 'CreateCommand', 'DeleteCommand'])(
    '%s is not for GET: a link or an image tag could be that',
    async (Action) => {
      const run = {
        Action,
        Type: 'RunShellScript',
        CommandContent: 'dHJ1ZQ==',
        'InstanceId.1': 'i-local001',
      };
      const before = { ...local.server.requestCounts };
      const refused = { status: 405, code: 'UnsupportedHTTPMethod' };
      expect(await ask(`/?${signed('GET', run)}`, { method: 'GET' })).toEqual(refused);
      expect(local.server.requestCounts).toEqual(before);
    },
  );

  test('an action with an effect is for POST', async () => {
    const run = { Action: 'RunCommand', Type: 'RunShellScript', CommandContent: 'dHJ1ZQ==' };
    expect(await ask('/', form(signed('POST', { ...run, 'InstanceId.1': 'i-local001' })))).toEqual(OK);
  });

  test('POST with everything in the form body', async () => {
    expect(await ask('/', form(signed('POST')))).toEqual(OK);
  });

  test('the method is part of the signature', async () => {
    expect(await ask('/', form(signed('GET')))).toEqual({ status: 400, code: 'SignatureDoesNotMatch' });
  });

  test.each([
    { name: 'a wrong secret', change: {}, secret: 'wrong', code: 'SignatureDoesNotMatch' },
    { name: 'an old time', change: { Timestamp: '2016-02-23T12:46:24Z' }, code: 'InvalidTimeStamp.Expired' },
    { name: 'no time', change: { Timestamp: 'now' }, code: 'InvalidTimeStamp.Format' },
    {
      name: 'another method of signing',
      change: { SignatureMethod: 'HMAC-MD5' },
      code: 'IncompleteSignature',
    },
  ])('$name is refused', async ({ change, secret, code }) => {
    const answer = await ask('/', form(signed('POST', change, secret)));
    expect(answer.code).toBe(code);
  });

  test('a nonce is good once', async () => {
    const body = signed('POST');
    expect([await ask('/', form(body)), await ask('/', form(body))]).toEqual([
      OK,
      { status: 400, code: 'SignatureNonceUsed' },
    ]);
  });

  test('nothing signed at all', async () => {
    expect(await ask('/?Action=DescribeInvocations', { method: 'GET' })).toEqual({
      status: 400,
      code: 'IncompleteSignature',
    });
  });
});
