/**
 * The child process in which serverless-offline runs the functions: the Serverless Framework's own command line, and
 * two things around it. It ends when its parent does, however that ends; and once the functions are built, esbuild's
 * service, which is several hundred megabytes by then, is let go.
 *
 * The parent holds the other end of standard input: a line means that everything answers, its end that nobody is there.
 */
import { rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { environment } from '../../lib/config.ts';

const require = createRequire(import.meta.url);

process.stdin.once('data', () => {
  // The copy that serverless-esbuild has loaded: its service is the one that runs.
  createRequire(require.resolve('serverless-esbuild'))('esbuild').stop();
});
process.stdin.once('close', () => {
  const folder = environment['ESBUILD_WORK_FOLDER'];
  if (folder !== undefined) rmSync(folder, { recursive: true, force: true });
  // It leads its process group: nothing that it has started stays.
  process.kill(-process.pid, 'SIGKILL');
});

// Listening alone must not keep it: a serverless.yml that is refused ends it, and the parent says why.
process.stdin.unref();

require('serverless/bin/serverless.js');
