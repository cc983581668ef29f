/**
 * Which variables of a person's environment the stack takes. A command that runs here reads the environment of every
 * process of its user (`/proc/<pid>/environ`), so no process of the stack may hold a key that is not the stack's.
 */
import { type Environment, replySecretVariable, SETTINGS, secretVariable } from '../../lib/config.ts';
import { SOURCES } from '../../lib/sources/registry.ts';
import { PORTS } from './asked-ports.ts';

/** The variables that programs and terminals need. `npm_lifecycle_event`: npm started it. */
const OF_A_PROCESS: ReadonlySet<string> = new Set([
  'PATH',
  'HOME',
  'USER',
  'LOGNAME',
  'LANG',
  'LANGUAGE',
  'TZ',
  'TMPDIR',
  'TMP',
  'TEMP',
  'TERM',
  'COLORTERM',
  'NO_COLOR',
  'FORCE_COLOR',
  'npm_lifecycle_event',
]);
/** Settings too, but of a real cloud: the local ones have the local keys. */
const OF_A_CLOUD = /^(TENCENTCLOUD|ALIBABA_CLOUD)_|_(CREDENTIALS|ENDPOINT)$/;

/** The secrets of web hooks, by the names of destinations, which the rules give. */
const OF_A_DESTINATION = /^[A-Z0-9_]+_DESTINATION_SECRET$/;

/** The environment of every process of the stack; nothing in it is secret. */
export function processEnvironment(given: Environment): Record<string, string> {
  return pick(given, (name) => OF_A_PROCESS.has(name) || name.startsWith('LC_'));
}

/** The settings of local/README.md, including the secrets of sources: only for the functions. */
export function stackSettings(given: Environment): Record<string, string> {
  const names = new Set([
    ...Object.keys(PORTS),
    'FLEET_FILE',
    ...Object.keys(SETTINGS).filter((name) => !OF_A_CLOUD.test(name)),
    ...[...SOURCES.keys()].flatMap((source) => [secretVariable(source), replySecretVariable(source)]),
  ]);
  return pick(given, (name) => names.has(name) || OF_A_DESTINATION.test(name));
}

function pick(given: Environment, isPicked: (name: string) => boolean): Record<string, string> {
  const picked: Record<string, string> = {};
  for (const [name, value] of Object.entries(given)) {
    if (value !== undefined && isPicked(name)) picked[name] = value;
  }
  return picked;
}
