/**
 * Writes every file that is made from the code: one generator for each in scripts/generate/, which exports
 * `generate(): Promise<{ path, content }[]>`. Adding one is adding a file there.
 *
 *   node scripts/generate.ts           writes them
 *   node scripts/generate.ts --check   exits 1 when one is not what it would be
 */
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import * as z from 'zod';

const ROOT = new URL('../', import.meta.url);
const FOLDER = new URL('generate/', import.meta.url);
/** Others read the registry, so it comes before them. */
const FIRST = 'source-registry.ts';

const Generator = z.object({
  generate: z.custom<() => Promise<{ path: string; content: string }[]>>((it) => typeof it === 'function'),
});

const isCheck = process.argv.includes('--check');
const stale: string[] = [];
const names = (await readdir(FOLDER)).filter((name) => name.endsWith('.ts')).toSorted();
for (const name of [FIRST, ...names.filter((it) => it !== FIRST)]) {
  const { generate } = Generator.parse(await import(new URL(name, FOLDER).href));
  for (const { path, content } of await generate()) {
    const file = new URL(path, ROOT);
    const current = await readFile(file, 'utf8').catch(() => undefined);
    if (current === content) continue;
    stale.push(path);
    if (isCheck) continue;
    await mkdir(new URL(`${dirname(path)}/`, ROOT), { recursive: true });
    await writeFile(file, content);
    console.log(`wrote ${path}`);
  }
}

if (isCheck && stale.length > 0) {
  console.error(`Stale: ${stale.join(', ')}. Run \`npm run generate\` and commit what it writes.`);
  process.exitCode = 1;
}
