/**
 * The child process in which serverless-offline runs the functions: the Serverless Framework's own command line, and
 * three things around it. It gets the functions' environment, which holds secrets, over standard input, where no
 * other process can read it; it ends when its parent does, however that ends; and once the functions are built,
 * esbuild's service, which is several hundred megabytes by then, is let go.
 *
 * The parent holds the other end of standard input. The first line is the environment as JSON, the second means that
 * everything answers, and the end of the input means that the parent has died.
 */
import { rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { createInterface } from 'node:readline';
import type * as Esbuild from 'esbuild';
import * as z from 'zod';
import { environment } from '../../lib/config.ts';

const require = createRequire(import.meta.url);
const steps = [start, letGoOfEsbuild];

createInterface({ input: process.stdin }).on('line', (line) => {
  const step = steps.shift();
  if (step !== undefined) Promise.resolve(step(line)).catch(end);
});
process.stdin.once('close', () => {
  for (const name of ['ESBUILD_WORK_FOLDER', 'SOCKET_FOLDER']) {
    const folder = environment[name];
    if (folder !== undefined) rmSync(folder, { recursive: true, force: true });
  }
  // It leads its process group: nothing that it has started stays.
  process.kill(-process.pid, 'SIGKILL');
});

async function start(line: string): Promise<void> {
  // Its service is a process with the environment of this moment, which every command could read: before the secrets.
  await esbuild().transform('');
  Object.assign(process.env, z.record(z.string(), z.string()).parse(JSON.parse(line)));
  // Listening alone must not keep it: a serverless.yml that is refused ends it, and the parent says why.
  process.stdin.unref();
  require('serverless/bin/serverless.js');
}

/** The parent shows what is written last. */
function end(thrown: unknown): void {
  console.error(thrown);
  process.exit(1);
}

async function letGoOfEsbuild(): Promise<void> {
  await esbuild().stop();
}

/** The copy that serverless-esbuild loads: its service is the one that runs. */
function esbuild(): typeof Esbuild {
  return createRequire(require.resolve('serverless-esbuild'))('esbuild');
}
