/** Which deployment's queues a command means. */
import { type Environment, environment } from '../lib/config.ts';
import { prefixOf } from '../lib/queues/names.ts';

/**
 * @param stage as `--stage` names it
 * @returns what its queues' names begin with; of a deployment with a prefix of its own, QUEUE_PREFIX, which may be set to
 * nothing: plain names
 */
export function queuePrefix(stage: string | undefined, env: Environment = environment): string {
  if (stage !== undefined) return prefixOf(stage);
  return env['QUEUE_PREFIX'] ?? prefixOf(env['STAGE'] || 'local');
}
