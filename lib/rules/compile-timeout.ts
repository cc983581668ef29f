/** Compiles how long a command may run, within what its provider takes. */
import type { ProviderName } from '../model/provider-name.ts';
import { factsOf } from '../providers/registry.ts';
import type { Path } from './positions.ts';
import type { Problems } from './problems.ts';

/** @param timeoutMs as the file has it. @returns seconds */
export function compileTimeout(
  timeoutMs: number | undefined,
  provider: ProviderName | undefined,
  path: Path,
  problems: Problems,
): number | undefined {
  if (timeoutMs === undefined) return undefined;
  const seconds = timeoutMs / 1000;
  const minTimeoutSeconds = provider === undefined ? 0 : factsOf(provider).minTimeoutSeconds;
  if (!Number.isInteger(seconds))
    problems.add([...path, 'timeout'], `expected whole seconds, came ${seconds}`);
  if (seconds < minTimeoutSeconds) {
    problems.add([...path, 'timeout'], `${provider} takes ${minTimeoutSeconds}s or more, came ${seconds}s`);
  }
  return seconds;
}
