/**
 * From the start of a process to the door's answer to a signed Slack command: the bundle as it is deployed, beside
 * Slack's three seconds, and beside a bundle that only answers. A process of Node is not all of a Lambda cold start,
 * and these machines are not Lambda's: it is the share that this project is answerable for.
 * Run: node bench/cold-start.ts [rounds]
 */
import { execFile } from 'node:child_process';
import { createHmac } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { build } from 'esbuild';
import { startQueues } from '../local/stack/queues.ts';
import { readDeployment } from '../local/stack/serverless-file.ts';

const ROUNDS = Number(process.argv[2] ?? 15);
const SLACK_LIMIT_MS = 3_000;
const run = promisify(execFile);
const root = fileURLToPath(new URL('../', import.meta.url));
const folder = await mkdtemp(join(tmpdir(), 'fleet-reflex-cold-start-'));

const queues = await startQueues(0, readDeployment(join(root, 'serverless.yml')));
const urlOf = (id: string) => queues.urls.get(id) ?? '';

try {
  const door = await bundle('door.mjs', join(root, 'handlers/webhook.ts'));
  const bare = join(folder, 'bare.mjs');
  await writeFile(bare, `export const handler = async () => ({ statusCode: 200, headers: {}, body: '{}' });`);
  const ours: number[] = [];
  const theirs: number[] = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    ours.push(await coldStartMs(door));
    theirs.push(await coldStartMs(bare));
  }
  const our = median(ours);
  report('process start to answer, ms', {
    ours: our,
    'Slack’s limit': SLACK_LIMIT_MS,
    ratio: our / SLACK_LIMIT_MS,
  });
  const their = median(theirs);
  report('process start to answer, ms', {
    ours: our,
    'a handler that only answers': their,
    ratio: our / their,
  });
} finally {
  await queues.stop();
  await rm(folder, { recursive: true, force: true });
}

async function bundle(name: string, entry: string): Promise<string> {
  const outfile = join(folder, name);
  await build({
    entryPoints: [entry],
    outfile,
    bundle: true,
    minify: true,
    platform: 'node',
    target: 'node24',
    format: 'esm',
    banner: {
      js: "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);",
    },
    logLevel: 'error',
  });
  return outfile;
}

async function coldStartMs(file: string): Promise<number> {
  const script = `
    const { handler } = await import(${JSON.stringify(file)});
    const answer = await handler(${JSON.stringify(slackCommand())}, { awsRequestId: 'r', getRemainingTimeInMillis: () => 9000 });
    if (answer.statusCode !== 200) throw new Error(answer.body);`;
  const startedAt = performance.now();
  await run(process.execPath, ['--input-type=module', '--eval', script], {
    cwd: root,
    env: {
      PATH: process.env['PATH'],
      SLACK_SECRET: 'bench',
      RUNS_TABLE: 'runs',
      RECORDS_TABLE: 'records',
      RUNS_QUEUE_URL: urlOf('RunsQueue'),
      WAKE_UP_QUEUE_URL: urlOf('WakeUpQueue'),
      AWS_REGION: 'us-east-1',
      AWS_ACCESS_KEY_ID: 'local',
      AWS_SECRET_ACCESS_KEY: 'local',
      AWS_ENDPOINT_URL_SQS: queues.url,
      LOG_LEVEL: 'ERROR',
    },
  });
  return performance.now() - startedAt;
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
