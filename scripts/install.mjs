// Runs before `npm run demo`, `npm start`, `npm test` and `npm run check`, under whatever Node the machine has:
// on a fresh clone it installs what package-lock.json pins (with it Node 24 itself, as the npm package `node`).
import { spawnSync } from 'node:child_process';
import { existsSync, statSync } from 'node:fs';

const installed = 'node_modules/.package-lock.json';
const isCurrent =
  existsSync(installed) &&
  existsSync('node_modules/.bin/node') &&
  statSync(installed).mtimeMs >= statSync('package-lock.json').mtimeMs;

if (!isCurrent) {
  console.log('fleet-reflex: installing dependencies (npm ci) …');
  const { status } = spawnSync('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error'], {
    stdio: 'inherit',
    shell: process.platform === 'win32',
  });
  if (status !== 0) {
    console.error(
      'fleet-reflex: npm ci failed; its own message is above. Fix that, then run the same command again.',
    );
    process.exit(status ?? 1);
  }
}
