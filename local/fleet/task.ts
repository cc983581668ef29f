/**
 * One command on one local instance: a real process of its own group, with the habits of the vendors' agents.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync } from 'node:fs';
import { chown, rm, stat, writeFile } from 'node:fs/promises';
import { Socket } from 'node:net';
import { messageOf } from '../../lib/errors.ts';
import { type KeptOutput, type OutputPolicy, outputKeeper } from './output.ts';
import type { Pipe } from './pipes.ts';
import { killGroup } from './survivors.ts';

export interface TaskRequest {
  instanceId: string;
  /** The text that is stored as a file and run. */
  script: string | Uint8Array;
  /**
   * `bash` (TAT): `bash <file>`, the shebang is ignored; `sh` where there is no bash.
   * `shebang` (Cloud Assistant): `sh -c <file>`, the shebang is honoured.
   */
  interpreter: 'bash' | 'shebang';
  /** Default `root`, which on a laptop means the current user. */
  username?: string;
  /** Must exist. Absent, or `/root`: the instance's own directory (of that user). */
  workingDirectory?: string;
  timeoutSeconds: number;
  output: OutputPolicy;
  /** Told all of the output, also what is not kept of it. */
  onOutput?: ((chunk: Buffer) => void) | undefined;
  /** What a time-out and `kill()` kill, with SIGKILL, at once: the process group (TAT), or only the shell. */
  killScope: 'group' | 'process';
  /** How long output is still read after the shell's end while a child holds the pipe. TAT 1000, Alibaba 200. */
  drainMs?: number;
  /** Added to the small environment of the instance. */
  env?: Readonly<Record<string, string>>;
}

export interface TaskEnd {
  /** `exited`: by itself, by exit code or by a signal that was not ours. */
  outcome: 'exited' | 'timed_out' | 'killed' | 'start_failed';
  /** -1 unless the shell ended with an exit code. */
  exitCode: number;
  /** Set when a signal ended the shell. */
  signal?: NodeJS.Signals;
  /** stdout and stderr in the order they were written. */
  output: Buffer;
  /** Bytes cut from the output. */
  dropped: number;
  /** Absent when it never started. */
  startedAt?: Date;
  endedAt: Date;
  /** Why it did not start, in the agent's words: `InvalidUser: …`, `InvalidWorkingDirectory: …`; else empty. */
  errorInfo: string;
}

export interface TaskHandle {
  readonly instanceId: string;
  /** True once the process runs, false when it never will. Never rejects. */
  readonly started: Promise<boolean>;
  /** Settles once the process has ended and its output is read. Never rejects. */
  readonly finished: Promise<TaskEnd>;
  /** The output so far. */
  output(): KeptOutput;
  /** Kills it now. False when it has already ended. */
  kill(): boolean;
}

/** The prepared process: user, directory and environment. */
interface Launch {
  /** Where the script is stored until the end. */
  scriptPath: string;
  workingDirectory: string;
  env: Record<string, string>;
  ids?: { uid: number; gid: number };
  pipe: Pipe;
}

export type Preparation = { kind: 'ready'; launch: Launch } | { kind: 'refused'; errorInfo: string };

export interface TaskDependencies {
  now: () => Date;
  prepare: () => Promise<Preparation>;
  /** Told the process group before anything else can go wrong, and after the end. */
  onGroup: (groupId: number, isRunning: boolean) => void;
}

export function runTask(request: TaskRequest, dependencies: TaskDependencies): TaskHandle {
  const { now, prepare, onGroup } = dependencies;
  const keeper = outputKeeper(request.output);
  const started = Promise.withResolvers<boolean>();
  const finished = Promise.withResolvers<TaskEnd>();
  let child: ChildProcess | undefined;
  let killedBy: 'timed_out' | 'killed' | undefined;
  let isOver = false;

  const strike = (reason: 'timed_out' | 'killed'): boolean => {
    if (isOver) return false;
    killedBy ??= reason;
    if (child?.pid === undefined) return true;
    return request.killScope === 'group' ? killGroup(child.pid) : child.kill('SIGKILL');
  };

  const end = (how: Pick<TaskEnd, 'outcome'> & Partial<TaskEnd>): void => {
    const { bytes, dropped } = keeper.kept();
    isOver = true;
    started.resolve(false);
    finished.resolve({ exitCode: -1, output: bytes, dropped, endedAt: now(), errorInfo: '', ...how });
  };

  const launchIt = (launch: Launch): void => {
    const startedAt = now();
    child = spawnShell(request.interpreter, launch);
    closeSync(launch.pipe.writeFd);
    const reading = readAll(launch.pipe.readFd, (chunk) => {
      keeper.add(chunk);
      request.onOutput?.(chunk);
    });
    const { pid } = child;
    if (pid !== undefined) {
      onGroup(pid, true);
      started.resolve(true);
    }
    const timer = setTimeout(() => strike('timed_out'), request.timeoutSeconds * 1000);
    const cleanUp = async (drainMs: number): Promise<void> => {
      clearTimeout(timer);
      isOver = true;
      await reading.endWithin(drainMs);
      if (pid !== undefined) onGroup(pid, false);
      await rm(launch.scriptPath, { force: true });
    };
    child.once('error', (error) => {
      if (pid !== undefined) return;
      void cleanUp(0).then(() =>
        end({ outcome: 'start_failed', errorInfo: `TaskSpawnFailed: ${error.message}` }),
      );
    });
    child.once('exit', (code, signal) => {
      const endedAt = now();
      // The end by itself beats the kill: only a process that our SIGKILL ended was killed.
      const outcome = killedBy !== undefined && signal === 'SIGKILL' ? killedBy : 'exited';
      void cleanUp(request.drainMs ?? 1000).then(() => {
        end({ outcome, exitCode: code ?? -1, startedAt, endedAt, ...(signal === null ? {} : { signal }) });
      });
    });
  };

  const begin = async (): Promise<void> => {
    const preparation = await prepare();
    if (preparation.kind === 'refused') {
      end({ outcome: 'start_failed', errorInfo: preparation.errorInfo });
      return;
    }
    const { launch } = preparation;
    const problem = killedBy === undefined ? await store(launch, request) : undefined;
    if (killedBy === undefined && problem === undefined) {
      launchIt(launch);
      return;
    }
    closeSync(launch.pipe.readFd);
    closeSync(launch.pipe.writeFd);
    await rm(launch.scriptPath, { force: true });
    end(problem === undefined ? { outcome: 'killed' } : { outcome: 'start_failed', errorInfo: problem });
  };

  void begin().catch((error: unknown) => {
    end({ outcome: 'start_failed', errorInfo: `TaskSpawnFailed: ${messageOf(error)}` });
  });

  return {
    instanceId: request.instanceId,
    started: started.promise,
    finished: finished.promise,
    output: () => keeper.kept(),
    kill: () => strike('killed'),
  };
}

/** Why a command cannot run there, in the agent's words. */
export async function directoryProblem(directory: string): Promise<string | undefined> {
  const isDirectory = await stat(directory).then(
    (found) => found.isDirectory(),
    () => false,
  );
  return isDirectory ? undefined : `InvalidWorkingDirectory: working_directory \`${directory}\` not exists`;
}

/** Checks the directory and writes the script; the reason when either fails. */
async function store(launch: Launch, request: TaskRequest): Promise<string | undefined> {
  const problem = await directoryProblem(launch.workingDirectory);
  if (problem !== undefined) return problem;
  try {
    await writeFile(launch.scriptPath, request.script, { mode: 0o700 });
    if (launch.ids !== undefined) await chown(launch.scriptPath, launch.ids.uid, launch.ids.gid);
    return undefined;
  } catch (error) {
    return `ScriptStoreFailed: ${messageOf(error)}`;
  }
}

function spawnShell(interpreter: TaskRequest['interpreter'], launch: Launch): ChildProcess {
  const [command, ...args] =
    interpreter === 'bash'
      ? // sh only where there is no bash, as the agent does; exec keeps one process, so its signals are the script's
        ['sh', '-c', 'command -v bash >/dev/null && exec bash "$1"; exec sh "$1"', 'sh', launch.scriptPath]
      : ['sh', '-c', 'exec "$1"', 'sh', launch.scriptPath];
  return spawn(command ?? 'sh', args, {
    cwd: launch.workingDirectory,
    env: launch.env,
    stdio: ['ignore', launch.pipe.writeFd, launch.pipe.writeFd],
    detached: true, // its own process group
    ...launch.ids,
  });
}

/** Reads a pipe to its end, or for so long after the shell has gone as a child keeps it open. */
function readAll(fd: number, add: (chunk: Buffer) => void): { endWithin(ms: number): Promise<void> } {
  const socket = new Socket({ fd, readable: true, writable: false });
  const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()));
  socket.on('data', add);
  socket.on('error', () => socket.destroy());
  return {
    async endWithin(ms) {
      const timer = setTimeout(() => socket.destroy(), ms);
      await closed;
      clearTimeout(timer);
    },
  };
}
