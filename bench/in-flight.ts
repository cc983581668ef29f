/**
 * The poller with 100 to 10,000 runs in flight in one region: its own loop on simulated time, a store in memory that
 * counts, and a cloud whose every request takes 80 ms and a place in its rate. How late an end is told, and what a run
 * costs, beside a loop for each run that asks every 5 seconds as far as all of the cloud's rate allows, and beside the
 * least requests that there can be.
 * Run: node bench/in-flight.ts [runs …]
 */

import { silent } from '../lib/logging.ts';
import { runIdFor } from '../lib/model/run-id.ts';
import type { RunRequest } from '../lib/model/run-request.ts';
import { fleetCache } from '../lib/providers/fleet-cache.ts';
import type { Provider, TaskReport } from '../lib/providers/provider.ts';
import { createRateLimiter } from '../lib/providers/rate-limiter.ts';
import { ALWAYS_CLOSED } from '../lib/runs/circuits.ts';
import { dispatchRun } from '../lib/runs/dispatch.ts';
import { type PollContext, poll } from '../lib/runs/poll.ts';
import { POLL_TIMING } from '../lib/runs/poll-timing.ts';
import { memoryGuardStore } from '../lib/store/memory-guard-store.ts';
import type { RunStore } from '../lib/store/run-store.ts';
import { memoryRunStore } from '../test/fixtures/memory-run-store.ts';
import { quantile, report } from './report.ts';
import { type SimulatedClock, simulatedClock } from './simulated-clock.ts';

const COUNTS = process.argv.length > 2 ? process.argv.slice(2).map(Number) : [100, 1_000, 10_000];
const SHORTEST_MS = 30_000;
const LONGEST_MS = 150_000;
const REQUEST_MS = 80;
/** Of each API in a second, for the whole account; the poller has this share of it (REQUEST_SHARES). */
const RATE = 20;
const POLLER_SHARE = 0.3;
/** What one status request, and one request for outputs, covers. */
const PAGE = 100;
const PEER_EVERY_MS = 5_000;

for (const count of COUNTS) {
  const clock = simulatedClock(Date.parse('2026-11-21T10:00:00Z'));
  const cpuBefore = process.cpuUsage();
  const { lagsMs, requests, table, elapsedMs } = await clock.until(play(count, clock));
  const { user, system } = process.cpuUsage(cpuBefore);
  const at = { runs: count };
  const one = { bench: 'in-flight', better: 'lower', at } as const;
  // Each asks in turn; with more of them than the rate allows, a turn comes later.
  const peerEveryMs = Math.max(PEER_EVERY_MS, (count / RATE) * 1000);
  const meanMs = (SHORTEST_MS + LONGEST_MS) / 2;
  const peer = 'a loop each 5 s';
  for (const [name, share] of [
    ['p50', 0.5],
    ['p99', 0.99],
  ] as const) {
    report({
      ...one,
      figure: `told after the end, ${name}`,
      unit: 'ms',
      ours: quantile(lagsMs, share),
      beside: { [peer]: peerEveryMs * share + REQUEST_MS },
    });
  }
  report({
    ...one,
    figure: 'requests to the cloud',
    unit: 'per run',
    ours: requests / count,
    beside: { [peer]: 1 + meanMs / peerEveryMs, 'the least: each page of outputs once': 1 / PAGE },
  });
  report({
    ...one,
    figure: 'writes of the table while looked at',
    unit: 'per run',
    ours: table.writes / count,
    beside: { 'the end and that it is told': 2 },
  });
  report({
    ...one,
    figure: 'reads of the table while looked at',
    unit: 'per run',
    ours: table.reads / count,
    beside: { 'once, to hold it in memory': 1 },
  });
  report({
    ...one,
    figure: 'CPU of the poller',
    unit: 'ms per minute',
    ours: (user + system) / 1000 / (elapsedMs / 60_000),
    beside: { 'a minute': 60_000 },
  });
}

interface Played {
  lagsMs: number[];
  requests: number;
  table: { writes: number; reads: number };
  elapsedMs: number;
}

async function play(count: number, clock: SimulatedClock): Promise<Played> {
  const now = () => new Date(clock.epochMs());
  const cloud = aCloud(clock);
  const { store, table } = counting(memoryRunStore());
  const lagsMs: number[] = [];
  const context: PollContext = {
    store,
    guards: memoryGuardStore(),
    circuits: ALWAYS_CLOSED,
    lastLook: async ({ runId }) => ({ freeze: undefined, tombstones: [], run: await store.get(runId) }),
    providers: { tencent: cloud.provider, alibaba: cloud.provider },
    fleets: fleetCache({ providers: {}, maxAgeMs: 0, now }),
    runsQueue: { send: async () => {} },
    publishing: {
      stage: 'bench',
      reply: async () => {},
      resolve: () => ({
        async send(events) {
          await clock.sleep(8);
          for (const { type, data } of events) {
            if (type !== 'fleet-reflex.run.completed') continue;
            lagsMs.push(clock.epochMs() - cloud.endOf(data.invocationIds[0] ?? ''));
          }
        },
      }),
    },
    log: silent,
    now,
    wake: async () => {},
    standIn: async () => {},
    sleep: clock.sleep,
    atWork: new Map(),
    lately: new Map(),
    owner: 'bench',
    secondsPerMinute: 60,
    budgetMs: 43_000,
    leaseMs: 60_000,
    reconcileSettleMs: 10_000,
    timing: POLL_TIMING,
  };
  for (let index = 0; index < count; index += 1) {
    const durationMs = SHORTEST_MS + ((index * 7919) % count) * ((LONGEST_MS - SHORTEST_MS) / count);
    await dispatchRun(aRequest(index, durationMs, now()), context);
  }
  Object.assign(table, { writes: 0, reads: 0 });
  const startedMs = clock.epochMs();
  while (lagsMs.length < count) {
    await poll(context);
    await clock.sleep(100);
  }
  return { lagsMs, requests: cloud.requests(), table, elapsedMs: clock.epochMs() - startedMs };
}

type RunOnly = Extract<RunRequest, { action: 'run' }>;

/** On an instance of its own, and as long as its parameter says. */
function aRequest(index: number, durationMs: number, now: Date): RunOnly {
  const rule = 'bench';
  const trigger = { source: 'generic', type: 'generic.received', id: `event-${index}` };
  return {
    version: 2,
    action: 'run',
    runId: runIdFor(rule, trigger.source, trigger.id),
    rule,
    trigger,
    notify: [{ name: 'completions', sqs: 'completions' }],
    requestedAt: now.toISOString(),
    target: {
      provider: 'tencent',
      region: 'ap-guangzhou',
      command: 'cmd-bench001',
      instances: [`ins-${index}`],
      parameters: { milliseconds: String(durationMs) },
      timeoutSeconds: 600,
    },
    guards: {},
    onUnavailable: 'fail',
    deadline: new Date(now.getTime() + 900_000).toISOString(),
  };
}

/** A cloud that takes every command at once, and whose readings cost what they cost. */
function aCloud(clock: SimulatedClock) {
  const invocations = new Map<string, { instanceId: string; endsAtMs: number }>();
  let requests = 0;
  const limiters = new Map(
    ['status', 'outputs'].map((api) => [api, createRateLimiter({ limit: RATE * POLLER_SHARE, clock })]),
  );
  const request = async (api: 'status' | 'outputs'): Promise<void> => {
    await limiters.get(api)?.take('bench');
    requests += 1;
    await clock.sleep(REQUEST_MS);
  };
  const pages = async (api: 'status' | 'outputs', items: number): Promise<void> => {
    await Promise.all(Array.from({ length: Math.ceil(items / PAGE) }, () => request(api)));
  };

  const provider: Provider = {
    name: 'tencent',
    identity: { by: 'token' },
    maxInstancesPerInvocation: 200,
    requestCounts: {},
    isInstanceId: () => true,
    storedCommand: async () => undefined,
    list: async () => ({ invocations: [] }),
    split: (instances) => [[...instances]],
    async invoke({ target }) {
      const invocationId = `inv-${invocations.size + 1}`;
      const endsAtMs = clock.epochMs() + Number(target.parameters['milliseconds']);
      invocations.set(invocationId, { instanceId: target.instances[0] ?? '', endsAtMs });
      return { kind: 'sent', invocationId, requestId: invocationId };
    },
    find: async () => [],
    async read(refs, { wantsOutput = () => true } = {}) {
      await pages('status', refs.length);
      const readings = refs.map(({ invocationId }) => {
        const known = invocations.get(invocationId);
        if (known === undefined) throw new Error(`no invocation ${invocationId}`);
        const hasEnded = known.endsAtMs <= clock.epochMs();
        const task: TaskReport = {
          invocationId,
          taskId: `invt-${invocationId}`,
          instanceId: known.instanceId,
          status: hasEnded ? 'succeeded' : 'running',
          providerStatus: hasEnded ? 'SUCCESS' : 'RUNNING',
          started: 'yes',
          ...(hasEnded && { exitCode: 0, output: Buffer.from('done\n') }),
        };
        return { kind: 'read' as const, invocationId, tasks: [task] };
      });
      const ended = readings.filter(({ tasks: [task] }) => task?.exitCode === 0 && wantsOutput(task.taskId));
      await pages('outputs', ended.length);
      return readings;
    },
    cancel: async () => ({ kind: 'requested' }),
    availability: async (_region, ids) => ids.map((instanceId) => ({ instanceId, isAvailable: true })),
  };
  return {
    provider,
    requests: () => requests,
    endOf(invocationId: string): number {
      const known = invocations.get(invocationId);
      if (known === undefined) throw new Error(`no invocation ${invocationId}`);
      return known.endsAtMs;
    },
  };
}

/** Item operations, as counting-proxy.ts counts them; a reading of an index is one page. */
function counting(store: RunStore): { store: RunStore; table: { writes: number; reads: number } } {
  const table = { writes: 0, reads: 0 };
  const write = (items = 1) => {
    table.writes += items;
  };
  const read = (items = 1) => {
    table.reads += items;
  };
  return {
    table,
    store: {
      ...store,
      async create(run) {
        write();
        return await store.create(run);
      },
      async get(runId) {
        read();
        return await store.get(runId);
      },
      async getMany(runIds) {
        read(runIds.length);
        return await store.getMany(runIds);
      },
      async save(run) {
        write();
        return await store.save(run);
      },
      async markTold(runs) {
        write(runs.length);
        await store.markTold(runs);
      },
      async scopes() {
        const scopes = await store.scopes();
        // Their names, and the lease of each.
        read(1 + scopes.size);
        return scopes;
      },
      async liveIn(scope, after) {
        read();
        return await store.liveIn(scope, after);
      },
      async acquireLease(...lease) {
        write();
        return await store.acquireLease(...lease);
      },
      async releaseLease(...lease) {
        write();
        await store.releaseLease(...lease);
      },
    },
  };
}
