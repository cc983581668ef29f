/** What a web page can send to a port of the local stack, whose secrets are public: nothing of it is taken. */
import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { type IncomingHttpHeaders, request } from 'node:http';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { beforeAll, describe, expect, it } from 'vitest';
import { canonicalQuery } from '../../lib/providers/alibaba/signature.ts';
import { rpcSignature } from '../../local/alibaba/authenticate.ts';
import { STACK_START_MS, startTestStack, type TestStack } from '../fixtures/stack.ts';
import { runsOf } from './local-stack-client.ts';

interface Sent {
  method: string;
  path: string;
  headers: Record<string, string>;
  body?: string;
}

interface Answered {
  status: number;
  headers: IncomingHttpHeaders;
  body: string;
}

/** As it stands here: fetch would not send these headers. */
async function send(url: string, { method, path, headers, body }: Sent): Promise<Answered> {
  const { hostname, port } = new URL(url);
  return await new Promise((resolve, reject) => {
    const sent = request({ hostname, port, method, path, headers, agent: false }, (answer) => {
      text(answer).then(
        (said) => resolve({ status: answer.statusCode ?? 0, headers: answer.headers, body: said }),
        reject,
      );
    });
    sent.on('error', reject);
    sent.end(body);
  });
}

const PORTS = ['HTTP', 'Lambda', 'SQS', 'DynamoDB', 'TAT', 'Cloud Assistant'] as const;
type Port = (typeof PORTS)[number];

const aRead = (path: string, headers: Record<string, string> = {}): Sent => ({
  method: 'GET',
  path,
  headers,
});
const aPost = (path: string, headers: Record<string, string>, body: unknown): Sent => ({
  method: 'POST',
  path,
  headers: { 'content-type': 'application/json', ...headers },
  body: JSON.stringify(body),
});

const AWS4 =
  'AWS4-HMAC-SHA256 Credential=local/20261121/us-east-1/x/aws4_request, SignedHeaders=host, Signature=0';
const FREEZE = '/2015-03-31/functions/fleet-reflex-local-runs/invocations';
const READ_FREEZE = {
  rawPath: '/freeze',
  routeKey: 'GET /freeze',
  headers: { authorization: 'Bearer local-runs-token' },
  requestContext: { requestId: 'r', http: { method: 'GET' } },
};

/** What each port takes of a program. */
const TAKEN: Readonly<Record<Port, { reads?: Sent; posts: Sent }>> = {
  HTTP: {
    reads: aRead('/runs', { authorization: 'Bearer local-runs-token' }),
    posts: aPost('/hooks/generic', { authorization: 'Bearer local-generic-secret' }, { hello: 'page' }),
  },
  Lambda: { posts: aPost(FREEZE, {}, READ_FREEZE) },
  SQS: {
    reads: aRead('/_fauxqs/queues'),
    posts: aPost(
      '/',
      { 'content-type': 'application/x-amz-json-1.0', 'x-amz-target': 'AmazonSQS.ListQueues' },
      {},
    ),
  },
  DynamoDB: {
    reads: aRead('/'),
    posts: aPost(
      '/',
      {
        'x-amz-target': 'DynamoDB_20120810.ListTables',
        authorization: AWS4,
        'x-amz-date': '20261121T000000Z',
      },
      {},
    ),
  },
  TAT: { reads: aRead('/_faults'), posts: aPost('/_faults', {}, []) },
  'Cloud Assistant': { reads: aRead('/_faults'), posts: aPost('/_faults', {}, []) },
};

const EVIL = 'https://evil.example';

/** What a browser says of a page's request; a page cannot take it away. */
const PAGES: readonly {
  page: string;
  method: 'reads' | 'posts';
  says: (own: string) => Record<string, string>;
}[] = [
  {
    page: 'an image tag',
    method: 'reads',
    says: () => ({
      'sec-fetch-site': 'cross-site',
      'sec-fetch-dest': 'image',
      'sec-fetch-mode': 'no-cors',
      referer: `${EVIL}/`,
    }),
  },
  {
    page: 'a link that is followed',
    method: 'reads',
    says: () => ({
      'sec-fetch-site': 'cross-site',
      'sec-fetch-dest': 'document',
      'sec-fetch-mode': 'navigate',
    }),
  },
  {
    page: 'an image tag on another port of this machine',
    method: 'reads',
    says: () => ({ 'sec-fetch-site': 'same-site', 'sec-fetch-dest': 'image' }),
  },
  {
    page: 'a form post',
    method: 'posts',
    says: () => ({
      origin: EVIL,
      'sec-fetch-site': 'cross-site',
      'content-type': 'application/x-www-form-urlencoded',
    }),
  },
  {
    page: 'a fetch of text/plain',
    method: 'posts',
    says: () => ({ origin: EVIL, 'sec-fetch-site': 'cross-site', 'content-type': 'text/plain' }),
  },
  {
    page: 'a fetch of JSON, by a browser that says only its origin',
    method: 'posts',
    says: () => ({ origin: EVIL }),
  },
  { page: 'a frame in a sandbox', method: 'posts', says: () => ({ origin: 'null' }) },
  {
    page: 'a page on another port of this machine',
    method: 'posts',
    says: () => ({ origin: 'http://127.0.0.1:8080' }),
  },
  {
    page: 'a page over TLS at this port',
    method: 'posts',
    says: (own) => ({ origin: own.replace('http:', 'https:') }),
  },
  {
    page: 'a name that was made to point here, reading',
    method: 'reads',
    says: (own) => ({ host: `evil.example:${new URL(own).port}`, 'sec-fetch-site': 'same-origin' }),
  },
  {
    page: 'a name that was made to point here, posting',
    method: 'posts',
    says: (own) => ({
      host: `evil.example:${new URL(own).port}`,
      origin: `http://evil.example:${new URL(own).port}`,
      'sec-fetch-site': 'same-origin',
    }),
  },
  {
    page: 'a name that begins like this machine',
    method: 'posts',
    says: () => ({ host: '127.0.0.1.evil.example' }),
  },
];

let stack: TestStack;
let url: Readonly<Record<Port, string>>;
beforeAll(async () => {
  stack = await startTestStack({
    rules: `
version: 1
providers: { tencent: { region: ap-guangzhou }, alibaba: { region: cn-hangzhou } }
rules:
  - { name: never, on: generic, when: "has(event.data.body.run)", run: { provider: tencent, command: cmd-echo0001, instances: [ins-local001] } }
`,
  });
  url = {
    HTTP: stack.httpUrl,
    Lambda: stack.lambdaUrl,
    SQS: stack.sqsUrl,
    DynamoDB: stack.tableUrl,
    TAT: stack.tatUrl,
    'Cloud Assistant': stack.cloudAssistantUrl,
  };
}, STACK_START_MS);

const allowances = ({ headers }: Answered) =>
  Object.keys(headers).filter((name) => name.startsWith('access-control-'));

describe.each(PORTS)('%s', (port) => {
  const { reads, posts } = TAKEN[port];

  it.each([reads, posts].filter((sent) => sent !== undefined))(
    'takes $method $path of a program',
    async (sent) => {
      const answer = await send(url[port], sent);
      expect(answer.status, answer.body).toBeLessThan(300);
      expect(allowances(answer)).toEqual([]);
    },
  );

  it.each(PAGES.filter(({ method }) => TAKEN[port][method] !== undefined))(
    'refuses $page',
    async ({ method, says }) => {
      const sent = TAKEN[port][method] ?? posts;
      const answer = await send(url[port], { ...sent, headers: { ...sent.headers, ...says(url[port]) } });
      expect([answer.status, allowances(answer)]).toEqual([403, []]);
      // Each in the words of its API, and all of them say what was expected.
      expect(wordsOf(port, answer)).toContain('Expected ');
    },
  );

  it.each([EVIL, 'null'])('refuses to allow a page of %s anything (a preflight)', async (origin) => {
    const asks = {
      'access-control-request-method': 'POST',
      'access-control-request-headers': 'content-type',
    };
    const answer = await send(url[port], {
      method: 'OPTIONS',
      path: posts.path,
      headers: { origin, ...asks, 'access-control-request-private-network': 'true' },
    });
    expect([answer.status, allowances(answer)]).toEqual([403, []]);
  });

  it.each(['localhost:80', '[::1]:80', '127.0.0.1', 'LOCALHOST'])(
    'takes a program that calls it %s',
    async (host) => {
      const { method, path, headers, body } = posts;
      const answer = await send(url[port], {
        method,
        path,
        headers: { ...headers, host },
        ...(body && { body }),
      });
      expect(answer.status, answer.body).toBeLessThan(300);
    },
  );
});

function wordsOf(port: Port, { headers, body }: Answered): unknown {
  const said = JSON.parse(body);
  switch (port) {
    case 'HTTP':
      expect(headers['content-type']).toBe('application/problem+json');
      return said.detail;
    case 'Lambda':
      expect(headers['x-amzn-errortype']).toBe('AccessDeniedException');
      return said.Message;
    case 'SQS':
    case 'DynamoDB':
      expect(said.__type).toMatch(/#AccessDeniedException$/);
      return said.message;
    case 'TAT':
      expect(said.Response.Error.Code).toBe('UnauthorizedOperation');
      return said.Response.Error.Message;
    case 'Cloud Assistant':
      expect(said.Code).toBe('Forbidden');
      return said.Message;
  }
}

describe('a browser that says nothing of the page', () => {
  // What a page can send without asking: three media types, and none.
  const types = [
    'text/plain;charset=UTF-8',
    'application/x-www-form-urlencoded',
    'multipart/form-data; boundary=x',
    '',
  ];

  it.each((['Lambda', 'SQS', 'DynamoDB'] as const).flatMap((port) => types.map((type) => ({ port, type }))))(
    'does not have $port take a body of "$type"',
    async ({ port, type }) => {
      const { method, path, headers, body } = TAKEN[port].posts;
      const { 'content-type': _, authorization: __, ...rest } = headers;
      const sent = {
        method,
        path,
        headers: { ...rest, ...(type && { 'content-type': type }) },
        ...(body && { body }),
      };
      const answer = await send(url[port], sent);
      expect(answer.status, answer.body).toBe(415);
    },
  );

  it.each(['TAT', 'Cloud Assistant'] as const)('adds no fault to %s by a form', async (port) => {
    const body = JSON.stringify({ kind: 'throttle' });
    const headers = { 'content-type': 'application/x-www-form-urlencoded' };
    const answer = await send(url[port], { method: 'POST', path: '/_faults', headers, body });
    expect(answer.status).toBeGreaterThanOrEqual(400);
    expect(JSON.parse((await send(url[port], aRead('/_faults'))).body)).toMatchObject({ faults: [] });
  });
});

describe('the older signature of Cloud Assistant, with the secret that everybody knows', () => {
  const signed = (method: string, marker: string) => {
    const parameters = {
      Action: 'RunCommand',
      Format: 'JSON',
      Version: '2014-05-26',
      AccessKeyId: 'local',
      SignatureMethod: 'HMAC-SHA1',
      SignatureVersion: '1.0',
      SignatureNonce: randomUUID(),
      Timestamp: new Date().toISOString().replace(/\.\d+Z$/, 'Z'),
      RegionId: 'cn-hangzhou',
      Type: 'RunShellScript',
      CommandContent: Buffer.from(`touch ${marker}`).toString('base64'),
      'InstanceId.1': 'i-local001',
    };
    const Signature = rpcSignature(method, parameters, 'local-secret');
    return canonicalQuery({ ...parameters, Signature });
  };

  it('runs nothing for an image tag, whatever the browser says of it', async () => {
    const marker = join(stack.folder, 'by-image-tag');
    const path = `/?${signed('GET', marker)}`;
    const bySilentBrowser = await send(url['Cloud Assistant'], aRead(path));
    const byBrowser = await send(url['Cloud Assistant'], aRead(path, { 'sec-fetch-site': 'cross-site' }));
    expect([bySilentBrowser.status, byBrowser.status]).toEqual([405, 403]);
    expect(existsSync(marker)).toBe(false);
  });

  it('runs nothing for a form of a page', async () => {
    const marker = join(stack.folder, 'by-form');
    const headers = { origin: EVIL, 'content-type': 'application/x-www-form-urlencoded' };
    const body = signed('POST', marker);
    const answer = await send(url['Cloud Assistant'], { method: 'POST', path: '/', headers, body });
    expect(answer.status).toBe(403);
    expect(existsSync(marker)).toBe(false);
  });
});

describe('the port for people', () => {
  const own = () => ({ origin: stack.httpUrl, 'sec-fetch-site': 'same-origin' });

  it('takes its own pages: a GET without an origin, a POST with its own', async () => {
    const { reads, posts } = TAKEN.HTTP;
    const read = await send(stack.httpUrl, {
      ...(reads ?? posts),
      headers: { ...reads?.headers, 'sec-fetch-site': 'same-origin' },
    });
    const posted = await send(stack.httpUrl, { ...posts, headers: { ...posts.headers, ...own() } });
    expect([read.status, posted.status]).toEqual([200, 202]);
    // Not even to itself, which needs no leave.
    expect([...allowances(read), ...allowances(posted)]).toEqual([]);
  });

  it('takes an address that a person types', async () => {
    const typed = { 'sec-fetch-site': 'none', 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'document' };
    expect((await send(stack.httpUrl, aRead('/runs', typed))).status).toBe(401);
  });

  it('has OPTIONS reach the function: the handshake of a sender of CloudEvents', async () => {
    const answer = await send(stack.httpUrl, {
      method: 'OPTIONS',
      path: '/hooks/cloudevents',
      headers: {
        'webhook-request-origin': 'events.example',
        authorization: 'Bearer local-cloudevents-secret',
      },
    });
    expect([answer.status, answer.headers['webhook-allowed-origin']]).toEqual([200, 'events.example']);
    // Another source does not take it, and says so itself.
    const refused = await send(stack.httpUrl, { method: 'OPTIONS', path: '/hooks/github', headers: {} });
    expect([refused.status, refused.headers.allow]).toEqual([405, 'POST']);
  });

  it('passes a body on byte by byte, and says when it is too large', async () => {
    const headers = { authorization: 'Bearer local-generic-secret', 'content-type': 'application/json' };
    const generic = (body: string) =>
      send(stack.httpUrl, { method: 'POST', path: '/hooks/generic', headers, body });
    expect((await generic(`{"text":"é\\u0000 ${'x'.repeat(100_000)}"}`)).status).toBe(202);
    const tooLarge = await generic('x'.repeat(11 * 1024 * 1024));
    expect([tooLarge.status, JSON.parse(tooLarge.body).type]).toEqual([
      413,
      'urn:fleet-reflex:problem:body.tooLarge',
    ]);
  });
});

it('none of it left a run, or a message to read', async () => {
  expect(await runsOf(stack)).toEqual([]);
});
