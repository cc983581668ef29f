/** `npm run demo`: the main job, on real input, with the commands really run; then nothing is left of it. */
import { setTimeout as sleep } from 'node:timers/promises';
import { messageOf } from '../lib/errors.ts';
import type { CompletionEvent } from '../lib/model/completion-event.ts';
import { linesOf, takeCompletions } from './demo/completions.ts';
import { type DemoRun, readRuns, startList } from './demo/run-list.ts';
import {
  type Sent,
  sendAlert,
  sendChatCommand,
  sendDeployment,
  sendForged,
  sendQueueMessage,
} from './demo/send.ts';
import { ANY_PORTS } from './stack/asked-ports.ts';
import { cleanStart } from './stack/clean-start.ts';
import { type Stack, startStack } from './stack/start.ts';

/** An alert group of two, a chat command, a deployment, a queue message. */
const EXPECTED_RUNS = 5;
const PATIENCE_MS = 45_000;

const { RULES_FILE: _, FLEET_FILE: __, ...environment } = cleanStart();
const problems: string[] = [];
const lastLines: string[] = [];
let stack: Stack | undefined;
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => {
    console.log('\nstopping …');
    void (stack?.stop() ?? Promise.resolve()).finally(() => process.exit(130));
  });
}

try {
  console.log('fleet-reflex: events in, commands on the fleet, completion events out.\n');
  console.log(
    '1. The stack, all of it on 127.0.0.1: functions, queues, table, two clouds with their instances …',
  );
  stack = await startStack({
    ports: ANY_PORTS,
    environment,
    onLine: keep,
    onNotice: (message) => lastLines.push(message),
    onError: (message) => problems.push(message),
  });
  await run(stack);
} catch (thrown) {
  problems.push(messageOf(thrown));
} finally {
  await stack?.stop();
}

if (problems.length > 0) {
  console.error(`\nNot as it should be:\n- ${problems.join('\n- ')}\n\nThe last that the functions said:`);
  for (const line of lastLines) console.error(`  ${line}`);
  process.exitCode = 1;
} else {
  console.log('\nEverything is stopped. Next: `npm start`, then README.md, "Your first rule".');
}

async function run(up: Stack): Promise<void> {
  const startedAt = Date.now();
  console.log('\n2. Events, each proved as its sender proves it, and what the door said:');
  const sent: Sent[] = [];
  for (const send of [sendAlert, sendChatCommand, sendDeployment, sendQueueMessage, sendForged]) {
    const one = await send(up);
    sent.push(one);
    console.log(`  ${one.isTaken ? '✓' : '✗'} ${one.what}: ${one.answer}`);
  }
  problems.push(...sent.filter(({ isTaken }) => !isTaken).map(({ what, answer }) => `${what}: ${answer}`));

  console.log('\n3. The runs, as they go:');
  const { runs, events } = await watch(up, startedAt);

  console.log('\n4. What came out on the queue `completions`:');
  for (const line of events.flatMap(linesOf)) console.log(line);

  const bad = runs.filter(({ status }) => status !== 'succeeded');
  problems.push(...bad.map(({ runId, rule, status }) => `the run ${runId} of ${rule} is ${status}`));
  if (runs.length !== EXPECTED_RUNS) problems.push(`expected ${EXPECTED_RUNS} runs, came ${runs.length}`);
  const tasks = events
    .filter(({ type }) => type === 'fleet-reflex.task.completed')
    .flatMap(({ data }) => data.tasks);
  const instances = new Set(tasks.map(({ instanceId }) => instanceId));
  const ended = events.filter(({ type }) => type === 'fleet-reflex.run.completed').length;
  if (ended !== runs.length) problems.push(`expected ${runs.length} run.completed events, came ${ended}`);
  const seconds = ((Date.now() - startedAt) / 1000).toFixed(1);
  console.log(
    `\n5. ${runs.length} runs, ${tasks.length} commands really run on ${instances.size} instances of two clouds, ${events.length} completion events, in ${seconds} s; the forged alert started nothing.`,
  );
}

/** Until all runs have ended and their events have come. */
async function watch(up: Stack, startedAt: number): Promise<{ runs: DemoRun[]; events: CompletionEvent[] }> {
  const list = startList(process.stdout, startedAt);
  const events = new Map<string, CompletionEvent>();
  let runs: DemoRun[] = [];
  while (Date.now() - startedAt < PATIENCE_MS) {
    runs = await readRuns(up);
    list.show(runs);
    const isOver = runs.length >= EXPECTED_RUNS && runs.every(({ endedAt }) => endedAt !== undefined);
    if (!isOver) {
      await sleep(150);
      continue;
    }
    // At least once is what SQS promises: a repeated event has the same id.
    for (const event of await takeCompletions(up)) events.set(event.id, event);
    const told = [...events.values()].filter(({ type }) => type === 'fleet-reflex.run.completed');
    if (told.length >= runs.length) break;
  }
  return { runs, events: [...events.values()].toSorted((a, b) => (a.time < b.time ? -1 : 1)) };
}

function keep(line: string): void {
  if (!line.startsWith('{')) return;
  lastLines.push(line);
  if (lastLines.length > 20) lastLines.shift();
}
