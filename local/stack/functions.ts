/**
 * The functions, in serverless-offline as a child process: HTTP API, schedule and Lambda's own endpoint. The child
 * leads a process group, so that nothing of it is left when it is stopped, and watches this process (offline.ts).
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { FleetReflexError } from '../../lib/errors.ts';

export interface FunctionsOptions {
  /** Where serverless.yml is. */
  root: string;
  httpPort: number;
  lambdaPort: number;
  /** The functions' environment, beside this process's own. */
  environment: Readonly<Record<string, string>>;
  /** Every line that the functions write. */
  onLine: (line: string) => void;
  signal?: AbortSignal | undefined;
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
const STAGE = 'local';
const PROGRAM = fileURLToPath(new URL('offline.ts', import.meta.url));

/** @throws FleetReflexError `stack.failed`, with the last lines of serverless-offline */
export async function startFunctions(options: FunctionsOptions): Promise<LocalFunctions> {
  const { root, httpPort, lambdaPort, environment, onLine, signal } = options;
  // One for each stack, so that two never build into the same folder; in the tree, for it has to find node_modules.
  await mkdir(join(root, '.local'), { recursive: true });
  const workFolder = await mkdtemp(join(root, '.local', 'functions-'));
  const child = spawn(
    process.execPath,
    [
      ...[PROGRAM, 'offline', 'start', '--stage', STAGE],
      ...['--httpPort', String(httpPort), '--lambdaPort', String(lambdaPort)],
    ],
    {
      cwd: root,
      detached: true,
      stdio: ['pipe', 'pipe', 'pipe'],
      env: {
        ...process.env,
        ...environment,
        ESBUILD_WORK_FOLDER: relative(root, workFolder),
        FORCE_COLOR: '0',
      },
    },
  );
  // That it has ended is told by its exit, not by a write that comes too late.
  child.stdin.on('error', () => {});
  const lastLines: string[] = [];
  for (const stream of [child.stdout, child.stderr]) {
    createInterface({ input: stream }).on('line', (line) => {
      lastLines.push(line);
      if (lastLines.length > 40) lastLines.shift();
      onLine(line);
    });
  }
  const exited = once(child, 'exit');
  const died = exited.then(
    ([code]) => `serverless-offline ended with ${String(code)}:\n${lastLines.join('\n')}`,
  );
  const stop = async () => {
    // Nothing in it has to be put in order: what it knows is in the queues and the table.
    if (child.pid !== undefined) killGroup(child.pid);
    await exited;
    await rm(workFolder, { recursive: true, force: true });
  };
  const httpUrl = `http://127.0.0.1:${httpPort}`;
  const lambdaUrl = `http://127.0.0.1:${lambdaPort}`;
  const isOver = new AbortController();
  const waiting = AbortSignal.any([isOver.signal, ...(signal ? [signal] : [])]);
  try {
    await Promise.race([
      Promise.all([answers(httpUrl, waiting), answers(lambdaUrl, waiting)]),
      died.then((message) => {
        throw new FleetReflexError('stack.failed', message);
      }),
    ]);
    child.stdin.write('ready\n');
  } catch (thrown) {
    await stop();
    throw thrown;
  } finally {
    isOver.abort();
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
async function answers(url: string, signal: AbortSignal): Promise<void> {
  const deadline = Date.now() + START_MS;
  for (;;) {
    try {
      await (await fetch(url, { signal })).text();
      return;
    } catch (cause) {
      signal.throwIfAborted();
      if (Date.now() > deadline) {
        throw new FleetReflexError('stack.failed', `${url} does not answer after ${START_MS / 1000} s`, {
          cause,
        });
      }
      await sleep(50, undefined, { signal });
    }
  }
}

function killGroup(leader: number): void {
  try {
    process.kill(-leader, 'SIGKILL');
  } catch (thrown) {
    if (!(thrown instanceof Error && 'code' in thrown && thrown.code === 'ESRCH')) throw thrown;
  }
}
