/** What the counting proxy counts: the figures of "what a run may cost" stand on it. */
import { createServer, type Server } from 'node:http';
import { buffer } from 'node:stream/consumers';
import { afterAll, expect, test } from 'vitest';
import * as z from 'zod';
import {
  type CountingProxy,
  difference,
  type ProxiedPart,
  startCountingProxy,
} from '../../../bench/counting-proxy.ts';

/** What came to the part behind the proxy, which always answers the same. */
const came: { target: unknown; body: string }[] = [];
const part: Server = createServer((request, response) => {
  void buffer(request).then((body) => {
    came.push({ target: request.headers['x-amz-target'], body: body.toString() });
    response.end('{"ConsumedCapacity":[{"TableName":"runs","CapacityUnits":2.5}],"Answer":"ü"}');
  });
});
await new Promise<void>((resolve) => {
  part.listen(0, '127.0.0.1', resolve);
});
const PortOf = z.object({ port: z.int() });
const { port } = PortOf.parse(part.address());
const proxies: CountingProxy[] = [];
afterAll(async () => {
  for (const proxy of proxies) await proxy.stop();
  part.closeAllConnections();
  part.close();
});

/** The counts after one request. */
async function counted(kind: ProxiedPart, action: string, body: object, headers = {}) {
  const proxy = await startCountingProxy(kind, `http://127.0.0.1:${port}`);
  proxies.push(proxy);
  const response = await fetch(proxy.url, {
    method: 'POST',
    headers: { 'x-amz-target': `DynamoDB_20120810.${action}`, ...headers },
    body: JSON.stringify(body),
  });
  expect(await response.json()).toMatchObject({ Answer: 'ü' });
  const { bytes: _, ...counts } = proxy.counts();
  return counts;
}

function parsed(text: string): unknown {
  return JSON.parse(text);
}

const nothing = { requests: {}, writes: 0, reads: 0, messages: 0, units: { write: 0, read: 0 } };

test.each([
  ['PutItem', {}, { writes: 1, units: { write: 2.5, read: 0 } }],
  ['UpdateItem', {}, { writes: 1, units: { write: 2.5, read: 0 } }],
  ['DeleteItem', {}, { writes: 1, units: { write: 2.5, read: 0 } }],
  [
    'BatchWriteItem',
    { RequestItems: { runs: [{}, {}], records: [{}] } },
    { writes: 3, units: { write: 2.5, read: 0 } },
  ],
  ['TransactWriteItems', { TransactItems: [{}, {}] }, { writes: 2, units: { write: 2.5, read: 0 } }],
  ['GetItem', {}, { reads: 1, units: { write: 0, read: 2.5 } }],
  [
    'BatchGetItem',
    { RequestItems: { runs: { Keys: [{}, {}] } } },
    { reads: 2, units: { write: 0, read: 2.5 } },
  ],
  ['Query', {}, { reads: 1, units: { write: 0, read: 2.5 } }],
  ['DescribeTable', {}, {}],
])('%s of a table is counted by its items', async (action, body, expected) => {
  expect(await counted('table', action, body)).toEqual({
    ...nothing,
    requests: { [action]: 1 },
    ...expected,
  });
});

test('a table is asked what a request costs, and nothing else of the request is changed', async () => {
  came.length = 0;
  await counted('table', 'PutItem', { TableName: 'runs', Item: { name: { S: 'ü' } } });
  expect(came.map(({ body }) => parsed(body))).toEqual([
    { TableName: 'runs', Item: { name: { S: 'ü' } }, ReturnConsumedCapacity: 'TOTAL' },
  ]);
});

test.each([
  ['SendMessage', {}, 1],
  ['SendMessageBatch', { Entries: [{}, {}, {}] }, 3],
  ['GetQueueUrl', {}, 0],
])('%s of a queue is one request, with its messages', async (action, body, messages) => {
  expect(await counted('queues', action, body)).toEqual({ ...nothing, requests: { [action]: 1 }, messages });
});

test.each([
  ['x-tc-action', 'InvokeCommand'],
  ['x-acs-action', 'DescribeInvocations'],
])('a cloud’s requests are counted by %s', async (header, action) => {
  expect(await counted('cloud', 'none', {}, { [header]: action })).toEqual({
    ...nothing,
    requests: { [action]: 1 },
  });
});

test('between two looks is what came between them', () => {
  const before = { ...nothing, requests: { PutItem: 1, Query: 2 }, writes: 1, bytes: 10 };
  const after = {
    ...nothing,
    requests: { PutItem: 3, Query: 2, GetItem: 1 },
    writes: 3,
    reads: 1,
    bytes: 30,
  };
  expect(difference(after, before)).toEqual({
    ...nothing,
    requests: { PutItem: 2, GetItem: 1 },
    writes: 2,
    reads: 1,
    bytes: 20,
  });
});
