/** The door of the local TAT: signatures, common parameters, frequency, and what is no request of the API at all. */
import { createHash, createHmac } from 'node:crypto';
import { describe, expect, it, onTestFinished } from 'vitest';
import { envelopeOf, type LocalTat, startTat } from './local-tencent-server.ts';

const tat = await startTat({
  credentials: [
    { secretId: 'local', secretKey: 'local-secret' },
    { secretId: 'temporary', secretKey: 'temporary-secret', token: 'right' },
  ],
});

interface Raw {
  body?: string;
  headers?: Record<string, string | undefined>;
  /** What is signed where it differs from what is sent. */
  signedBody?: string;
  signedHost?: string;
  signedHeaders?: string[];
  service?: string;
  timestamp?: number;
  date?: string;
  secretId?: string;
  secretKey?: string;
  /** In the place of the right one; null: none. */
  authorization?: string | null;
}

const hmac = (key: string | Buffer, text: string): Buffer => createHmac('sha256', key).update(text).digest();
const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');

/** A signed request that follows the document, and not the SDK. */
async function send(raw: Raw = {}, server = tat.server) {
  const body = raw.body ?? '{}';
  const timestamp = raw.timestamp ?? Math.floor(Date.now() / 1000);
  const sent: Record<string, string> = {};
  const wanted = {
    'content-type': 'application/json; charset=utf-8',
    host: `127.0.0.1:${server.port}`,
    'x-tc-action': 'DescribeInvocations',
    'x-tc-version': '2020-10-28',
    'x-tc-region': 'ap-guangzhou',
    'x-tc-timestamp': String(timestamp),
    ...raw.headers,
  };
  for (const [name, value] of Object.entries(wanted)) if (value !== undefined) sent[name] = value;
  const names = raw.signedHeaders ?? ['content-type', 'host'];
  const values: Record<string, string> = { ...sent, ...(raw.signedHost && { host: raw.signedHost }) };
  const lines = names.map((name) => `${name}:${(values[name] ?? '').toLowerCase()}\n`).join('');
  const payload = sha256(raw.signedBody ?? body);
  const canonical = ['POST', '/', '', lines, names.join(';'), payload].join('\n');
  const date = raw.date ?? new Date(timestamp * 1000).toISOString().slice(0, 10);
  const scope = `${date}/${raw.service ?? 'tat'}/tc3_request`;
  const key = [date, raw.service ?? 'tat', 'tc3_request'].reduce<Buffer>(
    hmac,
    Buffer.from(`TC3${raw.secretKey ?? 'local-secret'}`),
  );
  const signature = hmac(key, `TC3-HMAC-SHA256\n${timestamp}\n${scope}\n${sha256(canonical)}`).toString(
    'hex',
  );
  const credential = `${raw.secretId ?? 'local'}/${scope}`;
  const { host: _own, ...headers } = sent;
  const right = `TC3-HMAC-SHA256 Credential=${credential}, SignedHeaders=${names.join(';')}, Signature=${signature}`;
  if (raw.authorization !== null) headers['authorization'] = raw.authorization ?? right;
  const response = await fetch(server.url, { method: 'POST', headers, body });
  expect(response.status).toBe(200);
  return envelopeOf(response);
}

const codeOf = async (raw: Raw): Promise<string | undefined> => (await send(raw)).Error?.Code;

describe('a signed request', () => {
  it.each<[string, Raw]>([
    ['with the host and its port', {}],
    ['with the host alone, as the SDK signs it', { signedHost: '127.0.0.1' }],
    ['with the action among its signed headers', { signedHeaders: ['content-type', 'host', 'x-tc-action'] }],
    ['for any service', { service: '127' }],
    ['for the service of the SDK on localhost', { service: 'localhost:4580' }],
    ['a little early', { timestamp: Math.floor(Date.now() / 1000) + 280 }],
    ['a little late', { timestamp: Math.floor(Date.now() / 1000) - 280 }],
    [
      'of an unsigned payload',
      { headers: { 'x-tc-content-sha256': 'UNSIGNED-PAYLOAD' }, signedBody: 'UNSIGNED-PAYLOAD' },
    ],
    ['of the international SDK, which sends the word', { headers: { 'x-tc-token': 'undefined' } }],
    ['with an empty token', { headers: { 'x-tc-token': '' } }],
    [
      'of a temporary credential',
      { secretId: 'temporary', secretKey: 'temporary-secret', headers: { 'x-tc-token': 'right' } },
    ],
  ])('%s is taken', async (_name, raw) => {
    expect(await send(raw)).toEqual({ TotalCount: 0, InvocationSet: [], RequestId: expect.any(String) });
  });

  it.each<[string, string, Raw]>([
    ['AuthFailure.SignatureFailure', 'another body', { signedBody: '{ }' }],
    ['AuthFailure.SignatureFailure', 'another host', { signedHost: 'example.com' }],
    ['AuthFailure.SignatureFailure', 'another key', { secretKey: 'guess' }],
    ['AuthFailure.SignatureFailure', 'a local date', { date: '2020-01-01' }],
    ['AuthFailure.SignatureExpire', 'six minutes late', { timestamp: Math.floor(Date.now() / 1000) - 360 }],
    ['AuthFailure.SignatureExpire', 'six minutes early', { timestamp: Math.floor(Date.now() / 1000) + 360 }],
    ['AuthFailure.SecretIdNotFound', 'an unknown id', { secretId: 'stranger' }],
    ['AuthFailure.InvalidAuthorization', 'no signature', { authorization: null }],
    ['AuthFailure.InvalidAuthorization', 'a skipped one', { authorization: 'SKIP' }],
    ['AuthFailure.InvalidAuthorization', 'the host unsigned', { signedHeaders: ['content-type'] }],
    ['AuthFailure.TokenFailure', 'a token for a permanent id', { headers: { 'x-tc-token': 'any' } }],
    ['AuthFailure.TokenFailure', 'no token', { secretId: 'temporary', secretKey: 'temporary-secret' }],
    ['MissingParameter', 'no time', { headers: { 'x-tc-timestamp': undefined } }],
    ['InvalidParameterValue', 'a time that is none', { headers: { 'x-tc-timestamp': 'now' } }],
    ['MissingParameter', 'no action', { headers: { 'x-tc-action': undefined } }],
    ['MissingParameter', 'no version', { headers: { 'x-tc-version': undefined } }],
    ['MissingParameter', 'no region', { headers: { 'x-tc-region': undefined } }],
    ['UnsupportedRegion', 'a misspelt region', { headers: { 'x-tc-region': 'ap-guangzou' } }],
    ['InvalidAction', 'an action that there is not', { headers: { 'x-tc-action': 'DescribeScenes2' } }],
    ['NoSuchVersion', 'another version', { headers: { 'x-tc-version': '2017-03-12' } }],
    ['UnsupportedProtocol', 'a form', { headers: { 'content-type': 'application/x-www-form-urlencoded' } }],
    ['InvalidParameter', 'a body that is no JSON', { body: '{' }],
    ['InvalidParameter', 'a body that is no object', { body: '[]' }],
  ])('%s answers %s', async (code, _what, raw) => {
    expect(await codeOf(raw)).toBe(code);
  });

  it('that fails tells nothing of the key or the expected signature', async () => {
    const { Error: error } = await send({ secretKey: 'guess' });
    expect(error?.Message).not.toMatch(/[0-9a-f]{32}|local-secret/);
  });
});

describe('the vendor’s SDK', () => {
  it('signs in a way that is taken, with a token too', async () => {
    const temporary = { secretId: 'temporary', secretKey: 'temporary-secret', token: 'right' };
    expect(await tat.client(temporary).DescribeInvocations({})).toMatchObject({ TotalCount: 0 });
    expect(await tat.codeOf('DescribeInvocations', {}, tat.client({ ...temporary, token: 'wrong' }))).toBe(
      'AuthFailure.TokenFailure',
    );
  });
});

describe('what is no request of the API', () => {
  it.each([
    ['GET', '/'],
    ['GET', '/?Action=DescribeInvocations'],
    ['POST', '/v1/invocations'],
    ['PUT', '/'],
  ])('%s %s is told what is', async (method, path) => {
    const response = await fetch(`${tat.server.url}${path}`, { method });
    expect(await envelopeOf(response)).toMatchObject({
      Error: { Code: 'UnsupportedProtocol', Message: expect.stringContaining('POST /') },
    });
  });
});

describe('the frequency limit', () => {
  const storm = async (local: LocalTat, count: number) => {
    const client = local.client();
    return Promise.all(Array.from({ length: count }, () => local.codeOf('DescribeInvocations', {}, client)));
  };

  it('is 20 a second for each API by itself', async () => {
    const local = await startTat({ requestsPerSecond: 20 }, onTestFinished);
    const answers = await storm(local, 25);
    expect(answers.filter((code) => code === 'RequestLimitExceeded')).toHaveLength(5);
    expect(await local.codeOf('DescribeCommands', {})).toMatchObject({ TotalCount: 6 });
  });

  it('can be off', async () => {
    expect(await storm(tat, 60)).not.toContain('RequestLimitExceeded');
  });
});

describe('the port', () => {
  it('that is taken is an error that says so', async () => {
    await expect(startTat({ port: tat.server.port }, onTestFinished)).rejects.toMatchObject({
      code: 'local.port-in-use',
      details: { variable: 'TAT_PORT', port: tat.server.port },
    });
  });
});
