/**
 * Our TAT client beside Tencent's official Node SDK, in the same run, against the same stub server in a process of
 * its own: calls a second at 16 in flight, CPU for each call, and the time to import.
 * Run: node bench/provider-client.ts [rounds] [milliseconds a round]
 */
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { Agent } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { build } from 'esbuild';
import { tat } from 'tencentcloud-sdk-nodejs/tencentcloud/services/tat/index.js';
import { describeInvocations } from '../lib/providers/tencent/actions/invocations.ts';
import { createTencentClient } from '../lib/providers/tencent/client.ts';

const IN_FLIGHT = 16;
const REGION = 'ap-guangzhou';
const credential = { secretId: 'bench-id', secretKey: 'bench-key' };
/** What the poller asks most: the states of some invocations. */
const REQUEST = { InvocationIds: ['inv-8xgjrytm', 'inv-1vll7hda'], Limit: 100 };

const rounds = Number(process.argv[2] ?? 7);
const roundMs = Number(process.argv[3] ?? 1500);
const run = promisify(execFile);

const server = spawn(process.execPath, [fileURLToPath(new URL('provider-client-stub.ts', import.meta.url))], {
  stdio: ['pipe', 'pipe', 'inherit'],
});
try {
  const [port] = await once(server.stdout, 'data');
  const endpoint = `127.0.0.1:${String(port).trim()}`;
  await compareCalls(endpoint);
  await compareImports();
} finally {
  server.kill();
}

interface Round {
  callsPerSecond: number;
  cpuMsPerCall: number;
}

/** Both in turns, so that a slow moment of the machine meets both; the middle of all rounds counts. */
async function compareCalls(endpoint: string): Promise<void> {
  const client = createTencentClient({
    credentials: credential,
    endpoint: `http://${endpoint}`,
    requestsPerSecond: Infinity,
    connections: { connections: IN_FLIGHT },
  });
  const sdk = new tat.v20201028.Client({
    credential,
    region: REGION,
    // Without an agent the SDK opens a connection for each call; this is the faster way to use it.
    profile: { httpProfile: { protocol: 'http://', endpoint, agent: new Agent({ keepAlive: true }) } },
  });
  const ours = async (): Promise<void> => {
    const outcome = await client.call(describeInvocations, REGION, REQUEST);
    if (outcome.kind !== 'answered') throw new Error(outcome.failure.message);
  };
  const theirs = async (): Promise<void> => {
    await sdk.DescribeInvocations(REQUEST);
  };
  const measured: { ours: Round[]; theirs: Round[] } = { ours: [], theirs: [] };
  await measure(ours, roundMs / 2);
  await measure(theirs, roundMs / 2);
  for (let round = 0; round < rounds; round += 1) {
    measured.ours.push(await measure(ours, roundMs));
    measured.theirs.push(await measure(theirs, roundMs));
  }
  await client.close();
  report('calls a second', 'higher', measured.ours, measured.theirs, (round) => round.callsPerSecond);
  report('CPU ms a call', 'lower', measured.ours, measured.theirs, (round) => round.cpuMsPerCall);
}

async function measure(call: () => Promise<void>, forMs: number): Promise<Round> {
  const cpuBefore = process.cpuUsage();
  const start = performance.now();
  const end = start + forMs;
  let calls = 0;
  await Promise.all(
    Array.from({ length: IN_FLIGHT }, async () => {
      while (performance.now() < end) {
        await call();
        calls += 1;
      }
    }),
  );
  const elapsedMs = performance.now() - start;
  const cpu = process.cpuUsage(cpuBefore);
  return {
    callsPerSecond: (calls * 1000) / elapsedMs,
    cpuMsPerCall: (cpu.user + cpu.system) / 1000 / calls,
  };
}

/**
 * Each import in a fresh process, both in turns: as the files lie in the repository and in node_modules, and bundled
 * by esbuild with the same settings, which is how both would be deployed.
 */
async function compareImports(): Promise<void> {
  const ourSource = new URL('../lib/providers/tencent/client.ts', import.meta.url);
  const sdkSource = import.meta.resolve('tencentcloud-sdk-nodejs/tencentcloud/services/tat/index.js');
  const folder = await mkdtemp(join(tmpdir(), 'fleet-reflex-bench-'));
  try {
    const bundled = await Promise.all([
      bundle(fileURLToPath(ourSource), join(folder, 'ours.mjs')),
      bundle(fileURLToPath(sdkSource), join(folder, 'sdk.mjs')),
    ]);
    await compareImport('import ms, bundled', bundled[0], bundled[1]);
    await compareImport('import ms, from source', ourSource.href, sdkSource);
  } finally {
    await rm(folder, { recursive: true });
  }
}

async function compareImport(figure: string, our: string, their: string): Promise<void> {
  const times: { ours: number[]; theirs: number[] } = { ours: [], theirs: [] };
  for (let round = 0; round < 15; round += 1) {
    times.ours.push(await importMs(our));
    times.theirs.push(await importMs(their));
  }
  report(figure, 'lower', times.ours, times.theirs, (ms) => ms);
}

async function bundle(source: string, outfile: string): Promise<string> {
  const banner =
    "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);";
  await build({
    entryPoints: [source],
    outfile,
    bundle: true,
    minify: true,
    platform: 'node',
    target: 'node24',
    format: 'esm',
    banner: { js: banner },
    logLevel: 'error',
  });
  return pathToFileURL(outfile).href;
}

async function importMs(url: string): Promise<number> {
  const script = `const start = performance.now(); await import(${JSON.stringify(url)}); console.log(performance.now() - start)`;
  const { stdout } = await run(process.execPath, ['--input-type=module', '--eval', script]);
  return Number(stdout);
}

function report<T>(
  figure: string,
  better: 'higher' | 'lower',
  ours: readonly T[],
  theirs: readonly T[],
  read: (item: T) => number,
): void {
  const our = median(ours.map(read));
  const their = median(theirs.map(read));
  const line = {
    bench: 'provider-client',
    figure,
    better,
    ours: round3(our),
    'tencentcloud-sdk-nodejs': round3(their),
    ratio: round3(our / their),
    rounds: ours.length,
  };
  console.log(JSON.stringify(line));
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((left, right) => left - right);
  const middle = Math.floor(sorted.length / 2);
  return sorted[middle] ?? Number.NaN;
}

function round3(value: number): number {
  return Number(value.toPrecision(3));
}
