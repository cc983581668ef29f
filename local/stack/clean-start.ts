/**
 * Starts this program anew without the developer's environment. To delete a variable is not enough: what a process
 * was started with stays readable in `/proc/<pid>/environ`, for a command that the local fleet runs too. The settings
 * of the stack, which hold secrets, come along on standard input, in a file that has no name.
 */
import { randomUUID } from 'node:crypto';
import { closeSync, ftruncateSync, openSync, readFileSync, unlinkSync, writeSync } from 'node:fs';
import { devNull, tmpdir } from 'node:os';
import { join } from 'node:path';
import * as z from 'zod';
import { type Environment, environment } from '../../lib/config.ts';
import { FleetReflexError } from '../../lib/errors.ts';
import { processEnvironment, stackSettings } from './own-environment.ts';

/** Set in the second start. */
const STARTED_CLEAN = 'FLEET_REFLEX_STARTED_CLEAN';
const STDIN = 0;
const Settings = z.record(z.string(), z.string());

/**
 * The first time it does not return: the program starts again in this same process, by `execve`.
 * @returns what of the environment is the stack's: settings, and what every process has
 * @throws FleetReflexError `node.too-old`
 */
export function cleanStart(): Environment {
  if (environment[STARTED_CLEAN] === undefined) startAgain();
  const settings = Settings.parse(JSON.parse(readFileSync(STDIN, 'utf8')));
  // Nor may it be read through /proc/<pid>/fd.
  ftruncateSync(STDIN);
  closeSync(STDIN);
  openSync(devNull, 'r');
  return { ...processEnvironment(environment), ...settings };
}

function startAgain(): never {
  if (process.execve === undefined) {
    throw new FleetReflexError(
      'node.too-old',
      `The local stack needs Node 24 on Linux or macOS, and this is Node ${process.versions.node} on ${process.platform}. \`npm start\` and \`npm run demo\` bring theirs.`,
    );
  }
  const settings = JSON.stringify(stackSettings(environment));
  const file = join(tmpdir(), `fleet-reflex-${randomUUID()}`);
  // The lowest free number is given: this one is standard input now, which alone is kept with output and errors.
  closeSync(STDIN);
  openSync(file, 'wx+', 0o600);
  unlinkSync(file);
  // At a position of its own, so that reading begins at the start.
  writeSync(STDIN, settings, 0);
  return process.execve(process.execPath, [process.execPath, ...process.execArgv, ...process.argv.slice(1)], {
    ...processEnvironment(environment),
    [STARTED_CLEAN]: 'yes',
  });
}
