/**
 * What CI runs beside the tests: types, lint and format, forgotten promises, stale generated files.
 * Every check runs, so that one report shows everything that is wrong.
 */
import { spawnSync } from 'node:child_process';

const CHECKS: readonly (readonly [name: string, command: string, ...arguments_: string[]])[] = [
  ['types', 'tsc', '-p', '.'],
  ['types of the console', 'tsc', '-p', 'console'],
  ['lint, format and dependency rules', 'biome', 'check', '--error-on-warnings', '.'],
  ['house rules', 'node', 'scripts/house.ts'],
  ['promises', 'oxlint', '--type-aware', '--deny-warnings'],
  ['unused code and dependencies', 'knip', '--no-config-hints'],
  ['generated files', 'node', 'scripts/generate.ts', '--check'],
];

const failed: string[] = [];
for (const [name, command, ...rest] of CHECKS) {
  const startedAt = performance.now();
  const { status } = spawnSync(command, rest, { stdio: 'inherit', shell: process.platform === 'win32' });
  const seconds = ((performance.now() - startedAt) / 1000).toFixed(1);
  console.log(`${status === 0 ? 'ok    ' : 'FAILED'} ${name} (${seconds} s)`);
  if (status !== 0) failed.push(name);
}
if (failed.length > 0) {
  console.error(`npm run check: ${failed.join(', ')} failed; what each said is above.`);
  process.exitCode = 1;
}
