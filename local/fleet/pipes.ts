/**
 * Real pipes for the output of commands. Node gives a child a socket where it says `pipe`, and on a socket
 * `echo oops > /dev/stderr` fails; the real agent uses a pipe, and so stdout and stderr share one here.
 */
import { execFile } from 'node:child_process';
import { closeSync, constants, openSync, unlinkSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
/** One `mkfifo` makes this many, because starting it costs as much as starting the command itself. */
const BATCH = 16;

/** The two ends. The read end does not block; the write end does, as a shell expects. The caller closes both. */
export interface Pipe {
  readFd: number;
  writeFd: number;
}

export interface PipePool {
  take(): Promise<Pipe>;
}

/** @param directory is created; named pipes stand there only until they are taken */
export function pipePool(directory: string): PipePool {
  const ready: string[] = [];
  let made = 0;
  let refilling: Promise<void> | undefined;

  const refill = async (): Promise<void> => {
    await mkdir(directory, { recursive: true, mode: 0o700 });
    const paths = Array.from({ length: BATCH }, (_, index) => join(directory, `pipe-${made + index}`));
    made += BATCH;
    await run('mkfifo', ['-m', '666', ...paths]);
    ready.push(...paths);
  };

  return {
    async take() {
      for (;;) {
        const path = ready.pop();
        if (path !== undefined) return open(path);
        refilling ??= refill().finally(() => {
          refilling = undefined;
        });
        await refilling;
      }
    },
  };
}

function open(path: string): Pipe {
  // The read end first: opening the write end waits for a reader.
  const readFd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    return { readFd, writeFd: openSync(path, constants.O_WRONLY) };
  } catch (error) {
    closeSync(readFd);
    throw error;
  } finally {
    unlinkSync(path);
  }
}
