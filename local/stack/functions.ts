/**
 * The functions, in serverless-offline as a child process: HTTP API, schedule and Lambda's own endpoint. The child
 * leads a process group, so that nothing of it is left when it is stopped.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { FleetReflexError } from '../../lib/errors.ts';

export interface FunctionsOptions {
  root: string;
  httpPort: number;
  lambdaPort: number;
  /** The functions' environment, beside this process's own. */
  environment: Readonly<Record<string, string>>;
  /** Every line that the functions write. */
  onLine: (line: string) => void;
}

export interface LocalFunctions {
  httpUrl: string;
  /** Calls a function by its name in serverless.yml; throws when the call fails. */
  invoke(name: string, event: unknown): Promise<unknown>;
  /** Resolves when the functions have ended by themselves, which they should not. */
  died: Promise<string>;
  stop(): Promise<void>;
}

const START_MS = 60_000;
const STOP_MS = 5_000;
const STAGE = 'local';

export async function startFunctions(options: FunctionsOptions): Promise<LocalFunctions> {
  const { root, httpPort, lambdaPort, environment, onLine } = options;
  // One for each stack, so that two never build into the same folder.
  const workFolder = await mkdtemp(join(root, '.esbuild-'));
  const child = spawn(
    process.execPath,
    [
      createRequire(import.meta.url).resolve('serverless/bin/serverless.js'),
      ...['offline', 'start', '--stage', STAGE],
      ...['--httpPort', String(httpPort), '--lambdaPort', String(lambdaPort)],
    ],
    {
      cwd: root,
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: {
        ...process.env,
        ...environment,
        ESBUILD_WORK_FOLDER: workFolder.slice(root.length + 1),
        FORCE_COLOR: '0',
      },
    },
  );
  const lastLines: string[] = [];
  for (const stream of [child.stdout, child.stderr]) {
    createInterface({ input: stream }).on('line', (line) => {
      lastLines.push(line);
      if (lastLines.length > 40) lastLines.shift();
      onLine(line);
    });
  }
  let isStopping = false;
  const died = once(child, 'exit').then(([code]) =>
    isStopping ? '' : `serverless-offline ended with ${String(code)}:\n${lastLines.join('\n')}`,
  );
  const stop = async () => {
    isStopping = true;
    await end(child);
    await rm(workFolder, { recursive: true, force: true });
  };
  const httpUrl = `http://127.0.0.1:${httpPort}`;
  const lambdaUrl = `http://127.0.0.1:${lambdaPort}`;
  try {
    await Promise.race([
      Promise.all([answers(httpUrl), answers(lambdaUrl)]),
      died.then((message) => {
        throw new FleetReflexError('stack.failed', message);
      }),
    ]);
  } catch (thrown) {
    await stop();
    throw thrown;
  }
  return {
    httpUrl,
    died,
    stop,
    async invoke(name, event) {
      const path = `/2015-03-31/functions/fleet-reflex-${STAGE}-${name}/invocations`;
      const answer = await fetch(new URL(path, lambdaUrl), { method: 'POST', body: JSON.stringify(event) });
      const text = await answer.text();
      if (!answer.ok || answer.headers.has('x-amz-function-error')) {
        throw new FleetReflexError(
          'function.failed',
          `the function ${name} failed (${answer.status}): ${text}`,
        );
      }
      const value: unknown = text === '' ? undefined : JSON.parse(text);
      return value;
    },
  };
}

/** Resolves when something answers there, whatever it says. */
async function answers(url: string): Promise<void> {
  const deadline = Date.now() + START_MS;
  for (;;) {
    try {
      await (await fetch(url)).text();
      return;
    } catch (cause) {
      if (Date.now() > deadline) {
        throw new FleetReflexError('stack.failed', `${url} does not answer after ${START_MS / 1000} s`, {
          cause,
        });
      }
      await sleep(100);
    }
  }
}

async function end(child: ChildProcess): Promise<void> {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, 'exit');
  kill(child.pid, 'SIGTERM');
  const timer = new AbortController();
  await Promise.race([exited, sleep(STOP_MS, undefined, { signal: timer.signal }).catch(() => {})]);
  timer.abort();
  kill(child.pid, 'SIGKILL');
  await exited;
}

/** The whole group: esbuild's own process too. */
function kill(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-pid, signal);
  } catch (thrown) {
    if (!(thrown instanceof Error && 'code' in thrown && thrown.code === 'ESRCH')) throw thrown;
  }
}
