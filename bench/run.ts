/**
 * `npm run bench`: every benchmark, one after the other, a JSON line for each figure. With `--record` the lines are kept
 * in `bench/results.jsonl`, from which `npm run generate` makes docs/performance.md and its plots.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

/** With the arguments that give a figure worth reading in a minute or two; all of it within ten. */
const BENCHMARKS: readonly (readonly [file: string, ...arguments_: string[]])[] = [
  ['run-cost.ts'],
  ['in-flight.ts'],
  ['poll-timing.ts'],
  ['records.ts'],
  ['rules.ts'],
  ['webhook.ts'],
  ['prices.ts'],
  ['provider-client.ts', '3', '1000'],
  ['cold-start.ts'],
  ['fuzz-door.ts', '10000'],
];

const lines: string[] = [];
for (const [file, ...rest] of BENCHMARKS) {
  const path = fileURLToPath(new URL(file, import.meta.url));
  const child = spawn(process.execPath, [path, ...rest], { stdio: ['inherit', 'pipe', 'inherit'] });
  createInterface({ input: child.stdout }).on('line', (line) => {
    console.log(line);
    lines.push(line);
  });
  const [status] = await once(child, 'close');
  if (status !== 0) process.exitCode = 1;
}

if (process.argv.includes('--record') && process.exitCode === undefined) {
  const recorded = {
    recordedAt: new Date().toISOString().slice(0, 10),
    node: process.version,
    cores: availableParallelism(),
  };
  writeFileSync(
    new URL('results.jsonl', import.meta.url),
    `${[JSON.stringify(recorded), ...lines].join('\n')}\n`,
  );
}
