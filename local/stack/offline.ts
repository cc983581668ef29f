/**
 * The child process in which serverless-offline runs the functions: the Serverless Framework's own command line, and
 * three things around it. It has the ports of the functions; it gets their environment, which holds secrets, over standard
 * input, where no other process can read it; and once the functions are built, esbuild's service, which is several
 * hundred megabytes by then, is let go. It ends when its parent does, however that ends.
 *
 * The parent holds the other end of standard input. The first line says what to start, the second means that everything
 * answers, and the end of the input means that the parent has died. The ports are told over the channel of Node.
 */
import { rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { createInterface } from 'node:readline';
import type * as Esbuild from 'esbuild';
import { environment } from '../../lib/config.ts';
import { type FunctionPorts, FunctionsGiven, openFunctionPorts } from './function-ports.ts';

const require = createRequire(import.meta.url);
const steps = [start, isReady];
let ports: FunctionPorts | undefined;

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
  const given = FunctionsGiven.parse(JSON.parse(line));
  // Its service is a process with the environment of this moment, which every command could read: before the secrets.
  await esbuild().transform('');
  ports = await openFunctionPorts(given);
  process.send?.({ httpUrl: ports.httpUrl, lambdaUrl: ports.lambdaUrl });
  Object.assign(process.env, given.environment);
  // Listening alone must not keep it: a serverless.yml that is refused ends it, and the parent says why.
  process.stdin.unref();
  require('serverless/bin/serverless.js');
}

/** The parent shows what is written last. */
function end(thrown: unknown): void {
  console.error(thrown instanceof Error && 'code' in thrown ? thrown.message : thrown);
  process.exit(1);
}

async function isReady(): Promise<void> {
  ports?.ready();
  // What builds the functions is needed no more.
  await esbuild().stop();
}

/** The copy that serverless-esbuild loads: its service is the one that runs. */
function esbuild(): typeof Esbuild {
  return createRequire(require.resolve('serverless-esbuild'))('esbuild');
}
