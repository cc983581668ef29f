/** Bundles a function as it is packaged, by the settings of serverless.yml, for what looks at or measures the result. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build, type Metafile } from 'esbuild';
import { parse } from 'yaml';
import * as z from 'zod';

const ROOT = fileURLToPath(new URL('../', import.meta.url));

export const FUNCTIONS = ['webhook', 'queue', 'dispatch', 'poller', 'records', 'deliver', 'runs'] as const;
export type FunctionName = (typeof FUNCTIONS)[number];

/** What esbuild itself is told; the rest is for serverless-esbuild. */
const Settings = z.object({
  custom: z.object({
    esbuild: z.object({
      bundle: z.literal(true),
      splitting: z.boolean(),
      conditions: z.array(z.string()),
      minifySyntax: z.boolean(),
      minifyWhitespace: z.boolean(),
      mainFields: z.array(z.string()),
      format: z.literal('esm'),
      target: z.string(),
      outputFileExtension: z.string(),
      banner: z.record(z.string(), z.string()),
    }),
  }),
});

export interface Bundle {
  metafile: Metafile;
  /** The module that is imported. */
  file: string;
}

export async function bundleFunction(name: FunctionName, outdir: string): Promise<Bundle> {
  return await bundle({ entryPoints: [join(ROOT, `handlers/${name}.ts`)] }, name, outdir);
}

/** Any program, in the same way: for what a function is compared with. */
export async function bundleProgram(contents: string, name: string, outdir: string): Promise<Bundle> {
  return await bundle({ stdin: { contents, resolveDir: ROOT, sourcefile: `${name}.ts` } }, name, outdir);
}

async function bundle(
  entry: { entryPoints: string[] } | { stdin: { contents: string; resolveDir: string; sourcefile: string } },
  name: string,
  outdir: string,
): Promise<Bundle> {
  const text = readFileSync(join(ROOT, 'serverless.yml'), 'utf8');
  const { outputFileExtension, ...settings } = Settings.parse(parse(text, { logLevel: 'error' })).custom
    .esbuild;
  const { metafile } = await build({
    ...settings,
    ...entry,
    absWorkingDir: ROOT,
    platform: 'node',
    outdir,
    entryNames: name,
    chunkNames: `${name}.[name]-[hash]`,
    outExtension: { '.js': outputFileExtension },
    metafile: true,
    logLevel: 'error',
  });
  return { metafile, file: join(outdir, `${name}${outputFileExtension}`) };
}

/**
 * The files that a bundle is made of, from the folder of the project.
 * @param which `imported`: those that importing the function loads; `all`: those too that it imports when it needs them
 */
export function inputsOf({ metafile, file }: Bundle, which: 'imported' | 'all'): string[] {
  const { outputs } = metafile;
  const entry = Object.keys(outputs).find((path) => join(ROOT, path) === file);
  const seen = new Set(entry === undefined ? [] : [entry]);
  for (const path of seen) {
    for (const { path: next, kind } of outputs[path]?.imports ?? []) {
      if (outputs[next] !== undefined && (which === 'all' || kind === 'import-statement')) seen.add(next);
    }
  }
  const inputs = [...seen].flatMap((path) =>
    Object.entries(outputs[path]?.inputs ?? {}).flatMap(([input, { bytesInOutput }]) =>
      bytesInOutput > 0 ? [input] : [],
    ),
  );
  return [...new Set(inputs)].toSorted();
}
