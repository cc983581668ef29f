/**
 * What a cold start of each function takes that this project is answerable for: importing its bundle as it is deployed,
 * beside importing bare clients of AWS, with one rule and with thousands; and from the start of a process to the door's
 * answer to a signed Slack command, beside Slack's three seconds and a bundle that only answers. A process of Node is not
 * all of a Lambda cold start, and these machines are not Lambda's.
 * Run: node bench/cold-start.ts [rounds]
 */
import { execFile } from 'node:child_process';
import { createHmac } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { loadRules } from '../lib/rules/load.ts';
import { packRules } from '../lib/rules/pack-rules.ts';
import { SOURCES } from '../lib/sources/registry.ts';
import { startQueues } from '../local/stack/queues.ts';
import { readDeployment } from '../local/stack/serverless-file.ts';
import { bundleFunction, bundleProgram, type FunctionName } from './function-bundle.ts';

const ROUNDS = Number(process.argv[2] ?? 15);
const SLACK_LIMIT_MS = 3_000;
const run = promisify(execFile);
const root = fileURLToPath(new URL('../', import.meta.url));
const folder = await mkdtemp(join(tmpdir(), 'fleet-reflex-cold-start-'));

/** What a function is compared with, and the most that it may take of it. */
const SQS = `import { SQSClient } from '@aws-sdk/client-sqs';
export const client = new SQSClient({});`;
const SQS_AND_TABLE = `${SQS}
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
export const documents = DynamoDBDocumentClient.from(new DynamoDBClient({}));`;
const PEERS: Readonly<Partial<Record<FunctionName, readonly [title: string, program: string]>>> = {
  webhook: ['the bare SQS client', SQS],
  queue: ['the bare SQS client', SQS],
  dispatch: ['the bare SQS and DynamoDB document clients', SQS_AND_TABLE],
  poller: ['the bare SQS and DynamoDB document clients', SQS_AND_TABLE],
};
const RULES = [1, 500, 5_000];

const queues = await startQueues(0, readDeployment(join(root, 'serverless.yml')));
const urlOf = (id: string) => queues.urls.get(id) ?? '';

try {
  const files = new Map<number, string>();
  for (const count of RULES) files.set(count, await rulesFile(count));
  for (const [name, [title, program]] of Object.entries(PEERS)) {
    const ours = (await bundleFunction(nameOf(name), folder)).file;
    const peer = (await bundleProgram(program, `beside-${name}`, folder)).file;
    for (const [count, rules] of files) {
      const both = { ours: 0, [title]: 0 };
      const times: Record<'ours' | 'theirs', number[]> = { ours: [], theirs: [] };
      // In turn, so that a busy machine is busy for both.
      for (let round = 0; round < ROUNDS; round += 1) {
        times.ours.push(await importMs(ours, rules));
        times.theirs.push(await importMs(peer, rules));
      }
      both.ours = median(times.ours);
      both[title] = median(times.theirs);
      const ratio = both.ours / (both[title] ?? Number.NaN);
      report(`importing ${name} with ${count} rules, ms of CPU`, { ...both, 'at most': 1.5, ratio });
    }
  }
  const door = (await bundleFunction('webhook', folder)).file;
  const bare = join(folder, 'bare.mjs');
  await writeFile(bare, `export const handler = async () => ({ statusCode: 200, headers: {}, body: '{}' });`);
  for (const [count, rules] of files) {
    const ours: number[] = [];
    const theirs: number[] = [];
    for (let round = 0; round < ROUNDS; round += 1) {
      ours.push(await coldStartMs(door, rules));
      theirs.push(await coldStartMs(bare, rules));
    }
    const our = median(ours);
    const their = median(theirs);
    report(`process start to answer with ${count} rules, ms`, {
      ours: our,
      'Slack’s limit': SLACK_LIMIT_MS,
      ratio: our / SLACK_LIMIT_MS,
    });
    report(`process start to answer with ${count} rules, ms`, {
      ours: our,
      'a handler that only answers': their,
      ratio: our / their,
    });
  }
} finally {
  await queues.stop();
  await rm(folder, { recursive: true, force: true });
}

function nameOf(name: string): FunctionName {
  switch (name) {
    case 'webhook':
    case 'queue':
    case 'dispatch':
    case 'poller':
      return name;
    default:
      throw new Error(`${name} has nothing to be compared with`);
  }
}

/** The rule that Slack's command asks for, and others on the same source. */
async function rulesFile(count: number): Promise<string> {
  const rules = Array.from({ length: count }, (_, index) => {
    const when = `event.data.args[0] == '${index === 0 ? 'patch' : `task${index}`}'`;
    return `  - { name: rule${index}, on: slack, when: "${when}", allow: { users: [U1] }, run: { provider: tencent, region: ap-guangzhou, command: cmd-echo0001, instances: ins-1 } }`;
  });
  const text = `version: 1\nrules:\n${rules.join('\n')}`;
  const sources = [...SOURCES.values()];
  const file = join(folder, `rules-${count}.json`);
  await writeFile(file, packRules(loadRules(text, 'rules.yml', sources), text, sources));
  return file;
}

/** CPU and not time: what else this machine does is no part of it. */
async function importMs(file: string, rules: string): Promise<number> {
  const script = `
    const before = process.cpuUsage();
    await import(${JSON.stringify(file)});
    const { user, system } = process.cpuUsage(before);
    process.stdout.write(String((user + system) / 1000), () => process.exit());`;
  const { stdout } = await run(process.execPath, ['--input-type=module', '--eval', script], {
    cwd: root,
    env: environmentOf(rules),
  });
  return Number(stdout);
}

async function coldStartMs(file: string, rules: string): Promise<number> {
  const script = `
    const { handler } = await import(${JSON.stringify(file)});
    const answer = await handler(${JSON.stringify(slackCommand())}, { awsRequestId: 'r', getRemainingTimeInMillis: () => 9000 });
    if (answer.statusCode !== 200) throw new Error(answer.body);`;
  const startedAt = performance.now();
  await run(process.execPath, ['--input-type=module', '--eval', script], {
    cwd: root,
    env: environmentOf(rules),
  });
  return performance.now() - startedAt;
}

function environmentOf(rules: string) {
  return {
    PATH: process.env['PATH'],
    RULES_FILE: rules,
    SLACK_SECRET: 'bench',
    RUNS_TABLE: 'runs',
    RECORDS_TABLE: 'records',
    RUNS_QUEUE_URL: urlOf('RunsQueue'),
    RUNS_DLQ_URL: urlOf('RunsDeadLetterQueue'),
    RECORDS_QUEUE_URL: urlOf('RecordsQueue'),
    EVENTS_QUEUE_URL: urlOf('EventsQueue'),
    EVENTS_DLQ_URL: urlOf('EventsDeadLetterQueue'),
    WAKE_UP_QUEUE_URL: urlOf('WakeUpQueue'),
    AWS_REGION: 'us-east-1',
    AWS_ACCESS_KEY_ID: 'local',
    AWS_SECRET_ACCESS_KEY: 'local',
    AWS_ENDPOINT_URL_SQS: queues.url,
    LOG_LEVEL: 'ERROR',
  };
}

function slackCommand() {
  const body = new URLSearchParams({
    command: '/fleet',
    text: 'patch web',
    team_id: 'T1',
    channel_id: 'C1',
    user_id: 'U1',
    user_name: 'bench',
    trigger_id: '1.2.3',
  }).toString();
  const timestamp = String(Math.floor(Date.now() / 1000));
  const signature = createHmac('sha256', 'bench').update(`v0:${timestamp}:${body}`).digest('hex');
  return {
    rawPath: '/hooks/slack',
    rawQueryString: '',
    headers: {
      'content-type': 'application/x-www-form-urlencoded',
      'x-slack-request-timestamp': timestamp,
      'x-slack-signature': `v0=${signature}`,
    },
    pathParameters: { source: 'slack' },
    body,
    isBase64Encoded: false,
    requestContext: { requestId: 'r', http: { method: 'POST' } },
  };
}

function report(figure: string, values: Readonly<Record<string, number>>): void {
  const rounded = Object.fromEntries(
    Object.entries(values).map(([name, value]) => [name, Number(value.toPrecision(3))]),
  );
  console.log(JSON.stringify({ bench: 'cold-start', figure, better: 'lower', ...rounded, rounds: ROUNDS }));
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}
