/**
 * One process of the functions: serverless-offline, on two socket files that only this user reaches, with the functions'
 * ports in front. The child leads a process group, so that nothing of it is left when it is stopped, and watches this
 * process (offline.ts).
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { environment as ofThisProcess } from '../../lib/config.ts';
import { FleetReflexError } from '../../lib/errors.ts';
import { exchange } from './front.ts';
import { type FunctionsGiven, FunctionUrls, STAGE } from './function-ports.ts';
import { processEnvironment } from './own-environment.ts';

export interface OfflineOptions extends Omit<FunctionsGiven, 'httpSocket' | 'lambdaSocket' | 'invokeSocket'> {
  /** Where serverless.yml is. */
  root: string;
  /** Compiled, as they are packaged; the functions read them from a file of theirs. */
  rules: string;
  /** Every line that the functions write. */
  onLine: (line: string) => void;
}

/** How a process ended that nobody stopped. */
export interface Ending {
  /** `null`: by a signal. */
  code: number | null;
  signal: string | null;
  lastLines: readonly string[];
}

export interface OfflineProcess {
  /** Lambda's endpoint once more, for this process. */
  invokeSocket: string;
  /**
   * Resolves with its ports when both sockets answer.
   * @throws FleetReflexError `stack.failed`, with the last lines of the child
   */
  ready(signal: AbortSignal | undefined): Promise<FunctionUrls>;
  ended: Promise<Ending>;
  /** Ends it, and removes what is left of it. May be called twice. */
  stop(): Promise<void>;
}

const START_MS = 60_000;
const PROGRAM = fileURLToPath(new URL('offline.ts', import.meta.url));
/** What the address of a socket file may have, less the end that the kernel wants (unix(7)); macOS takes 104. */
const MAX_SOCKET_PATH = 103;

export async function startOffline(options: OfflineOptions): Promise<OfflineProcess> {
  const { root, rules, onLine, httpPort, lambdaPort, routes } = options;
  // One for each stack, so that two never build into the same folder; in the tree, for it has to find node_modules.
  await mkdir(join(root, '.local'), { recursive: true });
  const workFolder = await mkdtemp(join(root, '.local', 'functions-'));
  // mkdtemp makes it for its owner only.
  const socketFolder = await mkdtemp(join(tmpdir(), 'fleet-reflex-functions-'));
  const environment = { ...options.environment, RULES_FILE: join(workFolder, 'rules.json') };
  await writeFile(environment.RULES_FILE, rules);
  const httpSocket = join(socketFolder, 'http');
  const lambdaSocket = join(socketFolder, 'lambda');
  const invokeSocket = join(socketFolder, 'invoke');
  checkLength(invokeSocket);
  const child = spawn(
    process.execPath,
    [
      ...[PROGRAM, 'offline', 'start', '--stage', STAGE],
      ...['--httpPort', httpSocket, '--lambdaPort', lambdaSocket],
    ],
    {
      cwd: root,
      detached: true,
      stdio: ['pipe', 'pipe', 'pipe', 'ipc'],
      env: {
        ...processEnvironment(ofThisProcess),
        ESBUILD_WORK_FOLDER: relative(root, workFolder),
        SOCKET_FOLDER: socketFolder,
        FORCE_COLOR: '0',
      },
    },
  );
  const given: FunctionsGiven = {
    environment,
    httpPort,
    lambdaPort,
    httpSocket,
    lambdaSocket,
    invokeSocket,
    routes,
  };
  // Its exit reports the end, not a failing write.
  child.stdin?.on('error', () => {});
  child.stdin?.write(`${JSON.stringify(given)}\n`);
  const told = once(child, 'message').then(([message]) => FunctionUrls.parse(message));
  const lastLines: string[] = [];
  for (const stream of [child.stdout, child.stderr]) {
    if (stream === null) continue;
    createInterface({ input: stream }).on('line', (line) => {
      lastLines.push(line);
      if (lastLines.length > 40) lastLines.shift();
      onLine(line);
    });
  }
  const exited = once(child, 'exit');
  // With the last that it wrote.
  const ended = once(child, 'close').then(
    ([code, signal]): Ending => ({
      code: typeof code === 'number' ? code : null,
      signal: typeof signal === 'string' ? signal : null,
      lastLines,
    }),
  );
  return {
    invokeSocket,
    ended,
    async ready(signal) {
      const isOver = new AbortController();
      const waiting = AbortSignal.any([isOver.signal, ...(signal ? [signal] : [])]);
      try {
        const [urls] = await Promise.race([
          Promise.all([told, answers(httpSocket, waiting), answers(lambdaSocket, waiting)]),
          ended.then((ending) => {
            throw new FleetReflexError('stack.failed', messageOfEnding(ending));
          }),
        ]);
        child.stdin?.write('ready\n');
        return urls;
      } finally {
        isOver.abort();
      }
    },
    async stop() {
      // Nothing in it has to be put in order: what it knows is in the queues and the table.
      if (child.pid !== undefined) killGroup(child.pid);
      await exited;
      await rm(workFolder, { recursive: true, force: true });
      await rm(socketFolder, { recursive: true, force: true });
    },
  };
}

export function messageOfEnding({ code, signal, lastLines }: Ending): string {
  const how = code === null ? `by ${String(signal)}` : `with exit code ${code}`;
  return `The functions ended ${how}. Their last lines:\n${lastLines.join('\n')}`;
}

function checkLength(socketPath: string): void {
  if (Buffer.byteLength(socketPath) <= MAX_SOCKET_PATH) return;
  throw new FleetReflexError(
    'stack.failed',
    `The folder for temporary files, ${tmpdir()}, is too deep for a socket: its path may have ${MAX_SOCKET_PATH - (Buffer.byteLength(socketPath) - Buffer.byteLength(tmpdir()))} bytes. Set TMPDIR to a shorter one.`,
  );
}

/** Resolves when something answers there, whatever it says. */
async function answers(socketPath: string, signal: AbortSignal): Promise<void> {
  const deadline = Date.now() + START_MS;
  while ((await exchange(socketPath, { method: 'GET', path: '/' })) === undefined) {
    signal.throwIfAborted();
    if (Date.now() > deadline) {
      throw new FleetReflexError('stack.failed', `The functions do not answer after ${START_MS / 1000} s`);
    }
    await sleep(50, undefined, { signal });
  }
}

function killGroup(leader: number): void {
  try {
    process.kill(-leader, 'SIGKILL');
  } catch (thrown) {
    if (!(thrown instanceof Error && 'code' in thrown && thrown.code === 'ESRCH')) throw thrown;
  }
}
