/**
 * `npm run soak`: the local stack for an hour (`--minutes 60`) at the rate that the clouds allow (`--rate 40` events a
 * second: 20 InvokeCommand a second at each), or what this machine sustains, with faults at the clouds. A line for each
 * minute, and at the end a verdict by slopes. Ctrl-C ends it early, with the verdict so far.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { DynamoDBClient, ScanCommand } from '@aws-sdk/client-dynamodb';
import { DeleteMessageBatchCommand, ReceiveMessageCommand } from '@aws-sdk/client-sqs';
import * as z from 'zod';
import { ANY_PORTS } from '../../../local/stack/asked-ports.ts';
import { LOCAL_AWS } from '../../../local/stack/local-aws.ts';
import { startStack } from '../../../local/stack/start.ts';
import { COLUMNS, type Minute, quantile, verdictsOf } from './measures.ts';

const { values } = parseArgs({
  options: { minutes: { type: 'string', default: '60' }, rate: { type: 'string', default: '40' } },
});
const minutes = Number(values.minutes);
const rate = Number(values.rate);
if (!(minutes > 0 && rate > 0)) throw new Error('expected --minutes and --rate to be numbers above 0');

/** The most that `maxPerHour` lets through, and some room: so many rules share the rate. */
const RUNS_OF_A_RULE = 4_000;
const LANES = Math.ceil(((rate / 2) * 3600) / RUNS_OF_A_RULE);
const ruleOf = (cloud: string, lane: number, what: string) => `
  - name: soak-${cloud}-${lane}
    on: generic
    when: event.data.body.lane == '${cloud}-${lane}'
    run: { provider: ${cloud}, ${what}, parameters: { text: soak }, timeout: 60s }
    guards: { lock: false, maxPerHour: { runs: 5000 } }`;
const RULES = `version: 1
providers: { tencent: { region: ap-guangzhou }, alibaba: { region: cn-hangzhou } }
rules:${Array.from({ length: LANES }, (_, lane) =>
  [
    ruleOf('tencent', lane, 'command: cmd-echo0001, instances: ins-local001'),
    ruleOf('alibaba', lane, 'command: c-echo0001, instances: i-local001'),
  ].join(''),
).join('')}
`;
/** One of them for so many events of each cloud: what a bad day has a few of. */
const EVENTS_FOR_A_FAULT = 50;
const FAULTS = [
  { kind: 'dropAfter', action: { tencent: 'InvokeCommand', alibaba: 'InvokeCommand' } },
  { kind: 'dropBefore', action: { tencent: 'InvokeCommand', alibaba: 'InvokeCommand' } },
  {
    kind: 'httpStatus',
    status: 503,
    action: { tencent: 'DescribeInvocations', alibaba: 'DescribeInvocationResults' },
  },
  { kind: 'throttle' },
  { kind: 'answerLate', ms: 1_500 },
] as const;
/** So many seconds of events may be on their way: what this machine does not sustain is not sent. */
const ON_THEIR_WAY_S = 20;
const READERS = 4;
const MINUTE_MS = 60_000;
const TABLES = ['fleet-reflex-local', 'fleet-reflex-local-records'] as const;

const folder = mkdtempSync(join(tmpdir(), 'soak-'));
const rulesFile = join(folder, 'rules.yml');
writeFileSync(rulesFile, RULES);
const complaints: string[] = [];
const stack = await startStack({
  ports: ANY_PORTS,
  environment: { RULES_FILE: rulesFile },
  onLine: () => {},
  onNotice: (line) => complaints.push(line),
  onError: (line) => complaints.push(line),
});
const stopping = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => stopping.abort());
const dynamodb = new DynamoDBClient({ ...LOCAL_AWS, endpoint: stack.tableUrl });

const open = new Set<string>();
const endedEarly = new Set<string>();
let accepted = 0;
let ended = 0;
let refused = 0;
let heldBack = 0;
let odd = 0;
let lags: number[] = [];

const sender = async (): Promise<void> => {
  const beganMs = performance.now();
  let due = 0;
  while (!stopping.signal.aborted) {
    due += 1;
    const waitMs = beganMs + (due * 1000) / rate - performance.now();
    if (waitMs > 0) await sleep(waitMs);
    if (open.size >= rate * ON_THEIR_WAY_S) heldBack += 1;
    else void send(due);
  }
};

const send = async (number: number): Promise<void> => {
  try {
    const response = await fetch(`${stack.httpUrl}/hooks/generic`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${stack.secretOf('generic')}` },
      body: JSON.stringify({
        lane: `${number % 2 === 0 ? 'tencent' : 'alibaba'}-${Math.floor(number / 2) % LANES}`,
        number,
      }),
    });
    const text = await response.text();
    if (response.status !== 202) {
      refused += 1;
      return;
    }
    for (const [runId] of text.matchAll(/run-[a-z2-7]{26}/g)) {
      if (!endedEarly.delete(runId)) open.add(runId);
      accepted += 1;
    }
  } catch (thrown) {
    if (!stopping.signal.aborted) refused += 1;
    complaints.push(String(thrown));
  }
};

/** Of a completion event; a cloud that does not answer is told on the same queue. */
const Told = z.looseObject({
  type: z.string(),
  subject: z.string(),
  data: z.looseObject({
    status: z.string().optional(),
    tasks: z.array(z.looseObject({ endedAt: z.string().optional() })).default([]),
  }),
});
const QueueUrl = stack.queueUrl('completions');

const reader = async (): Promise<void> => {
  while (!stopping.signal.aborted) {
    const { Messages = [] } = await stack.sqs.send(
      new ReceiveMessageCommand({ QueueUrl, MaxNumberOfMessages: 10, WaitTimeSeconds: 1 }),
    );
    for (const { Body = '' } of Messages) note(Told.parse(JSON.parse(Body)));
    if (Messages.length === 0) continue;
    const Entries = Messages.map(({ ReceiptHandle }, index) => ({ Id: String(index), ReceiptHandle }));
    await stack.sqs.send(new DeleteMessageBatchCommand({ QueueUrl, Entries }));
  }
};

const note = ({ type, subject, data: { status, tasks } }: z.infer<typeof Told>): void => {
  if (type !== 'fleet-reflex.run.completed' && type !== 'fleet-reflex.run.rejected') return;
  ended += 1;
  if (!open.delete(subject)) endedEarly.add(subject);
  if (status !== 'succeeded') odd += 1;
  const endMs = Math.max(...tasks.flatMap(({ endedAt }) => (endedAt ? [Date.parse(endedAt)] : [])));
  if (Number.isFinite(endMs)) lags.push(Date.now() - endMs);
};

const faults = async (): Promise<void> => {
  for (let number = 0; !stopping.signal.aborted; number += 1) {
    const { action, ...fault } = { action: undefined, ...FAULTS[number % FAULTS.length] };
    for (const [cloud, url] of [
      ['tencent', stack.tatUrl],
      ['alibaba', stack.cloudAssistantUrl],
    ] as const) {
      await fetch(`${url}/_faults`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ ...fault, ...(action && { action: action[cloud] }) }),
      });
    }
    await sleep((EVENTS_FOR_A_FAULT / (rate / 2)) * 1000);
  }
};

const itemsOf = async (TableName: string): Promise<{ runs: number; others: number }> => {
  const count = { runs: 0, others: 0 };
  let from: Record<string, never> | undefined | object;
  do {
    const page = await dynamodb.send(
      new ScanCommand({
        TableName,
        ProjectionExpression: 'pk',
        ...(from !== undefined && { ExclusiveStartKey: { ...from } }),
      }),
    );
    for (const { pk } of page.Items ?? []) count[pk?.S?.startsWith('RUN#') ? 'runs' : 'others'] += 1;
    from = page.LastEvaluatedKey;
  } while (from !== undefined);
  return count;
};

/** The resident memory of the node processes that this one has started: the functions. */
function functionsMb(): number {
  const rows = execFileSync('ps', ['-eo', 'pid=,ppid=,rss=,comm='], { encoding: 'utf8' }).trim().split('\n');
  const all = rows.map((row) => row.trim().split(/\s+/));
  const ours = new Set([String(process.pid)]);
  for (let size = 0; size !== ours.size; ) {
    size = ours.size;
    for (const [pid = '', parent = ''] of all) if (ours.has(parent)) ours.add(pid);
  }
  ours.delete(String(process.pid));
  const rss = all.flatMap(([pid = '', , kb = '', comm = '']) =>
    ours.has(pid) && /node|MainThread/.test(comm) ? [Number(kb)] : [],
  );
  return rss.reduce((sum, kb) => sum + kb, 0) / 1024;
}

const line = (cells: readonly (string | number)[]) =>
  console.log(cells.map((cell) => String(cell).padStart(12)).join(' '));
console.log(
  `soak: ${minutes} minutes at ${rate} events a second, half for each cloud; ${cpus().length} cores, load ${loadavg()[0]?.toFixed(1)}`,
);
line(COLUMNS.map(([name]) => name));

const all: Minute[] = [];
const work = Promise.all([sender(), faults(), ...Array.from({ length: READERS }, reader)]);
work.catch((thrown: unknown) => {
  complaints.push(String(thrown));
  stopping.abort();
});
let before = { accepted: 0, ended: 0 };
for (let minute = 1; minute <= minutes && !stopping.signal.aborted; minute += 1) {
  await sleep(MINUTE_MS, undefined, { signal: stopping.signal }).catch(() => undefined);
  const measured = lags;
  lags = [];
  const [runs, records] = await Promise.all(TABLES.map(itemsOf));
  const { rss, heapUsed } = process.memoryUsage();
  const one: Minute = {
    minute,
    sent: accepted - before.accepted,
    ended: ended - before.ended,
    open: open.size,
    p50Ms: quantile(measured, 0.5),
    p99Ms: quantile(measured, 0.99),
    functionsMb: functionsMb(),
    standInsMb: rss / 2 ** 20,
    heapMb: heapUsed / 2 ** 20,
    runItems: runs?.runs ?? 0,
    otherItems: runs?.others ?? 0,
    records: records?.others ?? 0,
    accepted,
  };
  before = { accepted, ended };
  all.push(one);
  line(COLUMNS.map(([, of]) => of(one)));
}
stopping.abort();
await work.catch(() => undefined);

const perSecond = (accepted / Math.max(1, all.length * 60)).toFixed(1);
console.log(
  `\n${accepted} runs, ${perSecond} a second (asked for ${rate}; ${heldBack} held back, as more than ${ON_THEIR_WAY_S} s of them were on their way; ${refused} refused); ${odd} did not succeed; ${open.size} open; load ${loadavg()[0]?.toFixed(1)}`,
);
const verdicts = verdictsOf(all);
for (const { name, isFlat, growthInAnHour, certainty } of verdicts) {
  console.log(
    `${isFlat ? 'flat ' : 'GROWS'} ${name}: ${(growthInAnHour * 100).toFixed(0)} % of its mean in an hour (${certainty.toFixed(1)} standard errors)`,
  );
}
if (verdicts.length === 0) console.log('too few minutes for a verdict');
for (const complaint of new Set(complaints)) console.log(`said: ${complaint}`);
process.exitCode = verdicts.every(({ isFlat }) => isFlat) ? 0 : 1;
dynamodb.destroy();
await stack.stop();
rmSync(folder, { recursive: true, force: true });
