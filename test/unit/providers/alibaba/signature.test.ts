import { createHmac } from 'node:crypto';
import { expect, test } from 'vitest';
import { flattenParameters } from '../../../../lib/providers/alibaba/rpc-parameters.ts';
import {
  type Acs3Request,
  type AlibabaCredentials,
  acs3Signature,
  acsDate,
  canonicalQuery,
  canonicalRequest,
  percentEncode,
  sha256Hex,
  signAcs3,
} from '../../../../lib/providers/alibaba/signature.ts';

// B is published by Alibaba; of A and C the vendor's SDK and independent code give the same.
const vectors: {
  name: string;
  credentials: AlibabaCredentials;
  request: Acs3Request;
  signature: string;
}[] = [
  {
    name: 'A: InvokeCommand with JSON parameters',
    credentials: { accessKeyId: 'LTAIEXAMPLE', accessKeySecret: 'SECRETEXAMPLE' },
    request: {
      method: 'POST',
      host: 'ecs.cn-hangzhou.aliyuncs.com',
      action: 'InvokeCommand',
      version: '2014-05-26',
      query: flattenParameters({
        RegionId: 'cn-hangzhou',
        CommandId: 'c-hz0jdfwcsr',
        InstanceId: ['i-bp1aaa', 'i-bp1bbb'],
        Parameters: '{"name":"Jack Ma"}',
        ClientToken: 'tok-1',
      }),
      date: new Date('2023-11-14T22:13:20.789Z'),
      nonce: '0123456789abcdef0123456789abcdef',
    },
    signature: 'f7e02556ef9a3dbe6f8bc996e1ccb5cb6b2803c8aa3f45eef630c8d077572ea3',
  },
  {
    name: "B: the vendor's published RunInstances",
    credentials: { accessKeyId: 'YourAccessKeyId', accessKeySecret: 'YourAccessKeySecret' },
    request: {
      method: 'POST',
      host: 'ecs.cn-shanghai.aliyuncs.com',
      action: 'RunInstances',
      version: '2014-05-26',
      query: {
        RegionId: 'cn-shanghai',
        ImageId: 'win2019_1809_x64_dtc_zh-cn_40G_alibase_20230811.vhd',
      },
      date: new Date('2023-10-26T10:22:32Z'),
      nonce: '3156853299f313e23d1673dc12e1703d',
    },
    signature: '06563a9e1b43f5dfe96b81484da74bceab24a1d853912eee15083a6f0f3283c0',
  },
  {
    name: 'C: characters that plain encodeURIComponent leaves alone',
    credentials: { accessKeyId: 'DUMMYACCESSKEYID', accessKeySecret: 'dummyaccesskeysecret' },
    request: {
      method: 'POST',
      host: 'ecs.cn-hangzhou.aliyuncs.com',
      action: 'InvokeCommand',
      version: '2014-05-26',
      query: flattenParameters({
        ClientToken: 'run-0001',
        CommandId: 'c-hz0000001',
        InstanceId: ['i-bp0000001', 'i-bp0000002'],
        Parameters: '{"name":"a b*~"}',
        RegionId: 'cn-hangzhou',
        Timeout: 60,
      }),
      date: new Date('2023-11-14T22:13:20Z'),
      nonce: '00112233445566778899aabbccddeeff',
    },
    signature: '3072bd82978a164836edef806450b39d6b5ff641de9dee6b832b7e499f6012dc',
  },
];

test.each(vectors)('signs vector $name', ({ credentials, request, signature }) => {
  const headers = signAcs3(request, credentials);
  expect(headers['authorization']).toBe(
    `ACS3-HMAC-SHA256 Credential=${credentials.accessKeyId},SignedHeaders=host;x-acs-action;x-acs-content-sha256;` +
      `x-acs-date;x-acs-signature-nonce;x-acs-version,Signature=${signature}`,
  );
});

test('the canonical request of vector C hashes to the published value', () => {
  const request = vectors[2]?.request;
  if (request === undefined) throw new Error('vector C is gone');
  const { authorization: _, ...headers } = signAcs3(request, { accessKeyId: 'any', accessKeySecret: 'any' });
  const { text } = canonicalRequest({
    method: 'POST',
    path: '/',
    query: canonicalQuery(request.query),
    headers,
    payloadHash: sha256Hex(''),
  });
  expect(sha256Hex(text)).toBe('31f5d491e388c319935c2c08f526d141596e7e82d3ccc951af10e3a171cebc97');
});

test('a security token is sent and signed', () => {
  const request: Acs3Request = {
    method: 'POST',
    host: '127.0.0.1:4581',
    action: 'DescribeInvocations',
    version: '2014-05-26',
    query: {},
    date: new Date('2023-11-14T22:13:20Z'),
    nonce: 'n',
  };
  const headers = signAcs3(request, {
    accessKeyId: 'id',
    accessKeySecret: 'secret',
    securityToken: 'sts-token',
  });
  expect(headers).toMatchObject({ host: '127.0.0.1:4581', 'x-acs-security-token': 'sts-token' });
  expect(headers['authorization']).toContain(
    'SignedHeaders=host;x-acs-action;x-acs-content-sha256;x-acs-date;x-acs-security-token;x-acs-signature-nonce;x-acs-version,',
  );
});

test('the secret is the HMAC key itself, with no derivation', () => {
  const expected = createHmac('sha256', 'secret')
    .update(`ACS3-HMAC-SHA256\n${sha256Hex('x')}`)
    .digest('hex');
  expect(acs3Signature('x', 'secret')).toBe(expected);
});

test.each([
  ['a b', 'a%20b'],
  ["!'()*", '%21%27%28%29%2A'],
  ['-_.~', '-_.~'],
  ['/:?&=+', '%2F%3A%3F%26%3D%2B'],
  ['日', '%E6%97%A5'],
])('percentEncode(%j) is %j', (text, expected) => {
  expect(percentEncode(text)).toBe(expected);
});

test('the query is sorted by UTF-16 code unit, not by language', () => {
  expect(canonicalQuery({ b: '', a: '1', B: '2', 'Tag.10': 'x', 'Tag.2': 'y' })).toBe(
    'B=2&Tag.10=x&Tag.2=y&a=1&b=',
  );
});

test('the date has whole seconds and is UTC', () => {
  expect(acsDate(new Date('2026-11-20T23:59:59.999Z'))).toBe('2026-11-20T23:59:59Z');
});

test('parameters flatten to the RPC form', () => {
  const flat = flattenParameters({
    InstanceId: ['i-a', 'i-b'],
    Tag: [{ Key: 'owner', Value: '' }],
    Timed: false,
    Timeout: 60,
    Username: undefined,
  });
  expect(flat).toEqual({
    'InstanceId.1': 'i-a',
    'InstanceId.2': 'i-b',
    'Tag.1.Key': 'owner',
    'Tag.1.Value': '',
    Timed: 'false',
    Timeout: '60',
  });
});
