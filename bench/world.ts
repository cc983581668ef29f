/**
 * The project at work for a benchmark: the deployed handlers in this process, called by their queues and each minute as
 * Lambda would call them, in front of a backend in another process that counts all that they ask for (`backend.ts`).
 * What the event sources ask themselves (ReceiveMessage, DeleteMessage) is Lambda's own and is not counted.
 */
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { DeleteMessageBatchCommand, ReceiveMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { parse } from 'yaml';
import * as z from 'zod';
import { CompletionEvent } from '../lib/model/completion-event.ts';
import { startEventSource } from '../local/stack/event-source.ts';
import { LOCAL_AWS } from '../local/stack/local-aws.ts';
import { readDeployment } from '../local/stack/serverless-file.ts';
import type { AllCounts, Latencies } from './backend-messages.ts';
import { type BackendFiles, startBackend } from './start-backend.ts';

/** A completion event, and when it was on the queue. */
export interface Told {
  event: CompletionEvent;
  atMs: number;
}

export interface Calls {
  count: number;
  /** How long they took together, and that times the memory: what Lambda charges for. */
  ms: number;
  gbSeconds: number;
}

export interface World {
  /** Posts an event to the door of the source `generic`. @returns the ids of the runs that it starts */
  send(body: object): Promise<readonly string[]>;
  /** Waits until these runs have ended. @returns what was told of them. @throws after the time-out */
  untilEnded(runIds: readonly string[], timeoutMs?: number): Promise<readonly Told[]>;
  /** What the schedule does each minute. */
  tick(): Promise<void>;
  counts(): Promise<AllCounts>;
  /** Makes each request so much slower from now on. */
  slow(latencies: Latencies): Promise<void>;
  memoryGb(functionName: string): number;
  /** By function. */
  calls(): ReadonlyMap<string, Calls>;
  /** Of the tables, through the proxy. */
  tableUrl: string;
  /** Of the local TAT, past the proxy: for a peer that counts by itself. */
  tatUrl: string;
  stop(): Promise<void>;
}

const SERVERLESS_FILE = fileURLToPath(new URL('../serverless.yml', import.meta.url));
const MINUTE_MS = 60_000;
/** Batches at a time of one queue: no more than Lambda would have, and few enough for two cores. */
const MAX_CONCURRENCY = 2;

const Functions = z.object({
  provider: z.object({ memorySize: z.int(), timeout: z.int() }),
  functions: z.record(
    z.string(),
    z.object({
      timeout: z.int().optional(),
      memorySize: z.int().optional(),
      environment: z.record(z.string(), z.unknown()).default({}),
    }),
  ),
});
type Loaded = Map<string, { handler: Handler; timeoutMs: number; memoryGb: number }>;
type Handler = (event: unknown, context: object) => Promise<unknown>;
const Module = z.object({ handler: z.custom<Handler>((it) => typeof it === 'function') });
const Accepted = z.object({
  statusCode: z.literal(202),
  body: z.string().transform((text) => Matched.parse(JSON.parse(text))),
});
const Matched = z.object({ matched: z.array(z.object({ runId: z.string() })) });

export async function startWorld(files: BackendFiles): Promise<World> {
  const backend = await startBackend(files);
  const { environment, direct, queueUrls } = backend;
  const deployment = readDeployment(SERVERLESS_FILE);
  const called = new Map<string, Calls>();
  const loaded = await loadFunctions(environment);
  const call = caller(loaded, called);

  const queues = new SQSClient({ ...LOCAL_AWS, endpoint: direct.queues });
  const stopping = new AbortController();
  const sources = deployment.mappings.map((mapping) =>
    startEventSource({
      client: queues,
      queueUrl: queueUrls[mapping.queue] ?? '',
      batchSize: mapping.batchSize,
      reportsFailures: mapping.reportsFailures,
      concurrency: Math.min(mapping.maximumConcurrency, MAX_CONCURRENCY),
      invoke: (event) => call(mapping.functionName, event),
      onError: (message) => console.error(message),
    }),
  );
  const tick = async (): Promise<void> => {
    await call('poller', { source: 'aws.events' });
  };
  const schedule = setInterval(() => {
    tick().catch((error: unknown) => console.error(error));
  }, MINUTE_MS);

  const told: Told[] = [];
  const listening = listen(queues, backend.queueUrl('completions'), told, stopping.signal);

  return {
    tableUrl: backend.proxied.table,
    tatUrl: direct.tencent,
    async send(body) {
      const answer = await call('webhook', hookOf(body, environment['GENERIC_SECRET'] ?? ''));
      return Accepted.parse(answer).body.matched.map(({ runId }) => runId);
    },
    async untilEnded(runIds, timeoutMs = 120_000) {
      const until = performance.now() + timeoutMs;
      const open = new Set(runIds);
      for (;;) {
        for (const { event } of told) {
          if (event.type === 'fleet-reflex.run.completed' || event.type === 'fleet-reflex.run.rejected') {
            open.delete(event.subject);
          }
        }
        if (open.size === 0) return told.filter(({ event }) => runIds.includes(event.subject));
        if (performance.now() > until)
          throw new Error(`${open.size} of ${runIds.length} runs have not ended`);
        await sleep(100);
      }
    },
    tick,
    counts: () => backend.counts(),
    slow: (latencies) => backend.slow(latencies),
    memoryGb: (name) => loaded.get(name)?.memoryGb ?? Number.NaN,
    calls: () => new Map([...called].map(([name, calls]) => [name, { ...calls }])),
    async stop() {
      clearInterval(schedule);
      stopping.abort();
      await Promise.all(sources.map((source) => source.stop()));
      await listening;
      queues.destroy();
      await backend.stop();
    },
  };
}

/** Each handler with its own environment of serverless.yml, as far as that says it itself. */
async function loadFunctions(environment: Readonly<Record<string, string>>): Promise<Loaded> {
  const { functions, provider } = Functions.parse(
    parse(readFileSync(SERVERLESS_FILE, 'utf8'), { merge: true }),
  );
  const loaded: Loaded = new Map();
  for (const [name, one] of Object.entries(functions)) {
    const literal = Object.entries(one.environment).filter(([, value]) => !String(value).includes('${'));
    const given = {
      ...environment,
      ...Object.fromEntries(literal.map(([key, value]) => [key, String(value)])),
    };
    const added = Object.keys(given).filter((key) => process.env[key] === undefined);
    Object.assign(process.env, given);
    const { handler } = Module.parse(await import(`../handlers/${name}.ts`));
    for (const key of added) delete process.env[key];
    Object.assign(process.env, environment);
    const { timeout = provider.timeout, memorySize = provider.memorySize } = one;
    loaded.set(name, { handler, timeoutMs: timeout * 1000, memoryGb: memorySize / 1024 });
  }
  return loaded;
}

function caller(loaded: Loaded, called: Map<string, Calls>) {
  let requests = 0;
  return async (name: string, event: unknown): Promise<unknown> => {
    const deployed = loaded.get(name);
    if (deployed === undefined) throw new Error(`serverless.yml has no function ${name}`);
    requests += 1;
    const startedAt = performance.now();
    try {
      return await deployed.handler(event, {
        awsRequestId: `bench-${requests}`,
        functionName: name,
        getRemainingTimeInMillis: () => Math.max(0, startedAt + deployed.timeoutMs - performance.now()),
      });
    } finally {
      const elapsedMs = performance.now() - startedAt;
      const { count, ms, gbSeconds } = called.get(name) ?? { count: 0, ms: 0, gbSeconds: 0 };
      called.set(name, {
        count: count + 1,
        ms: ms + elapsedMs,
        gbSeconds: gbSeconds + (elapsedMs / 1000) * deployed.memoryGb,
      });
    }
  };
}

async function listen(queues: SQSClient, url: string, told: Told[], signal: AbortSignal): Promise<void> {
  const receive = new ReceiveMessageCommand({
    QueueUrl: url,
    MaxNumberOfMessages: 10,
    WaitTimeSeconds: 1,
    MessageSystemAttributeNames: ['SentTimestamp'],
  });
  while (!signal.aborted) {
    const { Messages = [] } = await queues.send(receive);
    if (Messages.length === 0) continue;
    for (const { Body = '', Attributes } of Messages) {
      told.push({
        event: CompletionEvent.parse(JSON.parse(Body)),
        atMs: Number(Attributes?.SentTimestamp),
      });
    }
    const Entries = Messages.map(({ ReceiptHandle }, index) => ({ Id: String(index), ReceiptHandle }));
    await queues.send(new DeleteMessageBatchCommand({ QueueUrl: url, Entries }));
  }
}

function hookOf(body: object, secret: string): object {
  return {
    rawPath: '/hooks/generic',
    rawQueryString: '',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${secret}` },
    pathParameters: { source: 'generic' },
    body: JSON.stringify(body),
    isBase64Encoded: false,
    requestContext: { requestId: 'bench', http: { method: 'POST' } },
  };
}
