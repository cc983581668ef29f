/**
 * What runs cost in table operations, calls of queues and calls of the cloud, and how long after their end they are
 * told, beside what the design allows ("What a run may cost") and beside a loop that asks about each run each 5 seconds.
 * counting-proxy.ts says what is counted. Everything real but AWS and the cloud: the handlers, the queues, the table, and
 * commands that run as processes on this machine.
 * Run: node bench/run-cost.ts [--details] [scenario …], of: alone, one, long, fleet
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { AllCounts, Latencies } from './backend-messages.ts';
import { difference, requestsOf } from './counting-proxy.ts';
import { loopEachFiveSeconds } from './loop-peer.ts';
import { quantile, report } from './report.ts';
import { startWorld, type Told } from './world.ts';

const NO_LATENCY: Latencies = { table: 0, queues: 0, tencent: 0, alibaba: 0 };
const LATENCY: Latencies = { table: 5, queues: 8, tencent: 80, alibaba: 80 };
const asked = process.argv.slice(2).filter((name) => name !== '--details');
/** Each action of table, queues and cloud with its count, on standard error. */
const showsDetails = process.argv.includes('--details');
const isAsked = (name: string): boolean => asked.length === 0 || asked.includes(name);

const instances = Array.from({ length: 200 }, (_, index) => `ins-bench${String(index).padStart(3, '0')}`);
const FLEET = JSON.stringify({
  version: 1,
  instances: instances.map((id) => ({ id })),
  // The last thing that it says is when it ended, by this machine's clock.
  commands: [
    { id: 'cmd-bench001', name: 'bench', content: 'sleep {{seconds}}; date +%s.%N', enableParameter: true },
  ],
});
/**
 * Two rules for each number of instances, with one destination. Runs that are alone lock their instances; runs at
 * once are on the same instances, and would wait for each other.
 */
const RULES = JSON.stringify({
  version: 1,
  rules: [1, 50, 200].flatMap((count) => [aRule(count, true), aRule(count, false)]),
});

function aRule(count: number, isAlone: boolean) {
  return {
    name: `run-on-${count}${isAlone ? '-alone' : ''}`,
    on: 'generic',
    when: `event.data.body.instances == ${count} && event.data.body.isAlone == ${isAlone}`,
    run: {
      provider: 'tencent',
      region: 'ap-guangzhou',
      command: 'cmd-bench001',
      instances: instances.slice(0, count),
      parameters: { seconds: `\${event.data.body.seconds}` },
      timeout: '120s',
    },
    guards: { maxPerHour: { runs: 5000 }, lock: isAlone },
  };
}

interface Measured {
  counts: AllCounts;
  /** From a task's end to the message that tells of it. */
  lagsMs: readonly number[];
  /** From the first event to the last message. */
  wholeMs: number;
}

/** What the design allows, "What a run may cost"; locks come on top. */
const LOCK_WRITES = { oneTask: 2, fiftyTasks: 20 };
const ALLOWED = {
  oneTask: { 'table writes': 6, 'table reads': 4, 'cloud calls': 1.5, 'queue calls': 4 },
  fiftyTasks: { 'table writes': 16, 'queue calls': 12 },
  fortySeconds: { 'table writes': 9, 'table reads': 9, 'cloud calls': 4 },
} as const;
const LAG = { p50: 2_000, p99: 4_000, p99OfThousand: 10_000 };
const SLOWED = 1.6;

let runsStarted = 0;
const world = await startWorld({ rules: RULES, fleet: FLEET });
try {
  await measure(1, 1, 0); // connections are opened, code is loaded
  if (isAsked('alone')) await alone();
  if (isAsked('one')) await oneTask();
  if (isAsked('long')) await fortySeconds();
  if (isAsked('fleet')) await ofManyTasks();
} finally {
  await world.stop();
}

/** Nothing else is in flight: no look is shared. */
async function alone(): Promise<void> {
  const each: Measured[] = [];
  for (let run = 0; run < 5; run += 1) each.push(await measure(1, 1, 1));
  const costs = each.map((one) => costsOf(one, 1));
  for (const figure of ['table writes', 'table reads', 'cloud calls', 'queue calls'] as const) {
    const ours = costs.reduce((sum, cost) => sum + cost[figure], 0) / costs.length;
    told(`${figure}, a run of one task, alone`, 'per run', ours, {
      'the design allows': ALLOWED.oneTask[figure] + (figure === 'table writes' ? LOCK_WRITES.oneTask : 0),
    });
  }
  const fifty = costsOf(await measure(1, 50, 1), 1)['table writes'];
  told('table writes, a run of 50 tasks, alone', 'per run', fifty, {
    'the design allows': ALLOWED.fiftyTasks['table writes'] + LOCK_WRITES.fiftyTasks,
  });
}

async function oneTask(): Promise<void> {
  const measured = await measure(20, 1, 1);
  compare('runs at once', costsOf(measured, 20), ALLOWED.oneTask, { instances: 1 });
}

async function fortySeconds(): Promise<void> {
  const [measured, loop] = await Promise.all([
    measure(20, 1, 40, NO_LATENCY, quiet),
    loopEachFiveSeconds(world.tatUrl, instances.slice(0, 20), 40),
  ]);
  const what = '20 runs of 40 s at once';
  compare(what, costsOf(measured, 20), ALLOWED.fortySeconds);
  const peer = 'a loop each 5 s';
  told(`cloud calls, ${what}`, 'per run', costsOf(measured, 20)['cloud calls'], { [peer]: loop.calls / 20 });
  for (const [name, share] of [
    ['p50', 0.5],
    ['p99', 0.99],
  ] as const) {
    told(`lag ${name}, ${what}`, 'ms', quantile(measured.lagsMs, share), {
      'the design allows': LAG[name],
      [peer]: quantile(loop.lagsMs, share),
    });
  }
}

/** In the middle of long runs, when nothing changes: what 20 seconds of looking cost. */
async function quiet(): Promise<void> {
  await sleep(12_000);
  const before = await world.counts();
  await sleep(20_000);
  const after = await world.counts();
  const table = difference(after.table, before.table);
  const looks = requestsOf(difference(after.tencent, before.tencent));
  const perMinute = {
    beside: { 'a write and a read for each look': looks * 3 },
    unit: 'per minute, 20 runs',
  };
  for (const figure of ['writes', 'reads'] as const) {
    told(`table ${figure} while nothing changes`, perMinute.unit, table[figure] * 3, perMinute.beside);
  }
}

async function ofManyTasks(): Promise<void> {
  const fast = await measure(20, 50, 1);
  compare('runs at once', costsOf(fast, 20), ALLOWED.fiftyTasks, { instances: 50 });
  const slow = await measure(20, 50, 1, LATENCY);
  const what = '1,000 tasks in 20 runs at 5, 8 and 80 ms';
  told(`lag p50, ${what}`, 'ms', quantile(slow.lagsMs, 0.5), {
    'without latencies': quantile(fast.lagsMs, 0.5),
  });
  told(`lag p99, ${what}`, 'ms', quantile(slow.lagsMs, 0.99), {
    'the design allows': LAG.p99OfThousand,
    'without latencies': quantile(fast.lagsMs, 0.99),
  });
  told(`the whole, ${what}`, 'ms', slow.wholeMs, {
    'the design allows': fast.wholeMs * SLOWED,
    'without latencies': fast.wholeMs,
  });
  const large = await measure(5, 200, 1);
  // Record, run, sent, ended, told; 100 tasks are a page of the cloud's API, and ten events are a batch.
  const floor = { 'table writes': 5, 'cloud calls': 2 + 200 / 100, 'queue calls': 2 + 201 / 10 };
  compare('runs at once', costsOf(large, 5), floor, { instances: 200 }, 'the lower limit by paging');
}

type Cost = Record<'table writes' | 'table reads' | 'cloud calls' | 'queue calls', number>;

function costsOf({ counts }: Measured, runs: number): Cost {
  return {
    'table writes': counts.table.writes / runs,
    'table reads': counts.table.reads / runs,
    'cloud calls': requestsOf(counts.tencent) / runs,
    'queue calls': requestsOf(counts.queues) / runs,
  };
}

function compare(
  what: string,
  costs: Cost,
  limits: Partial<Cost>,
  at: Readonly<Record<string, number>> = {},
  limit = 'the design allows',
): void {
  for (const figure of ['table writes', 'table reads', 'cloud calls', 'queue calls'] as const) {
    const allowed = limits[figure];
    told(
      `${figure}, ${what}`,
      'per run',
      costs[figure],
      allowed === undefined ? {} : { [limit]: allowed },
      at,
    );
  }
}

function told(
  figure: string,
  unit: string,
  ours: number,
  beside: Readonly<Record<string, number>>,
  at: Readonly<Record<string, number>> = {},
): void {
  report({ bench: 'run-cost', figure, unit, better: 'lower', ours, beside, at });
}

/** Starts `runs` runs at once and waits for their end. Each has seconds of its own: TAT cannot tell equal ones apart. */
async function measure(
  runs: number,
  instanceCount: number,
  seconds: number,
  latencies = NO_LATENCY,
  meanwhile = async (): Promise<void> => {},
): Promise<Measured> {
  await settled();
  await world.slow(latencies);
  const before = await world.counts();
  const startedMs = Date.now();
  const sent = await Promise.all(
    Array.from({ length: runs }, () =>
      world.send({ instances: instanceCount, seconds: secondsOf(seconds), isAlone: runs === 1 }),
    ),
  );
  await meanwhile();
  const events = await world.untilEnded(sent.flat());
  await settled();
  const after = await world.counts();
  await world.slow(NO_LATENCY);
  const counts = {
    table: difference(after.table, before.table),
    queues: difference(after.queues, before.queues),
    tencent: difference(after.tencent, before.tencent),
    alibaba: difference(after.alibaba, before.alibaba),
  };
  const failed = events.filter(
    ({ event: { type, data } }) =>
      type === 'fleet-reflex.run.rejected' ||
      (type === 'fleet-reflex.run.completed' && data.status !== 'succeeded'),
  );
  if (failed[0] !== undefined)
    throw new Error(`a run did not succeed: ${JSON.stringify(failed[0].event.data)}`);
  if (showsDetails) console.error(runs, 'runs', instanceCount, 'tasks', counts);
  return {
    counts,
    lagsMs: events.flatMap(lagOf),
    wholeMs: Math.max(...events.map(({ atMs }) => atMs)) - startedMs,
  };
}

/** Seconds that no other run has: TAT cannot tell equal commands apart, and one would wait for the other. */
function secondsOf(seconds: number): string {
  runsStarted += 1;
  return `${seconds}.${String(runsStarted).padStart(6, '0')}`;
}

/** What a task's output says of its end, beside when that was told. */
function lagOf({ event, atMs }: Told): number[] {
  if (event.type !== 'fleet-reflex.task.completed') return [];
  return event.data.tasks.map(({ output }) => atMs - Number(output) * 1000);
}

/** Until nothing is asked for any more, but what is renewed as long as it runs. */
async function settled(): Promise<void> {
  for (let look = 0; look < 8; look += 1) {
    const before = await world.counts();
    await sleep(1000);
    const after = await world.counts();
    if (requestsOf(after.table) === requestsOf(before.table)) return;
  }
}
