/**
 * The functions in one file, with each await of lib/ reporting its place (awaits.ts). A file that esbuild makes starts in
 * a fraction of the time that two hundred modules take, and to start a process is what a case costs.
 */
import { readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build, type Plugin } from 'esbuild';
import { reportAwaits } from './awaits.ts';
import { FUNCTIONS } from './messages.ts';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
const LIB = join(ROOT, 'lib/');
const ENTRY = FUNCTIONS.map((name) => `export { handler as ${name} } from './handlers/${name}.ts';`).join(
  '\n',
);

const reporting: Plugin = {
  name: 'reporting',
  setup({ onLoad, onResolve }) {
    onLoad({ filter: /\.ts$/ }, ({ path }) =>
      path.startsWith(LIB)
        ? { contents: reportAwaits(readFileSync(path, 'utf8'), relative(ROOT, path)), loader: 'ts' }
        : undefined,
    );
    // Who sleeps tells the host (sleeping.ts).
    onResolve({ filter: /^node:timers\/promises$/ }, ({ importer }) =>
      importer.startsWith(LIB) ? { path: 'sleeping', namespace: 'process' } : undefined,
    );
    onLoad({ filter: /.*/, namespace: 'process' }, () => ({
      contents: 'export const setTimeout = globalThis.__sleep;',
    }));
  },
};

/** @param folder in which the file is made */
export async function bundleFunctions(folder: string): Promise<string> {
  const outfile = join(folder, 'functions.mjs');
  await build({
    stdin: { contents: ENTRY, resolveDir: ROOT, loader: 'ts' },
    outfile,
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node24',
    mainFields: ['module', 'main'],
    minifySyntax: true,
    minifyWhitespace: true,
    plugins: [reporting],
    banner: {
      js: "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);",
    },
    logLevel: 'error',
  });
  return outfile;
}
