/** `npm run bench`: every benchmark, one after the other, a JSON line for each figure. */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/** With the arguments that give a figure worth reading in a minute. */
const BENCHMARKS: readonly (readonly [file: string, ...arguments_: string[]])[] = [
  ['run-cost.ts'],
  ['records.ts'],
  ['rules.ts'],
  ['webhook.ts'],
  ['prices.ts'],
  ['provider-client.ts', '3', '1000'],
  ['cold-start.ts'],
  ['poll-timing.ts'],
  ['fuzz-door.ts', '20000'],
];

for (const [file, ...rest] of BENCHMARKS) {
  const path = fileURLToPath(new URL(file, import.meta.url));
  const { status } = spawnSync(process.execPath, [path, ...rest], { stdio: 'inherit' });
  if (status !== 0) process.exitCode = 1;
}
