/**
 * A proxy in front of the table, the queues or a cloud that counts what passes, and can make each request as slow as
 * the real part is. What is counted:
 *
 * - `requests`: each HTTP request, by its action (`PutItem`, `SendMessageBatch`, `DescribeInvocations`).
 * - `writes` and `reads` of a table: item operations. PutItem, UpdateItem and DeleteItem are one write each,
 *   BatchWriteItem and TransactWriteItems one for each item in them; GetItem is one read, BatchGetItem and
 *   TransactGetItems one for each key, Query and Scan one for each page that is asked for.
 * - `messages` of a queue: those that are sent; a batch of ten is one request and ten messages.
 * - `units` of a table: what AWS would charge for, as DynamoDB itself says (ReturnConsumedCapacity), indexes included.
 */
import { Agent, createServer, request as forward, type IncomingMessage } from 'node:http';
import { buffer } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import * as z from 'zod';

export type ProxiedPart = 'table' | 'queues' | 'cloud';

export const Counts = z.strictObject({
  requests: z.record(z.string(), z.int()),
  writes: z.int(),
  reads: z.int(),
  messages: z.int(),
  units: z.strictObject({ write: z.number(), read: z.number() }),
  /** Of bodies, both ways. */
  bytes: z.int(),
});
export type Counts = z.infer<typeof Counts>;

export interface CountingProxy {
  port: number;
  url: string;
  /** Added to each request from now on. */
  latencyMs: number;
  counts(): Counts;
  stop(): Promise<void>;
}

const TableBody = z.looseObject({
  RequestItems: z
    .record(z.string(), z.union([z.array(z.unknown()), z.looseObject({ Keys: z.array(z.unknown()) })]))
    .optional(),
  TransactItems: z.array(z.unknown()).optional(),
});
const QueueBody = z.looseObject({ Entries: z.array(z.unknown()).optional() });
const Consumed = z.looseObject({ CapacityUnits: z.number().default(0) });
const TableAnswer = z.looseObject({
  ConsumedCapacity: z.union([Consumed.transform((one) => [one]), z.array(Consumed)]).optional(),
});
const WRITES = new Set(['PutItem', 'UpdateItem', 'DeleteItem', 'BatchWriteItem', 'TransactWriteItems']);
const READS = new Set(['GetItem', 'BatchGetItem', 'TransactGetItems', 'Query', 'Scan']);

/** @param target `http://127.0.0.1:8000`; an answer's bytes are passed on as they are */
export async function startCountingProxy(
  part: ProxiedPart,
  target: string,
  port = 0,
): Promise<CountingProxy> {
  const { hostname, port: targetPort } = new URL(target);
  const agent = new Agent({ keepAlive: true });
  const counts = noCounts();
  const proxy = { latencyMs: 0 };

  const pass = async (message: IncomingMessage): Promise<IncomingMessage & { content: Buffer }> => {
    const sent = await buffer(message);
    const action = actionOf(part, message, sent);
    counts.requests[action] = (counts.requests[action] ?? 0) + 1;
    const body = part === 'table' ? countTable(action, sent, counts) : sent;
    if (part === 'queues') countQueue(action, sent, counts);
    if (proxy.latencyMs > 0) await sleep(proxy.latencyMs);
    const answer = await new Promise<IncomingMessage>((resolve, reject) => {
      const { method, url, headers } = message;
      const passed = { ...headers, 'content-length': String(body.length) };
      const options = { hostname, port: targetPort, method, path: url, headers: passed, agent };
      forward(options, resolve).once('error', reject).end(body);
    });
    const content = await buffer(answer);
    counts.bytes += sent.length + content.length;
    if (part === 'table') countUnits(action, content, counts);
    return Object.assign(answer, { content });
  };

  const server = createServer({ maxHeaderSize: 256 * 1024 }, (message, response) => {
    pass(message).then(
      ({ statusCode = 502, headers, content }) => {
        // The checksum of a table's answer is of the bytes, which are the same.
        const { 'transfer-encoding': _, ...kept } = headers;
        response.writeHead(statusCode, { ...kept, 'content-length': content.length });
        response.end(content);
      },
      () => message.socket.destroy(),
    );
  });
  server.keepAliveTimeout = 65_000;
  await new Promise<void>((resolve) => {
    server.listen(port, '127.0.0.1', resolve);
  });
  const address = server.address();
  const listening = typeof address === 'object' && address !== null ? address.port : 0;
  return Object.assign(proxy, {
    port: listening,
    url: `http://127.0.0.1:${listening}`,
    counts: () => structuredClone(counts),
    async stop() {
      agent.destroy();
      server.closeAllConnections();
      await new Promise((resolve) => {
        server.close(resolve);
      });
    },
  });
}

export function noCounts(): Counts {
  return { requests: {}, writes: 0, reads: 0, messages: 0, units: { write: 0, read: 0 }, bytes: 0 };
}

/** What was counted between two looks. */
export function difference(after: Counts, before: Counts): Counts {
  const requests: Record<string, number> = {};
  for (const [action, count] of Object.entries(after.requests)) {
    const more = count - (before.requests[action] ?? 0);
    if (more !== 0) requests[action] = more;
  }
  return {
    requests,
    writes: after.writes - before.writes,
    reads: after.reads - before.reads,
    messages: after.messages - before.messages,
    units: {
      write: after.units.write - before.units.write,
      read: after.units.read - before.units.read,
    },
    bytes: after.bytes - before.bytes,
  };
}

export function requestsOf({ requests }: Counts): number {
  return Object.values(requests).reduce((sum, count) => sum + count, 0);
}

function actionOf(part: ProxiedPart, { headers, url = '' }: IncomingMessage, body: Buffer): string {
  if (part === 'cloud') {
    const named = headers['x-tc-action'] ?? headers['x-acs-action'] ?? actionParameter(url, body);
    return String(named);
  }
  return (
    String(headers['x-amz-target'] ?? 'none')
      .split('.')
      .at(-1) ?? 'none'
  );
}

function actionParameter(url: string, body: Buffer): string {
  const query = new URLSearchParams(url.split('?')[1] ?? '');
  return query.get('Action') ?? new URLSearchParams(body.toString()).get('Action') ?? 'none';
}

/** @returns the request that also asks for what it costs */
function countTable(action: string, body: Buffer, counts: Counts): Buffer {
  const isWrite = WRITES.has(action);
  if (!isWrite && !READS.has(action)) return body;
  const parsed = TableBody.parse(JSON.parse(body.toString('utf8')));
  const inBatch = Object.values(parsed.RequestItems ?? {}).reduce(
    (sum, items) => sum + (Array.isArray(items) ? items : items.Keys).length,
    parsed.TransactItems?.length ?? 0,
  );
  const operations = Math.max(1, inBatch);
  if (isWrite) counts.writes += operations;
  else counts.reads += operations;
  return Buffer.from(JSON.stringify({ ...parsed, ReturnConsumedCapacity: 'TOTAL' }));
}

function countUnits(action: string, content: Buffer, counts: Counts): void {
  const answer = TableAnswer.safeParse(JSON.parse(content.toString('utf8') || '{}'));
  const units = (answer.data?.ConsumedCapacity ?? []).reduce((sum, one) => sum + one.CapacityUnits, 0);
  if (WRITES.has(action)) counts.units.write += units;
  if (READS.has(action)) counts.units.read += units;
}

function countQueue(action: string, body: Buffer, counts: Counts): void {
  if (action !== 'SendMessage' && action !== 'SendMessageBatch') return;
  counts.messages += QueueBody.parse(JSON.parse(body.toString('utf8'))).Entries?.length ?? 1;
}
