/**
 * What a month costs at list prices: idle, a million events that start nothing, a thousand runs; beside SSM Automation,
 * which does for EC2 what this does for two other clouds, and beside the smallest instance that is always on. Requests,
 * capacity units, messages, bytes of logs and the functions' time are measured at 5, 8 and 80 ms of latency; free tiers
 * are left out everywhere. The functions' CPU is this machine's, not Lambda's.
 * Run: node bench/prices.ts
 */
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { DynamoDBClient, ScanCommand } from '@aws-sdk/client-dynamodb';
import { LOCAL_AWS } from '../local/stack/local-aws.ts';
import { type AllCounts, TABLES } from './backend-messages.ts';
import { difference, requestsOf } from './counting-proxy.ts';
import { report } from './report.ts';
import { type Calls, startWorld } from './world.ts';

/**
 * US dollars in us-east-1, without free tiers; the pages are aws.amazon.com/<service>/pricing. Those of Lambda (arm64),
 * HTTP APIs and DynamoDB (on demand, since November 2024) were checked on 2026-11-21 in public copies of these pages; the
 * others are the list prices of long standing, and were not checked again on that day.
 */
const PRICES = {
  lambdaRequest: 0.2 / 1e6,
  lambdaGbSecond: 0.0000133334,
  httpApiRequest: 1 / 1e6,
  sqsRequest: 0.4 / 1e6,
  tableWriteUnit: 0.625 / 1e6,
  tableReadUnit: 0.125 / 1e6,
  tableGbMonth: 0.25,
  logGb: 0.5,
  alarmMonth: 0.1,
  secretMonth: 0.4,
  /** Systems Manager Automation: a step that is no script. */
  automationStep: 0.002,
  /** EventBridge, a custom event. */
  busEvent: 1 / 1e6,
  /** EC2 on demand: t4g.micro, 8 GB of gp3, a public IPv4 address. */
  smallInstanceMonth: 0.0084 * 730 + 8 * 0.08 + 0.005 * 730,
} as const;
/** Lambda polls a queue with five connections, each of which asks again after 20 seconds without a message. */
const IDLE_POLLS_A_MONTH = 5 * 3 * 60 * 730;
const MINUTES_A_MONTH = 60 * 730;
/** The clouds' credentials (serverless.yml, `tencentCredentials` and `alibabaCredentials`). */
const SECRETS = 2;
const EVENTS = 30;
const RUNS = 4;
const RUN_SECONDS = 5;
const MILLION = 1_000_000;

const deployment = readFileSync(new URL('../serverless.yml', import.meta.url), 'utf8');
const alarms = deployment.match(/Type: AWS::CloudWatch::Alarm/g)?.length ?? 0;
const queues = deployment.match(/ - sqs:/g)?.length ?? 0;

const world = await startWorld({
  logLevel: 'INFO',
  fleet: JSON.stringify({
    version: 1,
    instances: [{ id: 'ins-bench001' }],
    commands: [{ id: 'cmd-bench001', name: 'bench', content: 'sleep {{seconds}}', enableParameter: true }],
  }),
  rules: JSON.stringify({
    version: 1,
    rules: [
      {
        name: 'run',
        on: 'generic',
        when: 'has(event.data.body.seconds)',
        run: {
          provider: 'tencent',
          region: 'ap-guangzhou',
          command: 'cmd-bench001',
          instances: ['ins-bench001'],
          parameters: { seconds: `\${event.data.body.seconds}` },
        },
      },
    ],
  }),
});
// What the functions log is written here, and charged by the byte.
let logBytes = 0;
const write = process.stdout.write.bind(process.stdout);
process.stdout.write = (chunk: string | Uint8Array): boolean => {
  logBytes += Buffer.byteLength(chunk);
  return true;
};
const table = new DynamoDBClient({ ...LOCAL_AWS, endpoint: world.tableUrl });
try {
  await world.slow({ table: 5, queues: 8, tencent: 80, alibaba: 80 });
  const run = async (seconds: number) => world.untilEnded(await world.send({ seconds: String(seconds) }));
  await run(0.5);
  await world.tick();

  const ticks = 3;
  const idle = await measure(ticks, () => world.tick());
  const event = await measure(EVENTS, (index) => world.send({ nothing: index }));
  const aRun = await measure(RUNS, (index) => run(RUN_SECONDS + index / 1000));
  const kept = await bytesStored();
  process.stdout.write = write;
  tell(idle, event, aRun, kept);
} finally {
  process.stdout.write = write;
  table.destroy();
  await world.stop();
}

interface Usage {
  counts: AllCounts;
  calls: ReadonlyMap<string, Calls>;
  logBytes: number;
  times: number;
}

/** One after the other, so that nothing is shared: batches make it cheaper. */
async function measure(times: number, work: (index: number) => Promise<unknown>): Promise<Usage> {
  const [countsBefore, callsBefore, bytesBefore] = [await world.counts(), world.calls(), logBytes];
  for (let index = 0; index < times; index += 1) await work(index);
  await quiet();
  const [counts, calls] = [await world.counts(), world.calls()];
  return {
    times,
    logBytes: logBytes - bytesBefore,
    counts: {
      table: difference(counts.table, countsBefore.table),
      queues: difference(counts.queues, countsBefore.queues),
      tencent: difference(counts.tencent, countsBefore.tencent),
      alibaba: difference(counts.alibaba, countsBefore.alibaba),
    },
    calls: new Map(
      [...calls].map(([name, { count, ms, gbSeconds }]) => {
        const before = callsBefore.get(name) ?? { count: 0, ms: 0, gbSeconds: 0 };
        return [
          name,
          { count: count - before.count, ms: ms - before.ms, gbSeconds: gbSeconds - before.gbSeconds },
        ];
      }),
    ),
  };
}

/** Until no function is called any more. */
async function quiet(): Promise<void> {
  for (let look = 0; look < 20; look += 1) {
    const before = await world.counts();
    await sleep(1000);
    const after = await world.counts();
    if (requestsOf(after.table) === requestsOf(before.table)) return;
  }
}

/** Dollars of one, as it was measured. */
function costOf({ counts, calls, times, logBytes: logged }: Usage): number {
  let cost = 0;
  for (const [name, { count, gbSeconds }] of calls) {
    cost += count * PRICES.lambdaRequest + gbSeconds * PRICES.lambdaGbSecond;
    if (name === 'webhook') cost += count * PRICES.httpApiRequest;
    // What a queue gives to a function is received and deleted, which is charged like any request.
    else cost += count * 2 * PRICES.sqsRequest;
  }
  cost += requestsOf(counts.queues) * PRICES.sqsRequest;
  cost += counts.table.units.write * PRICES.tableWriteUnit + counts.table.units.read * PRICES.tableReadUnit;
  cost += (logged / 1e9) * PRICES.logGb;
  return cost / times;
}

/** Bytes of one item that stays, by table: a run with its outputs, the record of an event. */
async function bytesStored(): Promise<{ run: number; record: number }> {
  const bytesOf = async (TableName: string): Promise<number> => {
    const { Items = [] } = await table.send(new ScanCommand({ TableName }));
    return JSON.stringify(Items).length;
  };
  return {
    run: (await bytesOf(TABLES.RunsTable)) / (RUNS + 1),
    record: (await bytesOf(TABLES.RecordsTable)) / (RUNS + 1 + EVENTS),
  };
}

function tell(idle: Usage, event: Usage, aRun: Usage, kept: { run: number; record: number }): void {
  const idleMonth =
    costOf(idle) * MINUTES_A_MONTH +
    queues * IDLE_POLLS_A_MONTH * PRICES.sqsRequest +
    alarms * PRICES.alarmMonth +
    SECRETS * PRICES.secretMonth;
  const ofEvent = costOf(event) + (kept.record / 1e9) * PRICES.tableGbMonth;
  const ofRun = costOf(aRun) + ((kept.run + kept.record) / 1e9) * PRICES.tableGbMonth;
  const month = (events: number, runs: number): number => idleMonth + events * ofEvent + runs * ofRun;
  const automation = (events: number, runs: number): number =>
    events * PRICES.busEvent + runs * PRICES.automationStep;
  const dollars = { bench: 'prices', unit: 'US dollars a month', better: 'lower' } as const;
  const beside = (events: number, runs: number) => ({
    'SSM Automation': automation(events, runs),
    'a t4g.micro that is always on': PRICES.smallInstanceMonth,
  });
  report({
    ...dollars,
    figure: 'idle',
    ours: idleMonth,
    beside: { 'a t4g.micro that is always on': PRICES.smallInstanceMonth },
  });
  report({
    ...dollars,
    figure: 'a million events that start nothing',
    ours: MILLION * ofEvent,
    beside: { 'SSM Automation': MILLION * PRICES.busEvent },
  });
  report({
    ...dollars,
    figure: 'a thousand runs of 5 s, one at a time',
    ours: 1000 * ofRun,
    beside: { 'SSM Automation': automation(1000, 1000) },
  });
  report({
    ...dollars,
    figure: 'a million events and a thousand runs, idle included',
    ours: month(MILLION, 1000),
    beside: beside(MILLION, 1000),
  });
  report({
    bench: 'prices',
    figure: 'a minute in which the poller looks',
    unit: 'US dollars',
    better: 'lower',
    ours: 60 * world.memoryGb('poller') * PRICES.lambdaGbSecond,
    beside: { 'a step of SSM Automation': PRICES.automationStep },
  });
  for (const runs of [100, 1_000, 10_000, 100_000, 1_000_000]) {
    report({
      ...dollars,
      figure: 'by runs, ten events for each',
      ours: month(runs * 10, runs),
      beside: beside(runs * 10, runs),
      at: { runs },
    });
  }
}
